"""Values as canonical JSON text and back. Standard library and ``errors`` only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError

__all__ = ["to_json"]


def to_json(value: Any) -> str:
    """Sorted keys, no spaces, ASCII only, so that any text at all survives every database.

    Raises:
        InputError: The value is not JSON, or holds NaN or an infinity.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be kept as JSON: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
