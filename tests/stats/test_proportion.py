"""Exact and score bounds of a share."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from launchworthy.errors import InputError
from launchworthy.stats import clopper_pearson, wilson

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, level=st.sampled_from([0.8, 0.95, 0.999]))
def test_two_sided_bounds_agree_with_statsmodels(counts: tuple[int, int], level: float) -> None:
    k, n = counts
    for own, name in ((clopper_pearson, "beta"), (wilson, "wilson")):
        interval = own(k, n=n, level=level, sides=2)
        low, high = proportion_confint(k, n, alpha=1 - level, method=name)
        assert interval.low == pytest.approx(float(low), abs=1e-9)
        assert interval.high == pytest.approx(float(high), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 10**7), (10**7 - 1, 10**7), (10**7, 10**7)])
def test_one_sided_bounds_agree_with_the_beta_quantiles_at_extreme_sizes(k: int, n: int) -> None:
    interval = clopper_pearson(k, n=n, level=0.95)
    low = stats.beta.ppf(0.05, k, n - k + 1) if k else 0.0
    high = stats.beta.ppf(0.95, k + 1, n - k) if k < n else 1.0
    assert interval.low == pytest.approx(low, rel=1e-9)
    assert interval.high == pytest.approx(high, rel=1e-9)


def test_one_flawless_item_proves_almost_nothing() -> None:
    assert clopper_pearson(1, n=1).low == pytest.approx(0.05)
    assert wilson(1, n=1).low < 0.25


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(InputError):
        clopper_pearson(k, n=n)
    with pytest.raises(InputError):
        wilson(k, n=n)


@pytest.mark.parametrize("level", [0.0, 0.49, 1.0, 95.0, float("nan")])
def test_a_level_that_is_no_confidence_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="confidence"):
        clopper_pearson(1, n=2, level=level)


def test_three_sides_are_refused() -> None:
    with pytest.raises(InputError, match="sides"):
        clopper_pearson(1, n=2, sides=3)


@pytest.mark.parametrize("n", [5, 50, 200])
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99, 0.999])
def test_each_exact_bound_holds_at_its_level_for_every_rate(n: int, rate: float) -> None:
    # No simulation: every outcome is weighted by its probability.
    weights = stats.binom.pmf(range(n + 1), n, rate)
    bounds = [clopper_pearson(k, n=n, level=0.95) for k in range(n + 1)]
    assert sum(w for w, b in zip(weights, bounds, strict=True) if b.low <= rate) >= 0.95 - 1e-12
    assert sum(w for w, b in zip(weights, bounds, strict=True) if b.high >= rate) >= 0.95 - 1e-12


def test_wilson_covers_about_its_level_on_average_over_rates() -> None:
    n, rates = 60, [(i + 0.5) / 200 for i in range(200)]
    bounds = [wilson(k, n=n) for k in range(n + 1)]
    covered = [
        sum(stats.binom.pmf(k, n, r) for k, b in enumerate(bounds) if b.low <= r <= b.high) for r in rates
    ]
    assert 0.945 < sum(covered) / len(covered) < 0.96
