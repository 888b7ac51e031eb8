"""Messages in the one shape that is stored: ``{role, parts: [{type, …}]}`` of the GenAI conventions.

May import orjson and this room's ``otlp``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from launchworthy.capture.otlp.surrogates import repaired

__all__ = ["grouped", "loaded", "message", "tool_call"]

_MAX_INDEX = 10_000


def loaded(value: Any) -> Any:
    """The JSON value of a text that is a JSON object or list; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        try:
            return orjson.loads(repaired(value.encode()))
        except orjson.JSONDecodeError:
            return value


def message(
    role: Any, content: Any, *, calls: Iterable[dict[str, Any]] = (), answers: Any = None, finish: Any = None
) -> dict[str, Any]:
    """One message; ``answers`` is the id of the tool call that it answers."""
    parts: list[dict[str, Any]] = []
    if answers is not None:
        parts.append({"type": "tool_call_response", "id": answers, "response": content})
    elif isinstance(content, list):
        parts += [each if isinstance(each, dict) else {"type": "text", "content": each} for each in content]
    elif content is not None and content != "":
        parts.append({"type": "text", "content": content})
    parts += calls
    told: dict[str, Any] = {"role": role if role is not None else "user", "parts": parts}
    if finish is not None:
        told["finish_reason"] = finish
    return told


def tool_call(name: Any, arguments: Any, *, call_id: Any) -> dict[str, Any]:
    """A part that asks for a tool."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": loaded(arguments)}


def grouped(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Takes ``prefix.N.rest`` out of the attributes: for each N in order, what stood under ``rest``."""
    found: dict[int, dict[str, Any]] = {}
    start = len(prefix) + 1
    for name in [name for name in attributes if name.startswith(prefix) and name[start - 1 : start] == "."]:
        number, _, rest = name[start:].partition(".")
        if number.isascii() and number.isdigit() and len(number) <= 5 and int(number) < _MAX_INDEX:
            found.setdefault(int(number), {})[rest] = attributes.pop(name)
    return [found[number] for number in sorted(found)]
