"""One measurement against its threshold, small enough to stand in a table. Pure: values in, SVG text out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label, ticks
from launchworthy.quantity import format_interval, format_value

__all__ = ["IntervalMark", "interval_plot", "whisker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalMark:
    """A measurement as it is drawn.

    Attributes:
        value, low, high: Estimate and bounds in ``unit``; infinite where there is no bound.
        n: Units behind it.
        unit: Canonical unit.
        threshold: The line to clear; None where there is none.
        direction: ``at_least`` or ``at_most``: the good side.
        state: Gives the colour: met, unmet, unproven …
    """

    value: float
    low: float
    high: float
    n: int
    unit: str = ""
    threshold: float | None = None
    direction: str = "at_least"
    state: str = ""


def interval_plot(mark: IntervalMark, *, title: str, around: float | None = None) -> Markup:
    """The estimate as a point, its bounds as a bar, the threshold dashed and its good side shaded.

    ``around`` is a value to measure from, such as 0 for a difference: a line in the middle.
    """
    scale = scale_over((mark.value, mark.low, mark.high, mark.threshold), unit=mark.unit, around=around)
    desc = format_interval(mark.value, mark.low, mark.high, n=mark.n, unit=mark.unit)
    parts: list[Markup] = []
    lift = 0 if mark.threshold is not None else 14  # no line to name needs no room for its name
    if mark.threshold is not None:
        at = scale.percent(mark.threshold)
        good = (at, 100.0 - at) if mark.direction == "at_least" else (0.0, at)
        parts.append(
            element("rect", x=f"{good[0]:g}%", width=f"{good[1]:g}%", y=16, height=22, class_="good")
        )
        word = "at least" if mark.direction == "at_least" else "at most"
        limit = f"{word} {format_value(mark.threshold, unit=mark.unit)}"
        desc = f"{desc}; {limit} is asked"
        parts.append(element("line", x1=f"{at:g}%", x2=f"{at:g}%", y1=14, y2=38, class_="threshold"))
        parts.append(label(limit, at=at, y=10, class_="strong", edge=25))
    parts += ticks(scale, top=34 - lift, bottom=38 - lift, most=3)
    if around is not None:
        parts.append(element("line", x1="50%", x2="50%", y1=16 - lift, y2=38 - lift, class_="zero"))
    parts.append(
        whisker(
            low=scale.percent(mark.low),
            high=scale.percent(mark.high),
            at=scale.percent(mark.value),
            y=27 - lift,
            open_low=math.isinf(mark.low),
            open_high=math.isinf(mark.high),
            class_=mark.state,
        )
    )
    return chart(parts, height=58 - lift, title=title, desc=desc)


def whisker(
    *,
    low: float,
    high: float,
    at: float,
    y: float,
    class_: str,
    open_low: bool = False,
    open_high: bool = False,
) -> Markup:
    """Bar, end caps and point; an end without a bound has no cap. Places in percent."""
    parts = [element("line", x1=f"{low:g}%", x2=f"{high:g}%", y1=y, y2=y, class_="whisker")]
    for place, unbounded in ((low, open_low), (high, open_high)):
        if not unbounded:
            parts.append(
                element("line", x1=f"{place:g}%", x2=f"{place:g}%", y1=y - 5, y2=y + 5, class_="whisker")
            )
    parts.append(element("circle", cx=f"{at:g}%", cy=y, r=4.5, class_="point"))
    return element("g", Markup("").join(parts), class_=class_)
