"""Exact match and token F1 in every script, and on input of any kind and length."""

from __future__ import annotations

import pytest

from launchworthy.metrics import find_metric

STRANGE = ["\ud800", "e\u0301", "\x00", "🙂", "\u200f", "ﷺ", "𝕏", "ǅ", "ß" * 50, "\u0e01\u0e33"]


@pytest.mark.parametrize("text", STRANGE)
@pytest.mark.parametrize("name", ["exact-match", "token-f1"])
def test_any_text_is_equal_to_itself_and_not_to_another(name: str, text: str) -> None:
    metric = find_metric(name)
    assert metric.score({"output": text, "reference": text}).value == 1.0
    assert metric.score({"output": text, "reference": "another thing"}).value == 0.0


@pytest.mark.parametrize("name", ["exact-match", "token-f1", "rouge-1", "chrf"])
def test_a_letter_written_in_two_ways_is_one_where_the_metric_reads_unicode(name: str) -> None:
    options = {"tokenize": "unicode"} if name == "rouge-1" else {}
    score = find_metric(name, options=options).score({"output": "cafe\u0301", "reference": "caf\u00e9"})
    assert score.value == (1.0 if name != "chrf" else pytest.approx(0.5, abs=0.2))  # sacrebleu does not


@pytest.mark.parametrize("name", ["exact-match", "token-f1", "rouge-1", "rouge-2", "rouge-l", "bleu"])
def test_a_long_text_against_a_short_one_is_scored(name: str) -> None:
    long = " ".join(f"w{number}" for number in range(50_000))
    score = find_metric(name).score({"output": long, "reference": "w7 w8 w9 w10 w11"})
    assert score.value is not None
    assert 0.0 <= score.value < 0.01


@pytest.mark.parametrize("name", ["exact-match", "token-f1", "rouge-1", "bleu", "chrf"])
@pytest.mark.parametrize("reference", [None, [], [None], {"a": 1}, True, [["a"]]])
def test_a_reference_that_is_none_is_no_zero(name: str, reference: object) -> None:
    score = find_metric(name).score({"output": "a", "reference": reference})
    assert score.value is None
    assert "reference" in str(score.error)
