"""Prompts, contexts and responses as readable text, whatever shape they came in.

May import ``quantity``, ``records`` and this room.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.console.words import short
from launchworthy.quantity import format_number
from launchworthy.records import last_text, part_text, plain_value, turns_of

__all__ = [
    "Answer",
    "Conversation",
    "Document",
    "Message",
    "answer",
    "conversation",
    "documents",
    "gist",
    "messages",
    "readable",
    "truth",
]

_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn: who spoke, the text, and the tools that were called. ``cut`` counts characters that are not
    shown."""

    role: str
    text: str
    cut: int = 0
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One retrieved passage; ``score`` is empty where none was given."""

    id: str
    score: str
    text: str

    @property
    def gist(self) -> str:
        return short(self.text, most=110)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered, cut to what a table can hold, and the answer's other fields by name."""

    text: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A whole talk with a user: its messages, why it ended, and what was left behind.

    ``calls`` are tool calls that stand beside the messages and in none of them.
    """

    messages: tuple[Message, ...]
    ended: str
    turns: str
    calls: tuple[str, ...]
    state: str


def messages(stored: str | None) -> tuple[Message, ...]:
    """Turns of a conversation; any other value is one message without a role."""
    value = plain_value(stored)
    if value is None:
        return ()
    turns = turns_of(value)
    if turns is not None:
        return tuple(_message(str(each["role"]), _content(each)) for each in turns)
    return (_message("", _whole(value)),)


def _message(role: str, text: str, calls: Iterable[str] = ()) -> Message:
    return Message(role=role, text=text[:_MOST], cut=max(0, len(text) - _MOST), calls=tuple(calls))


def conversation(value: Any) -> Conversation | None:
    """An answer that holds the messages of a talk; None of any other."""
    told = turns_of(value) if isinstance(value, Mapping) else None
    if told is None:
        return None
    said = tuple(_turn(each) for each in told)
    turns, ended, state = (value.get(name) for name in ("turns", "ended_because", "state"))
    return Conversation(
        messages=said,
        ended=short(ended, most=200) if isinstance(ended, str) else "",
        turns=f"{turns:,}" if isinstance(turns, int) and not isinstance(turns, bool) else "",
        calls=() if any(each.calls for each in said) else _calls(value.get("tool_calls")),
        state="" if state in (None, "", [], {}) else readable(state),
    )


def _turn(message: Mapping[str, Any]) -> Message:
    plain = {name: each for name, each in message.items() if name != "tool_calls"}
    return _message(str(message["role"]), _content(plain), _calls(message.get("tool_calls")))


def _calls(told: Any) -> tuple[str, ...]:
    return tuple(_call(each) for each in told[:_MOST_CALLS]) if isinstance(told, list) else ()


def _call(told: Any) -> str:
    """``refund(order=17, reason=late)``, whichever of the usual shapes it came in."""
    inner = told.get("function") if isinstance(told, Mapping) else None
    plain = inner if isinstance(inner, Mapping) else told
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        return short(readable(told), most=300)
    given = plain_value(plain.get("arguments"))
    if isinstance(given, Mapping):
        shown = ", ".join(f"{name}={short(_whole(each), most=80)}" for name, each in given.items())
    else:
        shown = "" if given is None else _whole(given)
    return short(f"{plain['name']}({shown})", most=300)


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
    for part in content if isinstance(content, list) else [content]:
        text = part_text(part)
        if text is not None:
            yield text
        elif part is not None:
            yield _pretty(part)


def _pretty(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):
        return "(nested too deeply to show)"


def documents(stored: str | None) -> tuple[Document, ...]:
    """Passages that were retrieved, in their order."""
    value = plain_value(stored)
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
    said = last_text(plain_value(stored), role="user")
    if not said and (turns := messages(stored)):
        said = turns[-1].text
    return short(said, most=most)


def readable(value: Any) -> str:
    """A JSON value as text: text as it is, words on a line, simple fields by name, else indented."""
    return _whole(value)[:_MOST]


_ELSEWHERE = ("trace_id", "cost_usd", "latency_ms")  # the row of an item has a place of its own for these
_OF_A_TALK = ("messages", "state", "tool_calls")
_MOST_CALLS = 200
_TEXT_FIELDS = ("output", "answer", "text", "response", "content")


def answer(value: Any, *, most: int = 300) -> Answer:
    """An answer for a table: of a mapping its text first, then each other field on one short line; of a talk
    the last thing that was said."""
    if isinstance(value, Mapping):
        talk = conversation(value)
        name = next((name for name in _TEXT_FIELDS if isinstance(value.get(name), str)), None)
        if name is not None or talk is not None:
            text = value[name] if name is not None else talk.messages[-1].text if talk is not None else ""
            hidden = (name, *_ELSEWHERE, *(_OF_A_TALK if talk is not None else ()))
            rest = (
                (str(key).replace("_", " "), _brief(each))
                for key, each in value.items()
                if key not in hidden and each not in (None, "", [], {})
            )
            return Answer(text=_cut(text, most), fields=tuple(rest))
    return Answer(text=_cut(readable(value), most))


def truth(value: Any) -> str:
    """What was expected, for a table: of ids with their gains the ids alone, those that gain most first."""
    if (
        isinstance(value, Mapping)
        and value
        and all(isinstance(each, (int, float)) for each in value.values())
    ):
        value = [str(name) for name in sorted(value, key=lambda name: -value[name])]
    return _brief(value) if isinstance(value, list) else _cut(readable(value), 300)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return format_number(value)
    if isinstance(value, list) and len(value) > 3 and all(map(_plain, value)):
        return f"{', '.join(short(str(each), most=40) for each in value[:3])} and {len(value) - 3:,} more"
    return short(_whole(value), most=120)


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
