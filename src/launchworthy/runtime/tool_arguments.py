"""Arguments of a tool as a model gives them: read, told apart from what a function takes, and as JSON.

Standard library only.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MOST_CHARACTERS", "canonical", "mismatch", "nothing", "read_arguments", "takes_key"]

MOST_CHARACTERS = 1_000_000
"""Of arguments, and of a result."""


def read_arguments(given: Any) -> dict[str, Any] | str:
    """Arguments as an object, or why they are none."""
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        if len(given) > MOST_CHARACTERS:
            return f"its arguments are longer than {MOST_CHARACTERS:,} characters"
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return "its arguments are not JSON"
    if not isinstance(given, Mapping):
        return f"its arguments are {type(given).__name__}, not an object"
    try:
        text = json.dumps(dict(given), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "its arguments are not JSON"
    if len(text) > MOST_CHARACTERS:
        return f"its arguments are longer than {MOST_CHARACTERS:,} characters"
    found = json.loads(text)
    return found if isinstance(found, dict) else "its arguments are not an object"


def canonical(value: Any) -> str:
    """A value as JSON with its keys in order; as text where it is none."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def mismatch(function: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Why a function cannot be called so; empty where it can, or where that cannot be told."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    known = {} if not takes_key(function) else {"idempotency_key": ""}
    if known and "idempotency_key" in arguments:
        return "its arguments do not fit it: idempotency_key is not the model's to choose"
    try:
        signature.bind(**arguments, **known)
    except TypeError as error:
        return f"its arguments do not fit it: {error}"[:200]
    return ""


def nothing(**arguments: Any) -> None:
    """Stands for a tool that another process runs, in a drill of this one."""


def takes_key(function: Callable[..., Any]) -> bool:
    """Whether a function asks for the key under which it acts once."""
    try:
        return "idempotency_key" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
