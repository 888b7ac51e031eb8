"""How many calls may be under way, as the target itself decides. Standard library only.

One overload slows every worker: half as many calls at once, none at all for the time it asked for, then one
more for each full round that went well (additive increase, multiplicative decrease: Chiu and Jain, 1989).
Lives in one event loop.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque

__all__ = ["FIRST_WAIT_S", "LONGEST_WAIT_S", "Pace"]

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
_PATIENCE = 10  # slowings in a row, without one answer between them


class Pace:
    """A gate before the target.

    Args:
        ceiling: The most calls at once.
        seed: Of the waits.
    """

    def __init__(self, ceiling: int, *, seed: int = 0) -> None:
        self._ceiling = ceiling
        self._limit = float(ceiling)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed_until = 0.0
        self._slowed_at = 0.0
        self._rounds = 0
        self._random = random.Random(f"{seed}/pace")  # noqa: S311 (jitter, no secret)
        self.slowed = 0
        self.fewest = ceiling

    @property
    def refuses(self) -> bool:
        """Whether the target was overloaded each time it was asked, until asking makes no sense."""
        return self._rounds >= _PATIENCE

    async def enter(self) -> float:
        """Wait for one's turn; answers the moment it came, for :meth:`overloaded`."""
        if self._inside < int(self._limit):
            self._inside += 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.leave()
                raise
        try:
            while (rest := self._closed_until - time.monotonic()) > 0:
                await asyncio.sleep(rest)
        except asyncio.CancelledError:
            self.leave()
            raise
        return time.monotonic()

    def leave(self) -> None:
        """The call is over, however it went."""
        self._inside -= 1
        while self._waiting and self._inside < int(self._limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def answered(self) -> None:
        """The target took the call: a little more may be asked of it."""
        self._rounds = 0
        if self._limit < self._ceiling:
            self._limit = min(float(self._ceiling), self._limit + 1.0 / self._limit)

    def overloaded(self, began: float, *, retry_after_s: float | None) -> None:
        """The target could not take a call that began then.

        Calls that were under way together say it once: only one that began after the last slowing slows more.
        Without a word of the target's, the wait has full jitter and doubles from slowing to slowing.
        """
        now = time.monotonic()
        news = began >= self._slowed_at
        if news:
            self._slowed_at = now
            self._limit = max(1.0, self._limit / 2.0)
            self._rounds += 1
            self.slowed += 1
            self.fewest = min(self.fewest, int(self._limit))
        if retry_after_s is None and news:
            most = min(FIRST_WAIT_S * 2 ** (self._rounds - 1), LONGEST_WAIT_S)
            retry_after_s = self._random.uniform(0.0, most)
        if retry_after_s is not None:
            self._closed_until = max(self._closed_until, now + min(retry_after_s, LONGEST_WAIT_S))
