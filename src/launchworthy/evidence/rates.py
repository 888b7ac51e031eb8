"""Two rates of one failure, before and after its fix, as a proof. Pure.

May import ``quantity``, ``records``, ``stats`` and this room.
"""

from __future__ import annotations

import math

from launchworthy.evidence.evidence import Evidence
from launchworthy.quantity import format_interval
from launchworthy.records.incident import Proof, Rate
from launchworthy.stats import Interval, joined_difference

__all__ = ["compared", "rate_of"]


def compared(
    what: str,
    before: Rate | None,
    after: Rate | None,
    *,
    where: str,
    less_is_better: bool,
    level: float,
    few: int = 0,
) -> Proof:
    """Two rates as a proof; without one of them, or with few units after the fix, nothing is shown.

    Args:
        what: What was counted, in words.
        before, after: The rates, their bounds at ``level`` each.
        where: ``evals`` or ``production``.
        less_is_better: Whether a fall is what was wanted.
        level: At which each bound of the difference holds.
        few: Least units after the fix.
    """
    if before is None or after is None or after.n < few:
        missing = "before" if before is None else "after"
        reason = f"nothing was measured {missing} the fix"
        if before is not None and after is not None:
            reason = f"{after.n} since the fix; at least {few} are needed"
        return Proof(where=where, what=what, before=before, after=after, reason=reason)
    apart = joined_difference(_interval(before, level), candidate=_interval(after, level))
    low, high = apart.low, apart.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return Proof(where=where, what=what, before=before, after=after, reason="too few values to compare")
    better, worse = (high < 0, low > 0) if less_is_better else (low > 0, high < 0)
    told = f"{_told(before)} before, {_told(after)} since"
    said = "shown to be better" if better else "shown to be worse" if worse else "not shown to be better yet"
    return Proof(
        where=where,
        what=what,
        before=before,
        after=after,
        low=low,
        high=high,
        fallen=True if better else False if worse else None,
        reason=f"{said}: {told}",
        less_is_better=less_is_better,
    )


def rate_of(piece: Evidence) -> Rate | None:
    """What a piece measured, as a rate; None where it measured nothing, or has no bound on a side."""
    value, low, high = piece.value, piece.low, piece.high
    if value is None or low is None or high is None or not math.isfinite(high - low):
        return None
    return Rate(value=value, low=low, high=high, n=piece.n, unit=piece.unit, source=piece.source)


def _told(rate: Rate) -> str:
    return format_interval(rate.value, rate.low, rate.high, n=rate.n, unit=rate.unit)


def _interval(rate: Rate, level: float) -> Interval:
    return Interval(
        value=rate.value,
        low=rate.low,
        high=rate.high,
        confidence=level,
        n=rate.n,
        method="as measured",
        sides=1,
        unit=rate.unit,
    )
