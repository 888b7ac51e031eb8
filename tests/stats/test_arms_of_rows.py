"""Quantiles, times and logged policies of arms: references, truth by simulation, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from launchworthy.errors import InputError
from launchworthy.stats import (
    UserCounts,
    effective_rows,
    joined_difference,
    log_rank,
    mean_time_difference,
    mean_time_interval,
    policy_value,
    policy_values,
    quantile_interval,
)


def _followed(seed: int, scale: float, n: int = 250) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    happens, leaves = np.round(rng.exponential(scale, n), 1), np.round(rng.uniform(5, 30, n), 1)
    return np.minimum(happens, leaves), happens <= leaves


def test_the_log_rank_test_is_that_of_statsmodels() -> None:
    (t0, d0), (t1, d1) = _followed(1, 10.0), _followed(2, 13.0)
    theirs = survdiff(np.concatenate([t0, t1]), np.concatenate([d0, d1]).astype(int), np.repeat([0, 1], 250))
    ours = log_rank(t0, baseline_happened=d0, candidate=t1, candidate_happened=d1)
    assert ours == pytest.approx(float(theirs[1]), rel=1e-9)


def test_the_restricted_mean_is_the_area_under_statsmodels_curve_and_its_error_the_jackknifes() -> None:
    t, d = _followed(3, 10.0)
    ours = mean_time_interval(t, happened=d, horizon=20.0)
    curve = SurvfuncRight(t, d.astype(int))
    times, left = np.concatenate([[0.0], curve.surv_times]), np.concatenate([[1.0], curve.surv_prob])
    known = times < 20.0
    area = float(left[known] @ np.diff(np.concatenate([times[known], [20.0]])))
    assert ours.value == pytest.approx(area, rel=1e-12)
    without = np.array(
        [
            mean_time_interval(np.delete(t, i), happened=np.delete(d, i), horizon=20.0).value
            for i in range(t.size)
        ]
    )
    jackknife = math.sqrt((t.size - 1) / t.size * float(((without - without.mean()) ** 2).sum()))
    assert ours.sample["standard_error"] == pytest.approx(jackknife, rel=0.02)


def test_a_later_event_is_a_longer_mean_time() -> None:
    arms = [
        mean_time_interval(t, happened=d, horizon=20.0) for t, d in (_followed(4, 6.0), _followed(5, 14.0))
    ]
    found = mean_time_difference(arms[0], candidate=arms[1])
    assert found.low > 0.0
    assert found.sample["p_value"] < 1e-6
    nothing = mean_time_interval([30.0, 30.0], happened=[False, False], horizon=20.0)
    assert nothing.value == 20.0
    assert mean_time_difference(nothing, candidate=nothing).low == -math.inf
    assert log_rank([3.0], baseline_happened=[False], candidate=[4.0], candidate_happened=[False]) == 1.0


def test_times_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="below 0"):
        mean_time_interval([-1.0], happened=[True], horizon=1.0)
    with pytest.raises(InputError, match="nobody was followed"):
        mean_time_interval([1.0], happened=[False], horizon=5.0)
    with pytest.raises(InputError, match="horizon"):
        mean_time_interval([1.0], happened=[False], horizon=math.nan)
    with pytest.raises(InputError, match="words"):
        mean_time_interval([1.0, 2.0], happened=[True], horizon=1.0)
    other = mean_time_interval([9.0, 1.0], happened=[False, True], horizon=2.0)
    with pytest.raises(InputError, match="horizons"):
        mean_time_difference(mean_time_interval([9.0], happened=[False], horizon=1.0), candidate=other)


def test_values_of_one_user_count_as_few_where_they_are_alike() -> None:
    rng = np.random.default_rng(8)
    counts = rng.integers(1, 9, size=400).astype(float)
    alike = np.where(rng.random(400) < 0.1, counts, 0.0)
    apart = rng.binomial(counts.astype(int), 0.1).astype(float)
    sizes = {
        name: UserCounts(
            users=400,
            values=counts.sum(),
            above=above.sum(),
            values_squares=(counts**2).sum(),
            above_squares=(above**2).sum(),
            product=float(counts @ above),
        ).effective
        for name, above in (("alike", alike), ("apart", apart))
    }
    assert sizes["alike"] == pytest.approx(counts.sum() ** 2 / (counts**2).sum(), rel=0.25)  # Kish
    assert 0.75 * counts.sum() < sizes["apart"] <= counts.sum()


def test_the_difference_of_two_quantiles_has_the_width_of_the_bootstrap() -> None:
    rng = np.random.default_rng(9)
    old, new = rng.lognormal(0.0, 0.5, 3_000), rng.lognormal(0.1, 0.5, 3_000)
    ours = joined_difference(quantile_interval(old, q=0.9), candidate=quantile_interval(new, q=0.9))
    drawn = [
        np.quantile(rng.choice(new, 3_000), 0.9) - np.quantile(rng.choice(old, 3_000), 0.9)
        for _ in range(600)
    ]
    assert ours.sample["standard_error"] == pytest.approx(float(np.std(drawn)), rel=0.15)
    assert ours.low < ours.value < ours.high
    few = quantile_interval(old[:10], q=0.9)
    assert joined_difference(few, candidate=few).low == -math.inf
    with pytest.raises(InputError, match="different levels"):
        joined_difference(few, candidate=quantile_interval(old, q=0.9, level=0.9))


def _logged(n: int, seed: int) -> dict[str, Any]:
    """Three actions; the other policy likes the last, which pays 0.7 where the first pays 0.3."""
    rng = np.random.default_rng(seed)
    chances, others, pays = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.5, 0.7])
    action = rng.choice(3, size=n, p=chances)
    reward = (rng.random(n) < pays[action]).astype(float)
    return {
        "rewards": reward,
        "logged": chances[action],
        "other": others[action],
        "predicted": np.array([0.35, 0.45, 0.6])[action],
        "predicted_other": np.full(n, float(others @ np.array([0.35, 0.45, 0.6]))),
    }


def test_each_estimate_of_another_policy_covers_the_truth_about_as_often_as_it_says() -> None:
    truth, held = 0.1 * 0.3 + 0.2 * 0.5 + 0.7 * 0.7, {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(30):
        for method, found in policy_values(**_logged(2_100, seed)).items():
            held[method] += found.low <= truth <= found.high
    assert all(times >= 25 for times in held.values()), held


def test_weighing_by_the_weights_own_sum_and_a_model_narrow_the_bounds() -> None:
    found = policy_values(**_logged(4_000, 1))
    width = {method: one.high - one.low for method, one in found.items()}
    assert width["dr"] < width["ips"]
    assert width["snips"] < width["ips"]
    assert found["snips"].sample["effective_rows"] == pytest.approx(1_500, rel=0.1)
    assert effective_rows([1.0, 1.0, 1.0]) == pytest.approx(3.0)


def test_policies_that_hardly_share_a_decision_get_no_bounds() -> None:
    found = policy_value([1.0] * 50, logged=[0.5] * 50, other=[0.0] * 49 + [1.0])
    assert found.low == -math.inf
    assert "hardly share" in found.method


def test_chances_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="logged chance"):
        policy_value([1.0], logged=[0.0], other=[0.5])
    with pytest.raises(InputError, match="from 0 to 1"):
        policy_value([1.0], logged=[0.5], other=[1.5])
    with pytest.raises(InputError, match="for each reward"):
        policy_value([1.0, 0.0], logged=[0.5], other=[0.5])
    with pytest.raises(InputError, match="dr needs"):
        policy_value([1.0], logged=[0.5], other=[0.5], method="dr")
    with pytest.raises(InputError, match="no method"):
        policy_value([1.0], logged=[0.5], other=[0.5], method="magic")
    with pytest.raises(InputError, match="none of the logged"):
        policy_value([1.0], logged=[0.5], other=[0.0])
