"""Whether spending will pass its allowance, and when, by the hours of the week at which it is spent. Pure.

An allowance such as 900 USD a month looks back over a window that rolls. What it will hold is what was spent
and has not left the window by then, and what is still to come: as much as at these hours of the week before,
at the level of the last week. On a Friday evening half of the hours of a week are still to come, and often
little of its spending.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.special import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FEWEST_DAYS", "Ahead", "Pace", "spending_pace"]

FEWEST_DAYS = 3
_DAY, _WEEK = 24, 168
_MOST_WEEKS = 8  # that the hours of a week are averaged over
_WEEKS_OF_SPREAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What the window will hold so many hours from now: the middle, and bounds of what is to be expected."""

    hours: int
    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How an allowance is being spent.

    Attributes:
        spent: In the window that ends now.
        most: The allowance.
        days: Whole days that the projection rests on; below :data:`FEWEST_DAYS` there is none.
        ahead: Hour by hour over one window from now; empty where there is no projection.
    """

    spent: float
    most: float
    days: int
    ahead: tuple[Ahead, ...]

    @property
    def fullest(self) -> Ahead | None:
        """When the window will hold most."""
        return max(self.ahead, key=lambda each: each.value, default=None)

    @property
    def passes_h(self) -> float:
        """Hours until the allowance is passed, as far as can be told; infinity where it is not."""
        return self._first(lambda each: each.value)

    @property
    def surely_passes_h(self) -> float:
        """The same of the lower bound: at the latest, and infinity where it is not shown to be passed."""
        return self._first(lambda each: each.low)

    @property
    def may_pass_h(self) -> float:
        """The same of the upper bound: at the soonest, and infinity where it is shown not to be passed."""
        return self._first(lambda each: each.high)

    def _first(self, of: Callable[[Ahead], float]) -> float:
        if self.spent > self.most:
            return 0.0
        return next((float(each.hours) for each in self.ahead if of(each) > self.most), math.inf)


def spending_pace(
    hours: Sequence[float], *, last_hour: int, window_h: int, most: float, confidence: float = 0.95
) -> Pace:
    """Project what a rolling allowance will hold over the coming window.

    Args:
        hours: What was spent in each hour, none left out, oldest first; the last one is still going on.
        last_hour: Number of that last hour since 1970-01-01 00:00 UTC.
        window_h: Length of the window in hours.
        most: What it may hold.
        confidence: Of the bounds, two-sided.

    From two whole weeks on an hour is expected to cost what this hour of the week did on average (of 8 weeks
    at the most), times the level of the last 7 days; before, what this hour of the day did. The bounds are
    those of a prediction of a sum of days (Student's t), days being independent around the level of their
    week. A level that is about to change is not foreseen.

    Source: Hahn and Meeker, Statistical Intervals (1991): prediction of a sum of future values.

    Raises:
        InputError: No hour, an amount that is none, or an allowance or window that is none.

    >>> steady = spending_pace([1.0] * 24 * 28, last_hour=480_000, window_h=24 * 30, most=700.0)
    >>> steady.spent, steady.passes_h
    (672.0, 29.0)
    """
    import numpy as np

    spent = np.asarray(hours, dtype=np.float64)
    if spent.ndim != 1 or not len(spent) or not np.isfinite(spent).all() or (spent < 0.0).any():
        raise InputError("what was spent is a number of 0 or more for each hour, the last one included")
    if window_h < 1 or not (math.isfinite(most) and most > 0.0) or not 0.0 < confidence < 1.0:
        raise InputError(f"an allowance of {most!r} in {window_h!r} hours is none")
    whole = spent[:-1]
    days = len(whole) // _DAY
    now = float(spent[-window_h:].sum())
    if days < FEWEST_DAYS:
        return Pace(spent=now, most=most, days=days, ahead=())
    expected, level, spread, df, rests_on = _fitted(whole, last_hour=last_hour)
    steps = np.arange(1, window_h + 1)
    coming = level * np.cumsum(expected[(last_hour + steps) % _WEEK])
    padded = np.concatenate([np.zeros(max(0, window_h - len(spent))), spent[-window_h:]])
    left = now - np.cumsum(padded)
    a_day = float(expected.mean()) * _DAY
    ahead_days = steps / _DAY
    a_step = t_quantile(0.5 + confidence / 2.0, df=df) * spread * a_day
    half = a_step * np.sqrt(ahead_days**2 / rests_on + ahead_days)
    low = left + np.maximum(0.0, coming - half)
    found = zip(steps, low, left + coming, left + coming + half, strict=True)
    return Pace(
        spent=now,
        most=most,
        days=days,
        ahead=tuple(
            Ahead(hours=int(step), low=float(down), value=float(middle), high=float(up))
            for step, down, middle, up in found
        ),
    )


def _fitted(
    whole: NDArray[np.float64], *, last_hour: int
) -> tuple[NDArray[np.float64], float, float, int, int]:
    """What each hour of a week costs, the level now, the spread of days around it, its degrees of freedom,
    and how many days the level rests on."""
    import numpy as np

    weeks = min(len(whole) // _WEEK, _MOST_WEEKS)
    period = _WEEK if weeks >= 2 else _DAY
    used = weeks * _WEEK if weeks >= 2 else len(whole) // _DAY * _DAY
    recent = whole[-used:]
    # The hours of ``recent`` end right before the one that goes on, so that its first falls on this one.
    first = (last_hour - used) % _WEEK
    mean = recent.reshape(-1, period).mean(axis=0)
    expected = np.empty(_WEEK)
    expected[(first + np.arange(_WEEK)) % _WEEK] = np.resize(mean, _WEEK)
    days = recent.reshape(-1, _DAY).sum(axis=1)
    due = np.resize(mean, used).reshape(-1, _DAY).sum(axis=1)
    told = due > 0.0
    ratios = np.where(told, days / np.where(told, due, 1.0), 1.0)
    if weeks < 2:
        return expected, 1.0, float(ratios.std(ddof=1)), len(ratios) - 1, len(ratios)
    by_week = ratios[-7 * min(weeks, _WEEKS_OF_SPREAD) :].reshape(-1, 7)
    around = by_week - by_week.mean(axis=1, keepdims=True)
    df = (len(by_week) - 1) * 6  # what is left of the days once each weekday and each week has its own mean
    return expected, float(by_week[-1].mean()), float(np.sqrt((around**2).sum() / df)), df, 7
