"""Spans of the gateway's own process: as OpenTelemetry's, at a fifth of the cost of its SDK.

May import OpenTelemetry's API and ``capture``. The gateway makes thousands of spans a second in a process in
which nobody else listens to them, so that samplers, processors and attribute checks are left out: what ends
goes to the exporter as it is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
)

from launchworthy.capture.sdk.client import Client, Sink
from launchworthy.capture.sdk.ended import EndedSpan
from launchworthy.capture.sdk.process import client, install

__all__ = ["trace_lightly"]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("launchworthy")
_UNSET = Status(StatusCode.UNSET)


def trace_lightly() -> None:
    """From now on the spans of this process are made here; a process that records nothing goes on so."""
    found = client()
    if not found.settings.enabled:
        return
    resource = Resource.create({"service.name": found.settings.product})
    tracer = _Tracer(found.sink, resource)
    install(Client(found.settings, tracer=tracer, sink=found.sink, pseudonyms=found.pseudonyms))


class _Tracer(Tracer):
    def __init__(self, sink: Sink, resource: Resource) -> None:
        self._sink, self._resource = sink, resource
        self._random = random.Random()  # noqa: S311 (ids, and not secrets)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A span that has begun."""
        around = get_current_span(context).get_span_context()
        parent = around if around.is_valid else None
        trace_id = parent.trace_id if parent is not None else self._random.getrandbits(128) or 1
        own = SpanContext(trace_id, self._random.getrandbits(64) or 1, False, _SAMPLED)
        span = _Span(name, own, parent, kind, dict(attributes or {}), start_time or time.time_ns())
        span.resource, span.sink = self._resource, self._sink
        return span

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        """The SDK enters its spans itself."""
        raise NotImplementedError


class _Span(Span):
    """What the exporter reads of a span, and what the SDK says to one."""

    resource: Resource
    sink: Sink
    instrumentation_scope = _SCOPE
    links = ()
    dropped_attributes = 0

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, Any],
        start_time: int,
    ) -> None:
        self.name, self.context, self.parent, self.kind = name, context, parent, kind
        self.attributes, self.start_time = attributes, start_time
        self.end_time: int | None = None
        self.events: list[Event] = []
        self.status = _UNSET

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return self.end_time is None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def update_name(self, name: str) -> None:
        self.name = name

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self.events.append(Event(name, attributes, timestamp))

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self.status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        told = {"exception.type": type(exception).__qualname__, "exception.message": str(exception)}
        self.add_event("exception", told, timestamp)

    def end(self, end_time: int | None = None) -> None:
        if self.end_time is not None:
            return
        self.end_time = end_time or time.time_ns()
        size = sum(len(value) for value in self.attributes.values() if type(value) is str)
        self.sink.add_span(EndedSpan(cast(ReadableSpan, self), self.attributes, False, size))
