"""When each span of a trace ran: a bar for each row, a ruler above them. Pure; times in milliseconds."""

from __future__ import annotations

from markupsafe import Markup

from launchworthy.console.charts.scale import Scale
from launchworthy.console.charts.svg import chart, element, ticks
from launchworthy.quantity import format_value

__all__ = ["ruler", "span_bar"]


def span_bar(
    *,
    name: str,
    start_ms: float,
    duration_ms: float | None,
    first_token_ms: float | None,
    total_ms: float,
    error: bool,
) -> Markup:
    """One span as a bar on the trace's time; the time to its first token is paler."""
    scale = Scale(low=0.0, high=max(total_ms, 1e-6), unit="ms")
    start = scale.percent(start_ms)
    took = 0.0 if duration_ms is None else duration_ms
    width = max(0.4, scale.percent(start_ms + took) - start)
    start = min(start, 100.0 - width)
    kind = "bar error" if error else "bar"
    parts = [element("rect", x="0%", width="100%", y=8, height=1, class_="track")]
    if first_token_ms is not None and 0 < first_token_ms < took:
        waited = max(0.2, width * first_token_ms / took)
        parts.append(
            element("rect", x=f"{start:g}%", width=f"{waited:g}%", y=3, height=11, class_="bar wait")
        )
        parts.append(
            element(
                "rect",
                x=f"{start + waited:g}%",
                width=f"{max(0.2, width - waited):g}%",
                y=3,
                height=11,
                class_=kind,
            )
        )
    else:
        parts.append(element("rect", x=f"{start:g}%", width=f"{width:g}%", y=3, height=11, class_=kind))
    lasted = "an unknown time" if duration_ms is None else format_value(duration_ms, unit="ms")
    desc = f"starts at {format_value(start_ms, unit='ms')}, lasts {lasted}"
    if first_token_ms is not None:
        desc += f", first token after {format_value(first_token_ms, unit='ms')}"
    return chart(parts, height=18, title=name, desc=desc)


def ruler(total_ms: float) -> Markup:
    """The time axis of a trace."""
    scale = Scale(low=0.0, high=max(total_ms, 1e-6), unit="ms")
    return chart(
        ticks(scale, top=0, bottom=4, most=4),
        height=26,
        title="Time since the trace began",
        desc=f"0 to {format_value(total_ms, unit='ms')}",
    )
