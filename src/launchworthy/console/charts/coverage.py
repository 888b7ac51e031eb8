"""What is asked as one strip: what a gold set covers, then what it does not, kind by kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from markupsafe import Markup

from launchworthy.console.charts.svg import chart, element
from launchworthy.console.words import count

__all__ = ["coverage_plot"]

_NAMED = 2.5  # percent of the strip that the number of a kind takes
_GAP = 0.15


def coverage_plot(covered: int, *, kinds: Sequence[int], rest: int, title: str) -> Markup:
    """Questions as widths: those near an item in green, then each kind that is not, by its number.

    ``kinds`` are questions of each kind, ``rest`` those of kinds that have no number.
    """
    total = max(1, covered + sum(kinds) + rest)
    sizes = [covered, *kinds, rest]
    starts = [0, *accumulate(sizes)]
    parts: list[Markup] = []
    for number, (size, start) in enumerate(zip(sizes, starts, strict=False)):
        if not size:
            continue
        left, width = 100.0 * start / total, 100.0 * size / total
        right = number == 0
        parts.append(
            element(
                "rect",
                x=f"{left:.3f}%",
                width=f"{max(0.05, width - _GAP):.3f}%",
                y=4,
                height=24,
                class_="bar right" if right else "bar wrong",
            )
        )
        if 0 < number <= len(kinds) and width >= _NAMED:
            middle = f"{left + width / 2:.3f}%"
            parts.append(element("text", f"{number}", x=middle, y=44, text_anchor="middle"))
    missed = total - covered if covered + sum(kinds) + rest else 0
    if covered:
        parts.append(element("text", f"{covered:,} near an item", x="0%", y=62))
    if missed:
        parts.append(element("text", f"{missed:,} without one", x="100%", y=62, text_anchor="end"))
    desc = f"{covered:,} near an item, {missed:,} without one in {count(len(kinds), 'numbered kind')}"
    return chart(parts, height=70, title=title, desc=desc)
