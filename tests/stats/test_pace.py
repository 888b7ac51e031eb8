"""What an allowance will hold: by the hours of the week, within bounds that hold as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from launchworthy.errors import InputError
from launchworthy.stats import spending_pace

MONTH_H = 720
FIRST = 480_000  # hours since 1970, a Thursday


def _week() -> NDArray[np.float64]:
    """An office: nothing at night and at weekends."""
    hour = np.arange(168)
    of_week = (hour + 3 * 24) % 168  # 1970-01-01 was a Thursday
    return np.where((of_week < 5 * 24) & (of_week % 24 >= 8) & (of_week % 24 < 18), 1.0, 0.0)


def _spent(weeks: int, *, seed: int = 0, spread: float = 0.0) -> NDArray[np.float64]:
    hours = np.arange(weeks * 168)
    base = _week()[(FIRST + hours) % 168]
    if not spread:
        return base
    rng = np.random.default_rng(seed)
    return np.asarray(base * np.exp(rng.normal(-(spread**2) / 2, spread, weeks * 7))[hours // 24])


def test_the_hours_of_the_week_tell_what_an_even_pace_does_not() -> None:
    spent = _spent(10)
    until = 8 * 168 + 4 * 24 + 11  # a Monday morning, after a weekend without any
    found = spending_pace(spent[:until].tolist(), last_hour=FIRST + until - 1, window_h=168, most=52.0)
    assert found.spent == pytest.approx(spent[until - 168 : until].sum())
    for each in found.ahead:
        end = until + each.hours
        assert each.value == pytest.approx(spent[end - 168 : end].sum(), abs=1e-9)
    assert found.passes_h == math.inf
    assert max(each.value for each in found.ahead) == pytest.approx(50.0)


def test_what_grows_passes_at_the_hour_that_its_level_says() -> None:
    spent = np.concatenate([np.full(4 * 168, 1.0), np.full(168, 2.0)])
    found = spending_pace(spent.tolist(), last_hour=FIRST, window_h=MONTH_H, most=1_000.0)
    assert found.days == 34
    held = found.spent
    for each in found.ahead:  # two an hour come, one an hour leaves
        if each.value > 1_000.0:
            assert each.hours == found.passes_h == pytest.approx((1_000.0 - held) // 1.0, abs=5)
            break
    assert found.surely_passes_h >= found.passes_h >= found.may_pass_h


def test_before_three_days_nothing_is_foretold_and_before_two_weeks_by_the_hour_of_the_day() -> None:
    assert spending_pace([1.0] * 71, last_hour=FIRST, window_h=24, most=30.0).ahead == ()
    day = [0.0] * 12 + [1.0] * 12
    found = spending_pace([*day * 5, 0.0], last_hour=FIRST, window_h=24, most=30.0)
    assert [round(each.value) for each in found.ahead] == [12] * 24


def test_the_bounds_hold_as_often_as_they_say() -> None:
    # Seeds 0 to 199: 30 days ahead of 6 weeks with days that vary by 20 %; 0.95 ± 3 standard errors.
    held = 0
    for seed in range(200):
        spent = _spent(12, seed=seed, spread=0.2)
        until = 6 * 168
        found = spending_pace(spent[:until].tolist(), last_hour=FIRST + until - 1, window_h=MONTH_H, most=1e9)
        last = found.ahead[-1]
        held += last.low <= spent[until : until + MONTH_H].sum() <= last.high
    assert 0.90 <= held / 200 <= 1.0


def test_an_allowance_that_is_passed_is_passed_now() -> None:
    found = spending_pace([5.0] * 24 * 30, last_hour=FIRST, window_h=24, most=100.0)
    assert (found.passes_h, found.surely_passes_h, found.may_pass_h) == (0.0, 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    spent=st.lists(st.floats(0, 1e6), min_size=1, max_size=600),
    window_h=st.integers(1, 900),
    most=st.floats(1e-3, 1e9),
    last=st.integers(0, 10**6),
)
def test_whatever_was_spent_bounds_hold_their_middle(
    spent: list[float], window_h: int, most: float, last: int
) -> None:
    found = spending_pace(spent, last_hour=last, window_h=window_h, most=most)
    assert found.spent == pytest.approx(sum(spent[-window_h:]))
    assert len(found.ahead) == (window_h if len(spent) - 1 >= 72 else 0)
    for each in found.ahead:
        slack = 1e-6 * (1.0 + abs(each.value))
        assert each.low - slack <= each.value <= each.high + slack
    assert found.may_pass_h <= found.passes_h <= found.surely_passes_h


@pytest.mark.parametrize(
    ("hours", "window_h", "most", "confidence"),
    [
        ([], 24, 1.0, 0.95),
        ([-1.0], 24, 1.0, 0.95),
        ([math.nan], 24, 1.0, 0.95),
        ([1.0], 0, 1.0, 0.95),
        ([1.0], 24, 0.0, 0.95),
        ([1.0], 24, math.inf, 0.95),
        ([1.0], 24, 1.0, 1.0),
    ],
)
def test_what_is_no_allowance_is_refused(
    hours: list[float], window_h: int, most: float, confidence: float
) -> None:
    with pytest.raises(InputError):
        spending_pace(hours, last_hour=FIRST, window_h=window_h, most=most, confidence=confidence)
