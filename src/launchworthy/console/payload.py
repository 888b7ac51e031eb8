"""Prompts, contexts and responses as readable text, whatever shape they came in. Imports this room only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.console.words import short

__all__ = ["Document", "Message", "documents", "gist", "messages", "readable"]

_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn: who spoke, and the text. ``cut`` counts characters that are not shown."""

    role: str
    text: str
    cut: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One retrieved passage; ``score`` is empty where none was given."""

    id: str
    score: str
    text: str


def _loaded(stored: Any) -> Any:
    if not isinstance(stored, str):
        return stored
    try:
        return json.loads(stored)
    except (ValueError, RecursionError):
        return stored


def messages(stored: str | None) -> tuple[Message, ...]:
    """Turns of a conversation; any other value is one message without a role."""
    value = _loaded(stored)
    if value is None:
        return ()
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if (
        isinstance(value, list)
        and value
        and all(isinstance(each, Mapping) and "role" in each for each in value)
    ):
        return tuple(_message(str(each["role"]), _content(each)) for each in value)
    return (_message("", _whole(value)),)


def _message(role: str, text: str) -> Message:
    return Message(role=role, text=text[:_MOST], cut=max(0, len(text) - _MOST))


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content", message.get("parts"))
    parts = list(_texts(content))
    rest = {
        name: value
        for name, value in message.items()
        if name not in ("role", "content", "parts", "finish_reason") and value not in (None, "", [], {})
    }
    return "\n".join([*parts, _pretty(rest)] if rest else parts)


def _texts(content: Any) -> Iterable[str]:
    if content is None:
        return
    if isinstance(content, str):
        yield content
        return
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text", part.get("content")) if isinstance(part, Mapping) else part
        plain = isinstance(part, Mapping) and part.get("type", "text") in (
            "text",
            "input_text",
            "output_text",
        )
        yield text if isinstance(text, str) and (plain or not isinstance(part, Mapping)) else _pretty(part)


def _pretty(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):
        return "(nested too deeply to show)"


def documents(stored: str | None) -> tuple[Document, ...]:
    """Passages that were retrieved, in their order."""
    value = _loaded(stored)
    if value is None:
        return ()
    found = []
    for number, each in enumerate(value if isinstance(value, list) else [value], start=1):
        if isinstance(each, Mapping):
            content = each.get("content", each.get("text"))
            score = each.get("score")
            found.append(
                Document(
                    id=str(each.get("id") or each.get("document_id") or number),
                    score=f"{score:.3g}"
                    if isinstance(score, (int, float)) and not isinstance(score, bool)
                    else "",
                    text=content[:_MOST] if isinstance(content, str) else _pretty(each)[:_MOST],
                )
            )
        else:
            found.append(Document(id=str(number), score="", text=str(each)[:_MOST]))
    return tuple(found)


def gist(stored: str | None, *, most: int = 120) -> str:
    """What was asked or said, on one line: of a conversation, its last user turn, else its last turn."""
    turns = messages(stored)
    if not turns:
        return ""
    users = [turn for turn in turns if turn.role == "user"]
    return short((users or turns)[-1].text, most=most)


def readable(value: Any) -> str:
    """A JSON value as text: text as it is, words on a line, simple fields by name, else indented."""
    return _whole(value)[:_MOST]


def _whole(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(map(_plain, value)):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping) and value and all(map(_simple, value.values())):
        (first, *rest) = value.values()
        if isinstance(first, str) and not rest:
            return first
        return "\n".join(f"{name}: {_flat(each)}" for name, each in value.items())
    return _pretty(value)


def _simple(value: Any) -> bool:
    return _plain(value) or (isinstance(value, list) and all(map(_plain, value)))


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _flat(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
