"""A circuit breaker for one model: after failures in a row it is left alone for a while, then tried once.

Pure but for its lock: standard library only, and the time is an argument, in seconds that do not go back. A
clock that goes back anyway neither opens nor closes anything: the breaker's own time is the latest it saw.
"""

from __future__ import annotations

import threading
from enum import StrEnum

__all__ = ["Breaker", "BreakerState"]


class BreakerState(StrEnum):
    """Whether requests go through."""

    CLOSED = "closed"  # all do
    OPEN = "open"  # none does
    HALF_OPEN = "half_open"  # one does, and decides


class Breaker:
    """Counts the failures of one model in a row.

    Args:
        failures: So many in a row open it.
        rest_s: How long it then stays open; twice as long each time that the one request fails again.
        longest_rest_s: But never longer than this.

    Example:
        >>> from launchworthy.runtime.budget import Breaker
        >>> breaker = Breaker(failures=2, rest_s=30)
        >>> breaker.failed(0.0)
        >>> breaker.failed(1.0)
        >>> breaker.allows(2.0), breaker.allows(31.0), breaker.allows(31.0)
        (False, True, False)
    """

    def __init__(self, *, failures: int = 5, rest_s: float = 30.0, longest_rest_s: float = 300.0) -> None:
        self._most, self._first_rest, self._longest = failures, rest_s, longest_rest_s
        self._rest = rest_s
        self._failures = 0
        self._open_until: float | None = None
        self._trying_until: float | None = None
        self._now = float("-inf")
        self._lock = threading.Lock()

    def state(self, now_s: float) -> BreakerState:
        """Where it stands; looking changes nothing."""
        with self._lock:
            now = max(self._now, now_s)
            if self._open_until is None:
                return BreakerState.CLOSED
            return BreakerState.OPEN if now < self._open_until else BreakerState.HALF_OPEN

    def allows(self, now_s: float) -> bool:
        """Whether a request may go through; half open, the one that asks first, until it is told of."""
        with self._lock:
            now = self._advance(now_s)
            if self._open_until is None:
                return True
            if now < self._open_until or (self._trying_until is not None and now < self._trying_until):
                return False
            # Who was let through and never came back has lost its turn after another rest.
            self._trying_until = now + self._rest
            return True

    def succeeded(self, now_s: float) -> None:
        """A request was answered."""
        with self._lock:
            self._advance(now_s)
            self._failures, self._rest = 0, self._first_rest
            self._open_until = self._trying_until = None

    def failed(self, now_s: float) -> None:
        """A request failed in a way that says something of the model: not for what it was asked."""
        with self._lock:
            now = self._advance(now_s)
            if self._open_until is not None:
                if now < self._open_until:
                    return  # of a request that began before it opened
                self._rest = min(self._longest, self._rest * 2)
                self._open_until, self._trying_until = now + self._rest, None
                return
            self._failures += 1
            if self._failures >= self._most:
                self._open_until = now + self._rest

    def _advance(self, now_s: float) -> float:
        self._now = max(self._now, now_s)
        return self._now
