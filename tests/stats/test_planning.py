"""Plans: how many items settle a share, and with which odds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from launchworthy.errors import InputError
from launchworthy.stats import bound_status, clopper_pearson, items_to_prove, power, sample_size


def test_two_hundred_flawless_need_2795_more_for_three_nines() -> None:
    assert items_to_prove(200, n=200, threshold=0.999).flawless == 2795


@pytest.mark.parametrize(("threshold", "n"), [(0.95, 59), (0.99, 299), (0.999, 2995)])
def test_zero_failure_sizes_are_the_known_ones(threshold: float, n: int) -> None:
    assert items_to_prove(threshold=threshold).flawless == n


@settings(max_examples=60, deadline=None)
@given(
    counts=st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    threshold=st.sampled_from([0.02, 0.5, 0.9, 0.99]),
    direction=st.sampled_from(["at_least", "at_most"]),
)
def test_the_flawless_count_is_where_the_verdict_turns(
    counts: tuple[int, int], threshold: float, direction: str
) -> None:
    k, n = counts
    needed = items_to_prove(k, n=n, threshold=threshold, direction=direction).flawless
    assert needed is not None

    def status(more: int) -> str:
        good = k + more if direction == "at_least" else k
        interval = clopper_pearson(good, n=n + more)
        return bound_status(interval.low, interval.high, direction=direction, threshold=threshold)

    assert status(needed) == "met"
    assert needed == 0 or status(needed - 1) != "met"


def test_power_agrees_with_adding_up_every_outcome() -> None:
    n, rate, threshold = 400, 0.975, 0.95
    total = sum(stats.binom.pmf(k, n, rate) for k in range(n + 1) if clopper_pearson(k, n=n).low >= threshold)
    assert power(n=n, rate=rate, threshold=threshold) == pytest.approx(total, abs=1e-12)
    assert power(n=n, rate=1 - rate, threshold=1 - threshold, direction="at_most") == pytest.approx(total)


@pytest.mark.parametrize(("rate", "threshold"), [(0.975, 0.95), (0.8, 0.7), (0.99, 0.97)])
def test_the_sample_size_is_the_smallest_that_reaches_the_odds(rate: float, threshold: float) -> None:
    size = sample_size(rate=rate, threshold=threshold)
    assert size is not None
    assert power(n=size, rate=rate, threshold=threshold) >= 0.8
    assert all(power(n=n, rate=rate, threshold=threshold) < 0.8 for n in range(1, size))


def test_a_rate_on_the_wrong_side_needs_no_finite_number() -> None:
    assert sample_size(rate=0.9, threshold=0.95) is None
    assert sample_size(rate=0.06, threshold=0.05, direction="at_most") is None


def test_the_steady_plan_says_which_way_the_rate_points_and_keeps_its_odds() -> None:
    better = items_to_prove(97, n=100, threshold=0.95)
    assert better.settles == "met"
    assert better.steady is not None
    assert better.steady_odds is not None
    assert better.steady_odds >= 0.8
    worse = items_to_prove(92, n=100, threshold=0.95)
    assert worse.settles == "unmet"
    assert worse.steady is not None
    good = stats.binom.pmf(range(worse.steady + 1), worse.steady, 0.92)
    settled = sum(
        p for more, p in enumerate(good) if clopper_pearson(92 + more, n=100 + worse.steady).high < 0.95
    )
    assert worse.steady_odds == pytest.approx(settled, abs=1e-9)
    assert items_to_prove(95, n=100, threshold=0.95).settles is None


def test_what_is_settled_already_needs_nothing_more() -> None:
    needed = items_to_prove(1000, n=1000, threshold=0.9)
    assert (needed.flawless, needed.flawless_odds, needed.steady) == (0, 1.0, 0)


def test_odds_of_a_flawless_run_are_humble_after_a_flawless_start() -> None:
    assert 0.2 < items_to_prove(200, n=200, threshold=0.999).flawless_odds < 0.3


@pytest.mark.parametrize("threshold", [0.0, 1.0, 1.5, -0.1])
def test_a_threshold_that_nothing_can_prove_is_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="threshold"):
        items_to_prove(5, n=5, threshold=threshold)


def test_impossible_counts_and_directions_are_refused() -> None:
    with pytest.raises(InputError):
        items_to_prove(3, n=0, threshold=0.5)
    with pytest.raises(InputError, match="direction"):
        items_to_prove(3, n=4, threshold=0.5, direction="above")
    with pytest.raises(InputError, match="rate"):
        power(n=3, rate=1.2, threshold=0.5)


@pytest.mark.parametrize(
    ("low", "high", "direction", "expected"),
    [
        (0.95, 1.0, "at_least", "met"),
        (0.9, 0.94, "at_least", "unmet"),
        (0.9, 0.95, "at_least", "unproven"),
        (0.1, 0.95, "at_most", "met"),
        (0.96, 1.0, "at_most", "unmet"),
        (0.95, 1.0, "at_most", "unproven"),
        (None, None, "at_least", "unproven"),
        (float("nan"), float("nan"), "at_most", "unproven"),
    ],
)
def test_status_follows_the_bounds(
    low: float | None, high: float | None, direction: str, expected: str
) -> None:
    assert bound_status(low, high, direction=direction, threshold=0.95) == expected
