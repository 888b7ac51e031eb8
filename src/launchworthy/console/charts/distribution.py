"""How the single items of a measurement are spread: small enough for a table's cell. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from launchworthy.console.charts.scale import Scale, scale_over
from launchworthy.console.charts.svg import chart, element, label, ticks
from launchworthy.console.words import count
from launchworthy.quantity import format_value

__all__ = ["distribution_plot"]

_BINS = 24
_TOP, _BOTTOM = 4.0, 38.0


def distribution_plot(
    values: Sequence[float], *, unit: str = "", higher_is_better: bool = True, title: str
) -> Markup:
    """Items by value: a bar of good and bad where each is 0 or 1, else a histogram, empty if nothing varies.

    Heights are shares of the fullest bin. A long tail is cut where 1 % of the values lie beyond, and said.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known or (unit != "ratio" and len(set(known)) == 1):
        return Markup("")
    if unit == "ratio" and set(known) <= {0.0, 1.0}:
        return _yes_or_no(known, good=1.0 if higher_is_better else 0.0, title=title)
    return _histogram(known, unit=unit, title=title)


def _yes_or_no(values: Sequence[float], *, good: float, title: str) -> Markup:
    right = sum(value == good for value in values)
    wrong = len(values) - right
    share = 100.0 * right / len(values)
    parts = [
        element("rect", x="0%", width=f"{share:.3f}%", y=8, height=14, class_="bar right"),
        element("rect", x=f"{share:.3f}%", width=f"{100 - share:.3f}%", y=8, height=14, class_="bar wrong"),
    ]
    if right:
        parts.append(element("text", f"{right:,} good", x="0%", y=38))
    if wrong:
        parts.append(element("text", f"{wrong:,} bad", x="100%", y=38, text_anchor="end"))
    return chart(parts, height=44, title=title, desc=f"{right:,} good, {wrong:,} bad")


def _histogram(values: Sequence[float], *, unit: str, title: str) -> Markup:
    ordered = sorted(values)
    most = ordered[math.ceil(0.99 * len(ordered)) - 1] if unit in ("ms", "USD") else ordered[-1]
    beyond = sum(value > most for value in ordered)
    scale = scale_over((0.0 if unit in ("ms", "USD", "ratio") else ordered[0], most), unit=unit)
    bins = Counter(_bin(value, scale) for value in ordered if value <= most)
    fullest = max(bins.values())
    width = 100.0 / _BINS
    parts = []
    for number, items in sorted(bins.items()):
        height = max(1.5, (_BOTTOM - _TOP) * items / fullest)
        parts.append(
            element(
                "rect",
                x=f"{number * width + 0.2:.3f}%",
                width=f"{width - 0.4:.3f}%",
                y=_BOTTOM - height,
                height=height,
                class_="bar",
            )
        )
    parts += ticks(scale, top=_BOTTOM - 3, bottom=_BOTTOM, most=3)
    if beyond:
        told = f"{beyond:,} beyond"
        parts.append(label(told, at=100.0, y=_TOP + 10))
    middle = ordered[(len(ordered) - 1) // 2]
    desc = (
        f"{count(len(ordered), 'value')} from {format_value(ordered[0], unit=unit)}"
        f" to {format_value(ordered[-1], unit=unit)}, median {format_value(middle, unit=unit)}"
    )
    return chart(parts, height=int(_BOTTOM) + 20, title=title, desc=desc)


def _bin(value: float, scale: Scale) -> int:
    return min(_BINS - 1, int(_BINS * scale.percent(value) / 100.0))
