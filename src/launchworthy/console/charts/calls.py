"""Calls by minute or by hour as bars, the oldest left, those that failed at their foot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label
from launchworthy.console.words import count

__all__ = ["calls_plot", "moments"]

_TOP, _BOTTOM = 18.0, 112.0
_LEAST = 2.0  # pixels of a number that is not zero
_NAMED = {"minute": 15, "hour": 6}  # how many between two moments that are named


def calls_plot(
    calls: Sequence[int],
    *,
    failed: Sequence[int],
    since: datetime,
    title: str,
    each: Literal["minute", "hour"] = "minute",
) -> Markup:
    """One bar a minute or hour from ``since`` on; what failed is drawn in the colour of what is unmet."""
    scale = scale_over((0.0, float(max(calls, default=0)) or 1.0))
    high = float(max(calls, default=0)) or 1.0
    width = 100.0 / max(1, len(calls))

    def reach(n: int) -> float:
        return max(_LEAST, (_BOTTOM - _TOP) * n / high) if n else 0.0

    parts: list[Markup] = []
    for value in scale.ticks(3):
        if 0 < value <= high and value == int(value):
            y = round(_BOTTOM - (_BOTTOM - _TOP) * value / high, 2)
            parts.append(element("line", x1="0%", x2="100%", y1=y, y2=y, class_="grid"))
            parts.append(element("text", f"{int(value):,}", x="0%", y=y - 4))
    for place, (n, bad) in enumerate(zip(calls, failed, strict=True)):
        x, wide = f"{place * width + width * 0.12:g}%", f"{width * 0.76:g}%"
        for number, class_ in ((n, "bar"), (bad, "bar error")):
            if number:
                tall = reach(number)
                parts.append(
                    element(
                        "rect", x=x, width=wide, y=f"{_BOTTOM - tall:g}", height=f"{tall:g}", class_=class_
                    )
                )
    parts.append(element("line", x1="0%", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    parts += moments(len(calls), each=each, since=since, y=_BOTTOM + 17)
    silent = sum(not n for n in calls)
    desc = (
        f"{count(sum(calls), 'call')} in {count(len(calls), each)}, {sum(failed):,} failed; "
        f"at most {max(calls, default=0):,} in one, {count(silent, each)} without any"
    )
    return chart(parts, height=int(_BOTTOM) + 24, title=title, desc=desc)


def moments(n: int, *, each: Literal["minute", "hour"], since: datetime, y: float) -> list[Markup]:
    """Times of day along an axis of so many minutes or hours."""
    step = timedelta(minutes=1) if each == "minute" else timedelta(hours=1)
    return [
        label(f"{since + place * step:%H:%M}", at=100.0 * place / max(1, n), y=y, edge=4.0)
        for place in range(0, n + 1, _NAMED[each])
    ]
