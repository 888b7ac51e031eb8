"""What a prompt or a response says, whichever shape it was recorded in. Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["last_text", "plain_value"]

_TEXT_FIELDS = ("output", "answer", "question", "input", "text", "response", "content")
_TEXT_PARTS = ("text", "input_text", "output_text")


def plain_value(stored: Any) -> Any:
    """The value behind a JSON column; text that is no JSON stays text."""
    if not isinstance(stored, str):
        return stored
    try:
        return json.loads(stored)
    except (ValueError, RecursionError):
        return stored


def last_text(value: Any, *, role: str) -> str:
    """The text of the last turn of this role; of anything but a conversation, the text that it holds.

    Reads messages with ``content`` or ``parts``, one mapping with a field that is text (``output``,
    ``question`` …), and plain text. Empty where there is none: tool calls and pictures say nothing.
    """
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, list):
        turns = [turn for turn in value if isinstance(turn, Mapping) and "role" in turn]
        of_role = [turn for turn in turns if turn["role"] == role]
        if not of_role:
            return ""
        return "\n".join(_texts(of_role[-1].get("content", of_role[-1].get("parts")))).strip()
    if isinstance(value, Mapping):
        return next((value[name] for name in _TEXT_FIELDS if isinstance(value.get(name), str)), "").strip()
    return value.strip() if isinstance(value, str) else ""


def _texts(content: Any) -> Iterator[str]:
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping) and part.get("type", "text") in _TEXT_PARTS:
            text = part.get("text", part.get("content"))
            if isinstance(text, str):
                yield text
