"""What must be true of a conversation: conditions that gold items and scenarios write. May import this room.

A condition looks at a row: ``output`` (the last reply), ``messages``, ``tool_calls``, ``state``,
``answered``, ``no_answer``. It names no code: a gold set is data, whoever wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.metrics.matching import fullmatch
from launchworthy.metrics.metric import CannotScore
from launchworthy.metrics.tool_calls import Rules, ToolCall, calls_made, is_part, refuse_unplain

__all__ = ["Condition", "Row", "read_conditions"]

Row = Mapping[str, Any]
_FLAGS = re.compile(r"\(\?[aimsux]+\)")
_DEEPEST = 20
_PARTS = Rules(arguments="subset")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: as it reads, and whether it holds for a row."""

    text: str
    holds: Callable[[Row], bool]


def read_conditions(value: Any, *, where: str = "success_when") -> tuple[Condition, ...]:
    """The conditions of a mapping or a list of mappings; all must hold.

    ``{contains: text}`` or a list of texts of which one is enough, and ``{regex: pattern}``, look at the last
    reply, with ``anywhere: true`` at any; ``{called: tool, with: {argument: value}}``; ``{state: {…}}``,
    all of which the final state must hold; ``{answered: true}``; ``{no_answer: route}``; ``{not: …}``;
    ``{any: […]}``.

    Raises:
        CannotScore: It is none of these.
    """
    return _read_all(value, where, 0)


def _read_all(value: Any, where: str, depth: int) -> tuple[Condition, ...]:
    entries = value if isinstance(value, (list, tuple)) else [value]
    if depth > _DEEPEST:
        raise CannotScore(f"{where} nests too deeply")
    if not entries:
        raise CannotScore(f"{where} has no condition")
    return tuple(_read(entry, where, depth) for entry in entries)


def _read(entry: Any, where: str, depth: int) -> Condition:
    if not isinstance(entry, Mapping):
        raise CannotScore(f"a condition of {where} is no object, such as {{contains: text}}")
    kinds = [key for key in entry if key in _KINDS]
    if len(kinds) != 1 or set(entry) - {kinds[0], *_BESIDE.get(kinds[0], ())}:
        raise CannotScore(
            f"a condition of {where} has the keys {', '.join(sorted(map(str, entry)))[:80]}; "
            f"write one of {', '.join(_KINDS)}"
        )
    refuse_unplain(entry, where)
    if kinds[0] in _LEAVES:
        return _LEAVES[kinds[0]](entry, where)
    return _combined(kinds[0], entry, where, depth)


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _replies(row: Row, anywhere: bool) -> list[str]:
    """The last reply, or every one."""
    told = [
        text
        for message in row.get("messages") or ()
        if isinstance(message, Mapping) and message.get("role") == "assistant"
        if (text := text_of(message.get("content")))
    ]
    output = row.get("output")
    last = [output] if isinstance(output, str) else told[-1:]
    return [*told, *last] if anywhere else last


def text_of(content: Any) -> str:
    """The text of a message's content: text, or its parts that are."""
    if isinstance(content, str):
        return content
    if not isinstance(content, (list, tuple)):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _texts(value: Any, where: str) -> list[str]:
    texts = value if isinstance(value, (list, tuple)) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise CannotScore(f"a condition of {where} needs a text")
    return [*texts]


def _flag(entry: Row, name: str, where: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise CannotScore(f"{name} of a condition of {where} is neither true nor false")
    return value


def _contains(entry: Row, where: str) -> Condition:
    wanted = [_fold(text) for text in _texts(entry["contains"], where)]
    anywhere = _flag(entry, "anywhere", where)

    def holds(row: Row) -> bool:
        said = [_fold(reply) for reply in _replies(row, anywhere)]
        return any(text in reply for reply in said for text in wanted)

    return Condition(f"contains {entry['contains']!r:.80}", holds)


def _regex(entry: Row, where: str) -> Condition:
    (pattern,) = _texts(entry["regex"], where)[:1]
    anywhere = _flag(entry, "anywhere", where)
    flags = _FLAGS.match(pattern)
    start = flags[0] if flags else ""
    search = f"{start}.*(?:{pattern[len(start) :]}).*"
    try:
        re.compile(search)
    except (re.error, RecursionError, OverflowError) as error:
        raise CannotScore(f"a condition of {where} is not a regular expression: {error}") from error
    return Condition(
        f"regex {pattern!r:.80}", lambda row: any(fullmatch(search, text) for text in _replies(row, anywhere))
    )


def _called(entry: Row, where: str) -> Condition:
    (name,) = _texts(entry["called"], where)[:1]
    given = entry.get("with")
    if given is not None and not isinstance(given, Mapping):
        raise CannotScore(f"'with' of a condition of {where} is no object of arguments")
    wanted = ToolCall(name, given)
    return Condition(
        f"called {name}" + (f" with {dict(given)!r:.80}" if given else ""),
        lambda row: any(_PARTS.same(wanted, call) for call in calls_made(row)),
    )


def _state(entry: Row, where: str) -> Condition:
    wanted = entry["state"]
    if not isinstance(wanted, Mapping) or not wanted:
        raise CannotScore(f"'state' of a condition of {where} is no object")

    def holds(row: Row) -> bool:
        if row.get("state") is None:
            raise CannotScore("field 'state' is missing")
        refuse_unplain(row["state"], "state")
        return is_part(wanted, row["state"])

    return Condition(f"state {wanted!r:.80}", holds)


def _answered(entry: Row, where: str) -> Condition:
    wanted = _flag(entry, "answered", where)

    def holds(row: Row) -> bool:
        if not isinstance(row.get("answered"), bool):
            raise CannotScore("field 'answered' is missing")
        return row["answered"] is wanted

    return Condition("answered" if wanted else "not answered", holds)


def _no_answer(entry: Row, where: str) -> Condition:
    ways = _texts(entry["no_answer"], where)
    return Condition(f"no answer: {' or '.join(ways)[:80]}", lambda row: row.get("no_answer") in ways)


def _combined(kind: str, entry: Row, where: str, depth: int) -> Condition:
    inner = _read_all(entry[kind], where, depth + 1)
    said = "; ".join(one.text for one in inner)
    if kind == "not":
        return Condition(f"not ({said})", lambda row: not all(one.holds(row) for one in inner))
    return Condition(f"any of ({said})", lambda row: any(one.holds(row) for one in inner))


_LEAVES: Mapping[str, Callable[[Row, str], Condition]] = {
    "contains": _contains,
    "regex": _regex,
    "called": _called,
    "state": _state,
    "answered": _answered,
    "no_answer": _no_answer,
}
_KINDS = (*_LEAVES, "not", "any")
_BESIDE = {"contains": ("anywhere",), "regex": ("anywhere",), "called": ("with",)}
