"""Allowances in words and as drawings: what is spent of each, and when it will be passed.

May import ``monitor``, ``stats`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from launchworthy.console.charts import HeldPoint, allowance_plot
from launchworthy.console.claims import claim_url
from launchworthy.console.words import Link, count
from launchworthy.monitor.pacing import Pacing
from launchworthy.quantity import format_value
from launchworthy.stats import FEWEST_DAYS, Pace

__all__ = ["AllowanceRow", "allowance_picture", "allowance_rows", "allowance_state", "pace_told"]

_POINTS = 60  # on either side of now
_HOUR_MS = 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceRow:
    """One allowance."""

    name: Link
    workflow: str
    state: str
    mark: str
    word: str
    told: str
    plot: Markup


def allowance_rows(found: Iterable[Pacing], *, product: str) -> tuple[AllowanceRow, ...]:
    """Those that are passed soonest first; those of which nothing was spent last."""

    def urgency(each: Pacing) -> tuple[bool, float, float]:
        pace = each.pace
        return pace is None, math.inf if pace is None else pace.passes_h, 0.0 if pace is None else -pace.spent

    return tuple(_row(each, product) for each in sorted(found, key=urgency))


def _row(each: Pacing, product: str) -> AllowanceRow:
    state, mark, word = allowance_state(each.pace)
    limit = each.rule.rpartition("/")[2].replace("_", " ")
    return AllowanceRow(
        name=Link(text=limit, url=claim_url(product, each.rule)),
        workflow=each.workflow,
        state=state,
        mark=mark,
        word=word,
        told=pace_told(each),
        plot=allowance_picture(each),
    )


def allowance_state(pace: Pace | None) -> tuple[str, str, str]:
    """Its state, the mark of that, and a word."""
    if pace is None:
        return "unproven", "◌", "nothing was spent"
    if pace.spent > pace.most:
        return "unmet", "✕", "passed"
    if pace.surely_passes_h < math.inf:
        return "unmet", "✕", "will be passed"
    if not pace.ahead:
        return "unproven", "◌", "too early to tell"
    if pace.passes_h < math.inf:
        return "unproven", "◌", "may be passed"
    return "met", "●", "lasts"


def pace_told(each: Pacing) -> str:
    """What is spent, and when it will be passed."""
    pace = each.pace
    if pace is None:
        return f"Nothing of {each.allowed} was spent"
    spent = f"{format_value(pace.spent, unit=each.unit)} of {each.allowed} is spent"
    if pace.spent > pace.most:
        return f"{spent}: it is passed"
    if not pace.ahead:
        more = FEWEST_DAYS - pace.days
        return f"{spent}; what is to come can be told after {count(more, 'more day')}"
    if pace.passes_h == math.inf:
        fullest = pace.fullest
        most = pace.spent if fullest is None else max(pace.spent, fullest.value)
        held = f"it lasts, and holds {format_value(most, unit=each.unit)} at the most"
        if pace.may_pass_h < math.inf:
            return f"{spent}; as far as can be told {held}"
        return f"{spent}; {held}"
    when = f"in {_hours(pace.passes_h)}"
    if pace.surely_passes_h < math.inf:
        return f"{spent}; it is passed {when}, in {_hours(pace.surely_passes_h)} at the latest"
    return f"{spent}; it may be passed {when}, or never"


def allowance_picture(each: Pacing) -> Markup:
    """One window back and one ahead; empty where nothing was spent."""
    pace = each.pace
    if pace is None:
        return Markup()
    # The hour that goes on ends a moment after now.
    now = datetime.fromtimestamp((each.last_hour + 1) * 3_600, tz=UTC)
    points = [
        HeldPoint(at=now - timedelta(hours=back), value=held)
        for back, held in _held(each.hours, each.window_h)
    ]
    step = max(1, len(pace.ahead) // _POINTS)
    ahead = [*pace.ahead[step - 1 :: step]]
    if pace.ahead and ahead[-1] != pace.ahead[-1]:
        ahead.append(pace.ahead[-1])
    points += [
        HeldPoint(at=now + timedelta(hours=one.hours), value=one.value, low=one.low, high=one.high)
        for one in ahead
    ]
    title = f"What {each.rule.rpartition('/')[2].replace('_', ' ')} holds of {each.workflow}"
    return allowance_plot(points, now=now, most=pace.most, unit=each.unit, title=title)


def _held(hours: Sequence[float], window_h: int) -> list[tuple[int, float]]:
    """Hours before now, and what the window that ended then held; oldest first."""
    sums = [0.0]
    for amount in hours:
        sums.append(sums[-1] + amount)
    last = len(hours)
    first = max(1, last - window_h)
    step = max(1, (last - first) // _POINTS)
    ends = list(range(last, first - 1, -step))[::-1]
    return [(last - end, sums[end] - sums[max(0, end - window_h)]) for end in ends]


def _hours(hours: float) -> str:
    return format_value(hours * _HOUR_MS, unit="ms")
