"""Tool calls as an answer tells them, and how many of those expected were made. Pure; standard library only.

Read are OpenAI's shapes (chat and responses), Anthropic's ``tool_use`` parts, and a plain name with
arguments. What is malformed, holds itself, or is too large to compare cannot be scored: it is neither right
nor wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics.metric import CannotScore

__all__ = ["ORDERS", "Rules", "ToolCall", "calls_made", "is_part", "matched_calls", "read_calls"]

ORDERS = ("strict", "unordered", "subsequence", "subset")
ARGUMENTS = ("exact", "subset", "any")
_MOST_CALLS = 500
_MOST_VALUES = 50_000
_DEEPEST = 100
_LONGEST = 1_000_000
_ARGUMENTS = ("arguments", "args", "input", "parameters")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; ``arguments`` is None for an expected call that may have any."""

    name: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a call that was made is one that was expected.

    Attributes:
        order: ``strict`` (these calls in this order and no other), ``unordered`` (these and no other),
            ``subsequence`` (in this order, others in between), ``subset`` (all of these, others beside them).
        arguments: ``exact``, ``subset`` (those expected, others beside them), or ``any``.
        tolerance: By how much two numbers may differ.
        ignore: Names of arguments that do not count.
    """

    order: str = "strict"
    arguments: str = "exact"
    tolerance: float = 0.0
    ignore: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, value, known in (("order", self.order, ORDERS), ("arguments", self.arguments, ARGUMENTS)):
            if value not in known:
                raise InputError(
                    f"{name} {value!r:.40} is none of {', '.join(known)}",
                    where=name,
                    hint=f"write {known[0]}",
                )
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise InputError("a tolerance is a number of 0 or more", where="tolerance")

    def with_row(self, told: Any) -> Rules:
        """These rules, but for what a row's ``call_rules`` says.

        Raises:
            CannotScore: It says what no rule is.
        """
        if told is None:
            return self
        if not isinstance(told, Mapping) or set(told) - {"order", "arguments", "tolerance", "ignore"}:
            raise CannotScore("field 'call_rules' has other keys than order, arguments, tolerance, ignore")
        changed = dict(told)
        ignored, tolerance = changed.get("ignore", ()), changed.get("tolerance", 0.0)
        if not isinstance(ignored, (list, tuple)) or not all(isinstance(name, str) for name in ignored):
            raise CannotScore("field 'call_rules': ignore is a list of names")
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)):
            raise CannotScore("field 'call_rules': tolerance is a number")
        if "ignore" in changed:
            changed["ignore"] = frozenset(ignored)
        try:
            return replace(self, **changed)
        except InputError as error:
            raise CannotScore(f"field 'call_rules': {error.message}") from error

    def same(self, expected: ToolCall, made: ToolCall) -> bool:
        """Whether the call made is the one expected."""
        if expected.name != made.name:
            return False
        if expected.arguments is None or self.arguments == "any":
            return True
        wanted = {key: value for key, value in expected.arguments.items() if key not in self.ignore}
        given = {key: value for key, value in (made.arguments or {}).items() if key not in self.ignore}
        if self.arguments == "subset":
            return is_part(wanted, given, tolerance=self.tolerance)
        return _same(wanted, given, self.tolerance)


def calls_made(row: Mapping[str, Any]) -> list[ToolCall]:
    """The calls of ``tool_calls``, else those in the assistant's ``messages``.

    Messages that show no call do not say that none was made, since many targets leave them out: an empty
    ``tool_calls`` does.

    Raises:
        CannotScore: Neither field tells, or a call is malformed.
    """
    if row.get("tool_calls") is not None:
        return read_calls(row["tool_calls"], "tool_calls")
    messages = row.get("messages")
    if messages is None:
        raise CannotScore("field 'tool_calls' is missing, and so is 'messages'")
    if not isinstance(messages, (list, tuple)):
        raise CannotScore("field 'messages' is not a list")
    found: list[Any] = []
    for message in messages:
        if not isinstance(message, Mapping):
            raise CannotScore("field 'messages' holds what is no message")
        if message.get("role", "assistant") != "assistant":
            continue
        calls, content = message.get("tool_calls"), message.get("content")
        if calls is not None:
            if not isinstance(calls, (list, tuple)):
                raise CannotScore("the tool_calls of a message are not a list")
            found += calls
        if isinstance(content, (list, tuple)):
            found += [
                part for part in content if isinstance(part, Mapping) and part.get("type") == "tool_use"
            ]
        if message.get("type") == "function_call":
            found.append(message)
    if not found:
        raise CannotScore("'messages' show no tool call, and no empty 'tool_calls' says that none was made")
    return read_calls(found, "messages")


def read_calls(value: Any, field: str, *, any_arguments: bool = False) -> list[ToolCall]:
    """The calls of a list.

    Args:
        value: A list of calls; where ``any_arguments``, also of names.
        field: Name of the field, for the reason.
        any_arguments: Whether a call without arguments stands for one with any.

    Raises:
        CannotScore: It is no list of calls, or too large.
    """
    if not isinstance(value, (list, tuple)):
        raise CannotScore(f"field {field!r} is not a list of tool calls")
    if len(value) > _MOST_CALLS:
        raise CannotScore(f"field {field!r} holds more than {_MOST_CALLS} tool calls")
    refuse_unplain(value, field)
    return [_read(call, field, place, any_arguments) for place, call in enumerate(value, start=1)]


def _read(call: Any, field: str, place: int, any_arguments: bool) -> ToolCall:
    if any_arguments and isinstance(call, str) and call:
        return ToolCall(call, None)
    where = f"tool call {place} of field {field!r}"
    told = call.get("function") if isinstance(call, Mapping) and "function" in call else call
    if not isinstance(told, Mapping):
        raise CannotScore(f"{where} is malformed: no object with a name")
    name = told.get("name")
    if not isinstance(name, str) or not name:
        raise CannotScore(f"{where} is malformed: it has no name")
    arguments = next((told[key] for key in _ARGUMENTS if told.get(key) is not None), None)
    if arguments is None:
        return ToolCall(name, None if any_arguments else {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}", parse_constant=_refuse) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            raise CannotScore(f"{where} is malformed: its arguments are not JSON") from error
        refuse_unplain(arguments, field)
    if not isinstance(arguments, Mapping):
        raise CannotScore(f"{where} is malformed: its arguments are no object")
    return ToolCall(name, arguments)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def refuse_unplain(value: Any, field: str) -> None:
    """Raise where a value is not what JSON holds, holds itself, or is too large to be compared.

    Raises:
        CannotScore: It is one of these.
    """
    seen = characters = 0
    todo: list[Iterator[Any]] = [iter((value,))]
    while todo:
        one = next(todo[-1], todo)
        if one is todo:
            todo.pop()
            continue
        seen += 1
        characters += len(one) if isinstance(one, str) else 0
        if seen > _MOST_VALUES or len(todo) > _DEEPEST or characters > _LONGEST:
            raise CannotScore(f"field {field!r} is too large or too deep to be compared")
        if isinstance(one, Mapping):
            if not all(isinstance(key, str) for key in one):
                raise CannotScore(f"field {field!r} holds a key that is no text")
            todo.append(chain.from_iterable(one.items()))
        elif isinstance(one, (list, tuple)):
            todo.append(iter(one))
        elif isinstance(one, float):
            if not math.isfinite(one):
                raise CannotScore(f"field {field!r} holds NaN or infinity")
        elif one is not None and not isinstance(one, (str, bool, int)):
            raise CannotScore(f"field {field!r} holds what JSON cannot: {type(one).__name__}")


def is_part(expected: Any, given: Any, *, tolerance: float = 0.0) -> bool:
    """Whether all that is expected is there: keys of objects at every depth; lists whole."""
    if isinstance(expected, Mapping):
        return isinstance(given, Mapping) and all(
            key in given and is_part(value, given[key], tolerance=tolerance)
            for key, value in expected.items()
        )
    return _same(expected, given, tolerance)


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (tolerance > 0 and _near(one, other, tolerance))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def _near(one: float, other: float, tolerance: float) -> bool:
    try:
        return abs(one - other) <= tolerance
    except OverflowError:  # a whole number beyond what a float can hold
        return False


def matched_calls(expected: Sequence[ToolCall], made: Sequence[ToolCall], rules: Rules) -> int:
    """The most expected calls that calls made can stand for, each once, in order where order counts."""
    fits = [[rules.same(wanted, call) for call in made] for wanted in expected]
    if rules.order in ("strict", "subsequence"):
        return _in_order(fits, len(made))
    return _in_any_order(fits, len(made))


def _in_order(fits: Sequence[Sequence[bool]], made: int) -> int:
    """Length of the longest common subsequence."""
    best = [0] * (made + 1)
    for row in fits:
        before = best
        best = [0] * (made + 1)
        for at, fit in enumerate(row):
            best[at + 1] = before[at] + 1 if fit else max(before[at + 1], best[at])
    return best[made]


def _in_any_order(fits: Sequence[Sequence[bool]], made: int) -> int:
    """Size of the largest matching, by augmenting paths (Kuhn), breadth first."""
    holder: list[int | None] = [None] * made  # by call made
    place: list[int | None] = [None] * len(fits)  # by call expected
    for start in range(len(fits)):
        came_from: dict[int, int] = {}
        queue, free = [start], None
        while queue and free is None:
            wanted = queue.pop(0)
            for at, fit in enumerate(fits[wanted]):
                if not fit or at in came_from:
                    continue
                came_from[at] = wanted
                other = holder[at]
                if other is None:
                    free = at
                    break
                queue.append(other)
        while free is not None:
            wanted = came_from[free]
            holder[free], place[wanted], free = wanted, free, place[wanted]
    return sum(at is not None for at in place)
