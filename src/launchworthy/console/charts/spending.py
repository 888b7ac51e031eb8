"""Readings of a holdout over time against what the contract allows. Pure: values in, SVG text out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from launchworthy.console.charts.history import dates, places_of
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element
from launchworthy.console.words import count

__all__ = ["spending_plot"]

_TOP, _BOTTOM = 22.0, 130.0
_MOST = 60  # readings that are drawn, the newest


def spending_plot(moments: Sequence[datetime], *, budget: int | None, title: str) -> Markup:
    """A step for each reading, oldest left; the budget is dashed, and what goes beyond it is red."""
    drawn = list(moments)[-_MOST:]
    before = len(moments) - len(drawn)
    scale = scale_over((0.0, float(len(moments)), budget), unit="")

    def y(number: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(number) / 100.0, 2)

    parts: list[Markup] = []
    if budget is not None:
        parts.append(
            element("rect", x="0%", width="100%", y=y(budget), height=y(0) - y(budget), class_="good")
        )
    for value in scale.ticks(4):
        if value == int(value):
            parts.append(element("line", x1="0%", x2="100%", y1=y(value), y2=y(value), class_="grid"))
            parts.append(element("text", f"{int(value):,}", x="0%", y=y(value) - 4))
    parts.append(element("line", x1="0%", x2="100%", y1=y(0), y2=y(0), class_="axis"))
    if budget is not None:
        parts.append(element("line", x1="0%", x2="100%", y1=y(budget), y2=y(budget), class_="threshold"))
        told = f"allowed: {count(budget, 'reading')}"
        parts.append(element("text", told, x="100%", y=12, text_anchor="end", class_="strong"))
    places = places_of(drawn)
    ends = [*places[1:], 100.0]
    for number, (place, end) in enumerate(zip(places, ends, strict=True), start=before + 1):
        at, up = f"{place:g}%", y(number)
        step = [
            element("line", x1=at, x2=at, y1=y(number - 1), y2=up, class_="whisker"),
            element("line", x1=at, x2=f"{end:g}%", y1=up, y2=up, class_="whisker"),
            element("circle", cx=at, cy=up, r=4, class_="point"),
        ]
        beyond = budget is not None and number > budget
        parts.append(element("g", Markup("").join(step), class_="unmet" if beyond else ""))
    parts += dates(drawn, places, bottom=_BOTTOM)
    desc = count(len(moments), "reading") + ("" if budget is None else f", {budget:,} allowed")
    return chart(parts, height=int(_BOTTOM) + 22, title=title, desc=desc)
