"""Classification metrics agree with scikit-learn; what it warns about is not measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from launchworthy.metrics import find_metric, score_rows
from launchworthy.stats import Interval

TABLES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
SCORED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.50001, 0.9, 1.0])),
    min_size=1,
    max_size=40,
)


def _measure(name: str, rows: list[dict[str, Any]], **options: str) -> Interval | None:
    return score_rows(find_metric(name, options=options), rows).overall.interval


@settings(max_examples=60, deadline=None)
@given(table=TABLES)
def test_precision_recall_f1_and_accuracy_agree_with_sklearn(table: list[tuple[bool, bool]]) -> None:
    rows = [{"label": int(truth), "prediction": int(said)} for truth, said in table]
    truth, said = [t for t, _ in table], [s for _, s in table]
    undefined = {"precision": not any(said), "recall": not any(truth), "f1": not any(truth + said)}
    for name in ("precision", "recall", "f1", "accuracy"):
        interval = _measure(name, rows)
        if undefined.get(name):
            assert interval is None
            continue
        assert interval is not None
        own = getattr(sk, f"{name}_score")(truth, said)
        assert interval.value == pytest.approx(own, abs=1e-9)
        assert interval.low <= interval.value <= interval.high
        assert interval.low < interval.high


@settings(max_examples=60, deadline=None)
@given(rows=SCORED)
def test_auc_and_average_precision_agree_with_sklearn_also_with_ties(rows: list[tuple[bool, float]]) -> None:
    truth, score = [t for t, _ in rows], [s for _, s in rows]
    data = [{"label": t, "score": s} for t, s in rows]
    auc = _measure("roc-auc", data)
    if len(set(truth)) < 2:
        assert auc is None
    else:
        assert auc is not None
        assert auc.value == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-9)
        assert auc.low <= auc.value <= auc.high
        assert auc.low < auc.high
    precision = _measure("average-precision", data)
    if precision is not None:
        assert precision.value == pytest.approx(sk.average_precision_score(truth, score), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows=SCORED)
def test_brier_and_log_loss_agree_with_sklearn(rows: list[tuple[bool, float]]) -> None:
    truth, score = [int(t) for t, _ in rows], [s for _, s in rows]
    data = [{"label": t, "score": s} for t, s in zip(truth, score, strict=True)]
    brier, loss = _measure("brier", data), _measure("log-loss", data)
    assert brier is not None
    assert loss is not None
    assert brier.value == pytest.approx(sk.brier_score_loss(truth, score), abs=1e-9)
    assert loss.value == pytest.approx(sk.log_loss(truth, score, labels=[0, 1]), abs=1e-9)


def test_probabilities_over_many_classes_agree_with_sklearn() -> None:
    rng = np.random.default_rng(5)
    names = ["a", "b", "c"]
    chances = rng.dirichlet([1, 1, 1], size=60)
    truth = [names[i] for i in rng.integers(0, 3, size=60)]
    rows = [
        {"label": label, "score": dict(zip(names, map(float, chance), strict=True))}
        for label, chance in zip(truth, chances, strict=True)
    ]
    loss, brier, accuracy = (_measure(name, rows) for name in ("log-loss", "brier", "accuracy"))
    assert loss is not None
    assert brier is not None
    assert accuracy is not None
    assert loss.value == pytest.approx(sk.log_loss(truth, chances, labels=names), abs=1e-9)
    onehot = np.array([[name == label for name in names] for label in truth], dtype=float)
    assert brier.value == pytest.approx(float(((chances - onehot) ** 2).sum(axis=1).mean()) / 2, abs=1e-9)
    said = [names[i] for i in chances.argmax(axis=1)]
    assert accuracy.value == pytest.approx(sk.accuracy_score(truth, said))


def test_the_auc_interval_has_delongs_width() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(300) < 0.3
    score = rng.normal(size=300) + truth
    rows = [{"label": bool(t), "score": float(s)} for t, s in zip(truth, score, strict=True)]
    interval = _measure("roc-auc", rows)
    assert interval is not None
    above = [(score[~truth] < s).mean() for s in score[truth]]
    below = [(score[truth] > s).mean() for s in score[~truth]]
    variance = np.var(above, ddof=1) / truth.sum() + np.var(below, ddof=1) / (~truth).sum()
    assert interval.sample["standard_error"] == pytest.approx(math.sqrt(variance), rel=0.005)


def test_perfect_separation_of_few_is_not_certain() -> None:
    rows = [{"label": i >= 5, "score": i} for i in range(10)]
    interval = _measure("roc-auc", rows)
    assert interval is not None
    assert interval.value == 1.0
    assert interval.low < 0.6


def test_the_positive_class_can_be_named_and_must_be_where_labels_do_not_tell() -> None:
    rows = [
        {"label": "fraud", "prediction": "fraud"},
        {"label": "fine", "prediction": "fraud"},
        {"label": "fraud", "prediction": "fine"},
    ]
    assert _measure("precision", rows) is None
    named = _measure("precision", rows, positive="fraud")
    assert named is not None
    assert named.value == 0.5
    assert find_metric("precision", options={"positive": "fraud"}).signature == "precision|positive:fraud|v1"


def test_numbers_booleans_and_text_name_the_same_class() -> None:
    rows: list[dict[str, Any]] = [
        {"label": 1, "prediction": "1"},
        {"label": True, "prediction": 1.0},
        {"label": "0", "prediction": False},
    ]
    for name in ("accuracy", "f1"):
        interval = _measure(name, rows)
        assert interval is not None
        assert interval.value == 1.0


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"label": 1},
        {"label": 1, "score": 1.5},
        {"label": 1, "score": -0.1},
        {"label": 1, "score": True},
        {"label": 1, "score": "high"},
        {"label": 1, "score": {"0": 0.2, "1": 0.3}},
        {"label": None, "score": 0.5},
        {"label": ["x"], "score": 0.5},
        {"label": "maybe", "score": 0.5},
    ],
)
def test_a_broken_row_cannot_be_scored_by_any_of_them(row: dict[str, Any]) -> None:
    for name in ("brier", "log-loss", "accuracy", "f1"):
        score = find_metric(name).score(row)
        assert score.value is None
        assert score.error


def test_clustered_shares_are_wider_than_independent_ones() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for user in range(30):
        good = rng.random() < 0.7
        rows += [{"label": 1, "prediction": int(good), "user": user} for _ in range(6)]
    alone = score_rows(find_metric("recall"), rows).overall.interval
    together = score_rows(find_metric("recall"), rows, cluster="user").overall.interval
    assert alone is not None
    assert together is not None
    assert together.value == pytest.approx(alone.value)
    assert together.n == 30
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
