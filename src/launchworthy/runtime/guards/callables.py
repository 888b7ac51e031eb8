"""A function of the company's own as a guard: ``uses: module:function``.

May import ``functions`` (which finds it), ``foreign`` and the verdicts.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from launchworthy.runtime.guards.foreign import Limits, read_answer
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["CallableGuard"]


class CallableGuard:
    """Asks a function, or the ``check`` of a guard that someone wrote.

    The function is given the text, and the ``stage`` and the ``context`` where it takes arguments of these
    names. It answers a truth value, a score from 0 to 1, a mapping (``hit`` or ``score``, ``category``,
    ``spans``) or a verdict; it may be asynchronous. It is taken to estimate unless it says
    ``check.estimates = False``; ``check.version`` names its version.

    Args:
        function: What is asked.
        name: As the contract names it.
        limits: From which score it hits.
    """

    waits = True  # nobody knows how long it takes
    window: int | None = None

    def __init__(self, function: Callable[..., Any], *, name: str, limits: Limits | None = None) -> None:
        self.name = name
        self._limits = limits or Limits()
        told = getattr(function, "version", None)
        self.version = str(told)[:80] if isinstance(told, (str, int)) else "unversioned"
        self.estimates = getattr(function, "estimates", True) is not False
        self._ask = _asking(function)

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Ask it; an answer that means nothing is an error."""
        answer = self._ask(stage, payload, context)
        if inspect.isawaitable(answer):
            answer = asyncio.run(_awaited(answer))
        return read_answer(self, answer, text=payload, limits=self._limits)


def _asking(function: Any) -> Callable[[Stage, str, GuardContext], Any]:
    guard_check = getattr(function, "check", None)
    if callable(guard_check) and hasattr(function, "version"):
        return lambda stage, text, context: guard_check(stage, text, context)
    try:
        taken = inspect.signature(function).parameters
    except (TypeError, ValueError):  # built in, or an extension's
        return lambda _stage, text, _context: function(text)
    names = [name for name in ("stage", "context") if name in taken]

    def ask(stage: Stage, text: str, context: GuardContext) -> Any:
        given = {"stage": stage, "context": context}
        return function(text, **{name: given[name] for name in names})

    return ask


async def _awaited(answer: Any) -> Any:
    return await answer
