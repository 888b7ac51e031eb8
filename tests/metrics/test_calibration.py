"""The calibration error is what its bins say, and its bounds allow for its reading too high."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from launchworthy.errors import InputError
from launchworthy.metrics import columns_of, compare_rows, find_metric, score_rows
from launchworthy.stats import Interval

CHANCES = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0, 1 / 3, 2 / 15]), st.floats(0.0, 1.0)
)
SCORED = st.lists(st.tuples(st.booleans(), CHANCES), min_size=1, max_size=60)


def _measure(rows: list[dict[str, Any]], **options: str) -> Interval | None:
    return score_rows(find_metric("expected-calibration-error", options=options), rows).overall.interval


@settings(max_examples=60, deadline=None)
@given(rows=SCORED, bins=st.sampled_from([1, 5, 10, 15]))
def test_it_is_the_weighted_gap_of_sklearns_calibration_curve(
    rows: list[tuple[bool, float]], bins: int
) -> None:
    truth, chance = np.array([t for t, _ in rows], dtype=int), np.array([c for _, c in rows])
    found = _measure([{"label": bool(t), "score": c} for t, c in rows], bins=str(bins))
    ends = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(ends[1:-1], chance), 0, bins - 1)
    true, predicted = calibration_curve(truth, chance, n_bins=bins)
    weights = np.bincount(place, minlength=bins)
    reference = float((weights[weights > 0] * np.abs(true - predicted)).sum() / len(rows))
    assert found is not None
    assert found.value == pytest.approx(reference, abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_a_bin_ends_with_its_upper_edge() -> None:
    rows = [{"label": True, "score": 0.1}, {"label": False, "score": 0.05}]
    together, apart = _measure(rows, bins="10"), _measure([rows[0] | {"score": 0.1001}, rows[1]], bins="10")
    assert together is not None
    assert apart is not None
    assert together.value == pytest.approx(abs(0.15 - 1) / 2)
    assert apart.value == pytest.approx((0.8999 + 0.05) / 2)


def test_stated_confidence_and_mappings_of_many_classes_are_read() -> None:
    stated = _measure([{"confidence": 0.8, "correct": True}, {"confidence": 0.6, "correct": False}])
    assert stated is not None
    assert stated.value == pytest.approx((0.2 + 0.6) / 2)
    many = _measure([{"label": "b", "score": {"a": 0.2, "b": 0.5, "c": 0.3}}])
    assert many is not None
    assert many.value == pytest.approx(0.5)


def test_another_metric_may_say_what_was_right() -> None:
    rows = [
        {"confidence": 0.9, "ranked": ["a", "b"], "relevant": {"b": 1}},
        {"confidence": 0.6, "ranked": ["a"], "relevant": {"b": 1}},
        {"confidence": 0.3, "ranked": ["a"], "relevant": {}, "should_answer": False},
    ]
    found = _measure(rows, bins="1", of="hit@2")
    assert found is not None
    assert found.value == pytest.approx(abs((0.9 - 1) + 0.6 + 0.3) / 3)
    refused = [{"confidence": 0.3, "answered": False, "should_answer": n < 3} for n in range(10)]
    calm = _measure(refused, bins="1", of="selective-risk")
    assert calm is not None
    assert calm.value == pytest.approx(0.0), "what was withheld counts with what it would have been"
    metric = find_metric("calibration_error", options={"of": "hit@2"})
    assert "of:hit@2" in metric.signature
    assert metric.score({"ranked": ["a"], "relevant": {"a": 1}}).value is None, "no confidence was stated"
    assert "hit@2: nothing is relevant" in str(metric.score({"confidence": 0.5, "relevant": {}}).error)
    for wrong in ("latency", "no-such-metric"):
        with pytest.raises(InputError):
            find_metric("calibration_error", options={"of": wrong})


@pytest.mark.parametrize("name", ["calibration_error", "ece", "expected-calibration-error"])
def test_contracts_and_papers_names_are_the_same_metric(name: str) -> None:
    assert find_metric(name).signature == "expected-calibration-error|bins:15|v1"


@pytest.mark.parametrize("bins", ["0", "-1", "1.5", "many", "100000"])
def test_bins_that_are_none_are_refused(bins: str) -> None:
    with pytest.raises(InputError):
        find_metric("ece", options={"bins": bins})


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"label": 1},
        {"label": 1, "score": 1.2},
        {"confidence": 0.5},
        {"confidence": 2, "correct": True},
        {"confidence": 0.5, "correct": "yes"},
        {"label": 1, "score": {}},
    ],
)
def test_a_row_without_a_probability_or_a_truth_cannot_be_scored(row: dict[str, Any]) -> None:
    score = find_metric("ece").score(row)
    assert score.value is None
    assert score.error


@pytest.mark.parametrize(("shrunk", "true"), [(1.0, 0.0), (0.7, 0.15)])
def test_its_bounds_hold_although_it_reads_too_high(shrunk: float, true: float) -> None:
    rng = np.random.default_rng(3)
    metric = find_metric("ece")
    low = high = mean = 0.0
    for _ in range(60):
        chance = rng.beta(2, 2, size=200)
        scores = metric.columns and metric.columns(
            columns_of({"label": rng.random(200) < shrunk * chance, "score": chance})
        )
        assert scores is not None
        found = metric.estimate(scores)
        assert found is not None
        low += found.low <= true
        high += found.high >= true
        mean += found.value / 60
    assert mean > true + 0.01, "by chance it reads too high"
    assert low >= 54
    assert high >= 54


def test_a_model_that_is_worse_calibrated_is_found_so() -> None:
    rng = np.random.default_rng(5)
    old, new = [], []
    for i in range(800):
        chance = float(rng.beta(2, 2))
        row = {"id": i, "label": bool(rng.random() < chance), "user": i // 2}
        old.append(row | {"score": chance})
        new.append(row | {"score": min(1.0, chance**0.3)})
    metric = find_metric("ece")
    for cluster in (None, "user"):
        assert compare_rows(metric, baseline=old, candidate=new, cluster=cluster).status == "unmet"
        assert compare_rows(metric, baseline=new, candidate=old, cluster=cluster).status == "met"
        same = compare_rows(metric, baseline=old, candidate=old, cluster=cluster)
        assert same.status == "unproven"
        assert same.difference is not None
        assert same.difference.low < 0 < same.difference.high
        assert same.difference.sample["p_value"] > 0.5
