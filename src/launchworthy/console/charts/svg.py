"""SVG as text: elements with escaped values, widths in percent so that a drawing fits any column. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from markupsafe import Markup, escape

from launchworthy.console.charts.scale import Scale
from launchworthy.console.visible import visible
from launchworthy.quantity import format_value

__all__ = ["chart", "element", "label", "ticks"]

_CHARACTER = 2.1  # percent of a drawing on a phone, 340 px, that a character takes


def element(name: str, text: str | Markup | None = None, **attributes: str | float) -> Markup:
    """One element; underscores in names stand for hyphens, a trailing one is dropped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for key, value in attributes.items()
    )
    if text is None:
        return Markup(f"<{name}{written}/>")  # noqa: S704 - values are escaped above
    body = text if isinstance(text, Markup) else escape(visible(text))
    return Markup(f"<{name}{written}>{body}</{name}>")  # noqa: S704


def _plain(value: str | float) -> str:
    return visible(value) if isinstance(value, str) else f"{value:g}"


def chart(parts: Iterable[Markup], *, height: int, title: str, desc: str, class_: str = "chart") -> Markup:
    """A whole drawing with its title, and what it shows in words."""
    words = element("title", title) + element("desc", desc)
    body = words + Markup("").join(parts)
    return element(
        "svg",
        body,
        class_=class_,
        height=height,
        width="100%",
        role="img",
        aria_label=f"{title}. {desc}",
        focusable="false",
    )


def label(text: str, *, at: float, y: float, class_: str = "", edge: float = 12.0) -> Markup:
    """Text at ``at`` percent that does not run out of the drawing."""
    anchor = _anchor(at, edge)
    named = {"class_": class_} if class_ else {}
    return element("text", text, x=f"{at:g}%", y=y, text_anchor=anchor, **named)


def _anchor(at: float, edge: float = 12.0) -> str:
    return "start" if at < edge else "end" if at > 100.0 - edge else "middle"


def _span(text: str, at: float) -> tuple[float, float]:
    """From where to where a label reaches on a phone, in percent."""
    wide = _CHARACTER * len(text)
    before = {"start": 0.0, "middle": wide / 2.0, "end": wide}[_anchor(at)]
    return at - before, at - before + wide


def ticks(scale: Scale, *, top: float, bottom: float, most: int = 4) -> list[Markup]:
    """A line at the bottom with small marks, and the value at each that has room for it on a phone."""
    parts = [element("line", x1="0%", x2="100%", y1=bottom, y2=bottom, class_="axis")]
    values = scale.ticks(most)
    named = [format_value(value, unit=scale.unit) for value in values]
    spans = [_span(text, scale.percent(value)) for value, text in zip(values, named, strict=True)]
    crowded = any(right[0] - left[1] < _CHARACTER for left, right in pairwise(spans))
    kept = next((place for place, value in enumerate(values) if value == 0), 0) % 2
    for place, (value, text) in enumerate(zip(values, named, strict=True)):
        at = f"{scale.percent(value):g}%"
        parts.append(element("line", x1=at, x2=at, y1=top, y2=bottom + 4, class_="grid"))
        if not crowded or place % 2 == kept:
            parts.append(label(text, at=scale.percent(value), y=bottom + 17))
    return parts
