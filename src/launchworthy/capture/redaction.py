"""Personal data taken out of the texts of a record, wherever in its values they stand. Imports orjson.

What finds personal data stands floors above and is handed in. A text that cannot be looked through is left
out, and counted: it is never stored as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote

import orjson

__all__ = ["Redact", "Redaction"]

Redact = Callable[[str], str | None]
"""A text without personal data; None where it could not be looked through."""

LEFT_OUT: Final = "[not looked through]"
_DEPTH: Final = 40
_DIGITS: Final = 10**6  # a smaller number is no phone, card or identity number
_NAMED_CHARS: Final = 200
# Keys whose values are words of a protocol, and keys that say nothing of what their text is.
_BUILT: Final = frozenset({"role", "type", "finish_reason", "mime_type", "modality"})
_PLAIN: Final = frozenset({"", "content", "text", "id", "source", "arguments", "response", "result", "input"})
# Keys are names of fields, and such values words of a protocol, unless they look like what somebody wrote.
_WRITTEN: Final = re.compile(r"[@\s]|\d{4}")
# In what code says: a mail address, or a long number that is no part of a hash. DuckDB reads it too.
SOMEBODYS: Final = r"@|%40|(^|[^0-9A-Za-z])[0-9]{4}[ ./-]?[0-9]{4}"
_SOMEBODYS: Final = re.compile(SOMEBODYS)
# A name of a step, a tool or a model; a bare number is none.
_NAME: Final = re.compile(r"(?!\+?\d[\d()/-]{8,}\Z)[\w.:/+=~()\[\]<>,#|$*-]*")
_ENCODED: Final = "%40"  # an @ in the address of a page
_CALLS: Final = frozenset({"tool_call", "tool_call_response", "function"})


class Redaction:
    """Takes personal data out of the values of one record.

    Args:
        redact: Finds it, and says what stands in its place.

    Attributes:
        left_out: Texts that could not be looked through.
    """

    __slots__ = ("_redact", "left_out")

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self.left_out = 0

    def text(self, text: str, *, name: str = "") -> str | None:
        """A text without personal data; JSON text keeps its form. None where it could not be looked through.

        Args:
            text: What was said.
            name: What it is called where it stands: ``phone`` tells what ``555 0100`` is.
        """
        if not text:
            return text
        if text[:1] in '[{"':
            try:
                value = orjson.loads(text)
            except (orjson.JSONDecodeError, RecursionError):
                pass
            else:
                return self._json(value, text)
        return self._said(text, name)

    def named(self, name: str) -> str:
        """A name, which is looked through where it does not look like one."""
        if _NAME.fullmatch(name):
            return name
        found = self.text(name)
        return LEFT_OUT if found is None else found

    def sentence(self, text: str) -> str | None:
        """What code says and holds nothing of what people wrote, unless an address or a long number is in it.

        Models that find names take the words of a reason for some; a reason that is garbled explains nothing.
        """
        return self.text(text) if _SOMEBODYS.search(text) else text

    def facts(self, text: str) -> str:
        """Values that were seen, as JSON: names, hashes and numbers stay, what somebody wrote does not."""
        try:
            value = orjson.loads(text)
        except (orjson.JSONDecodeError, RecursionError):
            return self.named(text)
        found = self._facts(value, 1)
        return text if found == value else orjson.dumps(found).decode()

    def _facts(self, value: Any, depth: int) -> Any:
        if depth >= _DEPTH:
            return self._missed()
        if isinstance(value, str):
            return self.named(value)
        if isinstance(value, Mapping):
            return {self.key(str(key)): self._facts(entry, depth + 1) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._facts(entry, depth + 1) for entry in value]
        return self.value(value)

    def key(self, key: str) -> str:
        """The name of a field, likewise."""
        kept = self._said(key, "") if _WRITTEN.search(key) else key
        return LEFT_OUT if kept is None else kept

    def value(self, value: Any, *, name: str = "", depth: int = 0) -> Any:
        """The same value without personal data in its texts, keys and long numbers."""
        if isinstance(value, str):
            if depth >= _DEPTH:
                return self._missed()
            found = self.text(value, name=name)
            return LEFT_OUT if found is None else found
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            if -_DIGITS < value < _DIGITS or not isfinite(value) or value != int(value):
                return value
            said = str(int(value))
            found = self.text(said, name=name)
            return value if found == said else LEFT_OUT if found is None else found
        if depth >= _DEPTH:
            return self._missed()
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple)):
            return [self.value(entry, name=name, depth=depth + 1) for entry in value]
        return self._missed()  # bytes, in which anything may stand

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        calls = value.get("type") in _CALLS if isinstance(value.get("type"), str) else False
        found = {}
        for key, entry in value.items():
            named = str(key)
            if isinstance(entry, str) and (
                (named in _BUILT and not _WRITTEN.search(entry))
                or (calls and named in ("name", "id") and _NAME.fullmatch(entry))
            ):
                found[named] = entry
                continue
            found[self.key(named)] = self.value(entry, name="" if named in _PLAIN else named, depth=depth + 1)
        return found

    def _json(self, value: Any, text: str) -> str | None:
        before = self.left_out
        found = self.value(value, depth=1)
        if found == value and self.left_out == before:
            return text  # as it was written
        try:
            return orjson.dumps(found).decode()
        except (orjson.JSONEncodeError, RecursionError):
            self.left_out += 1
            return None

    def _said(self, text: str, name: str) -> str | None:
        if _ENCODED in text and (found := self._said(plain := unquote(text), name)) != plain:
            return found
        try:
            if name and len(text) <= _NAMED_CHARS:
                head = f"{name.replace('_', ' ')}: "
                told = self._redact(head + text)
                if told is not None and told.startswith(head):
                    return told[len(head) :]
            found = self._redact(text)
        except Exception:  # whatever is wrong with it, the text is not stored
            found = None
        self.left_out += found is None
        return found

    def _missed(self) -> str:
        self.left_out += 1
        return LEFT_OUT
