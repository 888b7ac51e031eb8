"""How fast a budget of bad events is used up, and whether that is worth waking somebody. Pure.

A target such as "at most 1 % fail within 30 days" is a budget. Its burn rate is how many times as fast as
allowed it is being used. A page needs a high rate over a long window and over a short one, so that it is
still going on, and chance ruled out over the long one: where few calls come, two failures in an hour are a
rate of 40 and mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats.special import binomial_tail

__all__ = ["PAGES", "Burn", "BurnWindow", "budget_used", "burn_rates", "windows_for"]

_CHANCE = 1e-4  # of that many bad events over the long window, were the budget just kept
_MOST_OF_BUDGET = 0.5  # a rate that would need more bad events than this share of all can never be reached


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnWindow:
    """Two windows and the rate that both must reach.

    Attributes:
        long_s, short_s: Seconds.
        factor: How many times as fast as allowed.
        severity: ``page`` or ``ticket``.
    """

    long_s: float
    short_s: float
    factor: float
    severity: str


# Each uses up 2, 5, 10 and 10 % of a budget of 30 days within its long window.
PAGES = (
    BurnWindow(long_s=3_600.0, short_s=300.0, factor=14.4, severity="page"),
    BurnWindow(long_s=21_600.0, short_s=1_800.0, factor=6.0, severity="page"),
    BurnWindow(long_s=86_400.0, short_s=7_200.0, factor=3.0, severity="ticket"),
    BurnWindow(long_s=259_200.0, short_s=21_600.0, factor=1.0, severity="ticket"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """What the windows say at one moment.

    Attributes:
        window: The windows, with the factor as it was capped.
        long_rate, short_rate: Burn rates; NaN where no event came.
        chance: Of as many bad events over the long window, were the budget just kept.
        fires: Both rates are reached and chance is ruled out.
        silent: No event came in the long window: nobody can tell.
        ends_s: Seconds until the budget of the period is used up at the long rate; infinity where it is not.
    """

    window: BurnWindow
    long_rate: float
    short_rate: float
    chance: float
    fires: bool
    silent: bool
    ends_s: float

    @property
    def may_be_chance(self) -> bool:
        """Both rates are reached, and so few events do not rule chance out."""
        factor = self.window.factor
        return self.long_rate >= factor and self.short_rate >= factor and not self.fires


def windows_for(budget: float, windows: Sequence[BurnWindow] = PAGES) -> tuple[BurnWindow, ...]:
    """The windows with factors that a budget can reach at all.

    Where 10 % may fail, everything failing is a rate of 10, and a factor of 14.4 would sleep through it.

    Raises:
        InputError: A budget that is none.
    """
    if not 0.0 < budget < 1.0:
        raise InputError(f"a budget of {budget!r} is none", hint="a share between 0 and 1, such as 0.01")
    most = _MOST_OF_BUDGET / budget
    kept: dict[float, BurnWindow] = {}
    for window in windows:
        factor = max(1.0, min(window.factor, most))
        # Of windows that ask for the same rate, the shortest is the soonest.
        kept.setdefault(
            factor,
            BurnWindow(long_s=window.long_s, short_s=window.short_s, factor=factor, severity=window.severity),
        )
    return tuple(kept.values())


def burn_rates(
    counts: Sequence[tuple[float, int, int]],
    *,
    budget: float,
    now_s: float,
    period_s: float = 30 * 86_400.0,
    windows: Sequence[BurnWindow] = PAGES,
) -> list[Burn]:
    """What each pair of windows says at ``now_s``.

    Args:
        counts: Time in seconds, events, and bad ones among them; in any order, each counted in the windows
            that its time lies in.
        budget: Share that may be bad.
        now_s: The end of every window, on the same clock.
        period_s: What the budget is for.
        windows: Which to look at.

    Raises:
        InputError: A budget that is none, or impossible counts.

    Source: Beyer et al., The Site Reliability Workbook (2018), chapter 5, alternative 6; the condition on
    chance is the exact binomial test.
    """
    for at, events, bad in counts:
        if not 0 <= bad <= events or not math.isfinite(at):
            raise InputError(f"{bad!r} bad of {events!r} events at {at!r} is impossible")
    pairs = windows_for(budget, windows)
    used = budget_used(counts, budget=budget, now_s=now_s, period_s=period_s)
    found = []
    for window in pairs:
        events, bad = _within(counts, now_s, window.long_s)
        short_events, short_bad = _within(counts, now_s, window.short_s)
        long_rate = bad / events / budget if events else math.nan
        short_rate = short_bad / short_events / budget if short_events else math.nan
        chance = binomial_tail(bad, n=events, rate=budget) if events else 1.0
        fires = events > 0 and short_events > 0
        fires = fires and min(long_rate, short_rate) >= window.factor and chance < _CHANCE
        found.append(
            Burn(
                window=window,
                long_rate=long_rate,
                short_rate=short_rate,
                chance=chance,
                fires=fires,
                silent=not events,
                ends_s=math.inf if not long_rate > 0.0 else max(0.0, 1.0 - used) * period_s / long_rate,
            )
        )
    return found


def budget_used(
    counts: Sequence[tuple[float, int, int]], *, budget: float, now_s: float, period_s: float = 30 * 86_400.0
) -> float:
    """The part of the period's budget that is used up, 1 being all of it.

    Where the counts do not go back a whole period, as many events are expected in the rest of it.
    """
    inside = [each for each in counts if now_s - period_s < each[0] <= now_s]
    events, bad = sum(each[1] for each in inside), sum(each[2] for each in inside)
    if not events:
        return 0.0
    span_s = max(3_600.0, now_s - min(each[0] for each in inside))
    return bad / (events * max(1.0, period_s / span_s) * budget)


def _within(counts: Sequence[tuple[float, int, int]], now_s: float, window_s: float) -> tuple[int, int]:
    inside = [(events, bad) for at, events, bad in counts if now_s - window_s < at <= now_s]
    return sum(events for events, _ in inside), sum(bad for _, bad in inside)
