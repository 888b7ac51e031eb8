"""Averages over classes, their bounds and their costs agree with scikit-learn, on any table of classes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from launchworthy.errors import InputError
from launchworthy.metrics import compare_rows, confusion_table, find_metric, score_rows
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval, clopper_pearson, table_interval

NAMES = st.sampled_from(["a", "b", "c", "ü ber", '["x", "y"]', "東京", "", "1"])
TABLES = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=40)


def _measure(name: str, rows: list[dict[str, Any]], **options: str) -> Interval | None:
    return score_rows(find_metric(name, options=options), rows).overall.interval


def _rows(table: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"label": truth, "prediction": said} for truth, said in table]


@settings(max_examples=8, deadline=None)
@given(table=TABLES)
def test_every_average_agrees_with_sklearn(table: list[tuple[str, str]]) -> None:
    truth, said = [t for t, _ in table], [s for _, s in table]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("precision", "recall", "f1"):
            for average in ("micro", "macro", "weighted"):
                found = _measure(f"{average}-{name}", _rows(table))
                assert found is not None
                reference = getattr(sk, f"{name}_score")(truth, said, average=average, zero_division=0)
                assert found.value == pytest.approx(reference, abs=1e-9)
                assert 0 <= found.low <= found.value <= found.high <= 1
                assert found.low < found.high
        found = _measure("balanced-accuracy", _rows(table))
        assert found is not None
        assert found.value == pytest.approx(sk.balanced_accuracy_score(truth, said), abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(table=TABLES)
def test_the_table_and_its_classes_agree_with_sklearn(table: list[tuple[str, str]]) -> None:
    truth, said = [t for t, _ in table], [s for _, s in table]
    metric = find_metric("macro-f1")
    found = confusion_table(Scores.of(metric.score(row) for row in _rows(table)))
    if len(found.classes) > 1:  # of one alone sklearn warns
        counts = [[count for count, _ in row] for row in found.cells]
        assert counts == sk.confusion_matrix(truth, said, labels=list(found.classes)).tolist()
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        truth, said, labels=list(found.classes), zero_division=float("nan")
    )
    for at, row in enumerate(found.by_class):
        assert row.true == support[at]
        for own, reference in ((row.precision, precision[at]), (row.recall, recall[at]), (row.f1, f1[at])):
            assert (own is None) == bool(np.isnan(reference))
            assert own is None or own.value == pytest.approx(reference, abs=1e-9)


def test_an_average_may_be_an_option_and_a_class_may_be_named() -> None:
    rows = _rows([("a", "a"), ("a", "b"), ("b", "b"), ("c", "b")])
    assert _measure("f1", rows, average="macro") == _measure("macro-f1", rows)
    of_class = _measure("recall", rows, **{"class": "a"})
    assert of_class == _measure("recall", rows, positive="a")
    assert of_class is not None
    assert of_class.value == 0.5
    assert find_metric("f1", options={"average": "macro"}).signature == "macro-f1|v1"
    for options in ({"average": "mean"}, {"average": "macro", "class": "a"}):
        with pytest.raises(InputError):
            find_metric("f1", options=options)


def test_a_table_of_two_cells_is_bounded_by_clopper_and_pearson() -> None:
    def share(sums: np.ndarray[Any, Any]) -> Any:
        return sums[..., 0] / sums.sum(axis=-1)

    for good, n in ((0, 20), (1, 20), (45, 50), (300, 300)):
        found = table_interval(share, rows=np.eye(2), counts=np.array([good, n - good]), sides=1)
        exact = clopper_pearson(good, n=n)
        assert found is not None
        assert found.low == pytest.approx(exact.low, abs=0.004)
        assert found.high == pytest.approx(exact.high, abs=0.004)


def test_bounds_of_balanced_accuracy_hold_as_often_as_they_say_where_a_class_is_rare() -> None:
    rng = np.random.default_rng(4)
    metric = find_metric("balanced-accuracy")
    held = [0, 0]
    for _ in range(100):
        truth = np.where(rng.random(150) < 0.1, "rare", "common")
        right = rng.random(150) < np.where(truth == "rare", 0.7, 0.95)
        said = np.where(right, truth, np.where(truth == "rare", "common", "rare"))
        found = metric.estimate([metric.score(row) for row in _rows(list(zip(truth, said, strict=True)))])
        assert found is not None
        held[0] += found.low <= 0.825
        held[1] += found.high >= 0.825
    assert min(held) >= 92, held  # 97 or more are expected


def test_a_flawless_table_is_not_certain_and_a_larger_one_is_surer() -> None:
    widths = []
    for n in (10, 100):
        found = _measure("macro-f1", _rows([("a", "a"), ("b", "b")] * n))
        assert found is not None
        assert found.value == 1.0
        widths.append(1.0 - found.low)
    assert widths[0] > 5 * widths[1] > 0
    alone = _measure("macro-f1", _rows([("a", "a")] * 10))
    assert alone is not None
    assert alone.low < 0.9


def test_clusters_widen_an_average_and_equal_files_are_bounded() -> None:
    rng = np.random.default_rng(2)
    rows: list[dict[str, Any]] = []
    for user in range(60):
        good = rng.random() < 0.7
        for truth in ("a", "b", "c"):
            said = truth if good else "a"
            rows.append({"id": len(rows), "label": truth, "prediction": said, "user": f"u{user}"})
    metric = find_metric("macro-f1")
    alone = score_rows(metric, rows).overall.interval
    together = score_rows(metric, rows, cluster="user").overall.interval
    assert alone is not None
    assert together is not None
    assert together.value == pytest.approx(alone.value)
    assert (together.n, alone.n) == (60, 180)
    assert together.high - together.low > 1.2 * (alone.high - alone.low)
    same = compare_rows(metric, baseline=rows, candidate=rows).difference
    assert same is not None
    assert -1 < same.low < 0 < same.high < 1
    worse = [row | {"prediction": "a"} for row in rows]
    for cluster in (None, "user"):
        found = compare_rows(metric, baseline=rows, candidate=worse, cluster=cluster)
        assert found.status == "unmet"
        assert found.difference is not None
        assert found.baseline is not None
        assert found.candidate is not None
        assert found.difference.value == pytest.approx(found.candidate.value - found.baseline.value)


def test_expected_cost_is_the_mean_of_what_the_decisions_cost(tmp_path: Path) -> None:
    costs = {"fraud": {"fine": "120 USD"}, "fine": {"fraud": "6 USD"}}
    rows = _rows([("fraud", "fine"), ("fine", "fraud"), ("fine", "fine"), ("fraud", "fraud")])
    file = tmp_path / "costs.json"
    file.write_text(json.dumps(costs))
    for written in (json.dumps(costs), str(file)):
        metric = find_metric("expected-cost", options={"costs": written})
        found = score_rows(metric, rows).overall.interval
        assert found is not None
        assert (found.value, metric.unit, metric.higher_is_better) == (126 / 4, "USD", False)
        assert 0 <= found.low < found.value < found.high <= 120
    own = [row | {"costs": {"fraud": {"fine": 50}, "fine": {"fraud": 1}}} for row in rows]
    measured = _measure("expected-cost", own)
    assert measured is not None
    assert measured.value == 51 / 4
    assert _measure("expected-cost", rows) is None, "without costs nothing is known of them"
    strange = find_metric("expected-cost", options={"costs": '{"fraud": {"fine": 1}}'})
    assert "no cost is given for 'fine' decided as 'fraud'" in (strange.score(rows[1]).error or "")


@pytest.mark.parametrize(
    "costs",
    [
        "nowhere.json",
        "{",
        "[]",
        "{}",
        '{"a": 1}',
        '{"a": {"b": "x"}}',
        '{"a": {"b": null}}',
        '{"a": {"b": true}}',
        '{"a": {"b": NaN}}',
        '{"a": {"b": "1 USD", "c": "1 EUR"}}',
        "{" * 5_000,
    ],
)
def test_costs_that_are_none_are_refused(costs: str) -> None:
    with pytest.raises(InputError):
        find_metric("expected-cost", options={"costs": costs})


@pytest.mark.parametrize("name", ["macro-f1", "balanced-accuracy", "micro-recall", "selection-rate"])
@pytest.mark.parametrize(
    "row",
    [
        {},
        {"label": 1, "prediction": []},
        {"label": "x", "prediction": {}},
        {"label": "x", "score": 2},
        {"score": "x"},
    ],
)
def test_a_broken_row_is_in_no_cell(name: str, row: dict[str, Any]) -> None:
    score = find_metric(name).score(row)
    assert score.value is None
    assert score.error
    assert not score.statistics
