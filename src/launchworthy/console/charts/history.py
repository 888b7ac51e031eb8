"""Measurements of one claim over time against its threshold line. Pure: values in, SVG text out.

Nothing joins the points: between two measurements nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label
from launchworthy.console.words import count, day
from launchworthy.quantity import format_interval, format_value

__all__ = ["HistoryPoint", "dates", "history_plot", "places_of"]

_TOP, _BOTTOM = 22.0, 196.0
_TEXT = 17.0  # a line of text, and its distance from the line below


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One measurement: when, what, and whether it counts today; ``look`` are narrower bounds that hold at a
    planned look."""

    at: datetime
    value: float
    low: float
    high: float
    n: int
    release: str = ""
    state: str = ""
    counts: bool = True
    look: tuple[float, float] | None = None


def history_plot(
    points: Sequence[HistoryPoint],
    *,
    threshold: float | None,
    direction: str = "at_least",
    unit: str,
    title: str,
) -> Markup:
    """Intervals at their dates, oldest left; the good side is shaded, a new release is a dotted line."""
    scale = scale_over(
        [threshold, *(x for p in points for x in (p.value, p.low, p.high, *(p.look or ())))], unit=unit
    )

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(value) / 100.0, 2)

    parts: list[Markup] = []
    if threshold is not None:
        line = y(threshold)
        top, height = (_TOP, line - _TOP) if direction == "at_least" else (line, _BOTTOM - line)
        parts.append(element("rect", x="0%", width="100%", y=top, height=height, class_="good"))
    ticks = [(value, format_value(value, unit=unit)) for value in scale.ticks(4)]
    for value, text in ticks:
        parts.append(element("line", x1="0%", x2="100%", y1=y(value), y2=y(value), class_="grid"))
        if threshold is None or not 0 < y(value) - y(threshold) < _TEXT:  # else the threshold strikes it out
            parts.append(element("text", text, x="0%", y=y(value) - 4))
    parts.append(element("line", x1="0%", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    if threshold is not None:
        word = "at least" if direction == "at_least" else "at most"
        limit = f"asked: {word} {format_value(threshold, unit=unit)}"
        parts.append(
            element("line", x1="0%", x2="100%", y1=y(threshold), y2=y(threshold), class_="threshold")
        )
        parts.append(element("text", limit, x="100%", y=12, text_anchor="end", class_="strong"))
    places = places_of(
        [p.at for p in points], left=max(14.0, 2.3 * max((len(text) for _, text in ticks), default=0))
    )
    before = None
    for point, place in zip(points, places, strict=True):
        if before is not None and point.release != before.release:
            at = f"{place - 1.5:g}%"
            parts.append(element("line", x1=at, x2=at, y1=_TOP, y2=_BOTTOM, class_="release"))
        parts.append(_upright(point, place, y))
        before = point
    parts += dates([point.at for point in points], places)
    newest, looks = points[-1] if points else None, [point for point in points if point.look]
    desc = f"{count(len(points), 'measurement')}, oldest left" + (
        f"; the newest is {format_interval(newest.value, newest.low, newest.high, n=newest.n, unit=unit)}"
        if newest
        else ""
    )
    desc += (
        f"; {count(len(looks), 'planned look')}"
        + "".join(
            f", {format_value(point.look[0], unit=unit)} to {format_value(point.look[1], unit=unit)}"
            for point in looks
            if point.look
        )
        if looks
        else ""
    )
    return chart(parts, height=220, title=title, desc=desc)


def dates(moments: Sequence[datetime], places: Sequence[float], *, bottom: float = _BOTTOM) -> list[Markup]:
    """Dates of the oldest and the newest, then of others that have room: on a phone a date takes 28 %.

    Where all were taken on one day, the day is said once and then times.
    """
    ends = [0, len(moments) - 1] if moments else []
    one_day = bool(moments) and day(moments[0]) == day(moments[-1])
    dated: dict[str, float] = {}
    for number in [*ends, *range(1, len(moments) - 1)]:
        at, place = moments[number], places[number]
        clock = f"{at.astimezone(UTC):%H:%M:%S}"
        on = day(at) if not one_day else f"{day(at)} {clock}" if number == 0 else clock
        if on not in dated and all(abs(place - other) >= 38 for other in dated.values()):
            dated[on] = place
    return [label(on, at=place, y=bottom + 17, edge=15) for on, place in dated.items()]


def places_of(moments: Sequence[datetime], *, left: float = 14.0) -> list[float]:
    """Percent across, by time, kept at least far enough apart to be seen; the oldest at ``left``."""
    if len(moments) < 2:
        return [50.0] * len(moments)
    first, last = moments[0], moments[-1]
    whole = (last - first).total_seconds()
    right = 94.0
    even = (right - left) / (len(moments) - 1)
    places: list[float] = []
    for number, at in enumerate(moments):
        by_time = left + (right - left) * ((at - first).total_seconds() / whole if whole else 0.0)
        least = left if not places else places[-1] + min(even, 2.5)
        most = right - (len(moments) - 1 - number) * min(even, 2.5)
        places.append(round(min(max(by_time, least), most), 3))
    return places


def _upright(point: HistoryPoint, place: float, y: Callable[[float], float]) -> Markup:
    at = f"{place:g}%"
    parts = [element("line", x1=at, x2=at, y1=y(point.low), y2=y(point.high), class_="whisker")]
    if point.look is not None:
        low, high = point.look
        parts.append(element("line", x1=at, x2=at, y1=y(low), y2=y(high), class_="look"))
    for bound in (point.low, point.high):
        if not math.isinf(bound):
            parts.append(
                element(
                    "rect",
                    x=at,
                    width=10,
                    y=y(bound) - 1,
                    height=2,
                    transform="translate(-5 0)",
                    class_="point",
                )
            )
    parts.append(element("circle", cx=at, cy=y(point.value), r=4.5, class_="point"))
    return element(
        "g", Markup("").join(parts), class_=point.state if point.counts else f"{point.state} stale"
    )
