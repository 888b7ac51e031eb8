"""Functions of sums: what they are to first order, and bounds beside SciPy's bootstrap and exact theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from launchworthy.errors import InputError
from launchworthy.metrics.scores import Scores
from launchworthy.metrics.sums import SumsEstimator
from launchworthy.records import Score
from launchworthy.stats import (
    folded_interval,
    ratio_interval,
    sums_influences,
    sums_interval,
    t_interval,
    table_interval,
)

Array = np.ndarray[Any, Any]


def _ratio(sums: Array) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], math.nan)


def _data(n: int) -> Array:
    rng = np.random.default_rng(1)
    under = rng.integers(1, 9, n).astype(float)
    return np.stack([under * rng.beta(4, 2, n), under], axis=1)


def test_a_ratios_influence_is_that_of_the_delta_method() -> None:
    rows = _data(400)
    value, influences = sums_influences(_ratio, rows)
    whole = rows.sum(axis=0)
    assert value == whole[0] / whole[1]
    exact = (rows[:, 0] - value * rows[:, 1]) / whole[1]
    assert influences == pytest.approx(exact - exact.mean(), abs=1e-10)
    doubled = sums_influences(_ratio, rows, counts=np.full(400, 2))[1]
    assert doubled == pytest.approx(influences / 2, abs=1e-10)


@pytest.mark.parametrize("n", [60, 600, 8_000])
def test_bounds_of_a_ratio_are_those_of_scipys_bootstrap_and_of_the_delta_method(n: int) -> None:
    rows = _data(n)
    found = sums_interval(_ratio, rows=rows)
    reference = scipy_stats.bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda over, under, axis: over.sum(axis=axis) / under.sum(axis=axis),
        paired=True,
        n_resamples=999,
        method="BCa" if n < 5_000 else "percentile",
        rng=np.random.default_rng(2),
        batch=100,
    ).confidence_interval
    delta = ratio_interval(rows[:, 0], denominators=rows[:, 1])
    assert found is not None
    width = found.high - found.low
    for low, high in ((reference.low, reference.high), (delta.low, delta.high)):
        assert found.low == pytest.approx(low, abs=0.12 * width)
        assert found.high == pytest.approx(high, abs=0.12 * width)
    assert found.method == ("studentised bootstrap" if n <= 5_000 else "percentile bootstrap")


def test_a_mean_gets_students_bounds() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=50)
    found = sums_interval(_ratio, rows=np.stack([values, np.ones(50)], axis=1))
    exact = t_interval(values)
    assert found is not None
    assert found.low == pytest.approx(exact.low, abs=0.06)
    assert found.high == pytest.approx(exact.high, abs=0.06)


def test_clusters_are_resampled_whole() -> None:
    rows = np.repeat(_data(80), 5, axis=0)
    names = [f"u{at // 5}" for at in range(400)]
    alone, together = sums_interval(_ratio, rows=rows), sums_interval(_ratio, rows=rows, clusters=names)
    once = sums_interval(_ratio, rows=rows[::5])
    assert alone is not None
    assert together is not None
    assert once is not None
    assert (together.n, together.method) == (80, "studentised bootstrap, clustered")
    assert (together.low, together.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_what_is_undetermined_or_does_not_vary_says_so() -> None:
    assert sums_interval(_ratio, rows=np.zeros((5, 2))) is None
    assert table_interval(_ratio, rows=np.eye(2) * [1, 0], counts=np.array([3, 0])) is None
    equal = sums_interval(_ratio, rows=np.ones((9, 2)), bounds=(0.0, 2.0))
    assert equal is not None
    assert (equal.value, equal.low, equal.high) == (1.0, 0.0, 2.0)
    one = sums_interval(_ratio, rows=np.ones((1, 2)))
    assert one is not None
    assert math.isinf(one.low)
    assert math.isinf(one.high)
    rare = np.zeros((100, 2))
    rare[0] = 1.0
    seldom = sums_interval(_ratio, rows=rare + [[0.5, 0.0]] * 100)
    assert seldom is not None
    assert math.isinf(seldom.high) or seldom.method != "none: most resamples do not determine it"
    with pytest.raises(InputError, match="NaN"):
        sums_interval(_ratio, rows=np.array([[1.0, math.nan]]))
    with pytest.raises(InputError, match="cluster names"):
        sums_interval(_ratio, rows=np.ones((3, 2)), clusters=["a"])


def test_the_same_rows_give_the_same_bounds_and_higher_confidence_wider_ones() -> None:
    rows = _data(100)
    first, again = sums_interval(_ratio, rows=rows), sums_interval(_ratio, rows=rows)
    surer = sums_interval(_ratio, rows=rows, level=0.999)
    assert first == again
    assert first is not None
    assert surer is not None
    assert surer.low < first.low < first.high < surer.high
    counts = np.array([30, 12, 5, 53])

    def f1(sums: Array) -> Any:
        return 2 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])

    sizes = [table_interval(f1, rows=np.eye(4), counts=counts, level=level) for level in (0.95, 0.9999)]
    assert sizes[0] is not None
    assert sizes[1] is not None
    assert sizes[1].low < sizes[0].low < sizes[0].value < sizes[0].high < sizes[1].high


def test_an_estimator_of_sums_bounds_and_compares() -> None:
    estimator = SumsEstimator(names=("over", "under"), value=_ratio)
    rows = _data(200)
    scores = [
        Score(value=over / under, statistics={"over": over, "under": under}) for over, under in rows.tolist()
    ]
    better = [
        Score(value=min(1.0, over / under + 0.1), statistics={"over": over + 0.1 * under, "under": under})
        for over, under in rows.tolist()
    ]
    old, new = Scores.of(scores), Scores.of(better)
    gap = estimator.difference(old, new, level=0.95, sides=2, clusters=None)
    assert gap is not None
    assert gap.value == pytest.approx(0.1)
    found = estimator.interval(old, level=0.95, sides=2, clusters=None)
    assert found == sums_interval(_ratio, rows=rows, bounds=(0.0, 1.0), unit="ratio")
    assert estimator.each(old) == pytest.approx(rows[:, 0] / rows[:, 1])
    nothing = Scores.of([Score(value=0.0, statistics={"over": 0.0, "under": 0.0})])
    assert estimator.difference(nothing, nothing, level=0.95, sides=2, clusters=None) is None


def test_a_folded_mean_far_from_zero_is_bounded_as_a_mean() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0.6, 0.1, size=300)
    found = folded_interval(-values[:, None], signs=np.ones(1))
    exact = t_interval(values)
    assert found.value == pytest.approx(exact.value)
    assert found.low == pytest.approx(exact.low, abs=0.001)
    assert found.high == pytest.approx(exact.high, abs=0.001)
    flat = folded_interval(np.zeros((100, 1)), signs=np.ones(1), sides=1)
    assert flat.high == pytest.approx(-math.log(0.05) / 100)
