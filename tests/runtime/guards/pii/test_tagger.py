"""The tagger of names: what it finds, what it leaves, its arithmetic, and the training of another one."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from launchworthy.errors import InputError
from launchworthy.runtime.guards.pii import PiiGuard, PiiNamesGuard, tagger
from launchworthy.runtime.guards.pii.measuring import Spans, agreement
from launchworthy.runtime.guards.pii.tagger import LABELS, Chain, Tagger, _sureness, allowed
from launchworthy.runtime.guards.pii.training.__main__ import command
from launchworthy.runtime.guards.pii.training.generate import templates, texts
from launchworthy.runtime.guards.verdict import GuardContext, Stage


def _found(text: str) -> list[tuple[str, str]]:
    spans = PiiNamesGuard().check(Stage.INPUT, text, GuardContext()).spans
    return [(span.type, text[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My name is Rosalind Featherstone.", [("name", "Rosalind Featherstone")]),
        ("I spoke with Ingeborg yesterday.", [("name", "Ingeborg")]),
        ("Ana's parcel never came.", [("name", "Ana")]),
        ("hi, my name is thaddeus culpepper", [("name", "thaddeus culpepper")]),
        ("MY NAME IS ANA BARRAGÁN", [("name", "ANA BARRAGÁN")]),
        ("Ich heiße Ottilie Brandstetter.", [("name", "Ottilie Brandstetter")]),
        ("Me llamo Eulalia Villaseñor.", [("name", "Eulalia Villaseñor")]),
        ("I work at Tessellate Logistics GmbH.", [("organisation", "Tessellate Logistics GmbH")]),
        ("I work at Tessellate Software.", [("organisation", "Tessellate Software")]),
        ("I live at 17 Tannery Lane, Harrogate.", [("address", "17 Tannery Lane, Harrogate")]),
        ("I am travelling to Iceland next week.", [("place", "Iceland")]),
    ],
)
def test_names_of_people_it_was_never_shown_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert _found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "The ATM swallowed my card and the PIN is blocked.",
        "Your order was shipped on Monday.",
        "Dear Customer Service Team,",
        "SELECT name FROM users WHERE id = 7;",
        "WHY IS MY CARD NOT WORKING",
        "   \n\n\t ",
        "😀😀😀",
        "你好,我的订单在哪里",
    ],
)
def test_a_text_without_names_is_left_alone(text: str) -> None:
    assert _found(text) == []


def test_what_the_patterns_are_sure_of_is_no_name() -> None:
    text = "Write to rosalind.featherstone@example.org or see https://anna.example.com/maria"
    assert _found(text) == []
    assert len(PiiGuard().check(Stage.INPUT, text, GuardContext()).spans) == 2


def test_spans_are_code_points_of_the_text_that_was_given() -> None:
    assert ("name", "Rosa\u200blind") in _found("😀 I spoke with Rosa\u200blind yesterday.")


def test_a_later_sentence_does_not_change_what_was_found_in_an_earlier_one() -> None:
    first = "My name is Rosalind Featherstone and I live in Harrogate. "
    alone = _found(first)
    for later in ("Thanks!", "Regards, Ana", "4111 1111 1111 1111", "JOHN", "He said: no."):
        assert _found(first + later)[: len(alone)] == alone


def test_a_long_text_is_found_the_same_as_its_sentences() -> None:
    sentence = "I spoke with Ingeborg yesterday. "
    assert _found(sentence * 300) == [("name", "Ingeborg")] * 300


@pytest.mark.parametrize("piece", ["a", "A", "Ab ", "1", "\n", ".", "Mr. ", "\u00e9", "O'", "Ana, "])
def test_a_hostile_text_is_answered(piece: str) -> None:
    spans = PiiNamesGuard().check(Stage.INPUT, piece * (60_000 // len(piece)), GuardContext()).spans
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))


def test_marginals_agree_with_adding_up_every_path() -> None:
    rng = np.random.default_rng(3)
    size, longest = len(LABELS), 3
    moves = np.where(allowed(), rng.normal(size=(size + 1, size)), -1e4)
    emitted = rng.normal(size=(2, longest, size))
    lengths = np.array([3, 2])
    chain = Chain.over(emitted, moves, lengths)
    single, pairs, total = chain.single(), chain.pairs(), chain.total
    in_steps = _sureness(emitted, moves, lengths)
    for sentence, length in enumerate(lengths):
        weights = {}
        for path in itertools.product(range(size), repeat=int(length)):
            score = moves[0, path[0]] + emitted[sentence, 0, path[0]]
            for t in range(1, length):
                score += moves[path[t - 1] + 1, path[t]] + emitted[sentence, t, path[t]]
            weights[path] = math.exp(score)
        whole = sum(weights.values())
        assert math.log(whole) == pytest.approx(total[sentence], abs=1e-9)
        for t in range(length):
            for label in range(size):
                share = sum(w for path, w in weights.items() if path[t] == label) / whole
                assert single[sentence, t, label] == pytest.approx(share, abs=1e-9)
                assert in_steps[sentence, t, label] == pytest.approx(share, abs=1e-9)
        for left, right in itertools.product(range(size), repeat=2):
            share = sum(w for path, w in weights.items() if path[:2] == (left, right)) / whole
            assert pairs[sentence, 0, left, right] == pytest.approx(share, abs=1e-9)


def test_inside_follows_only_its_own_kind() -> None:
    may = allowed()
    inside_name, begin_name, begin_place = (LABELS.index(x) for x in ("I-name", "B-name", "B-place"))
    assert may[begin_name + 1, inside_name]
    assert may[inside_name + 1, inside_name]
    assert not may[begin_place + 1, inside_name]
    assert not may[0, inside_name]


def test_the_shipped_model_is_small_and_has_a_card() -> None:
    folder = Path(tagger.__file__).parent
    assert (folder / "names.npz").stat().st_size < 2_000_000
    card = (folder / "names.md").read_text(encoding="utf-8")
    assert Tagger.shipped().version in card
    for word in ("Trained on", "Measured", "Limits", "| organisation |"):
        assert word in card


def test_a_broken_model_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tagger model"):
        Tagger.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="no tagger model") as told:
        Tagger.load(tmp_path / "bad.npz")
    assert "python -m" in told.value.hint
    np.savez(tmp_path / "other.npz", format=np.int64(99))
    with pytest.raises(InputError, match="another format"):
        Tagger.load(tmp_path / "other.npz")


def test_texts_are_the_same_for_the_same_seed_and_their_labels_point_at_values() -> None:
    one, two = list(texts(200, seed=5)), list(texts(200, seed=5))
    assert one == two != list(texts(200, seed=6))
    assert sum(not made.spans for made in one) >= 40
    for made in one:
        for start, end, _ in made.spans:
            assert made.text[start:end].strip(" \n") == made.text[start:end] != ""


def test_no_template_is_written_twice() -> None:
    assert len(set(templates())) == len(templates()) > 400


def test_a_model_can_be_trained_on_own_texts(tmp_path: Path) -> None:
    clean, labelled, out = tmp_path / "clean.jsonl", tmp_path / "own.jsonl", tmp_path / "own.npz"
    clean.write_text("\n".join(json.dumps({"text": f"the Zorblax {n} is broken"}) for n in range(60)))
    own = {"text": "ask Zibby now", "spans": [{"start": 4, "end": 9, "type": "name"}]}
    labelled.write_text("\n".join([json.dumps(own)] * 40))
    arguments = ["--texts", "400", "--rounds", "2", "--clean", str(clean), "--labelled", str(labelled)]
    done = CliRunner().invoke(command, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "40 texts own.jsonl" in done.output
    trained = Tagger.load(out)
    assert [(f.type, f.start, f.end) for f in trained.find("ask Zibby now")] == [("name", 4, 9)]
    assert trained.find("the Zorblax 7 is broken") == []
    card = out.with_suffix(".md").read_text(encoding="utf-8")
    assert trained.version in card
    assert "`own.jsonl`" in card


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "x"}, "no `spans`"),
        ({"text": "ask Ana", "spans": [{"start": 4, "end": 9, "type": "name"}]}, "from 4 to 9"),
        ({"text": "ask Ana", "spans": [{"start": 4, "end": 7, "type": "person"}]}, "span of person"),
        ({"text": "ask Ana", "spans": [{"start": "a"}]}, "no `start`"),
        ({"text": "ask Ana", "spans": [4]}, "no `start`"),
    ],
)
def test_a_broken_label_is_told_with_its_line(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row))
    done = CliRunner().invoke(
        command, ["--labelled", str(path), "--out", str(tmp_path / "x.npz"), "--texts", "100"]
    )
    assert done.exit_code == 2
    assert message in done.output
    assert f"{path}:1" in done.output


def test_agreement_counts_what_is_covered_by_half() -> None:
    labels = [(0, 10, "name"), (20, 30, "name"), (40, 44, "place")]
    findings = [(0, 6, "name"), (20, 24, "name"), (40, 44, "name"), (60, 64, "place")]
    told = agreement([(labels, findings)], kinds=frozenset({"name"}))
    assert (told.labels, told.findings) == (2, 3)
    assert told.recall is not None
    assert told.recall.value == 0.5
    assert told.precision is not None
    assert told.precision.value == pytest.approx(2 / 3)
    assert told.f1 is not None
    assert told.f1.value == pytest.approx(3 / 5)
    none = agreement([([], [])], kinds=frozenset({"name"}))
    assert (none.recall, none.precision, none.f1) == (None, None, None)


def test_texts_of_one_template_do_not_count_as_independent() -> None:
    right: tuple[Spans, Spans] = ([(0, 4, "name")], [(0, 4, "name")])
    wrong: tuple[Spans, Spans] = ([(0, 4, "name")], [])
    texts_of = [right] * 40 + [wrong] * 40
    alone = agreement(texts_of, kinds=frozenset({"name"})).recall
    grouped = agreement(texts_of, kinds=frozenset({"name"}), groups=["a"] * 40 + ["b"] * 40).recall
    assert alone is not None
    assert grouped is not None
    assert alone.value == grouped.value == 0.5
    assert alone.high - alone.low < 0.25 < 0.6 < grouped.high - grouped.low
