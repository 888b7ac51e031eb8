"""Any Python value as bounded JSON text: what a call was given and what it answered.

May import the standard library and orjson. A value is copied within a budget of characters, entries and
depth, so that a cycle, an endless iterator or a hostile ``__repr__`` costs little and raises nothing. It is
copied at once, on the caller's thread: a list that the application changes later must not change the record.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from itertools import islice
from typing import Any

import orjson

__all__ = ["answer_text", "attribute", "json_text", "messages_text", "plain"]

_DEPTH = 12
_ENTRIES = 1_000  # of one list or mapping
_REPR = 200  # characters of an object that is no JSON value
_WIDEST = 1 << 63  # integers beyond do not fit the receiver's numbers


def json_text(value: Any, *, limit: int) -> str:
    """JSON text of a value, cut to about ``limit`` characters of content; never raises."""
    copy = plain(value, limit=limit)
    try:
        return orjson.dumps(copy).decode()
    except (TypeError, ValueError, RecursionError):  # a lone surrogate
        return json.dumps(copy).encode("utf-8", "replace").decode()


def plain(value: Any, *, limit: int) -> Any:
    """A copy of a value made of JSON types only, cut to about ``limit`` characters; never raises."""
    kind = type(value)
    if kind is str and len(value) <= limit:
        return _text(value)
    if kind is bool or value is None or kind is float:
        return value
    return _Copy(limit).of(value, 0)


def attribute(value: Any, *, limit: int) -> Any:
    """A value as an attribute: text, numbers and lists of them as they are, anything else as JSON text."""
    if isinstance(value, str):
        return plain(value, limit=limit)
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)) and all(type(entry) in (str, bool, int, float) for entry in value):
        return tuple(plain(entry, limit=limit) for entry in value[:_ENTRIES])
    return json_text(value, limit=limit)


def messages_text(values: Any, *, limit: int) -> str | None:
    """JSON text of the usual conversation, ``{"role", "content"}`` in text each; None if it is another.

    Put together as text, since that costs a quarter of copying and writing the mappings.
    """
    parts = []
    for value in values:
        if type(value) is not dict or len(value) != 2:
            return None
        role, content = value.get("role"), value.get("content")
        if type(role) is not str or type(content) is not str:
            return None
        limit -= len(role) + len(content)
        if limit < 0:
            return None
        parts.append(_message_text(role, content))
    return f"[{','.join(parts)}]" if parts else None


def answer_text(content: str, *, limit: int) -> str:
    """JSON text of the usual answer: one message of text."""
    return f"[{_message_text('assistant', plain(content, limit=limit))}]"


def _message_text(role: str, content: str) -> str:
    said = orjson.dumps(_text(content)).decode()
    return f'{{"role":{orjson.dumps(_text(role)).decode()},"parts":[{{"type":"text","content":{said}}}]}}'


class _Copy:
    """One copy in progress; ``left`` is the budget of characters that remains."""

    __slots__ = ("left", "open")

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.open: set[int] = set()  # ids of the containers around the value at hand

    def of(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._cut(value)
        if kind is bool or value is None or kind is float:
            return value
        if kind is int:
            return value if -_WIDEST <= value < _WIDEST else self._shown(value)
        if depth >= _DEPTH:
            return self._shown(value, deep=True)
        if id(value) in self.open:
            return "<the same object again>"
        self.open.add(id(value))
        try:
            return self._container(value, depth)
        except Exception as error:
            return f"<{kind.__qualname__}: {type(error).__name__} while it was read>"
        finally:
            self.open.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._list(value, depth)
        if isinstance(value, str):
            return self._cut(str.__str__(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{len(value)} bytes>"
        if isinstance(value, Enum):
            return self.of(value.value, depth + 1)
        if isinstance(value, type):
            return self._shown(value)
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return self._mapping({name: getattr(value, name, None) for name in names}, depth)
        dump = getattr(type(value), "model_dump", None)  # pydantic, and the clients made with it
        if dump is not None:
            return self.of(dump(value, exclude_none=True), depth + 1)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        return self._shown(value)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, entry in islice(value.items(), _ENTRIES):
            if self.left <= 0:
                break
            name = key if type(key) is str else str(self._shown(key))
            copy[self._cut(name)] = self.of(entry, depth + 1)
        if len(copy) < len(value):
            copy["…"] = f"{len(value) - len(copy)} more"
        return copy

    def _list(self, value: Any, depth: int) -> list[Any]:
        copy: list[Any] = []
        for entry in islice(value, _ENTRIES):
            if self.left <= 0:
                break
            copy.append(self.of(entry, depth + 1))
            self.left -= 4
        if len(copy) < len(value):
            copy.append(f"… {len(value) - len(copy)} more")
        return copy

    def _cut(self, text: str) -> str:
        room = max(self.left, 0)
        self.left -= len(text)
        if len(text) > room:
            return _text(text[:room]) + f"… ({len(text) - room} more characters)"
        return _text(text)

    def _shown(self, value: Any, *, deep: bool = False) -> str:
        """What an object without JSON form looks like; only its name where that is unsafe or too deep."""
        name = type(value).__qualname__
        if deep:
            return f"<{name}>"
        try:
            shown = str(value)
        except Exception:
            return f"<{name}>"
        return self._cut(shown if len(shown) <= _REPR else shown[:_REPR] + "…")


def _text(text: str) -> str:
    """The text, with whatever is no character of Unicode replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
