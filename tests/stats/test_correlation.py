"""Rank correlation is SciPy's, and says nothing where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from launchworthy.errors import InputError
from launchworthy.stats import rank_correlation

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.floats(-1e3, 1e3)), min_size=12, max_size=60)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_the_value_is_scipys_with_ties_and_its_bounds_hold_it(pairs: list[tuple[int, float]]) -> None:
    first, second = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    found = rank_correlation(first, second=second)
    if found is None:
        return
    assert found.value == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    turned = rank_correlation(first, second=-second)
    assert turned is not None
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_of_yes_and_no_it_is_the_phi_coefficient_and_more_units_bound_it_closer() -> None:
    rng = np.random.default_rng(3)
    first = rng.random(800) < 0.6
    second = np.where(rng.random(800) < 0.3, rng.random(800) < 0.5, first)
    found = rank_correlation(first[:200], second=second[:200])
    more = rank_correlation(first, second=second)
    assert found is not None
    assert more is not None
    assert found.value == pytest.approx(np.corrcoef(first[:200], second[:200])[0, 1])
    assert more.high - more.low < found.high - found.low
    assert found.n == 200


def test_answers_of_one_user_are_one_unit() -> None:
    rng = np.random.default_rng(4)
    own = np.repeat(rng.normal(size=40), 5)
    first, second = own + 0.1 * rng.normal(size=200), own + rng.normal(size=200)
    names = np.repeat(np.arange(40), 5).tolist()
    apart, together = (rank_correlation(first, second=second, clusters=c) for c in (None, names))
    assert apart is not None
    assert together is not None
    assert (together.n, apart.n) == (40, 200)
    assert together.high - together.low > apart.high - apart.low
    assert together.method.endswith("clustered")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1.0] * 30, list(range(30))),
        (list(range(30)), list(range(30))),
        ([1.0], [2.0]),
        ([0, 1] * 2, [1, 0] * 2),
    ],
)
def test_what_does_not_vary_or_never_disagrees_has_no_interval(
    first: list[float], second: list[float]
) -> None:
    assert rank_correlation(first, second=second) is None


def test_broken_input_is_refused() -> None:
    with pytest.raises(InputError, match="3 first values for 2 second"):
        rank_correlation([1.0, 2.0, 3.0], second=[1.0, 2.0])
    with pytest.raises(InputError):
        rank_correlation([1.0, float("nan"), 3.0], second=[1.0, 2.0, 4.0])
