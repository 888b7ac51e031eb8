"""What a decision may say of what it was made on: names, numbers, ids and hashes, never texts.

Stands on the ground: standard library only. A decision is whatever was enforced, chosen or signed during a
call; its kinds are those that the audit chain is filtered by.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["DECISION_KINDS", "OF_THE_QUEUE", "facts_of", "reason_of"]

DECISION_KINDS: Final = (
    "guard",
    "permission",
    "approval",
    "tool_run",
    "fallback",
    "budget",
    "no_answer",
    "drill",
    "erasure",
    "override",
)
OF_THE_QUEUE: Final = "approval:"
"""How ids begin of decisions that the server makes where it keeps approvals; evidence trusts no others."""
_MOST_FACTS = 40
_LONGEST_CHARS = 200
_LONGEST_LIST = 40
_DEEPEST = 3
_WITHHELD = "beyond what a decision may hold"


def facts_of(facts: Mapping[Any, Any] | None) -> dict[str, Any]:
    """The facts as they may be recorded: at most 40, three levels deep, a long text as its SHA-256."""
    if not facts:
        return {}
    return {str(name)[:_LONGEST_CHARS]: _fact(value, 1) for name, value in list(facts.items())[:_MOST_FACTS]}


def reason_of(reason: object) -> str:
    """The sentence that says why, cut where it is too long to be one."""
    text = str(reason)
    return text if len(text) <= 2 * _LONGEST_CHARS else text[: 2 * _LONGEST_CHARS - 1] + "…"


def _fact(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        if depth >= _DEEPEST:
            return _WITHHELD
        return {
            str(name)[:_LONGEST_CHARS]: _fact(each, depth + 1)
            for name, each in list(value.items())[:_MOST_FACTS]
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        if depth >= _DEEPEST:
            return _WITHHELD
        return [_fact(each, depth + 1) for each in list(value)[:_LONGEST_LIST]]
    text = str(value)
    if len(text) <= _LONGEST_CHARS:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
