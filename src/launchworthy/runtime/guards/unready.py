"""A guard that is declared and that nothing checks: it always answers *could not check*, and says why.

May import ``answers`` and the verdicts. What the contract says of a guard that fails then holds, so that a
check that was forgotten is never taken for one that passed.
"""

from __future__ import annotations

from launchworthy.runtime.guards.answers import unchecked
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["UnreadyGuard"]


class UnreadyGuard:
    """Cannot check anything.

    Args:
        name: As the contract names it.
        reason: What is missing.
    """

    version = "none"
    estimates = False
    waits = False
    window: int | None = 0

    def __init__(self, *, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Say that nothing was checked."""
        return unchecked(self, self.reason)
