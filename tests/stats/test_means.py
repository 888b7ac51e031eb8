"""Means, clusters, quantiles and ratios: agreement with references, and honesty where nothing varies."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special
from scipy import stats as sps
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar

from launchworthy.errors import InputError
from launchworthy.stats import (
    bounded_mean,
    clopper_pearson,
    confidence_sequence,
    discordant_e_value,
    influence_interval,
    jackknife_interval,
    mcnemar,
    mean_interval,
    non_inferiority,
    paired_means,
    paired_quantiles,
    paired_shares,
    quantile_interval,
    ratio_interval,
    t_interval,
)


def _clusters(seed: int) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    names = [f"u{i}" for i in rng.integers(0, 25, size=200)]
    values = rng.normal(size=200) + np.array([int(name[1:]) / 10 for name in names])
    return values, names


def test_the_t_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).normal(size=30)
    own = t_interval(values)
    theirs = sps.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (own.low, own.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_the_clustered_standard_error_agrees_with_statsmodels() -> None:
    values, names = _clusters(1)
    codes = np.unique(names, return_inverse=True)[1]
    fit = sm.OLS(values, np.ones_like(values)).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False, "df_correction": False}
    )
    units = len(set(names))
    expected = float(fit.bse[0]) * math.sqrt(units / (units - 1))
    own = t_interval(values, clusters=names)
    assert own.sample["standard_error"] == pytest.approx(expected, abs=1e-9)
    assert own.high - own.value == pytest.approx(expected * sps.t.ppf(0.975, units - 1), abs=1e-9)
    assert own.n == units


def test_the_bootstrap_gives_the_same_bounds_every_time_and_ignores_the_order() -> None:
    values = np.random.default_rng(4).exponential(size=80)
    assert mean_interval(values) == mean_interval(values)
    shuffled = mean_interval(values[::-1])
    assert (shuffled.low, shuffled.high) == pytest.approx(
        (mean_interval(values).low, mean_interval(values).high)
    )


def test_the_bootstrap_leans_towards_the_long_tail() -> None:
    own = mean_interval(np.random.default_rng(4).exponential(size=80))
    assert own.high - own.value > own.value - own.low


@pytest.mark.parametrize("n", [1, 2, 20])
def test_values_that_do_not_vary_never_give_zero_width(n: int) -> None:
    bounded = mean_interval([1.0] * n, bounds=(0.0, 1.0), sides=1)
    assert bounded.low == pytest.approx(clopper_pearson(n, n=n).low, abs=1e-12)
    unbounded = mean_interval([3.0] * n)
    assert (unbounded.low, unbounded.high) == (-math.inf, math.inf)
    assert t_interval([3.0] * n).high == math.inf
    middle = mean_interval([0.5] * n, bounds=(0.0, 1.0))
    assert middle.low < 0.5 < middle.high


@pytest.mark.parametrize("n", [3, 40])
def test_a_value_inside_the_scale_that_never_varies_is_bounded_by_the_share_that_may_differ(n: int) -> None:
    found = mean_interval([0.0] * n, bounds=(-1.0, 1.0), sides=1)
    unseen = clopper_pearson(0, n=n, sides=1).high  # of pairs that differ, when none of n did
    assert (found.low, found.high) == pytest.approx((-unseen, unseen), abs=1e-12)


def test_a_scale_that_is_open_above_gives_its_lower_end_alone() -> None:
    found = mean_interval([3.0] * 20, bounds=(0.0, math.inf))
    assert (found.low, found.high) == (0.0, math.inf)
    skewed = mean_interval([0.0, 0.0, 90.0], bounds=(0.0, math.inf))
    assert skewed.low == 0.0
    difference = paired_means([3.0] * 20, candidate=[3.0] * 20, bounds=(0.0, math.inf))
    assert str(difference) == "0 (no bounds, n = 20)"


def test_one_cluster_is_one_unit_however_many_items_it_holds() -> None:
    own = mean_interval([1.0] * 500, clusters=["u"] * 500, bounds=(0.0, 1.0), sides=1)
    assert own.n == 1
    assert own.low == pytest.approx(0.05)


def test_one_bad_item_of_many_keeps_the_lower_bound_near_the_exact_one() -> None:
    own = mean_interval([1.0] * 99 + [0.0], bounds=(0.0, 1.0), sides=1)
    assert own.low == pytest.approx(clopper_pearson(99, n=100).low, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_bounds_hold_the_estimate_and_stay_on_the_scale(values: list[float]) -> None:
    for own in (
        bounded_mean(values),
        mean_interval(values, bounds=(0.0, 1.0)),
        confidence_sequence(values, level=0.9),
    ):
        assert 0.0 <= own.low <= own.high <= 1.0
        assert own.low < own.high
    assert bounded_mean(values).low <= bounded_mean(values).value <= bounded_mean(values).high


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 30).map(float), min_size=1, max_size=150),
    threshold=st.integers(0, 30).map(float),
    q=st.sampled_from([0.5, 0.9, 0.95]),
)
def test_quantile_bounds_say_what_the_exact_share_of_slower_ones_says(
    values: list[float], threshold: float, q: float
) -> None:
    own = quantile_interval(values, q=q, sides=1)
    share = clopper_pearson(sum(value > threshold for value in values), n=len(values))
    assert (own.high <= threshold) == (share.high <= 1 - q + 1e-12)
    assert (own.low > threshold) == (share.low >= 1 - q - 1e-12)


def test_a_quantile_of_too_few_has_no_upper_bound() -> None:
    assert quantile_interval(range(58), q=0.95, sides=1).high == math.inf
    assert quantile_interval(range(59), q=0.95, sides=1).high == 58.0


def test_a_clustered_quantile_knows_less() -> None:
    values = np.repeat(np.random.default_rng(0).exponential(size=40), 10)
    names = np.repeat(np.arange(40), 10).tolist()
    alone, together = (quantile_interval(values, q=0.5, clusters=c) for c in (None, names))
    assert together.n == 40
    assert together.high - together.low > alone.high - alone.low


def test_a_ratio_of_shares_of_one_is_the_mean() -> None:
    values, names = _clusters(2)
    own = ratio_interval(values, denominators=np.ones_like(values), clusters=names)
    reference = t_interval(values, clusters=names)
    assert (own.value, own.low, own.high) == pytest.approx((reference.value, reference.low, reference.high))


def test_a_ratio_over_what_may_be_zero_has_no_bounds() -> None:
    own = ratio_interval([1.0] * 20, denominators=[1.0] + [0.0] * 19)
    assert (own.low, own.high) == (-math.inf, math.inf)
    with pytest.raises(InputError, match="add up to 0"):
        ratio_interval([1.0, 1.0], denominators=[0.0, 0.0])


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 0), (12, 3), (30, 31)])
def test_exact_mcnemar_agrees_with_statsmodels(gained: int, lost: int) -> None:
    theirs = their_mcnemar([[40, lost], [gained, 20]], exact=True).pvalue
    assert mcnemar(gained=gained, lost=lost) == pytest.approx(float(theirs), abs=1e-9)


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 3, 100), (0, 5, 40), (7, 7, 30), (1, 0, 200)])
def test_tangos_bounds_solve_the_score_equation_with_the_likelihood_maximised_numerically(
    gained: int, lost: int, n: int
) -> None:
    own = paired_shares(gained=gained, lost=lost, n=n)
    for delta in (own.low, own.high):

        def minus_log(share: float, delta: float = delta) -> float:
            cells = ((gained, share + delta), (lost, share), (n - gained - lost, 1 - 2 * share - delta))
            return -sum(count * math.log(max(p, 1e-300)) for count, p in cells)

        floor, ceiling = max(0.0, -delta), (1 - delta) / 2
        best = optimize.minimize_scalar(
            minus_log, bounds=(floor, ceiling), method="bounded", options={"xatol": 1e-12}
        ).x
        score = (gained - lost - n * delta) / math.sqrt(n * (2 * best + delta - delta**2))
        assert abs(score) == pytest.approx(sps.norm.ppf(0.975), rel=1e-4)


def test_pairs_that_all_agree_still_leave_doubt() -> None:
    own = paired_shares(gained=0, lost=0, n=50)
    assert own.low < 0 < own.high
    assert own.sample["p_mcnemar"] == 1.0


@pytest.mark.parametrize(
    ("low", "high", "margin", "higher", "expected"),
    [
        (-0.01, 0.05, 0.02, True, "met"),
        (-0.03, 0.05, 0.02, True, "unproven"),
        (-0.08, -0.03, 0.02, True, "unmet"),
        (-0.05, 0.01, 0.02, False, "met"),
        (0.03, 0.08, 0.02, False, "unmet"),
        (0.0, 0.1, 0.0, True, "met"),
        (None, None, 0.02, True, "unproven"),
    ],
)
def test_non_inferiority_is_read_off_the_bounds(
    low: float | None, high: float | None, margin: float, higher: bool, expected: str
) -> None:
    assert non_inferiority(low, high, margin=margin, higher_is_better=higher) == expected


def test_the_e_value_is_the_beta_mixture() -> None:
    for gained, lost in ((0, 0), (10, 3), (200, 260)):
        log = (gained + lost) * math.log(2) + float(special.betaln(gained + 1, lost + 1))
        expected = math.exp(log)
        assert discordant_e_value(gained=gained, lost=lost) == pytest.approx(expected)
    assert discordant_e_value(gained=0, lost=0) == 1.0
    assert discordant_e_value(gained=5_000, lost=0) == math.inf


def test_the_jackknife_of_a_mean_has_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=60)
    own = jackknife_interval(lambda kept: float(values[kept].mean()), n=60)
    assert own is not None
    assert own.sample["standard_error"] == pytest.approx(float(values.std(ddof=1)) / math.sqrt(60))
    assert jackknife_interval(lambda kept: None, n=60) is None
    assert jackknife_interval(lambda kept: 1.0, n=1) is None


def test_influences_that_are_all_zero_fall_back_on_the_rule_of_three() -> None:
    own = influence_interval(0.0, influences=[0.0] * 100, largest_effect=0.01, sides=1)
    assert own.high == pytest.approx(-math.log(0.05) * 0.01)
    assert influence_interval(0.0, influences=[0.0] * 100).high == math.inf


def test_paired_quantiles_of_a_shift_find_the_shift() -> None:
    values = np.random.default_rng(2).exponential(size=400)
    own = paired_quantiles(values, candidate=values + 0.5 + 0.01 * np.sin(np.arange(400)), q=0.9)
    assert own.low <= 0.5 <= own.high
    assert own.high - own.low < 0.2
    assert paired_quantiles(values[:20], candidate=values[20:40], q=0.95).high == math.inf


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf], [1e300]])
def test_nothing_and_nan_are_refused_everywhere(values: list[float]) -> None:
    calls: list[Callable[[], object]] = [
        lambda: mean_interval(values),
        lambda: t_interval(values),
        lambda: bounded_mean(values),
        lambda: quantile_interval(values, q=0.5),
        lambda: ratio_interval(values, denominators=values),
        lambda: paired_means(values, candidate=values),
        lambda: confidence_sequence(values),
        lambda: influence_interval(0.0, influences=values),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()


def test_shapes_and_scales_that_do_not_fit_are_refused() -> None:
    calls: list[Callable[[], object]] = [
        lambda: mean_interval([1.0, 2.0], clusters=["a"]),
        lambda: mean_interval([2.0], bounds=(0.0, 1.0)),
        lambda: bounded_mean([2.0]),
        lambda: confidence_sequence([2.0]),
        lambda: paired_means([1.0], candidate=[1.0, 2.0]),
        lambda: ratio_interval([1.0], denominators=[1.0, 2.0]),
        lambda: paired_shares(gained=3, lost=3, n=5),
        lambda: paired_shares(gained=0, lost=0, n=0),
        lambda: mcnemar(gained=-1, lost=0),
        lambda: discordant_e_value(gained=-1, lost=0),
        lambda: quantile_interval([1.0], q=1.0),
        lambda: non_inferiority(0.0, 1.0, margin=-0.1),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize("count", [1, 2])
def test_resamples_without_any_variation_do_not_open_the_upper_bound(count: int) -> None:
    """One of 80 clusters is good: many resamples hold it not, and rounding is no spread of theirs."""
    values = [1.0] * count + [0.0] * (80 - count)
    found = mean_interval(values, sides=1, clusters=list(range(80)), bounds=(0.0, 1.0))
    assert found.high == pytest.approx(bounded_mean(values, sides=1).high)
