"""Latency hour by hour: from what half of the calls took to what 95 % took, the oldest left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from launchworthy.console.charts.calls import moments
from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element
from launchworthy.quantity import format_value

__all__ = ["latency_plot"]

_TOP, _BOTTOM = 18.0, 112.0


def latency_plot(hours: Sequence[tuple[float, float] | None], *, since: datetime, title: str) -> Markup:
    """A dot at P50 and a line to P95 for each hour from ``since`` on; an hour without a call is a gap."""
    known = [hour for hour in hours if hour is not None]
    scale = scale_over((0.0, max((p95 for _, p95 in known), default=1.0)), unit="ms")

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(value) / 100.0, 2)

    parts: list[Markup] = []
    for value in scale.ticks(3):
        if value > 0:
            parts.append(element("line", x1="0%", x2="100%", y1=y(value), y2=y(value), class_="grid"))
            parts.append(element("text", format_value(value, unit="ms"), x="0%", y=y(value) - 4))
    for place, hour in enumerate(hours):
        if hour is not None:
            at = f"{100.0 * (place + 0.5) / len(hours):g}%"
            parts.append(element("line", x1=at, x2=at, y1=y(hour[0]), y2=y(hour[1]), class_="whisker"))
            parts.append(element("circle", cx=at, cy=y(hour[0]), r=3.5, class_="point"))
    parts.append(element("line", x1="0%", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    parts += moments(len(hours), each="hour", since=since, y=_BOTTOM + 17)
    told = "no call" if not known else _told(known)
    return chart(parts, height=int(_BOTTOM) + 24, title=title, desc=f"P50 and P95 by hour: {told}")


def _told(known: Sequence[tuple[float, float]]) -> str:
    p50, p95 = zip(*known, strict=True)
    spans = (
        f"{format_value(min(each), unit='ms')} to {format_value(max(each), unit='ms')}" for each in (p50, p95)
    )
    return " and ".join(spans)
