"""Repeated samples: where the variance is, and pass@k without bias."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from launchworthy.errors import InputError
from launchworthy.stats import mean_interval, pass_at_k, pass_every_k, repeated_samples


def _samples(seed: int, items: int, between: float, within: float, most: int = 6) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0, between) + rng.normal(0, within, size=rng.integers(1, most + 1))).tolist()
        for _ in range(items)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_intraclass_correlation_is_that_of_scipys_analysis_of_variance(seed: int) -> None:
    samples = _samples(seed, 40, 1.0, 0.8)
    own = repeated_samples(samples)
    f = float(sps.f_oneway(*samples).statistic)
    sizes = np.array([len(item) for item in samples], dtype=float)
    each = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(samples) - 1)
    assert own.correlation == pytest.approx((f - 1) / (f - 1 + each), abs=1e-9)
    assert own.within is not None
    assert own.between == pytest.approx((f - 1) * own.within / each, abs=1e-9)


def test_the_parts_of_the_variance_are_found_again() -> None:
    own = repeated_samples(_samples(9, 3_000, 0.5, 1.5))
    assert own.between == pytest.approx(0.25, rel=0.15)
    assert own.within == pytest.approx(2.25, rel=0.05)


def test_items_are_the_units_however_often_each_was_sampled() -> None:
    values = np.random.default_rng(1).random(30)
    own = repeated_samples([[value] * 50 for value in values], bounds=(0.0, 1.0))
    once = mean_interval(values, bounds=(0.0, 1.0))
    assert (own.mean.low, own.mean.high) == pytest.approx((once.low, once.high))
    assert (own.mean.n, own.samples) == (30, 1_500)
    assert own.within == pytest.approx(0.0)
    assert own.correlation == pytest.approx(1.0)
    assert own.best_repeats(item_cost=5.0, sample_cost=1.0) == 1


def test_more_items_or_more_samples_are_weighed_by_what_they_cost() -> None:
    own = repeated_samples(_samples(2, 400, 0.3, 1.0))
    few, many = own.standard_error(items=400, repeats=1), own.standard_error(items=400, repeats=100)
    assert few is not None
    assert many is not None
    assert many < few
    best = own.best_repeats(item_cost=20.0, sample_cost=1.0)
    assert best is not None
    budget = 10_000.0

    def error(repeats: int) -> float:
        found = own.standard_error(items=int(budget / (20.0 + repeats)), repeats=repeats)
        assert found is not None
        return found

    assert error(best) <= min(error(k) for k in range(1, 60)) * 1.001


def test_one_sample_of_each_item_says_nothing_of_what_varies_within() -> None:
    own = repeated_samples([[0.1], [0.4], [0.9]])
    assert (own.within, own.between, own.correlation) == (None, None, None)
    assert own.standard_error(items=3, repeats=2) is None
    assert own.best_repeats(item_cost=1.0, sample_cost=1.0) is None


@settings(max_examples=40)
@given(outcomes=st.lists(st.booleans(), min_size=1, max_size=7), k=st.integers(1, 7))
def test_pass_at_k_and_pass_every_k_are_the_means_over_all_choices_of_k(outcomes: list[bool], k: int) -> None:
    n, c = len(outcomes), sum(outcomes)
    if n < k:
        with pytest.raises(InputError, match="fewer than k"):
            pass_at_k([c], samples=[n], k=k)
        return
    choices = list(itertools.combinations(outcomes, k))
    one, every = (float(np.mean([some(choice) for choice in choices])) for some in (any, all))
    assert pass_at_k([c], samples=[n], k=k).value == pytest.approx(one, abs=1e-9)
    assert pass_every_k([c], samples=[n], k=k).value == pytest.approx(every, abs=1e-9)


def test_pass_at_k_is_the_product_of_the_paper_and_its_interval_is_over_items() -> None:
    rng = np.random.default_rng(3)
    samples = rng.integers(10, 200, size=50).tolist()
    correct = [int(rng.binomial(n, 0.2)) for n in samples]
    shares = [
        1.0 if n - c < 10 else 1.0 - float(np.prod(1.0 - 10 / np.arange(n - c + 1, n + 1)))
        for c, n in zip(correct, samples, strict=True)
    ]
    own = pass_at_k(correct, samples=samples, k=10)
    assert own.value == pytest.approx(float(np.mean(shares)), abs=1e-9)
    assert own.n == 50
    assert own.low < own.value < own.high


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InputError, match="impossible"):
        pass_at_k([3], samples=[2], k=1)
    with pytest.raises(InputError, match="for 2 items"):
        pass_every_k([3], samples=[3, 3], k=1)
    with pytest.raises(InputError, match="k is 0"):
        pass_at_k([1], samples=[1], k=0)
    with pytest.raises(InputError, match="no items"):
        repeated_samples([])
    with pytest.raises(InputError, match="nothing was measured"):
        repeated_samples([[1.0], []])
    with pytest.raises(InputError, match="NaN"):
        repeated_samples([[1.0, math.nan]])
    own = repeated_samples([[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(InputError, match="measure nothing"):
        own.standard_error(items=0, repeats=1)
    with pytest.raises(InputError, match="costs"):
        own.best_repeats(item_cost=1.0, sample_cost=0.0)
