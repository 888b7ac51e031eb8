"""Evidence against the bounds of planned looks, as an experiment goes on. Pure: values in, SVG text out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label
from launchworthy.console.words import count
from launchworthy.quantity import format_number, format_value

__all__ = ["LookPoint", "looks_plot"]

_TOP, _BOTTOM = 22.0, 216.0
_LEFT, _RIGHT = 8.0, 96.0  # percent
_HIGHEST = 6.0  # z beyond which an early bound is not drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPoint:
    """A z at a share of the planned users."""

    fraction: float
    z: float


def looks_plot(
    seen: Sequence[LookPoint], *, bounds: Sequence[LookPoint], always: Sequence[LookPoint], title: str
) -> Markup:
    """Points are what was seen; squares are the bounds of planned looks, above which better is shown; below
    the dotted curve harm is shown, however often one looks."""
    drawn = [point for point in bounds if point.z <= _HIGHEST]
    harm = [LookPoint(fraction=point.fraction, z=-point.z) for point in always if point.z <= _HIGHEST]
    scale = scale_over([0.0, 2.5, -2.5, *(point.z for point in (*drawn, *harm, *seen))])
    widest = max([1.0, *(point.fraction for point in seen)])

    def x(fraction: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * fraction / widest, 3)

    def y(z: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(z) / 100.0, 2)

    parts: list[Markup] = []
    for value in scale.ticks(6):
        parts.append(element("line", x1=f"{_LEFT}%", x2="100%", y1=y(value), y2=y(value), class_="grid"))
        parts.append(element("text", format_number(value), x="0%", y=y(value) + 4))
    parts.append(element("line", x1=f"{_LEFT}%", x2="100%", y1=y(0.0), y2=y(0.0), class_="zero"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = x(share)
        parts.append(element("line", x1=f"{at}%", x2=f"{at}%", y1=_BOTTOM, y2=_BOTTOM + 4, class_="grid"))
        parts.append(label(format_value(share, unit="ratio"), at=at, y=_BOTTOM + 17, edge=6))
    parts += _line(drawn, x, y, "threshold")
    for point in drawn:
        parts.append(
            element(
                "rect",
                x=f"{x(point.fraction)}%",
                y=y(point.z) - 4,
                width=8,
                height=8,
                transform="translate(-4 0)",
                class_="point",
            )
        )
    parts += _line(harm, x, y, "release")
    if harm:
        parts.append(label("harm", at=x(harm[-1].fraction), y=y(harm[-1].z) + 14))
    if drawn:
        parts.append(label("shown", at=x(drawn[-1].fraction), y=y(drawn[-1].z) - 9, class_="strong"))
    shown = [point for point in seen if math.isfinite(point.z)]
    parts += _line(shown, x, y, "curve")
    for point in shown:
        parts.append(element("circle", cx=f"{x(point.fraction)}%", cy=y(point.z), r=4.5, class_="point"))
    newest = shown[-1] if shown else None
    desc = f"{count(len(bounds), 'planned look')}" + (
        f"; newest evidence: z {format_number(newest.z)} at "
        f"{format_value(newest.fraction, unit='ratio')} of the planned users"
        if newest
        else "; nothing seen yet"
    )
    if bounds:
        desc += "; bounds " + ", ".join(
            "none" if math.isinf(point.z) else format_number(point.z) for point in bounds
        )
    return chart(parts, height=int(_BOTTOM) + 24, title=title, desc=desc)


def _line(
    points: Sequence[LookPoint], x: Callable[[float], float], y: Callable[[float], float], class_: str
) -> list[Markup]:
    return [
        element(
            "line",
            x1=f"{x(one.fraction)}%",
            x2=f"{x(two.fraction)}%",
            y1=y(one.z),
            y2=y(two.z),
            class_=class_,
        )
        for one, two in pairwise(points)
    ]
