"""What an allowance held and will hold, hour by hour, against what it may. Pure: values in, SVG text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label
from launchworthy.quantity import format_value

__all__ = ["HeldPoint", "allowance_plot"]

_TOP, _BOTTOM = 18.0, 150.0
_APART = 16.0  # pixels that two lines of text need


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPoint:
    """What the window holds at a moment; ``low`` and ``high`` where it is to come."""

    at: datetime
    value: float
    low: float | None = None
    high: float | None = None


def allowance_plot(
    points: Sequence[HeldPoint], *, now: datetime, most: float, unit: str, title: str
) -> Markup:
    """Oldest left: the curve up to now is what was spent, beyond it what is expected, in its band.

    Fewer than two points are no drawing.
    """
    if len(points) < 2:
        return Markup()
    ends = [end for point in points for end in (point.value, point.low, point.high) if end is not None]
    scale = scale_over([0.0, most, *ends], unit=unit)
    first, last = points[0].at, points[-1].at
    span = (last - first).total_seconds()

    def x(at: datetime) -> float:
        return round(100.0 * (at - first).total_seconds() / span, 3)

    def y(amount: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(amount) / 100.0, 2)

    parts: list[Markup] = []
    for one, two in pairwise(points):
        if two.low is not None and two.high is not None:
            wide = f"{x(two.at) - x(one.at):g}%"
            top, foot = y(two.high), y(two.low)
            parts.append(
                element("rect", x=f"{x(one.at)}%", width=wide, y=top, height=foot - top, class_="band")
            )
    for value in scale.ticks(3):
        if value > 0.0 and abs(y(value) - y(most)) > _APART:
            parts.append(element("line", x1="0%", x2="100%", y1=y(value), y2=y(value), class_="grid"))
            parts.append(element("text", format_value(value, unit=unit), x="0%", y=y(value) - 4))
    parts.append(element("line", x1="0%", x2="100%", y1=y(0.0), y2=y(0.0), class_="axis"))
    parts.append(element("line", x1="0%", x2="100%", y1=y(most), y2=y(most), class_="threshold"))
    told = f"allowed: {format_value(most, unit=unit)}"
    parts.append(element("text", told, x="0%", y=y(most) - 5, class_="strong"))
    for one, two in pairwise(points):
        parts.append(
            element(
                "line",
                x1=f"{x(one.at)}%",
                x2=f"{x(two.at)}%",
                y1=y(one.value),
                y2=y(two.value),
                class_="curve" if two.low is None else "curve stale",
            )
        )
    held = max(
        (point for point in points if point.low is None), key=lambda point: point.at, default=points[0]
    )
    state = "unmet" if held.value > most else "met"
    dot = element("circle", cx=f"{x(held.at)}%", cy=y(held.value), r=4, class_="point")
    parts.append(element("g", dot, class_=state))
    parts.append(label(f"{first:%Y-%m-%d}", at=0.0, y=_BOTTOM + 17))
    if last > now:
        parts.append(element("line", x1=f"{x(now)}%", x2=f"{x(now)}%", y1=_TOP, y2=_BOTTOM, class_="grid"))
        parts.append(label("now", at=x(now), y=_BOTTOM + 17))
    parts.append(label(f"{last:%Y-%m-%d}", at=100.0, y=_BOTTOM + 17))
    desc = f"{format_value(held.value, unit=unit)} of {format_value(most, unit=unit)} now" + (
        f"; {format_value(points[-1].value, unit=unit)} is expected at the end" if last > now else ""
    )
    return chart(parts, height=172, title=title, desc=desc)
