"""BLEU and chrF are sacrebleu's numbers, and what it would score at random is refused."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.metrics import compare_rows, find_metric, score_rows, translation
from launchworthy.metrics.tokenisers import sacrebleu_metrics, words_13a, words_of

WORDS = "the cat, sat on a mat. It's 3.5 % of $1,000 - or not? (see café) œuvre naïve".split()
TEXT = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
WRITTEN = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)
PAIRS = st.lists(
    st.tuples(TEXT, st.lists(WRITTEN, min_size=1, max_size=3)),
    min_size=1,
    max_size=6,
)


def _rows(pairs: list[tuple[str, list[str]]]) -> list[dict[str, object]]:
    return [{"id": at, "output": output, "reference": right} for at, (output, right) in enumerate(pairs)]


def _references(pairs: list[tuple[str, list[str]]]) -> Any:
    most = max(len(right) for _, right in pairs)
    return [[right[at] if at < len(right) else None for _, right in pairs] for at in range(most)]


def _value(name: str, pairs: list[tuple[str, list[str]]], **options: str) -> float:
    interval = score_rows(find_metric(name, options=options), _rows(pairs)).overall.interval
    assert interval is not None
    return interval.value


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS, lowercase=st.booleans(), tokenize=st.sampled_from(["13a", "none", "intl", "char", "zh"]))
def test_bleu_of_a_corpus_is_sacrebleus_to_the_last_digit(
    pairs: list[tuple[str, list[str]]], lowercase: bool, tokenize: str
) -> None:
    theirs = BLEU(lowercase=lowercase, tokenize=tokenize).corpus_score(
        [output for output, _ in pairs], _references(pairs)
    )
    ours = _value("bleu", pairs, lowercase=str(lowercase), tokenize=tokenize)
    assert ours == min(1.0, theirs.score / 100)


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS, lowercase=st.booleans(), word_order=st.sampled_from([0, 1, 2]))
def test_chrf_of_a_corpus_is_sacrebleus_to_the_last_digit(
    pairs: list[tuple[str, list[str]]], lowercase: bool, word_order: int
) -> None:
    theirs = CHRF(lowercase=lowercase, word_order=word_order).corpus_score(
        [output for output, _ in pairs], _references(pairs)
    )
    ours = _value("chrf", pairs, lowercase=str(lowercase), word_order=str(word_order))
    assert 100 * ours == theirs.score


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS)
def test_one_item_has_sacrebleus_sentence_score(pairs: list[tuple[str, list[str]]]) -> None:
    theirs = BLEU(effective_order=True)
    metric = find_metric("bleu")
    scores = [metric.score(row) for row in _rows(pairs)]
    for (output, right), score, each in zip(pairs, scores, metric.each(scores), strict=True):
        expected = min(1.0, theirs.sentence_score(output, right).score / 100)
        assert score.value == each == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aZ9 .,-&;'\"()[]{}<>/\\$%\n\t~`é東\u0301\u2028\ud800", max_size=25))
def test_our_13a_makes_the_words_of_sacrebleus(text: str) -> None:
    for one in (text, f"&quot;{text}&amp;lt;<skipped>1-{text}"):
        assert words_13a(one) == BLEU().tokenizer(one).split()


def test_bounds_of_bleu_hold_a_resampled_corpus() -> None:
    rng = random.Random(5)
    pairs = []
    for _ in range(300):
        right = rng.choices(WORDS, k=12)
        pairs.append(
            (" ".join(w if rng.random() < 0.7 else rng.choice(WORDS) for w in right), [" ".join(right)])
        )
    found = score_rows(find_metric("bleu"), _rows(pairs)).overall.interval
    assert found is not None
    score = BLEU().corpus_score([a for a, _ in pairs], [[b[0] for _, b in pairs]], n_bootstrap=1000)
    assert found.value - found.low == pytest.approx(score._ci / 100, rel=0.2)
    assert found.high - found.value == pytest.approx(score._ci / 100, rel=0.2)


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_a_better_candidate_is_told_from_a_worse_one(name: str) -> None:
    rng = random.Random(8)
    right = [rng.choices(WORDS, k=10) for _ in range(200)]

    def answers(share: float) -> list[dict[str, object]]:
        said = [[w if rng.random() < share else rng.choice(WORDS) for w in one] for one in right]
        return [
            {"id": at, "output": " ".join(one), "reference": " ".join(right[at])}
            for at, one in enumerate(said)
        ]

    weak, good = answers(0.5), answers(0.9)
    assert compare_rows(find_metric(name), baseline=weak, candidate=good).status == "met"
    assert compare_rows(find_metric(name), baseline=good, candidate=weak).status == "unmet"


def test_the_signature_names_the_library_and_every_option() -> None:
    import sacrebleu

    assert find_metric("bleu", options={"tokenize": "char", "lowercase": "yes"}).signature == (
        f"bleu|case:lc|eff:no|sacrebleu:{sacrebleu.__version__}|smooth:exp|tok:char|v1"
    )
    assert find_metric("chrf", options={"word_order": "2"}).signature == (
        f"chrf|case:mixed|eff:yes|nc:6|nw:2|sacrebleu:{sacrebleu.__version__}|space:no|v1"
    )


def test_text_without_spaces_is_refused_by_tokenisers_that_cut_at_spaces_and_scored_by_others() -> None:
    row = {"output": "東京は日本の首都です", "reference": "東京は日本の首都です"}
    for tokenize in ("13a", "intl"):
        score = find_metric("bleu", options={"tokenize": tokenize}).score(row)
        assert score.value is None
        assert "tokenize=char" in str(score.error)
    for tokenize in ("char", "zh"):
        assert find_metric("bleu", options={"tokenize": tokenize}).score(row).value == pytest.approx(1.0)
    assert find_metric("chrf").score(row).value == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["bleu", "chrf"])
@pytest.mark.parametrize(
    "row",
    [
        {},
        {"output": "a"},
        {"reference": "a"},
        {"output": "a", "reference": []},
        {"output": "a", "reference": ["a", None]},
        {"output": "a", "reference": "  "},
        {"output": ["a"], "reference": "a"},
        {"output": True, "reference": "a"},
    ],
)
def test_a_row_without_texts_cannot_be_scored(name: str, row: dict[str, object]) -> None:
    score = find_metric(name).score(row)
    assert score.value is None
    assert score.error


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_an_empty_answer_is_wrong_and_a_strange_one_is_no_crash(name: str) -> None:
    assert find_metric(name).score({"output": "", "reference": "yes it is"}).value == 0.0
    for text in ("\ud800", "e\u0301" * 9, "\x00", "🙂" * 40, "&" * 50):
        assert find_metric(name).score({"output": text, "reference": text}).value is not None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bleu", {"tokenize": "klingon"}),
        ("bleu", {"lowercase": "perhaps"}),
        ("chrf", {"word_order": "3"}),
        ("chrf", {"beta": "1"}),
    ],
)
def test_an_option_that_is_none_is_refused(name: str, options: dict[str, str]) -> None:
    with pytest.raises(InputError):
        find_metric(name, options=options)


def test_long_texts_take_no_more_than_their_length_and_chrf_has_an_end() -> None:
    rng = random.Random(3)
    long = " ".join(rng.choices(WORDS, k=60_000))
    assert find_metric("bleu").score({"output": long, "reference": long}).value == 1.0
    assert find_metric("bleu").score({"output": long, "reference": "It's a mat"}).value == pytest.approx(
        0, abs=1e-3
    )
    refused = find_metric("chrf").score({"output": "x" * 2_000_001, "reference": "x"})
    assert refused.value is None
    assert "longer than" in str(refused.error)


def test_without_the_library_the_metrics_are_listed_and_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("sacrebleu", "sacrebleu.metrics"):
        monkeypatch.setitem(sys.modules, name, None)
    for kept in (sacrebleu_metrics, words_of, translation._chrf_scorer):
        kept.cache_clear()
    try:
        for name, options in (("bleu", {}), ("bleu", {"tokenize": "intl"}), ("chrf", {"word_order": "1"})):
            with pytest.raises(MissingExtraError, match=r"launchworthy\[text\]"):
                find_metric(name, options=options).score({"output": "a b", "reference": "a b"})
    finally:
        sacrebleu_metrics.cache_clear()
