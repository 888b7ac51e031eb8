"""OTLP protobuf requests as plain records: parsed by protobuf's C code, walked by hand.

``MessageToDict`` costs five times as much. May import the OTLP messages and ``errors``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from launchworthy.capture.otlp.limits import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_RECORD_BYTES,
    MAX_VALUE_CHARS,
    cut,
)
from launchworthy.capture.otlp.record import Bad, SentEvent, SentGroup, SentLink, SentLog, SentSpan
from launchworthy.capture.otlp.wire import cut_request
from launchworthy.errors import InputError

__all__ = ["log_groups", "span_groups"]

_ERROR = Status.STATUS_CODE_ERROR
_SETTLED = (Status.STATUS_CODE_OK, _ERROR)


def span_groups(body: bytes) -> Iterator[SentGroup]:
    """The spans of an ``ExportTraceServiceRequest``, group by group.

    Raises:
        InputError: The outer messages are malformed (LW400), or hold too many records (LW413).
    """
    for each in cut_request(body):
        yield _group(each.resource, each.scope, _spans(body, each.records))


def log_groups(body: bytes) -> Iterator[SentGroup]:
    """The records of an ``ExportLogsServiceRequest``, group by group.

    Raises:
        InputError: The outer messages are malformed (LW400), or hold too many records (LW413).
    """
    for each in cut_request(body):
        yield _group(each.resource, each.scope, _logs(body, each.records))


def _group(resource: bytes, scope: bytes, records: Iterator[SentSpan | SentLog | Bad]) -> SentGroup:
    try:
        if max(len(resource), len(scope)) > MAX_RECORD_BYTES:
            raise InputError("a resource or scope is too long", code="LW413", hint="send fewer attributes")
        attributes, _ = _attributes(Resource.FromString(resource).attributes)
        read = InstrumentationScope.FromString(scope)
    except DecodeError as error:
        raise InputError(
            f"a resource or scope cannot be read: {_told(error)}",
            code="LW400",
            hint="text must be UTF-8",
        ) from error
    return SentGroup(attributes, read.name, read.version, records)


def _spans(body: bytes, ranges: Iterable[tuple[int, int]]) -> Iterator[SentSpan | SentLog | Bad]:
    parse = Span.FromString
    for start, end in ranges:
        if end - start > MAX_RECORD_BYTES:
            yield Bad(f"longer than {MAX_RECORD_BYTES // 2**20} MiB")
            continue
        try:
            span = parse(body[start:end])
        except DecodeError as error:
            yield Bad(f"cannot be read: {_told(error)}")
            continue
        # In a span this short no value can be too long, so that none is measured.
        short = end - start <= MAX_VALUE_CHARS
        attributes, dropped = _short_attributes(span.attributes) if short else _attributes(span.attributes)
        status = span.status
        code = status.code
        yield SentSpan(
            span.trace_id,
            span.span_id,
            span.parent_span_id,
            span.name,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            code == _ERROR,
            code in _SETTLED,
            status.message,
            attributes,
            [
                SentEvent(event.name, event.time_unix_nano, _attributes(event.attributes)[0])
                for event in span.events[:MAX_ATTRIBUTES]
            ]
            if span.events
            else [],
            [
                SentLink(link.trace_id, link.span_id, _attributes(link.attributes)[0])
                for link in span.links[:MAX_ATTRIBUTES]
            ]
            if span.links
            else [],
            span.dropped_attributes_count + dropped,
        )


def _logs(body: bytes, ranges: Iterable[tuple[int, int]]) -> Iterator[SentSpan | SentLog | Bad]:
    for start, end in ranges:
        if end - start > MAX_RECORD_BYTES:
            yield Bad(f"longer than {MAX_RECORD_BYTES // 2**20} MiB")
            continue
        try:
            record = LogRecord.FromString(body[start:end])
        except DecodeError as error:
            yield Bad(f"cannot be read: {_told(error)}")
            continue
        yield SentLog(
            record.event_name,
            record.trace_id,
            record.span_id,
            record.time_unix_nano or record.observed_time_unix_nano,
            _attributes(record.attributes)[0],
            _value(record.body, 0),
        )


def _attributes(pairs: Sequence[KeyValue]) -> tuple[dict[str, Any], int]:
    """Attributes by name, and how many were left out; of a repeated name the last counts."""
    found: dict[str, Any] = {}
    surplus = len(pairs) - MAX_ATTRIBUTES
    for pair in pairs if surplus <= 0 else pairs[:MAX_ATTRIBUTES]:
        value = pair.value
        text = value.string_value
        if text:
            if len(text) > MAX_VALUE_CHARS:
                text = cut(text)
            found[pair.key] = text
        else:
            found[pair.key] = _value(value, 0)
    return found, max(0, surplus)


def _short_attributes(pairs: Sequence[KeyValue]) -> tuple[dict[str, Any], int]:
    """As :func:`_attributes`, where no value is long."""
    if len(pairs) > MAX_ATTRIBUTES:
        return _attributes(pairs)
    return {pair.key: pair.value.string_value or _value(pair.value, 0) for pair in pairs}, 0


def _value(value: AnyValue, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return cut(value.string_value)
    if kind == "int_value":
        return value.int_value
    if kind == "double_value":
        return value.double_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "bytes_value":
        return cut(base64.b64encode(value.bytes_value).decode())
    if kind == "array_value":
        if depth >= MAX_DEPTH:
            return "(nested too deeply)"
        return [_value(each, depth + 1) for each in value.array_value.values[:MAX_ENTRIES]]
    if kind == "kvlist_value":
        if depth >= MAX_DEPTH:
            return "(nested too deeply)"
        return {each.key: _value(each.value, depth + 1) for each in value.kvlist_value.values[:MAX_ENTRIES]}
    return None


def _told(error: DecodeError) -> str:
    text = str(error)
    return "text that is not UTF-8" if "UTF-8" in text else f"malformed protobuf ({text:.80})"
