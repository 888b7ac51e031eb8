"""What both encodings of OTLP come to: plain spans and log records. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Bad", "SentEvent", "SentGroup", "SentLink", "SentLog", "SentSpan"]


@dataclass(slots=True)
class SentEvent:
    """A span event; time in nanoseconds since the epoch."""

    name: str
    time_ns: int
    attributes: dict[str, Any]


@dataclass(slots=True)
class SentLink:
    """A link to another span."""

    trace_id: bytes
    span_id: bytes
    attributes: dict[str, Any]


@dataclass(slots=True)
class SentSpan:
    """A span as sent: nothing is checked but its types."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    settled: bool  # its status says ok or error
    message: str
    attributes: dict[str, Any]
    events: list[SentEvent]
    links: list[SentLink]
    dropped: int  # attributes that the sender, or a limit here, left out


@dataclass(slots=True)
class SentLog:
    """A log record as sent; ``event`` is its event name, ``body`` any JSON value."""

    event: str
    trace_id: bytes
    span_id: bytes
    time_ns: int
    attributes: dict[str, Any]
    body: Any


@dataclass(slots=True)
class Bad:
    """A record that could not be read; the rest of its request can."""

    reason: str


@dataclass(slots=True)
class SentGroup:
    """Records of one resource and one instrumentation scope, read one at a time."""

    resource: dict[str, Any]
    scope: str
    scope_version: str
    records: Iterator[SentSpan | SentLog | Bad]
