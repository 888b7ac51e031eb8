from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.errors import InputError
from launchworthy.gold import GoldItem, Passage, check_gold, find_corpus, read_corpus
from launchworthy.gold.minhash import bands_for

QUESTION = "How do I sort a list of numbers by their absolute value in Python?"


def _items(*texts: Any, splits: Sequence[str] = ()) -> list[GoldItem]:
    return [
        GoldItem(id=f"q{n}", input=text, split=splits[n] if splits else "dev") for n, text in enumerate(texts)
    ]


def _plainly(one: str, other: str) -> float:
    """Jaccard of word pairs, as one would write it down: a second opinion."""

    def pairs(text: str) -> set[tuple[str, str]]:
        words = re.findall(r"[a-z0-9]+", text.lower())
        return set(pairwise(words))

    left, right = pairs(one), pairs(other)
    return len(left & right) / len(left | right)


def test_every_pair_that_resembles_enough_is_found_with_its_exact_score() -> None:
    dice = random.Random(7)
    words = [f"word{n}" for n in range(400)]
    texts = [" ".join(dice.choices(words, k=14)) for _ in range(150)]
    for text in texts[:100]:
        changed = text.split()
        for _ in range(dice.randrange(1, 4)):
            changed[dice.randrange(len(changed))] = dice.choice(words)
        texts.append(" ".join(changed))
    wanted = {
        (f"q{i}", f"q{j}"): _plainly(texts[i], texts[j])
        for i, j in combinations(range(len(texts)), 2)
        if _plainly(texts[i], texts[j]) >= 0.5
    }
    found = {(pair.item, pair.other): pair.score for pair in check_gold(_items(*texts), threshold=0.5).copies}
    assert len(wanted) > 50
    assert {pair: wanted.get(pair) for pair in found} == pytest.approx(found)
    assert len(found) >= 0.98 * len(wanted)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.9])
def test_a_pair_at_the_threshold_is_let_through_99_times_in_100(threshold: float) -> None:
    bands = bands_for(threshold)
    assert 1 - (1 - threshold**bands.rows) ** bands.bands >= 0.99
    assert bands.bands * bands.rows <= 128


def test_case_punctuation_and_width_make_no_other_question() -> None:
    found = check_gold(_items(QUESTION, QUESTION.upper().replace("?", " !!"), "Ｈｏｗ" + QUESTION[3:]))
    assert [pair.score for pair in found.copies] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How many days do I have to send back order {} of mine?", ("17", "18")),
        ("What does a ticket from Vienna to {} cost on a Sunday?", ("Graz", "Linz")),
        ("Wie viele Tage habe ich Zeit, um {} zurück zu schicken?", ("Bestellung 7", "Bestellung 9")),
    ],
)
def test_questions_that_differ_in_a_number_or_a_name_are_near_only_if_their_answers_agree(
    one: str, other: tuple[str, str]
) -> None:
    def copies(*answers: Any) -> int:
        items = [
            GoldItem(id=name, input=one.format(name), expected=answer, split=split)
            for name, answer, split in zip(other, answers, ("dev", "holdout"), strict=True)
        ]
        return check_gold(items, threshold=0.5).leaked

    assert copies("30 days", "14 days") == 0
    assert copies({"a": 1}, {"a": 2}) == 0
    assert copies("30 days", "30 Days.") == 1
    assert copies(None, None) == 1  # nobody says that they are different questions
    assert copies("30 days", None) == 1


def test_other_words_make_no_other_question_whatever_the_answers_say() -> None:
    for changed in (QUESTION + " Thanks", QUESTION.replace("do I", "can I"), "7 " + QUESTION):
        items = [
            GoldItem(id=text, input=text, expected=text, split=split)
            for text, split in ((QUESTION, "dev"), (changed, "holdout"))
        ]
        assert check_gold(items).leaked == 1


def test_a_copy_across_splits_is_a_leak_and_one_within_is_not() -> None:
    items = _items(QUESTION, QUESTION + " Please", QUESTION + " Now", splits=("dev", "dev", "holdout"))
    found = check_gold(items)
    assert {(pair.item, pair.other): pair.leak for pair in found.copies} == {
        ("q0", "q1"): False,
        ("q0", "q2"): True,
        ("q1", "q2"): True,
    }
    assert found.leaked == 2


def test_what_is_kept_back_is_not_shown() -> None:
    items = _items(QUESTION, QUESTION, QUESTION, splits=("dev", "holdout", "sealed"))
    found = check_gold(items, against=[Passage(place="p", text=QUESTION)])
    shown = {pair.texts[n] for pair in found.copies for n in (0, 1) if pair.splits[n] != "dev"}
    assert shown == {None}
    assert {leak.item: leak.item_text for leak in found.leaks} == {"q0": QUESTION, "q1": None, "q2": None}


@pytest.mark.parametrize(
    ("language", "question", "other"),
    [
        ("English", QUESTION, "What is the weather like in Vienna on the first day of the new year?"),
        (
            "Japanese",
            "数値のリストを絶対値で並べ替えるにはどうすればよいですか",
            "明日の東京の天気はどうなりますか教えてください",
        ),
        ("Chinese", "如何按绝对值对数字列表进行排序并返回结果", "明天上海的天气怎么样请告诉我谢谢"),
        ("Thai", "ฉันจะเรียงลำดับรายการตัวเลขตามค่าสัมบูรณ์ได้อย่างไร", "พรุ่งนี้อากาศที่กรุงเทพจะเป็นอย่างไรบ้าง"),
        (
            "Russian",
            "Как отсортировать список чисел по абсолютной величине на языке Python",
            "Какая завтра погода в Москве и нужен ли мне зонт",
        ),
    ],
)
def test_a_question_inside_a_long_document_is_found_in_any_script(
    language: str, question: str, other: str
) -> None:
    filler = f"{other}. " * 200
    text = f"{filler}\n\n{question}\n{filler}"
    found = check_gold(_items(question, other[::-1]), against=[Passage(place="doc.md", text=text, line=1)])
    (leak,) = found.leaks
    assert (leak.item, leak.how, leak.score, leak.place) == ("q0", "containment", 1.0, "doc.md:3")
    assert leak.text in question
    assert len(leak.text) >= len(question) - 2


def test_a_question_that_was_slightly_changed_is_found_and_scattered_words_are_not() -> None:
    filler = "We came home late and the lamps were lit along the river. "
    near = QUESTION.replace("Python", "Ruby")
    scattered = filler.join(QUESTION.split())
    found = check_gold(
        _items(QUESTION),
        against=[
            Passage(place="near", text=filler * 9 + near + filler * 9),
            Passage(place="scattered", text=scattered * 3),
            Passage(place="clean", text=filler * 99),
        ],
    )
    assert [leak.place for leak in found.leaks] == ["near"]
    assert 0.8 <= found.leaks[0].score < 1.0


def test_three_words_inside_a_document_are_no_leak_and_as_a_document_they_are() -> None:
    items = _items("What is love?")
    assert not check_gold(items, against=[Passage(place="song", text="Oh, what is love? Baby. " * 9)]).leaks
    assert check_gold(items, against=[Passage(place="row", text="what is love")]).leaks[0].score == 1.0


def test_items_without_text_are_counted_and_numbers_in_them_are_not_compared() -> None:
    found = check_gold(_items({"amount": 12.5}, {"amount": 12.5}, {"text": QUESTION}, [QUESTION]))
    assert (found.items, found.textless, len(found.copies)) == (2, 2, 1)


def test_nothing_and_blanks_can_be_compared() -> None:
    assert check_gold([]).copies == ()
    found = check_gold(_items("?!", "…", "a"), against=[Passage(place="p", text=" ")])
    assert found.leaks == ()


@pytest.mark.parametrize("threshold", [0.0, 1.01, float("nan"), -1.0])
def test_a_threshold_that_means_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(InputError):
        check_gold(_items(QUESTION), threshold=threshold)


def test_many_that_are_all_alike_end_and_say_that_not_all_are_listed() -> None:
    found = check_gold(_items(*[QUESTION] * 4_000))
    assert not found.whole
    assert len(found.copies) == 3_999  # each with the first


def _corpus(folder: Path) -> None:
    (folder / "prompts").mkdir()
    (folder / "prompts" / "answer.md").write_text(f"You answer.\n\nExample:\n{QUESTION}\n", encoding="utf-8")
    (folder / "few.jsonl").write_text(
        json.dumps({"messages": [{"role": "user", "content": QUESTION}]}) + "\n"
    )
    (folder / "train.csv").write_text(f'id,prompt\n1,other\n2,"{QUESTION}"\n')
    pq.write_table(pa.table({"n": [1, 2], "docs": [["x"], ["y", QUESTION]]}), folder / "train.parquet")
    (folder / "settings.json").write_text(json.dumps({"system": f"Say it.\n{QUESTION}"}))
    (folder / "photo.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text(QUESTION)


def test_every_kind_of_file_in_a_folder_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    _corpus(tmp_path)
    corpus = find_corpus([tmp_path])
    assert [path.name for path in corpus.skipped] == ["photo.png"]
    found = check_gold(_items(QUESTION), against=read_corpus(corpus.files))
    assert sorted(leak.place.removeprefix(f"{tmp_path}/") for leak in found.leaks) == [
        "few.jsonl:1 messages",
        "prompts/answer.md:1",
        "settings.json",
        "train.csv:3 prompt",
        "train.parquet:row 2 docs",
    ]


def test_a_question_on_the_edge_of_a_block_of_a_large_file_is_found_on_its_line(tmp_path: Path) -> None:
    line = "nothing of interest stands on this line at all\n"
    before = line * ((1 << 20) // len(line))
    (tmp_path / "big.txt").write_text(f"{before}{QUESTION}\n{line * 30_000}")
    found = check_gold(_items(QUESTION), against=read_corpus([tmp_path / "big.txt"]))
    wanted = f"{tmp_path / 'big.txt'}:{before.count(chr(10)) + 1}"
    assert {leak.place for leak in found.leaks} == {wanted}


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.jsonl", b'{"a": "b"}\n{broken\n', ":2"),
        ("a.parquet", b"PAR1 not", ""),
        ("absent", None, ""),
    ],
)
def test_what_cannot_be_read_to_its_end_is_an_error_and_never_clean(
    tmp_path: Path, name: str, content: bytes | None, place: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        check_gold(_items(QUESTION), against=read_corpus(find_corpus([tmp_path / name]).files))
    assert error.value.where.endswith(f"{name}{place}")


def test_bytes_that_are_no_text_end_in_an_answer(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(random.Random(1).randbytes(40_000))
    (tmp_path / "b.json").write_bytes(b"[" * 100_000)
    assert check_gold(_items(QUESTION), against=read_corpus(find_corpus([tmp_path]).files)).leaks == ()
