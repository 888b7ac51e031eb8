"""What the SDK hands to its exporter, and what it counts of it. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["Counters", "EndedSpan", "Event"]


@dataclass(frozen=True, slots=True)
class EndedSpan:
    """A span to send.

    Attributes:
        span: As OpenTelemetry's SDK finished it.
        attributes: Of the span, and what it lacked.
        root: True where its parent is not sent: it begins a trace here, and links to that parent.
        size: Characters of its texts.
    """

    span: ReadableSpan
    attributes: Mapping[str, Any]
    root: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A late fact: an outcome, feedback, a score. Ids are 0 where the trace or span is not known."""

    name: str
    time_ns: int
    trace_id: int = 0
    span_id: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Counters:
    """Spans and events of this process: ``accepted`` = delivered + spilled + dropped + refused + waiting.

    A batch that was spilled and then delivered has moved from ``spilled`` to ``delivered``. Batches of other
    processes that this one found on disk count in ``resent`` and ``dropped_of_others`` alone.
    """

    accepted: int = 0
    delivered: int = 0
    spilled: int = 0
    dropped: int = 0
    refused: int = 0
    rejected: int = 0  # of the delivered: the server took the batch and not these records
    resent: int = 0
    dropped_of_others: int = 0
