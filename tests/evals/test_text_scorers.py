"""A run scores texts, vectors and log-probabilities by what its items and answers hold."""

from __future__ import annotations

from typing import Any

import pytest

from launchworthy.evals import try_out
from launchworthy.evals.coverage import scorer_of
from launchworthy.gold import GoldItem
from launchworthy.metrics import find_metric


def _ask(question: Any) -> dict[str, Any]:
    return {
        "output": f"It is number {question}, they say.",
        "ranked": [f"d{question}", "d0"],
        "logprobs": [-0.5, -0.25],
        "output_vector": [1.0, float(question)],
    }


def test_scorers_of_text_read_answers_and_gold_items() -> None:
    items = [
        GoldItem(
            id=str(number),
            input=number,
            expected=f"It is the number {number}, people say.",
            meta={
                "reference_vector": [1.0, 0.0],
                "catalogue": 20,
                "features": {f"d{number}": ["x"], "d0": ["x", "y"]},
            },
        )
        for number in range(1, 13)
    ]
    names = [
        "bleu",
        "chrf:word_order=2",
        "rouge-l:stemmer=porter",
        "perplexity",
        "bits-per-byte",
        "embedding-similarity",
        "coverage@2",
        "diversity@2",
    ]
    outcome = try_out(items, target=_ask, scorers=[scorer_of(text) for text in names])
    for text in names:
        metric = scorer_of(text)
        scores = [item.scores[metric.name] for item in outcome.items]
        assert [score.error for score in scores] == [None] * 12, text
        found = metric.estimate(scores)
        assert found is not None
        expected = {"perplexity": 1.4549914, "coverage@2": 13 / 20, "diversity@2": 0.5}
        if metric.name in expected:
            assert found.value == pytest.approx(expected[metric.name])


def test_an_item_without_a_reference_vector_does_not_concern_the_similarity() -> None:
    items = [
        GoldItem(id="a", input=1, expected="x", meta={"reference_vector": [1.0, 1.0]}),
        GoldItem(id="b", input=2, expected="y"),
    ]
    outcome = try_out(items, target=_ask, scorers=["similarity"])
    assert [list(item.scores) for item in outcome.items] == [["embedding-similarity"], []]
    assert find_metric("similarity").name == "embedding-similarity"
