"""A rate before and since something was done, on one scale. Pure: values in, SVG text out."""

from __future__ import annotations

import math

from markupsafe import Markup

from launchworthy.console.charts.interval import IntervalMark, whisker
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, ticks
from launchworthy.quantity import format_interval

__all__ = ["before_after_plot"]

_ROW = 40


def before_after_plot(before: IntervalMark, since: IntervalMark, *, title: str) -> Markup:
    """Two rows, each with its name, its numbers and its interval."""
    rows = (("Before", before), ("Since", since))
    values = [value for _, mark in rows for value in (mark.value, mark.low, mark.high)]
    scale = scale_over(values, unit=before.unit)
    bottom = len(rows) * _ROW + 4
    parts: list[Markup] = [*ticks(scale, top=bottom - 4, bottom=bottom, most=4)]
    told = []
    for number, (name, mark) in enumerate(rows):
        top = number * _ROW
        words = f"{name} {format_interval(mark.value, mark.low, mark.high, n=mark.n, unit=mark.unit)}"
        told.append(words)
        parts.append(element("text", words, x="0%", y=top + 14, class_="strong"))
        parts.append(
            whisker(
                low=scale.percent(mark.low),
                high=scale.percent(mark.high),
                at=scale.percent(mark.value),
                y=top + 27,
                class_=mark.state,
                open_low=math.isinf(mark.low),
                open_high=math.isinf(mark.high),
            )
        )
    return chart(parts, height=bottom + 20, title=title, desc="; ".join(told))
