"""``/ingest``: what the receiver accepted, stored and refused, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import count, from_ns, moment

__all__ = ["PAGE", "HourRow", "IngestView", "RejectionRow"]

_HOURS = 7 * 24
_TABLE_HOURS = 24
_REJECTIONS = 100
_COUNTERS = (
    ("accepted", "Accepted", "acknowledged: on disk"),
    ("stored", "Stored", "pages and queries see them"),
    ("pending", "Waiting", "accepted, stored within moments"),
    ("rejected", "Rejected", "refused, each with a reason"),
    ("duplicate", "Repeated", "sent again, kept once"),
    ("quarantined", "Set aside", "accepted, but could not be stored"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRow:
    """Spans that began in one hour; ``n`` is None where nothing was recorded."""

    hour: str
    n: int | None
    errors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionRow:
    """Records refused together."""

    at: str
    product: str
    count: str
    reason: str
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestView:
    """What the ingest page receives.

    ``counters`` are name, number and meaning; ``series`` goes to the plot as JSON: seconds since the epoch,
    and one value or null for each; ``hours`` is the table of the newest of the same numbers.
    """

    head: Head
    counters: tuple[tuple[str, str, str], ...]
    series: Mapping[str, Any] | None
    hours: tuple[HourRow, ...]
    rejections: tuple[RejectionRow, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> IngestView:
    """Count, and read the newest refusals."""
    counters = reading.counters()
    refused = reading.rejections(limit=_REJECTIONS)
    hours = _hours(reading, ask.now)
    recorded = [row for row in hours if row.n is not None]
    nothing = not counters.get("accepted") and not counters.get("rejected")
    return IngestView(
        head=Head(title=_title(counters), reason=_reason(counters), section="ingest"),
        counters=tuple(
            (name, f"{counters[key]:,}", meaning) for key, name, meaning in _COUNTERS if key in counters
        ),
        series=_series(hours, ask.now) if len(recorded) > 1 else None,
        hours=tuple(row for row in reversed(hours) if row.n is not None)[:_TABLE_HOURS],
        rejections=tuple(
            RejectionRow(
                at=moment(row.at),
                product=row.product or "unknown",
                count=f"{row.count:,}",
                reason=row.reason,
                sample=row.sample,
            )
            for row in refused
        ),
        empty=Empty(
            what="Nothing has been sent here yet. Point an OpenTelemetry exporter at this server.",
            command=f"OTEL_EXPORTER_OTLP_ENDPOINT={ask.server} python app.py",
        )
        if nothing
        else None,
    )


def _title(counters: Mapping[str, int]) -> str:
    accepted, rejected = counters.get("accepted", 0), counters.get("rejected", 0)
    if not accepted and not rejected:
        return "Nothing received yet"
    lost = accepted - counters.get("stored", 0) - counters.get("pending", 0) - counters.get("quarantined", 0)
    if lost > 0:
        return f"{count(lost, 'accepted span')} are neither stored nor waiting"
    if counters.get("quarantined"):
        return f"{count(counters['quarantined'], 'accepted span')} could not be stored and were set aside"
    stored = "all stored" if not counters.get("pending") else f"{counters['pending']:,} not stored yet"
    refused = f"{rejected:,} rejected" if rejected else "none rejected"
    return f"{count(accepted, 'span')} accepted, {stored}; {refused}"


def _reason(counters: Mapping[str, int]) -> str:
    return "Since the data folder was made. Accepted = stored + waiting + set aside." if counters else ""


def _hours(reading: Reading, now: datetime) -> list[HourRow]:
    """The last week, hour by hour, gaps included."""
    last = int(now.timestamp()) // 3600 * 3600
    first = last - (_HOURS - 1) * 3600
    rows = reading.query(
        "SELECT hour, sum(n) AS n, sum(errors) AS errors FROM rollup_hour WHERE hour >= ? GROUP BY hour",
        [first * 10**9],
    )
    known = {row["hour"] // 10**9: row for row in rows}
    return [
        HourRow(
            hour=f"{from_ns(at * 10**9):%Y-%m-%d %H:%M}",
            n=int(known[at]["n"]) if at in known else None,
            errors=int(known[at]["errors"] or 0) if at in known else None,
        )
        for at in range(first, last + 1, 3600)
    ]


def _series(hours: list[HourRow], now: datetime) -> Mapping[str, Any]:
    last = int(now.timestamp()) // 3600 * 3600
    first = last - (_HOURS - 1) * 3600
    return {
        "times": [first + 3600 * number for number in range(len(hours))],
        "series": [
            {"label": "Spans", "values": [row.n for row in hours]},
            {"label": "Of them failed", "values": [row.errors for row in hours]},
        ],
    }


PAGE = Page(name="ingest", path="/ingest", template="ingest.html", view=view)
