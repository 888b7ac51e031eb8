"""Work that waits until an event loop is quiet. Standard library only; lives in one event loop.

Answers tend to come many at once, and each has to turn round into the next call: what is done for the first
of them before the others are looked at, all the others wait for. So what can wait is done together, once
nothing has come for a moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Backlog"]

T = TypeVar("T")

_QUIET_S = 0.001  # so long nothing came: what came together has turned round
_MOST = 256


class Backlog(Generic[T]):
    """Holds things until the loop is quiet, or the oldest has waited long enough, or they are 256.

    Args:
        work: Done with what is held, oldest first; it must not raise.
        oldest_s: How long a thing may wait where the loop is never quiet.
    """

    def __init__(self, work: Callable[[list[T]], None], *, oldest_s: float) -> None:
        self._work = work
        self._oldest_s = oldest_s
        self._held: list[T] = []
        self._first_at = self._last_at = 0.0
        self._due: asyncio.Handle | None = None

    def add(self, thing: T) -> None:
        """Hold it; only in a running loop."""
        self._last_at = time.monotonic()
        if not self._held:
            self._first_at = self._last_at
        self._held.append(thing)
        if len(self._held) >= _MOST:
            self.clear()
        elif self._due is None:
            self._wait()

    def clear(self) -> None:
        """Work off what is held, now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        held, self._held = self._held, []
        if held:
            self._work(held)

    def _wait(self) -> None:
        self._due = asyncio.get_running_loop().call_later(_QUIET_S, self._let_others)

    def _let_others(self) -> None:
        # Whoever was woken by the same look at the sockets goes first.
        self._due = asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._last_at >= _QUIET_S or now - self._first_at >= self._oldest_s:
            self.clear()
        else:
            self._wait()
