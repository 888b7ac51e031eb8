"""Shares of labels that stand for unequal numbers of calls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from launchworthy.stats import clopper_pearson, weighted_share


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (3, 40), (40, 40), (17, 200)])
@pytest.mark.parametrize("sides", [1, 2])
def test_equal_weights_of_independent_items_have_exact_bounds(hits: int, n: int, sides: int) -> None:
    own = weighted_share(np.repeat([1.0, 0.0], [hits, n - hits]), weights=np.full(n, 7.0), sides=sides)
    exact = clopper_pearson(hits, n=n, sides=sides)
    assert own.n == n
    assert (own.value, own.low, own.high) == pytest.approx((hits / n, exact.low, exact.high))


def test_calls_of_one_user_that_are_all_alike_count_once() -> None:
    own = weighted_share(
        np.repeat([1.0, 0.0, 0.0], 5), weights=np.ones(15), clusters=[at // 5 for at in range(15)]
    )
    exact = clopper_pearson(1, n=3)
    assert (own.low, own.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(("n", "chance"), [(100, 0.1), (600, 0.05)])
def test_bounds_hold_where_rare_labels_stand_for_many_calls(n: int, chance: float) -> None:
    rng = np.random.default_rng(n)
    tries, true, below, above = 600, 0.2 * 0.6 + 0.8 * 0.05, 0, 0
    for _ in range(tries):
        rarely = rng.random(n) < 0.8
        hits = rng.random(n) < np.where(rarely, 0.05, 0.6)
        told = ~rarely | (rng.random(n) < chance)
        weights = np.where(rarely, 1.0 / chance, 1.0)
        own = weighted_share(hits[told].astype(float), weights=weights[told])
        below, above = below + (true > own.high), above + (true < own.low)
    assert max(below, above) <= stats.binom.ppf(0.999, tries, 0.05)
