"""A budget as it is used up, against the pace at which it would just last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from launchworthy.console.charts.svg import chart, element, label
from launchworthy.quantity import format_value

__all__ = ["BudgetLine", "budget_plot"]

_TOP, _BOTTOM, _MOST_POINTS = 18.0, 150.0, 400
_LEFT, _RIGHT = 0.0, 100.0
_TEXT = 22.0  # a line of text beside a point


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """Seconds since the epoch and the part that is used up by then, oldest first; and what it is for."""

    points: tuple[tuple[float, float], ...]
    period_s: float


def budget_plot(line: BudgetLine, *, title: str) -> Markup:
    """Steps up to what is used; all of it is the dashed line, the even pace the thin one.

    A line without a point is no drawing.
    """
    if not line.points:
        return Markup()
    points = line.points[:: max(1, len(line.points) // _MOST_POINTS)]
    if points[-1] != line.points[-1]:
        points = (*points, line.points[-1])
    first, last = points[0][0], points[-1][0]
    span = max(1.0, last - first)
    most = max(1.0, points[-1][1]) * 1.1

    def x(at: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (at - first) / span, 3)

    def y(used: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * min(used, most) / most, 2)

    pace = min(most, span / line.period_s)
    above = 0 <= y(pace) - y(points[-1][1]) < _TEXT and y(pace) + _TEXT < _BOTTOM
    word = y(pace) + (15 if above else -5)
    if abs(word - 4 - y(1.0)) < _TEXT / 2:  # not across the dashed line
        word = y(1.0) - 5
    parts = [
        element("line", x1="0%", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        element("line", x1="0%", x2="100%", y1=y(1.0), y2=y(1.0), class_="threshold"),
        element("text", "all of it", x="0%", y=y(1.0) - 5, class_="strong"),
        element("line", x1="0%", x2="100%", y1=y(0.0), y2=y(pace), class_="grid"),
        element("text", "would just last", x="100%", y=word, text_anchor="end"),
    ]
    for (at, used), (then, after) in pairwise(points):
        flat, up = y(used), y(after)
        parts.append(element("line", x1=f"{x(at)}%", x2=f"{x(then)}%", y1=flat, y2=flat, class_="whisker"))
        if up != flat:
            parts.append(
                element("line", x1=f"{x(then)}%", x2=f"{x(then)}%", y1=flat, y2=up, class_="whisker")
            )
    parts.append(element("circle", cx=f"{x(last)}%", cy=y(points[-1][1]), r=4, class_="point"))
    for at, edge in ((first, 0.0), (last, 100.0)):
        moment = f"{datetime.fromtimestamp(at, tz=UTC):%Y-%m-%d %H:%M}"
        parts.append(label(moment, at=edge, y=_BOTTOM + 17))
    told = format_value(points[-1][1], unit="ratio")
    state = "unmet" if points[-1][1] > 1.0 else "unproven" if points[-1][1] > pace else "met"
    body = element("g", Markup("").join(parts), class_=state)
    return chart([body], height=172, title=title, desc=f"{told} is used up at the end")
