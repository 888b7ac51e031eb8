"""Whole, slices, clusters and comparisons go through the same scores."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.metrics import METRICS, compare_rows, find_metric, score_rows
from launchworthy.stats import clopper_pearson, paired_shares, wilson


def _rows(n: int, good: int) -> list[dict[str, Any]]:
    return [{"id": i, "output": "a" if i < good else "b", "reference": "a"} for i in range(n)]


def test_yes_or_no_scores_get_wilson_for_display_and_exact_bounds_for_verdicts() -> None:
    metric = find_metric("exact-match")
    shown = score_rows(metric, _rows(50, 45)).overall.interval
    judged = score_rows(metric, _rows(50, 45), sides=1).overall.interval
    assert shown == wilson(45, n=50)
    assert judged == clopper_pearson(45, n=50)


def test_what_cannot_be_scored_is_counted_with_its_reason_and_is_not_zero() -> None:
    report = score_rows(find_metric("exact-match"), [*_rows(10, 10), {"id": "x", "reference": "a"}])
    assert report.overall.interval is not None
    assert report.overall.interval.value == 1.0
    assert report.overall.unscored == 1
    assert list(report.reasons) == ["field 'output' is missing or not text"]


def test_nothing_scored_is_not_measured() -> None:
    report = score_rows(find_metric("exact-match"), [{"id": 1}])
    assert report.overall.interval is None
    assert score_rows(find_metric("exact-match"), []).overall.interval is None


def test_slices_are_named_by_a_field_or_a_list_of_tags() -> None:
    rows = _rows(4, 2)
    for row, tags in zip(rows, ["x", ["x", "y"], ["y"], None], strict=True):
        row["tags"] = tags
    report = score_rows(find_metric("exact-match"), rows, by="tags")
    assert {name: part.rows for name, part in report.slices.items()} == {"x": 2, "y": 2}
    with pytest.raises(InputError, match="no name of a slice"):
        score_rows(find_metric("exact-match"), [{**rows[0], "tags": {"a": 1}}], by="tags")


def test_a_row_without_its_cluster_is_refused() -> None:
    with pytest.raises(InputError, match="'user' is missing"):
        score_rows(find_metric("exact-match"), _rows(2, 1), cluster="user")


def test_a_paired_difference_of_shares_is_tangos() -> None:
    metric = find_metric("exact-match")
    old, new = _rows(100, 80), _rows(100, 80)
    for i in range(80, 92):
        new[i]["output"] = "a"
    for i in range(3):
        new[i]["output"] = "b"
    found = compare_rows(metric, baseline=old, candidate=list(reversed(new)))
    assert found.difference == paired_shares(gained=12, lost=3, n=100, sides=1)
    assert found.status == "met"
    assert "better" in found.reason
    back = compare_rows(metric, baseline=new, candidate=old)
    assert back.status == "unmet"


def test_a_margin_turns_unproven_into_met() -> None:
    metric, rows = find_metric("exact-match"), _rows(400, 360)
    assert compare_rows(metric, baseline=rows, candidate=rows).status == "unproven"
    assert compare_rows(metric, baseline=rows, candidate=rows, margin=0.02).status == "met"


def test_lower_is_better_where_the_metric_says_so() -> None:
    rng = random.Random(1)
    old = [{"id": i, "latency_ms": 100 + rng.random() * 10, "cost_usd": 0.02} for i in range(300)]
    new = [{"id": i, "latency_ms": row["latency_ms"] * 0.8} for i, row in enumerate(old)]
    for name in ("latency", "latency-p95"):
        assert compare_rows(find_metric(name), baseline=old, candidate=new).status == "met"
        assert compare_rows(find_metric(name), baseline=new, candidate=old).status == "unmet"


def test_items_on_one_side_and_unscored_pairs_are_told() -> None:
    old, new = _rows(10, 5), _rows(12, 5)[2:]
    new[0].pop("output")
    found = compare_rows(find_metric("exact-match"), baseline=old, candidate=new)
    assert (found.only_baseline, found.only_candidate) == (("0", "1"), ("10", "11"))
    assert (found.pairs, found.unscored) == (8, 1)


@pytest.mark.parametrize(
    "name", ["precision", "recall", "f1", "roc-auc", "average-precision", "brier", "log-loss"]
)
@pytest.mark.parametrize("cluster", [None, "user"])
def test_every_classification_metric_can_be_compared(name: str, cluster: str | None) -> None:
    rng = random.Random(7)
    old, new = [], []
    for i in range(400):
        label = rng.random() < 0.4
        weak = min(0.99, max(0.01, 0.5 + (0.1 if label else -0.1) + rng.gauss(0, 0.2)))
        good = min(0.99, max(0.01, 0.5 + (0.3 if label else -0.3) + rng.gauss(0, 0.1)))
        old.append({"id": i, "user": i % 60, "label": label, "score": weak})
        new.append({"id": i, "user": i % 60, "label": label, "score": good})
    metric = find_metric(name)
    better = compare_rows(metric, baseline=old, candidate=new, cluster=cluster)
    assert better.status == "met"
    assert better.difference is not None
    assert better.baseline is not None
    assert better.candidate is not None
    assert better.difference.value == pytest.approx(better.candidate.value - better.baseline.value)
    assert compare_rows(metric, baseline=new, candidate=old, cluster=cluster).status == "unmet"
    same = compare_rows(metric, baseline=new, candidate=new, cluster=cluster)
    assert same.status == "unproven"
    assert same.difference is not None
    assert same.difference.low < 0 < same.difference.high


def test_sides_that_share_nothing_or_repeat_an_id_are_refused() -> None:
    metric = find_metric("exact-match")
    for old, new in (
        (_rows(2, 1), [{"id": "other"}]),
        (_rows(2, 1) * 2, _rows(2, 1)),
        ([{"output": "a"}], _rows(2, 1)),
    ):
        with pytest.raises(InputError):
            compare_rows(metric, baseline=old, candidate=new)


def test_a_comparison_of_nothing_scored_is_unproven() -> None:
    rows = [{"id": 1, "reference": "a"}]
    found = compare_rows(find_metric("exact-match"), baseline=rows, candidate=rows)
    assert found.status == "unproven"
    assert found.difference is None


def test_every_metric_documents_itself_and_signs_its_numbers() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.doc.endswith(".")
        assert metric.convention
        assert metric.source
        assert metric.fields
        assert metric.signature.startswith(name)
        assert metric.score({}).value is None


HOSTILE: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "\x1b[2J",
    [],
    [[]],
    {},
    {"a": None},
    ["a", 1, None],
    "a" * 1000,
]


@pytest.mark.parametrize("name", list(METRICS))
def test_hostile_rows_never_raise(name: str) -> None:
    metric = METRICS[name]
    fields = [field.name for field in metric.fields]
    rng = random.Random(name)
    rows = [{field: rng.choice(HOSTILE) for field in fields} for _ in range(150)]
    report = score_rows(metric, rows)
    assert report.overall.unscored + sum(metric.score(row).value is not None for row in rows) == 150


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("latency", {"latency_ms": 0.5}),
        ("latency-p95", {"latency_ms": 0.5}),
        ("cost", {"cost_usd": 0.5}),
        ("log-loss", {"label": 1, "score": 0.5}),
        ("cost-per-success", {"cost_usd": 0.5, "success": True}),
    ],
)
@pytest.mark.parametrize("others", [0, 4, 20])
def test_no_end_is_below_zero_where_the_metric_cannot_be(name: str, row: dict[str, Any], others: int) -> None:
    high = {"latency_ms": 900.0, "cost_usd": 900.0, "label": 1, "score": 1e-9, "success": True}
    for rows in ([row] * others + [high], [row] * (others + 1)):
        found = score_rows(find_metric(name), rows).overall.interval
        assert found is not None
        assert 0 <= found.low <= found.value <= found.high


@pytest.mark.parametrize(("name", "right"), [("over-refusal", True), ("under-refusal", False)])
def test_a_rates_difference_counts_the_items_that_enter_it(name: str, right: bool) -> None:
    def rows(wrong: int) -> list[dict[str, Any]]:
        inside = [
            {"id": n, "should_answer": right, "answered": right if n >= wrong else not right}
            for n in range(20)
        ]
        return inside + [{"id": n, "should_answer": not right, "answered": True} for n in range(20, 120)]

    found = compare_rows(find_metric(name), baseline=rows(2), candidate=rows(5))
    assert found.difference is not None
    expected = paired_shares(gained=3, lost=0, n=20, sides=1)
    assert found.difference.n == 20
    assert found.difference.value == pytest.approx(0.15)
    assert (found.difference.low, found.difference.high) == (expected.low, expected.high)
    assert found.pairs == 120
    by_user = [row | {"user": f"u{row['id'] // 2}"} for row in rows(5)]
    clustered = compare_rows(find_metric(name), baseline=rows(2), candidate=by_user, cluster="user")
    assert clustered.difference is not None
    assert clustered.difference.n == 10


def test_a_rate_whose_items_differ_by_side_counts_those_of_either() -> None:
    def rows(positive: range) -> list[dict[str, Any]]:
        return [{"id": n, "label": n % 2, "prediction": int(n in positive)} for n in range(50)]

    found = compare_rows(
        find_metric("precision"), baseline=rows(range(10)), candidate=rows(range(5, 20))
    ).difference
    assert found is not None
    assert (found.n, found.method) == (20, "linearised")


@pytest.mark.parametrize(
    ("name", "row", "bounded"),
    [
        ("latency", {"latency_ms": 4.0}, False),
        ("log-loss", {"label": 1, "score": 0.5}, True),
        ("token-f1", {"output": "a b", "reference": "b c"}, True),
        ("over-refusal", {"should_answer": True, "answered": True}, True),
    ],
)
def test_two_equal_files_are_bounded_where_the_scale_is(
    name: str, row: dict[str, Any], bounded: bool
) -> None:
    rows = [row | {"id": n} for n in range(100)]
    found = compare_rows(find_metric(name), baseline=rows, candidate=rows)
    assert found.difference is not None
    assert math.isfinite(found.difference.low) is math.isfinite(found.difference.high) is bounded
    assert "∞" not in str(found.difference)
    assert ("the scale is open" in found.reason) is not bounded
