"""How far each column moved against what is tolerated, and its values then and now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts.interval import whisker
from launchworthy.console.charts.scale import Scale
from launchworthy.console.charts.svg import chart, element, label, ticks
from launchworthy.console.words import count
from launchworthy.quantity import format_number, format_value

__all__ = ["ShareBar", "ShiftRow", "shares_plot", "shift_plot"]

_ROW = 40
_MOST = 10.0  # times what is tolerated; what is further stands at the edge
_BAR = 37


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """One column: how many times what is tolerated, with its bounds, and the state that gives the colour."""

    name: str
    value: float
    low: float
    high: float
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBar:
    """A group of values: its share in the reference and now."""

    name: str
    reference: float
    current: float


def shift_plot(rows: Sequence[ShiftRow], *, title: str) -> Markup:
    """A row a column; the dashed line at 1 is what is tolerated, its good side shaded."""
    top = min(_MOST, max((row.high for row in rows), default=1.0))
    scale = Scale(low=0.0, high=1.06 * max(1.5, top), least=0.0)
    height = max(1, len(rows)) * _ROW + 8
    limit = scale.percent(1.0)
    parts: list[Markup] = [
        element("rect", x="0%", width=f"{limit:g}%", y=0, height=height, class_="good"),
        *ticks(scale, top=height - 2, bottom=height + 2, most=6),
        element("line", x1=f"{limit:g}%", x2=f"{limit:g}%", y1=0, y2=height, class_="threshold"),
    ]
    for number, row in enumerate(rows):
        y = number * _ROW
        parts.append(element("text", row.name, x="0%", y=y + 14, class_="strong"))
        parts.append(
            whisker(
                low=scale.percent(row.low),
                high=scale.percent(row.high),
                at=scale.percent(row.value),
                y=y + 28,
                class_=row.state,
                open_high=row.high > scale.high,
            )
        )
    told = "; ".join(
        f"{row.name} {format_number(row.value)} ({format_number(row.low)} to {format_number(row.high)})"
        for row in rows
    )
    return chart(
        parts,
        height=height + 24,
        title=f"{title}, {count(len(rows), 'column')}",
        desc=f"in times what is tolerated: {told}" if told else "nothing to compare",
    )


def shares_plot(bars: Sequence[ShareBar], *, title: str) -> Markup:
    """Two bars a group, the reference above in the lighter colour and now below, each with its share."""
    most = max((max(bar.reference, bar.current) for bar in bars), default=0.0) or 1.0
    parts: list[Markup] = []
    for number, bar in enumerate(bars):
        y = number * _BAR
        parts.append(label(bar.name, at=0.0, y=y + 12))
        for share, at, class_ in ((bar.reference, 17, "bar wait"), (bar.current, 25, "bar")):
            width = 88.0 * share / most
            parts.append(
                element("rect", x="0%", width=f"{max(0.1, width):.3f}%", y=y + at, height=7, class_=class_)
            )
        told = f"{format_value(bar.reference, unit='ratio')} → {format_value(bar.current, unit='ratio')}"
        parts.append(element("text", told, x="100%", y=y + 12, text_anchor="end", class_="strong"))
    desc = "; ".join(
        f"{bar.name}: {format_value(bar.reference, unit='ratio')} before,"
        f" {format_value(bar.current, unit='ratio')} now"
        for bar in bars
    )
    return chart(parts, height=max(1, len(bars)) * _BAR + 4, title=title, desc=desc or "no values")
