"""Whole columns give the very scores that rows give, reasons included; a stream gives those of a list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.metrics import Scored, Scores, columns_of, find_metric, report_scored, score_rows
from launchworthy.metrics.columns import Column
from launchworthy.records import Score

METRICS = (
    "accuracy",
    "f1",
    "precision",
    "false-positive-rate",
    "selection-rate",
    "macro-f1",
    "micro-f1",
    "balanced-accuracy",
    "roc-auc",
    "average-precision",
    "brier",
    "log-loss",
    "expected-calibration-error",
)
COSTS = {"costs": '{"1": {"0": 9}, "0": {"1": 2}, "x": {"0": 1, "1": 1}}'}
BOOLS = st.sampled_from([True, False, None])
INTEGERS = st.sampled_from([0, 1, None, 2, -70_000, 70_000])
FLOATS = st.sampled_from([0.0, 1.0, None, 0.5, math.nan])
TEXTS = st.sampled_from(["0", "1", "true", "False", "x", "", "東京", None])
LABELS = st.one_of(*(st.lists(kind, min_size=12, max_size=12) for kind in (BOOLS, INTEGERS, FLOATS, TEXTS)))
SCORES = st.lists(
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.50001, 0.7, 1.0, 1.5, -0.1, math.nan, math.inf, None, 1 / 3]),
    min_size=12,
    max_size=12,
)


def _array(entries: Sequence[Any]) -> Any:
    gone = [entry is None for entry in entries]
    known = [entry for entry in entries if entry is not None]
    if not known or isinstance(known[0], str):
        return np.array(entries, dtype=object)
    filled = [known[0] if entry is None else entry for entry in entries]
    return np.ma.MaskedArray(np.array(filled), mask=gone) if any(gone) else np.array(filled)


def _same(one: Scores, other: Scores) -> None:
    assert np.array_equal(one.value, other.value, equal_nan=True)
    assert dict(one.errors) == dict(other.errors)
    for name in {*one.names, *other.names}:
        assert np.array_equal(one.column(name), other.column(name)), name


@pytest.mark.parametrize("name", [*METRICS, "expected-cost"])
@settings(max_examples=25, deadline=None)
@given(labels=LABELS, predictions=st.one_of(st.none(), LABELS), scores=st.one_of(st.none(), SCORES))
def test_columns_and_rows_give_the_same_to_the_last_digit(
    name: str, labels: list[Any], predictions: list[Any] | None, scores: list[Any] | None
) -> None:
    metric = find_metric(name, options=COSTS if name == "expected-cost" else None)
    fields = {"label": labels, "prediction": predictions, "score": scores}
    there = {field: entries for field, entries in fields.items() if entries is not None}
    rows = [
        {field: entries[at] for field, entries in there.items() if entries[at] is not None}
        for at in range(12)
    ]
    assert metric.columns is not None
    found = metric.columns(columns_of({field: _array(entries) for field, entries in there.items()}))
    if found is not None:  # None: rows must be read
        _same(found, Scores.of(metric.score(row) for row in rows))


@pytest.mark.parametrize("name", METRICS)
def test_a_fast_path_is_taken_where_columns_are_plain(name: str) -> None:
    rng = np.random.default_rng(1)
    label, score = rng.random(500) < 0.4, rng.random(500)
    slices = np.array([f"s{at % 3}" for at in range(500)], dtype=object)
    columns = columns_of({"label": label, "score": score, "topic": slices, "user": np.arange(500) // 4})
    metric = find_metric(name)
    found = Scored.of_columns(metric, columns, by="topic", cluster="user")
    assert found is not None
    rows = [
        {"label": bool(label[at]), "score": float(score[at]), "topic": slices[at], "user": at // 4}
        for at in range(500)
    ]
    assert report_scored(metric, found) == score_rows(metric, rows, by="topic", cluster="user")


def test_a_mapping_of_probabilities_is_left_to_the_rows() -> None:
    with pytest.raises(InputError, match="neither numbers"):
        columns_of({"score": np.array([{"a": 1.0}], dtype=object)})
    lists = Column(values=np.array([1.0, 2.0, 3.0]), ends=np.array([1, 3]))
    assert lists.entries() == [[1.0], [2.0, 3.0]]
    for name in METRICS:
        metric = find_metric(name)
        assert metric.columns is not None
        assert metric.columns({"label": lists, "prediction": lists, "score": lists}) is None


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="differ in length"):
        columns_of({"label": np.zeros(3), "score": np.zeros(4)})


def test_a_long_stream_of_scores_is_that_of_its_list() -> None:
    kinds = [
        Score(value=1.0, statistics={"tp": 1.0}),
        Score(value=0.0, statistics={"fn": 1.0}),
        Score(value=None, error="why"),
    ]
    rows = [kinds[at % 3] for at in range(70_000)] + [Score(value=0.5, statistics={"half": 0.5})] * 3
    for part in (rows[:-3], rows):
        found = Scores.of(iter(part))
        assert len(found) == len(part)
        for name in ("tp", "fn", "half"):
            wanted = math.fsum(row.statistics.get(name, 0.0) for row in part)
            assert found.total(name) == wanted
            assert found.column(name).sum() == wanted
        assert found.errors[65_537] == "why"
        taken = found.take(np.array([2, 65_537, 0]))
        assert dict(taken.errors) == {0: "why", 1: "why"}
        assert taken.column("tp").tolist() == [0.0, 0.0, 1.0]
