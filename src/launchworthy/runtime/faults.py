"""Faults that a drill injects: a model that fails or hangs, a guard that cannot check, a tool or index down.

Standard library only. They hold inside a ``with`` and for the call that runs in it, so that a drill on a
running product touches nobody else.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Faults", "InjectedFault", "faults", "injected"]


class InjectedFault(ConnectionError):
    """What a drill made fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What does not work.

    Attributes:
        models: Every model fails at once.
        hang: Every model takes longer than it may.
        only: Names of the models that this is about; empty: all.
        first: Only the first so many requests fail; 0: every one.
        guards: Guards, by name, that cannot check.
        tools: Tools, by name, that are down; ``*`` is all of them.
        index: Nothing can be looked up.
        skip: Fallbacks, by name, that fail too, so that the one after them is reached.
    """

    models: bool = False
    hang: bool = False
    only: frozenset[str] = frozenset()
    first: int = 0
    guards: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    index: bool = False
    skip: frozenset[str] = frozenset()
    _made: list[str] = field(default_factory=list, compare=False, repr=False)

    def hits(self, model: str) -> bool:
        """Whether this request to a model fails or hangs."""
        if not (self.models or self.hang) or (self.only and model not in self.only):
            return False
        self._made.append(model)
        return not self.first or len(self._made) <= self.first

    def stops(self, tool: str) -> bool:
        """Whether a tool is down."""
        return bool(self.tools & {tool, "*"})


_NONE = Faults()
_CURRENT: contextvars.ContextVar[Faults] = contextvars.ContextVar("launchworthy_faults", default=_NONE)


def faults() -> Faults:
    """Those in force here; outside a drill, none."""
    return _CURRENT.get()


@contextlib.contextmanager
def injected(what: Faults) -> Iterator[None]:
    """Everything inside meets these faults."""
    before = _CURRENT.set(what)
    try:
        yield
    finally:
        _CURRENT.reset(before)
