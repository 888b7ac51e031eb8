"""What a judge said beside what people's labels make of it. Pure: values in, SVG text out."""

from __future__ import annotations

import math

from markupsafe import Markup

from launchworthy.console.charts.interval import IntervalMark, whisker
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label, ticks
from launchworthy.quantity import format_interval, format_value

__all__ = ["correction_plot"]


def correction_plot(corrected: IntervalMark, *, raw: IntervalMark | None, title: str) -> Markup:
    """The judge's own mean, pale, above the corrected value, on one scale with what is asked."""
    asked = corrected.threshold
    ends = [asked, *(x for mark in (corrected, raw) if mark for x in (mark.value, mark.low, mark.high))]
    scale = scale_over(ends, unit=corrected.unit)
    parts: list[Markup] = []
    if asked is not None:
        at = scale.percent(asked)
        good = (at, 100.0 - at) if corrected.direction == "at_least" else (0.0, at)
        parts += [
            element("rect", x=f"{good[0]:g}%", width=f"{good[1]:g}%", y=16, height=36, class_="good"),
            element("line", x1=f"{at:g}%", x2=f"{at:g}%", y1=14, y2=52, class_="threshold"),
        ]
        word = "at least" if corrected.direction == "at_least" else "at most"
        parts.append(
            label(f"{word} {format_value(asked, unit=corrected.unit)}", at=at, y=10, class_="strong", edge=25)
        )
    parts += ticks(scale, top=48, bottom=52, most=3)
    told = []
    for mark, y, word, class_ in (
        (raw, 25.0, "as judged", "stale"),
        (corrected, 40.0, "corrected", corrected.state),
    ):
        if mark is None:
            continue
        parts.append(
            whisker(
                low=scale.percent(mark.low),
                high=scale.percent(mark.high),
                at=scale.percent(mark.value),
                y=y,
                open_low=math.isinf(mark.low),
                open_high=math.isinf(mark.high),
                class_=class_,
            )
        )
        told.append(f"{word} {format_interval(mark.value, mark.low, mark.high, n=mark.n, unit=mark.unit)}")
    return chart(parts, height=72, title=title, desc="; ".join(told))
