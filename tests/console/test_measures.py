"""What one item scored: a rate counts an item only where it is about it, and fewer errors are better."""

from __future__ import annotations

import pytest

from launchworthy.console.measures import goodness, item_value, score_text
from launchworthy.metrics import find_metric
from launchworthy.records import Score


@pytest.mark.parametrize(
    ("name", "should", "did", "value", "good", "said"),
    [
        ("over-refusal", True, True, 0.0, 1.0, "0 %"),
        ("over-refusal", True, False, 1.0, 0.0, "100 %"),
        ("over-refusal", False, False, None, None, ""),
        ("under-refusal", False, True, 1.0, 0.0, "100 %"),
        ("under-refusal", True, True, None, None, ""),
        ("refusal-correctness", True, True, 1.0, 1.0, "100 %"),
        ("refusal-correctness", True, False, 0.0, 0.0, "0 %"),
    ],
)
def test_an_item_says_what_it_adds_to_the_metric(
    name: str, should: bool, did: bool, value: float | None, good: float | None, said: str
) -> None:
    metric = find_metric(name)
    score = metric.score({"should_answer": should, "answered": did})
    assert item_value(metric, score) == value
    assert goodness(metric, score) == good
    assert score_text(metric, score) == said


def test_what_could_not_be_scored_is_no_number() -> None:
    metric = find_metric("over-refusal")
    failed = Score(value=None, error="the scorer broke")
    assert item_value(metric, failed) is None
    assert goodness(metric, failed) is None
    assert score_text(metric, failed) == "could not score: the scorer broke"
    assert score_text(metric, None) == ""
