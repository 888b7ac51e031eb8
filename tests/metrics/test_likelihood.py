"""Perplexity and bits per byte are ratios of sums, and agree with another library's language models."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from nltk.lm import Laplace  # type: ignore[import-untyped]
from nltk.lm.preprocessing import padded_everygram_pipeline  # type: ignore[import-untyped]
from nltk.util import bigrams  # type: ignore[import-untyped]

from launchworthy.metrics import compare_rows, find_metric, score_rows


def test_a_corpus_has_the_perplexity_that_nltk_finds() -> None:
    rng = random.Random(4)
    texts = [rng.choices("abcde", k=rng.randint(3, 30)) for _ in range(40)]
    model = Laplace(2)
    model.fit(*padded_everygram_pipeline(2, texts[:20]))
    grams = [list(bigrams(text)) for text in texts[20:]]
    rows = [
        {"logprobs": [model.logscore(word, [before]) * math.log(2) for before, word in text]}
        for text in grams
    ]
    found = score_rows(find_metric("perplexity"), rows).overall.interval
    assert found is not None
    assert found.value == pytest.approx(model.perplexity([gram for text in grams for gram in text]), abs=1e-9)
    assert 1.0 < found.low < found.value < found.high
    sizes = [{"logprob": sum(row["logprobs"]), "tokens": len(row["logprobs"])} for row in rows]
    summed = score_rows(find_metric("perplexity"), sizes).overall.interval
    assert summed is not None
    assert summed.value == pytest.approx(found.value)
    single = find_metric("perplexity").score(rows[0])
    assert single.value == pytest.approx(model.perplexity(grams[0]), abs=1e-9)


def test_bits_per_byte_weigh_texts_by_their_bytes_in_utf_8() -> None:
    rows: list[dict[str, Any]] = [
        {"logprobs": [math.log(1 / 256)] * 4, "output": "東a"},
        {"logprob": math.log(1 / 2), "output": "ab"},
    ]
    metric = find_metric("bits-per-byte")
    assert [metric.score(row).value for row in rows] == pytest.approx([32 / 4, 1 / 2])
    found = score_rows(metric, rows).overall.interval
    assert found is not None
    assert found.value == pytest.approx(33 / 6)
    assert metric.score({"logprob": -1.0, "output": "\ud800"}).value is not None


def test_a_uniform_model_is_as_perplexed_as_it_has_words() -> None:
    score = find_metric("perplexity").score({"logprobs": [-math.log(50)] * 7})
    assert score.value == pytest.approx(50)
    assert find_metric("perplexity").score({"logprobs": [0.0, 1e-9]}).value == 1.0


@pytest.mark.parametrize("name", ["perplexity", "bits-per-byte"])
def test_lower_is_better(name: str) -> None:
    rng = random.Random(6)
    old = [
        {"id": at, "output": "x" * 30, "logprobs": [-rng.random() * 3 for _ in range(9)]} for at in range(80)
    ]
    new = [row | {"logprobs": [0.8 * p for p in row["logprobs"]]} for row in old]  # type: ignore[attr-defined]
    assert compare_rows(find_metric(name), baseline=old, candidate=new).status == "met"
    assert compare_rows(find_metric(name), baseline=new, candidate=old).status == "unmet"


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"logprobs": []},
        {"logprobs": "-1"},
        {"logprobs": [-1.0, None]},
        {"logprobs": [-1.0, True]},
        {"logprobs": [float("nan")]},
        {"logprobs": [0.5]},
        {"logprobs": [-math.inf]},
        {"logprobs": [-(10**400)]},
        {"logprobs": [10**400]},
        {"logprobs": [-1e6]},
        {"logprob": float("nan"), "tokens": 3},
        {"logprob": -math.inf, "tokens": 3},
        {"logprob": 0.5, "tokens": 3},
    ],
)
def test_what_is_no_log_probability_cannot_be_scored(row: dict[str, object]) -> None:
    for name in ("perplexity", "bits-per-byte"):
        score = find_metric(name).score({"output": "a text", **row})
        assert score.value is None
        assert score.error


@pytest.mark.parametrize("tokens", [None, 0, -3, 2.5, True, "3"])
def test_a_sum_needs_its_number_of_tokens(tokens: object) -> None:
    score = find_metric("perplexity").score({"logprob": -3.0, "tokens": tokens})
    assert score.value is None
    assert "tokens" in str(score.error)


@pytest.mark.parametrize("output", [None, "", 3])
def test_bytes_need_a_text(output: object) -> None:
    assert find_metric("bits-per-byte").score({"logprob": -3.0, "output": output}).value is None
