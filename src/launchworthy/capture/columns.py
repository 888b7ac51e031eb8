"""Attribute values as column values: text, JSON text, counts, flags. Imports orjson."""

from __future__ import annotations

import math
from typing import Any, Final

import orjson

from launchworthy.capture.otlp.limits import MAX_VALUE_CHARS, cut
from launchworthy.capture.otlp.surrogates import repaired

__all__ = ["count", "flag", "json_text", "number", "plain", "short", "stated_json"]

_SHORT_CHARS: Final = 1_000
_LARGEST: Final = (1 << 63) - 1


def plain(value: Any) -> str | None:
    """A text column: any value as text, without NUL, which databases end a text at."""
    if value is None or value == "":
        return None
    if type(value) is str and len(value) <= MAX_VALUE_CHARS and "\0" not in value:
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if len(text) <= MAX_VALUE_CHARS else cut(text)


def short(value: Any) -> str | None:
    """A text that names something, and so is cut earlier."""
    if value is None:
        return None
    if type(value) is str and 0 < len(value) <= _SHORT_CHARS and "\0" not in value:
        return value
    text = plain(value)
    return text if text is None or len(text) <= _SHORT_CHARS else cut(text, limit=_SHORT_CHARS)


def json_text(value: Any) -> str:
    """A JSON column of a value; a text that is a JSON object or list is taken as that."""
    if isinstance(value, str):
        if value[:1] in ("[", "{"):
            return stated_json(value)
        return orjson.dumps(value).decode()
    return orjson.dumps(value).decode()


def stated_json(text: str) -> str:
    """A JSON column of a text that is said to be JSON; if it is not, it is a JSON string."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = repaired(text.encode())
        try:
            orjson.loads(mended)
        except orjson.JSONDecodeError:
            return orjson.dumps(text).decode()
        return mended.decode()
    return text


def count(value: Any) -> int | None:
    """A number of tokens; None for what cannot be one, such as the -1 of those who do not know."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            return None
        value = int(value)
    elif isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None


def number(value: Any) -> float | None:
    """A finite number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 64 else None
        except ValueError:
            return None
    if isinstance(value, (int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    return None


def flag(value: Any) -> bool | None:
    """True or false, also as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None
