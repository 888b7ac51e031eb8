"""A streamed answer that may begin anew as long as nothing of it has gone out.

May import ``streaming`` and what that may.
"""

from __future__ import annotations

from launchworthy.runtime.guards.verdict import GuardContext
from launchworthy.runtime.pipeline import GuardPipeline
from launchworthy.runtime.streaming import HeldStream

__all__ = ["Released"]


class Released:
    """What has come of a stream, and what of it may go out.

    Attributes:
        held: Holds it back until its guards have seen it.
        parts: How many have come.
    """

    def __init__(self, guards: GuardPipeline, context: GuardContext) -> None:
        self._guards, self._context = guards, context
        self.parts = 0
        self.held = HeldStream(guards, context)

    def has_begun(self) -> bool:
        """Whether anything has gone out."""
        return bool(self.held.released)

    def feed(self, part: str) -> str:
        """Take a part; what may go out now."""
        self.parts += 1
        return self.held.feed(part)

    def restart(self) -> None:
        """Forget what came."""
        self.parts, self.held = 0, HeldStream(self._guards, self._context)
