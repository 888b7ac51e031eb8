"""Burn rates page on what is going wrong, at many calls and at few, and not on chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from launchworthy.errors import InputError
from launchworthy.stats import Burn, budget_used, burn_rates
from launchworthy.stats.burn import windows_for

DAY_S = 86_400.0


def _look(counts: list[tuple[float, int, int]], *, budget: float, now_s: float) -> list[Burn]:
    return burn_rates(counts, budget=budget, now_s=now_s)


def test_rates_are_shares_over_the_budget_and_chance_is_the_exact_binomial_one() -> None:
    counts = [(60.0 * minute, 20, 3 if minute > 55 else 1) for minute in range(1, 61)]
    first = _look(counts, budget=0.01, now_s=3_600.0)[0]
    bad = sum(each[2] for each in counts)
    assert first.long_rate == pytest.approx(bad / 1_200 / 0.01)
    assert first.short_rate == pytest.approx(15 / 100 / 0.01)
    assert first.chance == pytest.approx(float(scipy_stats.binom.sf(bad - 1, 1_200, 0.01)))
    assert not first.fires  # 5.8 times as fast is below 14.4
    second = _look(counts, budget=0.01, now_s=3_600.0)[1]
    assert second.window.factor == 6.0


def _pages(*, calls_an_hour: int, share: float, budget: float, days: int, seed: int) -> tuple[int, int]:
    """Pages of a month with and without the condition on chance; one that goes on is one page."""
    rng = np.random.default_rng(seed)
    counts, sure, plain = [], 0, 0
    was = {"sure": False, "plain": False}
    for tick in range(days * 24 * 2):  # every half hour
        events = int(rng.poisson(calls_an_hour / 2))
        counts.append(((tick + 1) * 1_800.0, events, int(rng.binomial(events, share))))
        burns = _look(counts[-12:], budget=budget, now_s=(tick + 1) * 1_800.0)[:2]
        now_sure = any(burn.fires for burn in burns)
        now_plain = any(min(burn.long_rate, burn.short_rate) >= burn.window.factor for burn in burns)
        sure += now_sure and not was["sure"]
        plain += now_plain and not was["plain"]
        was = {"sure": now_sure, "plain": now_plain}
    return sure, plain


def test_few_calls_with_half_the_budget_unused_wake_nobody_where_plain_rates_do() -> None:
    found = [_pages(calls_an_hour=5, share=0.005, budget=0.01, days=30, seed=seed) for seed in range(4)]
    assert sum(sure for sure, _ in found) <= 1
    assert sum(plain for _, plain in found) / 4 > 8


def test_a_tenfold_burn_at_few_calls_still_pages() -> None:
    sure, _ = _pages(calls_an_hour=5, share=0.5, budget=0.01, days=2, seed=1)
    assert sure >= 1


def test_a_loose_target_has_factors_that_can_be_reached() -> None:
    assert [window.factor for window in windows_for(0.2)] == [2.5, 1.0]
    assert [window.factor for window in windows_for(0.001)] == [14.4, 6.0, 3.0, 1.0]
    outage = [(300.0 * tick, 10, 10) for tick in range(1, 13)]
    assert _look(outage, budget=0.2, now_s=3_600.0)[0].fires


def test_silence_is_a_state_of_its_own() -> None:
    burns = _look([(10.0, 5, 0)], budget=0.01, now_s=10 * DAY_S)
    assert all(burn.silent and not burn.fires and math.isnan(burn.long_rate) for burn in burns)
    assert all(burn.silent for burn in _look([], budget=0.01, now_s=0.0))


def test_the_end_of_the_budget_follows_from_what_is_left_and_the_rate() -> None:
    calm = [(3_600.0 * hour, 100, 0) for hour in range(1, 15 * 24)]
    burst = [(15 * DAY_S, 100, 50)]
    used = budget_used([*calm, *burst], budget=0.01, now_s=15 * DAY_S)
    assert used == pytest.approx(50 / (36_000 * 2 * 0.01), rel=0.01)
    first = _look([*calm, *burst], budget=0.01, now_s=15 * DAY_S)[0]
    assert first.long_rate == 50.0
    assert first.ends_s == pytest.approx((1 - used) * 30 * DAY_S / 50.0)
    assert _look(calm, budget=0.01, now_s=15 * DAY_S)[0].ends_s == math.inf


@pytest.mark.parametrize("budget", [0.0, 1.0, -1.0, math.nan])
def test_a_budget_that_is_none_is_told(budget: float) -> None:
    with pytest.raises(InputError, match="is none"):
        _look([(1.0, 1, 0)], budget=budget, now_s=1.0)


@pytest.mark.parametrize("count", [(0.0, 1, 2), (0.0, -1, 0), (0.0, 1, -1), (math.nan, 1, 0)])
def test_impossible_counts_are_told(count: tuple[float, int, int]) -> None:
    with pytest.raises(InputError, match="impossible"):
        _look([count], budget=0.01, now_s=0.0)
