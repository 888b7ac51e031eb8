"""What a target said, in one shape. Pure; may import ``errors`` and the standard library.

A target answers with text, or with an object of the fields below; any other JSON value is the answer
itself, and what such an object says of a ``prediction`` and its ``score`` is read beside it. What an answer
does not say is None: nothing is guessed from its wording.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchworthy.errors import InputError

__all__ = ["Answer", "read_answer"]

_OUTPUT = ("output", "answer")
_RANKED = ("ranked", "documents")
_DECIDED = ("prediction", "score", "confidence")
_KNOWN = frozenset({*_OUTPUT, *_RANKED, "citations", "answered", "no_answer", "tool_calls"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        output: Text, or any JSON value.
        ranked: Ids of what was retrieved, best first.
        citations: Ids of what the answer cites.
        answered: False if the target declined to answer; None if it does not say.
        cost_usd: What the call cost, in US dollars.
        trace_id: Trace that the call left, 32 hex digits.
        fields: Everything the target said, as it said it; plain text stays under ``output``.
    """

    output: Any = None
    ranked: list[str] | None = None
    citations: list[str] | None = None
    answered: bool | None = None
    cost_usd: float | None = None
    trace_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def read_answer(raw: Any) -> Answer:
    """Read what a target returned.

    Fields: ``output`` or ``answer``; ``ranked`` or ``documents`` (ids, or objects with an ``id``);
    ``citations``; ``answered``, or ``no_answer`` (true, or how: refuse, defer, ask, route); ``cost_usd``;
    ``confidence``; ``trace_id``; ``tool_calls``; any further field is kept. A blank answer is no answer,
    unless it calls a tool.

    Raises:
        InputError: A field has the wrong type; such an answer cannot be scored.
    """
    if not isinstance(raw, Mapping) or not _KNOWN & set(raw):
        decided = {name: raw[name] for name in _DECIDED if name in raw} if isinstance(raw, Mapping) else {}
        return Answer(output=raw, answered=False if _blank(raw) else None, fields={"output": raw, **decided})
    output = next((raw[name] for name in _OUTPUT if name in raw), None)
    ranked = next((_ids(raw[name], name) for name in _RANKED if raw.get(name) is not None), None)
    answered = _answered(raw)
    says_nothing = _blank(output) and ranked is None and not raw.get("tool_calls")
    return Answer(
        output=output,
        ranked=ranked,
        citations=None if raw.get("citations") is None else _ids(raw["citations"], "citations"),
        answered=False if answered is None and says_nothing else answered,
        cost_usd=_cost(raw.get("cost_usd")),
        trace_id=_trace_id(raw.get("trace_id")),
        fields=dict(raw),
    )


def _blank(output: Any) -> bool:
    return output is None or (isinstance(output, str) and not output.strip())


def _ids(value: Any, name: str) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"the answer's {name} is {value!r:.80}, not a list")
    ids = []
    for entry in value:
        found = entry.get("id") if isinstance(entry, Mapping) else entry
        if isinstance(found, bool) or not isinstance(found, (str, int)):
            raise InputError(f"the answer's {name} holds {entry!r:.80}, neither an id nor an object with one")
        ids.append(str(found))
    return ids


def _answered(raw: Mapping[str, Any]) -> bool | None:
    answered, declined = raw.get("answered"), raw.get("no_answer")
    if answered is not None and not isinstance(answered, bool):
        raise InputError(f"the answer's answered is {answered!r:.80}, neither true nor false")
    if declined is not None and not isinstance(declined, (bool, str)):
        raise InputError(
            f"the answer's no_answer is {declined!r:.80}, neither true, false nor how it declined"
        )
    if answered is not None:
        return answered
    if "no_answer" in raw:
        return not declined
    return None


def _cost(value: Any) -> float | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value < 0
    ):
        raise InputError(f"the answer's cost_usd is {value!r:.80}, not an amount of 0 or more")
    return float(value)


def _trace_id(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value).lower()
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise InputError(f"the answer's trace_id is {value!r:.80}, not 32 hexadecimal digits")
    return text
