"""Finished spans and events as OTLP requests. Runs on the exporter's thread.

May import the OTLP messages, OpenTelemetry's API and this folder.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status
from opentelemetry.trace import Link, SpanContext, StatusCode

from launchworthy.capture.sdk.ended import EndedSpan, Event
from launchworthy.capture.sdk.problems import once
from launchworthy.capture.sdk.protection import Protection
from launchworthy.capture.sdk.spill import Frame, Signal

__all__ = ["logs_frame", "traces_frame"]

_STATUS = {
    StatusCode.UNSET: Status.STATUS_CODE_UNSET,
    StatusCode.OK: Status.STATUS_CODE_OK,
    StatusCode.ERROR: Status.STATUS_CODE_ERROR,
}
_SCOPE = "launchworthy"
_NONE = Protection()


def traces_frame(
    spans: Iterable[EndedSpan], *, protection: Protection | None = None
) -> tuple[Frame | None, int]:
    """One request of these spans, and how many could not be written; None if none could.

    Args:
        spans: As they ended.
        protection: What of them may leave the process.
    """
    protection = protection or _NONE
    request = ExportTraceServiceRequest()
    scopes: dict[tuple[int, int], ScopeSpans] = {}
    resources: dict[int, Any] = {}
    written = failed = 0
    for ended in spans:
        span = ended.span
        place = (id(span.resource), id(span.instrumentation_scope))
        into = scopes.get(place)
        if into is None:
            group = resources.get(place[0])
            if group is None:
                group = resources[place[0]] = request.resource_spans.add()
                group.resource.attributes.extend(_pairs(span.resource.attributes))
            into = scopes[place] = group.scope_spans.add()
            if span.instrumentation_scope is not None:
                into.scope.name = span.instrumentation_scope.name
                into.scope.version = span.instrumentation_scope.version or ""
        try:
            into.spans.append(_span(ended, protection))
            written += 1
        except Exception as error:
            failed += 1
            once("encode", "a span could not be written as OTLP and is left out: %r", error)
    if not written:
        return None, failed
    return _frame("traces", request.SerializeToString(), written), failed


def logs_frame(
    events: Sequence[Event], *, resource: Mapping[str, Any], protection: Protection | None = None
) -> Frame:
    """One request of these events."""
    protection = protection or _NONE
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(_pairs(resource))
    into = group.scope_logs.add()
    into.scope.name = _SCOPE
    for event in events:
        record = into.log_records.add(
            time_unix_nano=event.time_ns, observed_time_unix_nano=event.time_ns, event_name=event.name
        )
        if event.trace_id:
            record.trace_id = event.trace_id.to_bytes(16, "big")
        if event.span_id:
            record.span_id = event.span_id.to_bytes(8, "big")
        policy = protection.of(event.attributes)
        record.attributes.extend(
            _pairs(event.attributes if policy is None else protection.applied(event.attributes, policy))
        )
    return _frame("logs", request.SerializeToString(), len(events))


def _frame(signal: Signal, body: bytes, records: int) -> Frame:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)  # gzip; the fastest level gains most of it on text
    return Frame(
        signal=signal,
        batch_id=secrets.token_hex(16),
        records=records,
        body=packer.compress(body) + packer.flush(),
    )


def _span(ended: EndedSpan, protection: Protection) -> Span:
    span = ended.span
    policy = protection.of(ended.attributes)

    def leaving(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        return attributes if policy is None else protection.applied(attributes, policy)

    context = span.context
    if context is None:
        raise ValueError("a span without a context")
    links: Sequence[Link] = span.links
    out = Span(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        name=_text(span.name if policy is None else protection.name(span.name, policy)),
        kind=span.kind.value + 1,  # type: ignore[arg-type]  # the numbers are those of OTLP, from 1
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        dropped_attributes_count=span.dropped_attributes,
    )
    if span.parent is not None:
        if ended.root:
            out.links.append(_link(span.parent, {}))
        else:
            out.parent_span_id = span.parent.span_id.to_bytes(8, "big")
    out.attributes.extend(_pairs(leaving(ended.attributes)))
    for event in span.events:
        name = event.name if policy is None else protection.name(event.name, policy)
        out.events.add(time_unix_nano=event.timestamp, name=_text(name)).attributes.extend(
            _pairs(leaving(event.attributes or {}))
        )
    for link in links:
        out.links.append(_link(link.context, leaving(link.attributes or {})))
    if span.status.status_code is not StatusCode.UNSET:
        out.status.code = _STATUS[span.status.status_code]
        described = span.status.description or ""
        out.status.message = _text(described if policy is None else protection.message(described, policy))
    return out


def _link(context: SpanContext, attributes: Mapping[str, Any]) -> Span.Link:
    return Span.Link(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        attributes=_pairs(attributes),
    )


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=_text(key), value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=_text(value))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            return AnyValue(int_value=value)
        return AnyValue(string_value=str(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    out = AnyValue()
    if value is None:
        return out
    if isinstance(value, Mapping):
        out.kvlist_value.values.extend(_pairs(value))
    else:
        out.array_value.values.extend([_value(entry) for entry in value])
    return out


def _text(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()
