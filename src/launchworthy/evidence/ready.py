"""Ready when? A date from the plans of what blocks a stage, or why there is none. Pure.

May import ``quantity`` and the standard library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from launchworthy.evidence.status import ClaimStatus, State

__all__ = ["Ready", "when_ready"]

_FAR_DAYS = 3_650  # a date further off than ten years is no plan
_AT_WILL = ("signature", "drill")  # can be done today, by whoever the plan names


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The earliest day on which a stage may be entered if every plan works out; None with the reason."""

    on: date | None
    why: str


def when_ready(blocking: Sequence[ClaimStatus], *, now: datetime, labels_per_day: float | None) -> Ready:
    """The date from the plans of the claims that block a stage.

    Plans run side by side; labels come from the same people, so they add up.
    """
    if not blocking:
        return Ready(on=now.date(), why="nothing blocks it")
    unmet = [each for each in blocking if each.state is State.UNMET]
    if unmet:
        count = "1 claim is" if len(unmet) == 1 else f"{len(unmet):,} claims are"
        return Ready(on=None, why=f"{count} unmet, which needs a change, not more data")
    labels = sum(each.plan.labels or 0 for each in blocking if each.plan is not None)
    if labels and labels_per_day is None:
        return Ready(on=None, why=f"blocked by {labels:,} labels, and how many a day brings is not known")
    days = labels / labels_per_day if labels and labels_per_day else 0.0
    undated = [each for each in blocking if not _dated(each)]
    if undated:
        more = f"; so it is with {len(undated) - 1:,} more" if len(undated) > 1 else ""
        return Ready(on=None, why=_undated(undated[0]) + more)
    days = max([days, *(each.plan.days for each in blocking if each.plan and each.plan.days is not None)])
    try:
        on = None if days > _FAR_DAYS else (now + timedelta(days=math.ceil(days))).date()
    except OverflowError:
        on = None
    if on is None:
        return Ready(on=None, why="at the pace seen it would take more than ten years")
    return Ready(on=on, why=_blockers(blocking, labels=labels))


def _dated(each: ClaimStatus) -> bool:
    plan = each.plan
    return plan is not None and (plan.days is not None or bool(plan.labels) or plan.unit in _AT_WILL)


def _undated(each: ClaimStatus) -> str:
    if each.plan is None or each.plan.needed is None:
        return f"{each.claim.address} has no plan that could be dated: {each.reason}"
    amount = f"{each.plan.needed:,} {_plural(each.plan.unit, each.plan.needed)}"
    return f"{each.claim.address} needs {amount}, and how many a day brings is not known"


def _blockers(blocking: Sequence[ClaimStatus], *, labels: int) -> str:
    """``blocked by 180 labels and 40 calls``."""
    totals: dict[str, int] = {}
    for each in blocking:
        if each.plan is not None and each.plan.needed is not None and not each.plan.labels:
            totals[each.plan.unit] = totals.get(each.plan.unit, 0) + each.plan.needed
    parts = [f"{labels:,} {_plural('label', labels)}"] if labels else []
    parts += [f"{count:,} {_plural(unit, count)}" for unit, count in sorted(totals.items())]
    return f"blocked by {' and '.join(parts)}" if parts else "blocked by what its plans name"


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else f"{unit}s"
