"""Where the records of an OTLP protobuf request begin and end, without reading what is in them.

A request is cut into its spans or log records before any is parsed: so one damaged record does not cost the
others, and a body of a million empty ones does not become a million objects. Imports ``errors`` only.
Source: the protobuf encoding, https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from launchworthy.capture.otlp.limits import MAX_RECORDS
from launchworthy.errors import InputError

__all__ = ["Cut", "cut_request"]

_FIRST, _SECOND = 1, 2  # in all three messages: 1 the resource or scope, 2 the scopes or records


@dataclass(frozen=True, slots=True)
class Cut:
    """Byte ranges of one scope: of its resource, of itself, and of its records."""

    resource: bytes
    scope: bytes
    records: list[tuple[int, int]]


def cut_request(body: bytes) -> list[Cut]:
    """The ranges of every record of an ``ExportTraceServiceRequest`` or ``ExportLogsServiceRequest``.

    Raises:
        InputError: The outer messages are malformed (LW400), or hold too many records (LW413).
    """
    try:
        return _cut(body)
    except (IndexError, ValueError) as error:
        raise InputError(
            "the body is not an OTLP protobuf request: it is malformed or cut short",
            code="LW400",
            hint="send ExportTraceServiceRequest to /v1/traces, ExportLogsServiceRequest to /v1/logs",
        ) from error


def _cut(body: bytes) -> list[Cut]:
    cuts: list[Cut] = []
    seen = 0
    for number, start, end in _fields(body, 0, len(body)):
        if number != _FIRST:
            continue
        resource = b""
        scopes: list[tuple[int, int]] = []
        for inner, inner_start, inner_end in _fields(body, start, end):
            if inner == _FIRST:
                resource += body[inner_start:inner_end]  # repeated ones merge, as protobuf says
            elif inner == _SECOND:
                scopes.append((inner_start, inner_end))
                seen = _counted(seen)
        seen = _counted(seen)
        for scope_start, scope_end in scopes:
            scope = b""
            records: list[tuple[int, int]] = []
            for inner, inner_start, inner_end in _fields(body, scope_start, scope_end):
                if inner == _SECOND:
                    records.append((inner_start, inner_end))
                    seen = _counted(seen)
                elif inner == _FIRST:
                    scope += body[inner_start:inner_end]
            cuts.append(Cut(resource, scope, records))
    return cuts


def _counted(seen: int) -> int:
    if seen >= MAX_RECORDS:
        raise InputError(
            f"the body has more than {MAX_RECORDS:,} records", code="LW413", hint="send smaller batches"
        )
    return seen + 1


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each length-delimited field; others are passed over.

    Raises:
        ValueError: Malformed.
        IndexError: Malformed, at the end of the data.
    """
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = _varint(data, at - 1)
        kind = tag & 7
        if kind == 2:
            size = data[at]
            at += 1
            if size > 127:
                size, at = _varint(data, at - 1)
            stop = at + size
            if stop > end:
                raise ValueError("a field is longer than what holds it")
            yield tag >> 3, at, stop
            at = stop
        elif kind == 0:
            _, at = _varint(data, at)
        elif kind == 5:
            at += 4
        elif kind == 1:
            at += 8
        else:
            raise ValueError(f"wire type {kind}")
        if tag < 8:
            raise ValueError("field number 0")
    if at != end:
        raise ValueError("a field is longer than what holds it")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number of more than ten bytes")
