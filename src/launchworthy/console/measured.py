"""What a history plot draws, in numbers: a row for each look, newest first. May import ``quantity``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.console.charts import HistoryPoint
from launchworthy.console.words import moment
from launchworthy.quantity import format_interval, format_value

__all__ = ["MeasuredRow", "measured_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """One measurement: when, its value with bounds, n, and its bounds at a planned look, if it was one."""

    at: str
    value: str
    n: str
    look: str


def measured_rows(points: Sequence[HistoryPoint], *, unit: str) -> tuple[MeasuredRow, ...]:
    """Rows of the points of one plot."""
    return tuple(
        MeasuredRow(
            at=moment(point.at),
            value=format_interval(point.value, point.low, point.high, unit=unit),
            n=f"{point.n:,}",
            look=""
            if point.look is None
            else " to ".join(format_value(bound, unit=unit) for bound in point.look),
        )
        for point in reversed(points)
    )
