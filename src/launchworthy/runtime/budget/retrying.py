"""Whether a failure may pass by itself, and how long to wait before asking again.

Standard library only. Reads what clients of models raise: ``status_code``, or a ``response`` with a status
and headers, as those of OpenAI, Anthropic, httpx, requests and aiohttp do.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["is_transient", "wait_before"]

_PASSING = frozenset({408, 409, 425, 429})
_FIRST_S, _LONGEST_S = 0.2, 8.0


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help: timeouts, lost connections, 429, 5xx; not a request that is refused."""
    status = _status(error)
    return status is None or status in _PASSING or status >= 500


def wait_before(attempt: int, error: BaseException, *, chance: random.Random, now: datetime) -> float:
    """Seconds to wait before the next request: what the server asked for, else a back-off with full jitter.

    Args:
        attempt: Requests that have failed so far, from 1.
        error: The last failure.
        chance: Source of the jitter.
        now: For a server that names a moment (aware).
    """
    asked = _retry_after(error, now)
    if asked is not None:
        return asked
    most = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempt - 1, 16))
    return chance.uniform(most / 4, most)


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            found = getattr(holder, name, None)
            if isinstance(found, int) and not isinstance(found, bool) and 100 <= found < 600:
                return found
    return None


def _retry_after(error: BaseException, now: datetime) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    if headers is None or not hasattr(headers, "get"):
        return None
    for name, scale in (("retry-after-ms", 1_000.0), ("retry-after", 1.0), ("Retry-After", 1.0)):
        asked = _seconds(headers.get(name), now)
        if asked is not None:
            return asked / scale
    return None


def _seconds(text: Any, now: datetime) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        try:
            moment = parsedate_to_datetime(str(text))
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
