"""OTLP/JSON requests as plain records: hexadecimal ids, integers as numbers or text, unknown fields ignored.

May import orjson and ``errors``. Names are read in camelCase, as the specification has them, and in
snake_case. Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from launchworthy.capture.otlp.limits import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_OPENERS,
    MAX_RECORDS,
    cut,
)
from launchworthy.capture.otlp.record import Bad, SentEvent, SentGroup, SentLink, SentLog, SentSpan
from launchworthy.capture.otlp.surrogates import repaired
from launchworthy.errors import InputError

__all__ = ["log_groups", "span_groups"]

_OK, _ERROR = (1, "STATUS_CODE_OK"), (2, "STATUS_CODE_ERROR")


class _Wrong(Exception):
    """One record is not of the form of OTLP/JSON; the message says where."""


def span_groups(body: bytes) -> Iterator[SentGroup]:
    """The spans of a JSON ``ExportTraceServiceRequest``, group by group.

    Raises:
        InputError: Not JSON, not such a request (LW400), or too large (LW413).
    """
    return _groups(body, "resourceSpans", "scopeSpans", "spans")


def log_groups(body: bytes) -> Iterator[SentGroup]:
    """The records of a JSON ``ExportLogsServiceRequest``, group by group.

    Raises:
        InputError: Not JSON, not such a request (LW400), or too large (LW413).
    """
    return _groups(body, "resourceLogs", "scopeLogs", "logRecords")


def _groups(body: bytes, outer: str, middle: str, inner: str) -> Iterator[SentGroup]:
    document = _document(body)
    try:
        found: list[tuple[dict[str, Any], dict[str, Any], list[Any]]] = []
        seen = 0
        for group in _objects(document, outer):
            resource, _ = _attributes(_object(group, "resource"))
            for scope in _objects(group, middle):
                records = _list(scope, inner)
                seen += 1 + len(records)
                if seen > MAX_RECORDS:
                    raise InputError(
                        f"the body has more than {MAX_RECORDS:,} records",
                        code="LW413",
                        hint="send smaller batches",
                    )
                found.append((resource, _object(scope, "scope"), records))
    except _Wrong as error:
        raise InputError(
            f"the body is not OTLP/JSON: {error}", code="LW400", hint=f"an object with {outer}"
        ) from error
    read = _span if inner == "spans" else _log
    for resource, scope, records in found:
        yield SentGroup(
            resource,
            _text(scope.get("name")),
            _text(scope.get("version")),
            (_one(record, read) for record in records),
        )


def _document(body: bytes) -> dict[str, Any]:
    if body.count(b"{") + body.count(b"[") > MAX_OPENERS:
        raise InputError(
            f"the body has more than {MAX_OPENERS:,} objects and lists",
            code="LW413",
            hint="send smaller batches",
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            document = orjson.loads(repaired(body))
        except orjson.JSONDecodeError:
            raise InputError(
                f"the body is not JSON: {error}", code="LW400", hint="send a JSON object in UTF-8"
            ) from error
    if not isinstance(document, dict):
        raise InputError("the body is not a JSON object", code="LW400", hint="send OTLP/JSON")
    return document


def _one(record: Any, read: Any) -> SentSpan | SentLog | Bad:
    try:
        if not isinstance(record, dict):
            raise _Wrong("a record is not an object")
        told: SentSpan | SentLog = read(record)
        return told
    except _Wrong as error:
        return Bad(f"cannot be read: {error}")


def _span(record: dict[str, Any]) -> SentSpan:
    status = _object(record, "status")
    code = status.get("code", 0)
    attributes, dropped = _attributes(record)
    return SentSpan(
        _id(record, "traceId"),
        _id(record, "spanId"),
        _id(record, "parentSpanId"),
        _text(record.get("name")),
        _integer(record, "startTimeUnixNano"),
        _integer(record, "endTimeUnixNano"),
        code in _ERROR,
        code in _OK or code in _ERROR,
        _text(status.get("message")),
        attributes,
        [
            SentEvent(_text(event.get("name")), _integer(event, "timeUnixNano"), _attributes(event)[0])
            for event in _objects(record, "events")[:MAX_ATTRIBUTES]
        ],
        [
            SentLink(_id(link, "traceId"), _id(link, "spanId"), _attributes(link)[0])
            for link in _objects(record, "links")[:MAX_ATTRIBUTES]
        ],
        _integer(record, "droppedAttributesCount") + dropped,
    )


def _log(record: dict[str, Any]) -> SentLog:
    return SentLog(
        _text(_get(record, "eventName")),
        _id(record, "traceId"),
        _id(record, "spanId"),
        _integer(record, "timeUnixNano") or _integer(record, "observedTimeUnixNano"),
        _attributes(record)[0],
        _value(record.get("body"), 0),
    )


def _get(holder: dict[str, Any], name: str) -> Any:
    """A field by its camelCase name, else by its snake_case one."""
    value = holder.get(name)
    if value is None:
        value = holder.get("".join(f"_{each.lower()}" if each.isupper() else each for each in name))
    return value


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = _get(holder, name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Wrong(f"{name} is not a list")
    return value


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = _list(holder, name)
    if not all(isinstance(each, dict) for each in value):
        raise _Wrong(f"{name} has an entry that is not an object")
    return value


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    value = _get(holder, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Wrong(f"{name} is not an object")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Wrong("a name is not text")
    return cut(value)


def _id(holder: dict[str, Any], name: str) -> bytes:
    value = _get(holder, name)
    if value is None or value == "":
        return b""
    if isinstance(value, str) and len(value) <= 64:
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    raise _Wrong(f"{name} is not hexadecimal text")


def _integer(holder: dict[str, Any], name: str) -> int:
    value = _get(holder, name)
    if value is None or value == "":
        return 0
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value
    raise _Wrong(f"{name} is not a whole number")


def _attributes(holder: dict[str, Any]) -> tuple[dict[str, Any], int]:
    pairs = _objects(holder, "attributes")
    found = {_text(pair.get("key")): _value(pair.get("value"), 0) for pair in pairs[:MAX_ATTRIBUTES]}
    return found, max(0, len(pairs) - MAX_ATTRIBUTES)


def _value(value: Any, depth: int) -> Any:
    """The value of an ``AnyValue``; None for one of a kind that is not known."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _Wrong("an attribute's value is not an object such as {stringValue: …}")
    for name, held in value.items():
        if held is None:
            continue
        if name in _SCALARS:
            return _SCALARS[name](held)
        if name in _NESTED:
            return "(nested too deeply)" if depth >= MAX_DEPTH else _NESTED[name](held, depth + 1)
    return None


def _string(held: Any) -> str:
    if not isinstance(held, str):
        raise _Wrong("stringValue is not text")
    return cut(held)


def _bool(held: Any) -> bool:
    if not isinstance(held, bool):
        raise _Wrong("boolValue is not true or false")
    return held


def _int(held: Any) -> int:
    try:
        number = int(held) if isinstance(held, (int, str)) and len(str(held)) <= 20 else None
    except ValueError:
        number = None
    if isinstance(held, float) and held.is_integer():
        number = int(held)
    if number is None or not -(1 << 63) <= number < 1 << 63:
        raise _Wrong("intValue is not a whole number of 64 bits")
    return number


def _double(held: Any) -> float:
    try:
        number = float(held) if isinstance(held, (int, float, str)) and len(str(held)) < 400 else None
    except (ValueError, OverflowError):
        number = None
    if number is None:
        raise _Wrong("doubleValue is not a number")
    return number if math.isfinite(number) or isinstance(held, str) else 0.0


def _array(held: Any, depth: int) -> Any:
    if not isinstance(held, dict):
        raise _Wrong("arrayValue is not an object with values")
    return [_value(each, depth) for each in _list(held, "values")[:MAX_ENTRIES]]


def _kvlist(held: Any, depth: int) -> Any:
    if not isinstance(held, dict):
        raise _Wrong("kvlistValue is not an object with values")
    return {
        _text(pair.get("key")): _value(pair.get("value"), depth)
        for pair in _objects(held, "values")[:MAX_ENTRIES]
    }


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "stringValue": _string,
    "string_value": _string,
    "boolValue": _bool,
    "bool_value": _bool,
    "intValue": _int,
    "int_value": _int,
    "doubleValue": _double,
    "double_value": _double,
    "bytesValue": _string,  # base64 in both encodings
    "bytes_value": _string,
}
_NESTED: Final[dict[str, Callable[[Any, int], Any]]] = {
    "arrayValue": _array,
    "array_value": _array,
    "kvlistValue": _kvlist,
    "kvlist_value": _kvlist,
}
