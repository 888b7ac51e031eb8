"""Paired differences, candidate minus baseline, one row for each metric on a scale of its own. Pure.

Each row has its own unit and therefore its own axis; what they share is the line of no difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts.interval import whisker
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, ticks
from launchworthy.console.words import count, short
from launchworthy.quantity import format_interval

__all__ = ["ForestRow", "forest_plot"]

_ROW = 78
_NAMED = 38  # characters that leave room for "better" beside them on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One metric's difference with its bounds; ``margin`` is how much worse is allowed."""

    name: str
    value: float
    low: float
    high: float
    n: int
    unit: str = ""
    margin: float = 0.0
    higher_is_better: bool = True
    state: str = ""


def forest_plot(rows: Sequence[ForestRow], *, title: str) -> Markup:
    """Every row: its name and numbers, the shaded region that is good enough, the interval, its own ticks."""
    parts: list[Markup] = []
    for number, row in enumerate(rows):
        parts += _row(row, top=number * _ROW)
    desc = "; ".join(f"{row.name} {_told(row)}" for row in rows) or "nothing to compare"
    return chart(
        parts, height=max(1, len(rows)) * _ROW, title=f"{title}, {count(len(rows), 'metric')}", desc=desc
    )


def _told(row: ForestRow) -> str:
    return format_interval(row.value, row.low, row.high, n=row.n, unit=row.unit)


def _row(row: ForestRow, *, top: float) -> list[Markup]:
    edge = -row.margin if row.higher_is_better else row.margin
    scale = scale_over((row.value, row.low, row.high, edge), unit=row.unit, around=0.0)
    line, zero = scale.percent(edge), scale.percent(0.0)
    good = (line, 100.0 - line) if row.higher_is_better else (0.0, line)
    at = f"{zero:g}%"
    parts = [
        element("text", short(row.name, most=_NAMED), x="0%", y=top + 14, class_="strong"),
        element(
            "text",
            "better →" if row.higher_is_better else "← better",
            x="100%",
            y=top + 14,
            text_anchor="end",
        ),
        element("rect", x=f"{good[0]:g}%", width=f"{good[1]:g}%", y=top + 22, height=28, class_="margin"),
        *ticks(scale, top=top + 46, bottom=top + 50, most=4),
        element("line", x1=at, x2=at, y1=top + 20, y2=top + 50, class_="zero"),
    ]
    if row.margin:
        parts.append(
            element("line", x1=f"{line:g}%", x2=f"{line:g}%", y1=top + 20, y2=top + 50, class_="threshold")
        )
    parts.append(
        whisker(
            low=scale.percent(row.low),
            high=scale.percent(row.high),
            at=scale.percent(row.value),
            y=top + 36,
            class_=row.state,
            open_low=math.isinf(row.low),
            open_high=math.isinf(row.high),
        )
    )
    return parts
