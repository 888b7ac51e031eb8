"""What a run may still spend. Standard library only; lives in one event loop."""

from __future__ import annotations

import asyncio

__all__ = ["Purse"]


class Purse:
    """A gate before calls that cost: those under way are counted at the mean cost of those that came back.

    Until the first has come back nothing is known of the cost, and one call is under way at a time. A ceiling
    is so overrun by no more than one call, as far as calls cost alike.

    Args:
        ceiling: The most to spend, in USD; None: there is no end to it.
        spent_usd: What is spent already.
    """

    def __init__(self, ceiling: float | None, *, spent_usd: float = 0.0) -> None:
        self._ceiling = ceiling
        self._before = spent_usd
        self._paid = 0.0
        self._calls = 0
        self._inside = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def counts(self) -> bool:
        """Whether it matters what a call cost."""
        return self._ceiling is not None

    @property
    def is_empty(self) -> bool:
        """Whether the ceiling is reached."""
        return self._ceiling is not None and self._before + self._paid >= self._ceiling

    async def enter(self) -> None:
        """Wait until the next call can be paid, or none can be any more."""
        while not self._can_pay():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._inside += 1

    def leave(self, cost_usd: float | None) -> None:
        """The call is over; None where it says nothing of what a call costs."""
        self._inside -= 1
        if cost_usd is not None:
            self._paid += cost_usd
            self._calls += 1
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    def _can_pay(self) -> bool:
        if self._ceiling is None or self._inside == 0 or self.is_empty:
            return True
        if self._calls == 0:
            return False
        return self._before + self._paid + self._inside * self._paid / self._calls < self._ceiling
