"""How many users an experiment takes, and how long that is, before it starts. Pure; may import ``errors``,
``stats``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats import (
    asymptotic_sequence,
    drift_for,
    look_bounds,
    mean_size,
    normal_quantile,
)

__all__ = ["Sizing", "size_of"]

_MOST = 1_000_000_000  # users beyond which the answer is "not by counting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What showing a difference takes.

    Attributes:
        users: In both arms together; None beyond a billion.
        candidate: Of these, in the candidate's arm.
        days: Until they have come; None where it was not said how many come.
        inflation: How many times more than without looking early.
        watched: Users after which a harm of this size is shown by bounds that always hold, with these odds.
        smallest_by_day: What is shown with these odds after so many days.
    """

    users: int | None
    candidate: int | None
    days: float | None
    inflation: float
    watched: int | None
    smallest_by_day: tuple[tuple[int, float], ...]


def size_of(
    *,
    gap: float,
    rate: float | None = None,
    sd: float | None = None,
    share: float = 0.5,
    looks: Sequence[float] = (1.0,),
    spending: str = "obrien-fleming",
    level: float = 0.95,
    odds: float = 0.8,
    goals: int = 1,
    per_day: float | None = None,
) -> Sizing:
    """Users with which a difference of ``gap`` is shown with probability ``odds``.

    Args:
        gap: Change to be shown; of a margin, how much worse it may be when nothing differs in truth.
        rate: Share of the baseline, for yes or no; its change is part of the variance.
        sd: Standard deviation over users, for scores.
        share: Of the users who get the candidate.
        looks: Shares of the planned users at which it may ship.
        goals: Among how many goals it is one; the first to be shown by Holm meets the strictest bound.
        per_day: Users who come.

    Raises:
        InputError: A gap of 0, a rate or share that is none, or both or neither of rate and sd.

    Source: Jennison and Turnbull, Group Sequential Methods (2000), chapters 2 and 7; a single look at scores
    with Student's t, by the noncentral t distribution.
    """
    if (rate is None) == (sd is None):
        raise InputError("a size takes a rate, or a standard deviation")
    if not 0.0 < share < 1.0:
        raise InputError(f"a share of {share!r} leaves nobody in an arm")
    if not gap or not math.isfinite(gap):
        raise InputError("no number of users shows a difference of 0", hint="say which one matters")
    if goals < 1:
        raise InputError(f"{goals} goals are none")
    old, new = _variances(rate, sd, gap)
    per_user = old / (1.0 - share) + new / share
    error = 0.5 * (1.0 - level) / goals
    bounds = look_bounds(looks, error=error, spending=spending)
    drift = drift_for(bounds, odds=odds)
    alone = drift_for(look_bounds([1.0], error=error), odds=odds)
    users = _whole((drift / gap) ** 2 * per_user)
    if users is not None and sd is not None and len(bounds.bounds) == 1:
        users = max(users, _by_t(gap, sd, share, error, odds, users))
    return Sizing(
        users=users,
        candidate=None if users is None else math.ceil(users * share - 1e-9),
        days=None if users is None or not per_day else users / per_day,
        inflation=(drift / alone) ** 2,
        watched=_watched(abs(gap), per_user, level, odds, users),
        smallest_by_day=_by_day(drift, per_user, per_day, users),
    )


def _variances(rate: float | None, sd: float | None, gap: float) -> tuple[float, float]:
    if sd is not None:
        if not 0.0 < sd < math.inf:
            raise InputError(f"a standard deviation of {sd!r} is not above 0")
        return sd * sd, sd * sd
    rate = 0.0 if rate is None else rate
    if not 0.0 <= rate <= 1.0 or not 0.0 <= rate + gap <= 1.0:
        raise InputError(f"a rate of {rate:g} cannot become {rate + gap:g}")
    return rate * (1.0 - rate), (rate + gap) * (1.0 - rate - gap)


def _whole(users: float) -> int | None:
    return math.ceil(users - 1e-9) if users <= _MOST else None


def _by_t(gap: float, sd: float, share: float, error: float, odds: float, users: int) -> int:
    """The same with an estimated deviation, which few users make larger."""
    if users > 2_000 or odds <= 0.5 or error >= 0.5:
        return users
    spread = sd * math.sqrt(1.0 / share + 1.0 / (1.0 - share))
    return mean_size(gap=abs(gap), sd=spread, level=1.0 - error, sides=1, odds=odds) or users


def _watched(gap: float, per_user: float, level: float, odds: float, users: int | None) -> int | None:
    tuned = 0.25 * users if users else 5_000.0
    more = normal_quantile(odds)

    def shown(n: int) -> bool:
        width = asymptotic_sequence(
            0.0, standard_error=1.0, n=n, level=level, sides=1, tuned_for=max(1.0, tuned)
        ).high
        return (width + more) * math.sqrt(per_user / n) <= gap

    high = 2
    while not shown(high):
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _by_day(
    drift: float, per_user: float, per_day: float | None, users: int | None
) -> tuple[tuple[int, float], ...]:
    if not per_day:
        return ()
    last = 28.0 if users is None else max(7.0, 2.0 * users / per_day)
    days = [day for day in (1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 56, 84, 112, 182, 364) if day <= last]
    return tuple((day, drift * math.sqrt(per_user / (day * per_day))) for day in days)
