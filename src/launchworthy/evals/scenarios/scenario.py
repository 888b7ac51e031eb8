"""A scenario as a value, read from the input of a gold item. May import ``errors``, ``gold``, ``metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.errors import InputError
from launchworthy.gold import GoldItem
from launchworthy.metrics import CannotScore
from launchworthy.metrics.conditions import Condition, read_conditions

__all__ = ["MOST_TURNS", "Persona", "Scenario", "Turn", "is_conversation", "is_messages", "read_scenario"]

SLICE = "scenarios"
MOST_TURNS = 100
_TURNS = 10
_LONGEST = 20_000  # characters of one thing that the user says or is told
_KEYS = frozenset({"opening", "turns", "user", "max_turns", "stop_when"})
_HINT = "write {opening: text, turns: [{say: text, when: {contains: text}}]}, or {user: {goal: text}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a scripted user says next, once, when all its conditions hold for the conversation so far."""

    say: str
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A user for a model to play: who it is, what it wants, and what it can tell when asked."""

    goal: str
    persona: str = ""
    knows: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One conversation to hold.

    Attributes:
        opening: What the user says first; None where a model begins.
        turns: What a scripted user may say, in this order.
        user: Who speaks where no scripted turn is left or fits; None: then the conversation ends.
        max_turns: Replies after which it ends.
        stop_when: Conditions that end it when all hold after a reply.
    """

    opening: str | None
    turns: tuple[Turn, ...] = ()
    user: Persona | None = None
    max_turns: int = _TURNS
    stop_when: tuple[Condition, ...] = ()


def read_scenario(item: GoldItem) -> Scenario | None:
    """The scenario of an item; None for one that is not tagged ``scenarios``, or whose input is plain.

    Raises:
        InputError: It is tagged, and its input is an object that is no scenario, or its ``success_when``
            cannot be read.
    """
    if SLICE not in item.slices or not isinstance(item.input, Mapping):
        return None
    where = f"item {item.id[:80]}"
    told = dict(item.input)
    unknown = sorted(map(str, set(told) - _KEYS))
    if unknown:
        raise InputError(f"a scenario has no {unknown[0]!r:.60}", where=where, hint=_HINT)
    opening = None if told.get("opening") is None else _text(told["opening"], "opening", where)
    user = None if told.get("user") is None else _persona(told["user"], where)
    if opening is None and user is None:
        raise InputError("a scenario needs an opening, or a user with a goal", where=where, hint=_HINT)
    turns = told.get("turns") or ()
    if not isinstance(turns, (list, tuple)) or len(turns) > MOST_TURNS:
        raise InputError(f"turns is no list of at most {MOST_TURNS}", where=where, hint=_HINT)
    most = told.get("max_turns", _TURNS)
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_TURNS:
        raise InputError(f"max_turns {most!r:.40} is not from 1 to {MOST_TURNS}", where=where)
    _conditions(item.meta.get("success_when"), "success_when", where)  # metrics read it once all is paid for
    return Scenario(
        opening=opening,
        turns=tuple(_turn(turn, place, where) for place, turn in enumerate(turns, start=1)),
        user=user,
        max_turns=most,
        stop_when=_conditions(told.get("stop_when"), "stop_when", where),
    )


def is_messages(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) and "role" in one and "content" in one for one in value)
    )


def is_conversation(item: GoldItem) -> bool:
    """Whether what is asked of a target is to go on with a conversation."""
    return SLICE in item.slices and is_messages(item.input)


def _turn(told: Any, place: int, where: str) -> Turn:
    name = f"turn {place}"
    if isinstance(told, str):
        return Turn(say=_text(told, name, where))
    if not isinstance(told, Mapping) or set(told) - {"say", "when"} or "say" not in told:
        raise InputError(f"{name} is neither a text nor {{say, when}}", where=where, hint=_HINT)
    return Turn(say=_text(told["say"], name, where), when=_conditions(told.get("when"), name, where))


def _persona(told: Any, where: str) -> Persona:
    if not isinstance(told, Mapping) or set(told) - {"goal", "persona", "knows"} or "goal" not in told:
        raise InputError("the user is not {goal, persona, knows}", where=where, hint=_HINT)
    knows = told.get("knows") or ""
    if isinstance(knows, Mapping):
        knows = "\n".join(f"{name}: {value}" for name, value in knows.items())
    return Persona(
        goal=_text(told["goal"], "goal", where),
        persona=_text(told["persona"], "persona", where) if told.get("persona") else "",
        knows=_text(knows, "knows", where) if knows else "",
    )


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise InputError(f"{name} is no text of at most {_LONGEST:,} characters", where=where, hint=_HINT)
    return value


def _conditions(value: Any, name: str, where: str) -> tuple[Condition, ...]:
    if value is None:
        return ()
    try:
        return read_conditions(value, where=name)
    except CannotScore as error:
        raise InputError(str(error), where=where) from error
