"""What a prompt or a response says, whichever shape it was recorded in. Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["last_text", "part_text", "plain_value", "turns_of"]

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


def turns_of(value: Any) -> list[Mapping[str, Any]] | None:
    """The turns of a conversation, each with a ``role``, bare or under ``messages``; else None."""
    if isinstance(value, Mapping):
        value = value.get("messages")
    if not isinstance(value, list) or not value:
        return None
    return value if all(isinstance(turn, Mapping) and "role" in turn for turn in value) else None


def part_text(part: Any) -> str | None:
    """The text of one part of a turn's content; None of a picture, a tool call and whatever else says
    nothing in words."""
    if isinstance(part, Mapping) and part.get("type", "text") in _TEXT_PARTS:
        part = part.get("text", part.get("content"))
    return part if isinstance(part, str) else None


def last_text(value: Any, *, role: str) -> str:
    """The text of the last turn of this role; of anything but a conversation, the text that it holds.

    Reads messages with ``content`` or ``parts``, one mapping with a field that is text (``output``,
    ``question`` …), and plain text. Empty where there is none: tool calls and pictures say nothing.
    """
    turns = turns_of(value)
    if turns is not None:
        nothing: Mapping[str, Any] = {}
        last = next((turn for turn in reversed(turns) if turn["role"] == role), nothing)
        content = last.get("content", last.get("parts"))
        parts = map(part_text, content if isinstance(content, list) else [content])
        return "\n".join(text for text in parts if text is not None).strip()
    if isinstance(value, Mapping):
        return next((value[name] for name in _TEXT_FIELDS if isinstance(value.get(name), str)), "").strip()
    return value.strip() if isinstance(value, str) else ""
