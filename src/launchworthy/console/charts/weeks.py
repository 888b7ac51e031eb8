"""A share by week as bars, the oldest first; a week without a call stays a gap. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from launchworthy.console.charts.svg import chart, element
from launchworthy.quantity import format_value

__all__ = ["weeks_plot"]

_HEIGHT = 40
_LEAST = 2.0  # pixels of a share that is not zero


def weeks_plot(hits: Sequence[int], *, of: Sequence[int], title: str) -> Markup:
    """One bar a week, as high as its share is of the highest."""
    shares = [None if not n else hit / n for hit, n in zip(hits, of, strict=True)]
    most = max((share for share in shares if share), default=0.0)
    width = 100.0 / max(1, len(shares))
    parts: list[Markup] = []
    for place, share in enumerate(shares):
        if share is None:
            continue
        high = 0.0 if not share else max(_LEAST, (_HEIGHT - 6) * share / most)
        parts.append(
            element(
                "rect",
                x=f"{place * width + width * 0.12:g}%",
                width=f"{width * 0.76:g}%",
                y=f"{_HEIGHT - 2 - high:g}",
                height=f"{max(high, 1.0):g}",
                class_="bar" if share else "track",
            )
        )
    told = ", ".join("no calls" if share is None else format_value(share, unit="ratio") for share in shares)
    return chart(parts, height=_HEIGHT, title=title, desc=f"by week, the oldest first: {told}")
