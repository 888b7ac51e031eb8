"""Wrong answers against questions answered: what each step of boldness costs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from launchworthy.console.charts.scale import scale_over
from launchworthy.console.charts.svg import chart, element, label
from launchworthy.quantity import format_value

__all__ = ["CurvePoint", "risk_plot"]

_TOP, _BOTTOM = 24.0, 240.0
_LEFT = 9.0  # percent, for the names of the shares


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """At one threshold: the share of questions answered, and the share of these answers that is wrong."""

    answered: float
    wrong: float


def risk_plot(
    points: Sequence[CurvePoint], *, target: float, chosen: CurvePoint | None, title: str
) -> Markup:
    """The curve from cautious (left) to bold, the target dashed, the chosen threshold as a point on it."""
    scale = scale_over((0.0, target, *(point.wrong for point in points)), unit="ratio")

    def x(share: float) -> float:
        return _LEFT + (98.0 - _LEFT) * share

    def y(share: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * scale.percent(share) / 100.0, 2)

    parts: list[Markup] = [
        element(
            "rect",
            x=f"{_LEFT}%",
            width=f"{98 - _LEFT}%",
            y=y(target),
            height=y(0.0) - y(target),
            class_="good",
        )
    ]
    for value in scale.ticks(5):
        parts.append(element("line", x1=f"{_LEFT}%", x2="98%", y1=y(value), y2=y(value), class_="grid"))
        parts.append(element("text", format_value(value, unit="ratio"), x="0%", y=y(value) + 4))
    parts.append(element("line", x1=f"{_LEFT}%", x2="98%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = x(share)
        parts.append(element("line", x1=f"{at}%", x2=f"{at}%", y1=_BOTTOM, y2=_BOTTOM + 4, class_="grid"))
        parts.append(label(format_value(share, unit="ratio"), at=at, y=_BOTTOM + 17, edge=5))
    parts.append(element("line", x1=f"{_LEFT}%", x2="98%", y1=y(target), y2=y(target), class_="threshold"))
    told = f"target: at most {format_value(target, unit='ratio')}"
    parts.append(element("text", told, x="98%", y=y(target) - 5, text_anchor="end", class_="strong"))
    for before, after in pairwise(points):
        parts.append(
            element(
                "line",
                x1=f"{x(before.answered):.3f}%",
                x2=f"{x(after.answered):.3f}%",
                y1=y(before.wrong),
                y2=y(after.wrong),
                class_="curve",
            )
        )
    if chosen is not None:
        place = f"{x(chosen.answered):.3f}%"
        parts.append(element("line", x1=place, x2=place, y1=_TOP, y2=_BOTTOM, class_="release"))
        mark = element("circle", cx=place, cy=y(chosen.wrong), r=5.5, class_="point")
        parts.append(element("g", mark, class_="met"))
    desc = f"{len(points)} thresholds; {told}" + (
        f"; chosen: {format_value(chosen.answered, unit='ratio')} answered, "
        f"{format_value(chosen.wrong, unit='ratio')} of them wrong"
        if chosen
        else "; no threshold is certified"
    )
    return chart(parts, height=int(_BOTTOM) + 22, title=title, desc=desc)
