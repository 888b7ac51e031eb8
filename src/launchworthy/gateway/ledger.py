"""The ledger of what calls spend, asked without holding the event loop up where it is kept by a server.

May import ``runtime``. What was paid is entered behind the back of the call that paid it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from launchworthy.runtime.permission import Charge, Decision, Overrun, Policy, Request, Spending

__all__ = ["Ledger"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Ledger:
    """A ledger on an event loop.

    Args:
        spending: The ledger.
        remote: Whether it asks another process.
    """

    def __init__(self, spending: Spending, *, remote: bool = False) -> None:
        self.spending, self._remote = spending, remote
        self._under_way: set[asyncio.Future[Any]] = set()

    async def decide(self, policy: Policy, request: Request) -> Decision:
        """Whether a call of a tool may run, held against what is spent."""
        return await self.run(policy.decide, request, spending=self.spending)

    async def spend(self, charges: Sequence[Charge]) -> Overrun | None:
        """Enter charges as spent; or the first into which they do not fit, and nothing is entered."""
        if not charges:
            return None
        reserved = await self.run(self.spending.reserve, charges)
        if isinstance(reserved, Overrun):
            return reserved
        self.later(self.spending.settle, reserved)
        return None

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Ask, and wait for the answer."""
        if self._remote:
            return await asyncio.to_thread(work, *args, **kwargs)
        return work(*args, **kwargs)

    def later(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Tell, and wait for nothing."""
        if not self._remote:
            work(*args, **kwargs)
            return
        told = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        self._under_way.add(told)
        told.add_done_callback(self._done)

    def _done(self, told: asyncio.Future[Any]) -> None:
        self._under_way.discard(told)
        if not told.cancelled():
            told.exception()  # what was set aside stays set aside, which errs on the careful side

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=5.0)
