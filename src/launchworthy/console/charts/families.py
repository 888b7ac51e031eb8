"""Shares of several families on one scale, each with its bounds and its own target. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts.interval import whisker
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, ticks
from launchworthy.quantity import format_interval, format_value

__all__ = ["FamilyMark", "families_plot"]

_NAME_CHARS, _LINE = 48, 15  # what a phone is wide enough for, and how high another line is
_ROW = 52  # on a phone the numbers stand below the interval, where the name leaves them no room


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyMark:
    """One family's share with its bounds; ``at_most`` is its target, None where there is none."""

    name: str
    value: float
    low: float
    high: float
    n: int
    at_most: float | None = None
    state: str = ""


def families_plot(rows: Sequence[FamilyMark], *, title: str) -> Markup:
    """Every row: its name and numbers, the interval, and a line where its target ends."""
    ends = [end for row in rows for end in (row.value, row.low, row.high, row.at_most)]
    scale = scale_over([0.0, *ends], unit="ratio")
    parts: list[Markup] = []
    top = 0
    for row in rows:
        first, *more = textwrap.wrap(row.name, _NAME_CHARS, break_on_hyphens=False) or [""]
        parts.append(element("text", first, x="0%", y=top + 13, class_="strong"))
        for line in more:
            top += _LINE
            parts.append(element("text", line, x="0%", y=top + 13, class_="strong"))
        parts.append(element("text", _told(row), x="100%", y=top + 13, text_anchor="end", class_="told"))
        if row.at_most is not None:
            at = f"{scale.percent(row.at_most):g}%"
            parts.append(element("line", x1=at, x2=at, y1=top + 18, y2=top + 38, class_="threshold"))
        parts.append(
            whisker(
                low=scale.percent(row.low),
                high=scale.percent(row.high),
                at=scale.percent(row.value),
                y=top + 28,
                class_=row.state,
            )
        )
        top += _ROW
    bottom = top + 4
    parts += ticks(scale, top=bottom - 4, bottom=bottom, most=5)
    desc = "; ".join(f"{row.name} {_told(row)}{_limit(row)}" for row in rows)
    return chart(parts, height=bottom + 24, title=title, desc=desc or "nothing was tried")


def _told(row: FamilyMark) -> str:
    return format_interval(row.value, row.low, row.high, n=row.n, unit="ratio")


def _limit(row: FamilyMark) -> str:
    return "" if row.at_most is None else f", at most {format_value(row.at_most, unit='ratio')} is asked"
