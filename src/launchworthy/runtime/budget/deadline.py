"""How long one call may take: a soft point, from which on a fallback is tried too, and a hard one.

Standard library only. Times are in seconds of a clock that does not go back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Deadline"]

# Where a workflow declares neither a timeout nor a latency: no call waits for ever.
_DEFAULT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The time budget of one call.

    Attributes:
        clock: Answers the time.
        began_s: When the call began.
        soft_s: From here on, counted from the beginning, another model is asked beside one that is slow.
        hard_s: From here on no model and no tool is waited for.
    """

    clock: Callable[[], float]
    began_s: float
    soft_s: float
    hard_s: float

    @classmethod
    def begin(
        cls, clock: Callable[[], float], *, timeout_s: float | None, latency_s: float | None
    ) -> Deadline:
        """A budget that begins now.

        Args:
            clock: Answers the time.
            timeout_s: Of the contract's limits; a minute if not said.
            latency_s: The latency that 95 % of calls are to keep; half the timeout if not said.
        """
        hard = _DEFAULT_S if timeout_s is None else timeout_s
        soft = hard / 2 if latency_s is None else min(latency_s, hard)
        return cls(clock=clock, began_s=clock(), soft_s=soft, hard_s=hard)

    @property
    def elapsed_s(self) -> float:
        """Since the call began."""
        return max(0.0, self.clock() - self.began_s)

    @property
    def left_s(self) -> float:
        """Until the hard point; 0 past it."""
        return max(0.0, self.hard_s - self.elapsed_s)

    @property
    def soft_left_s(self) -> float:
        """Until the soft point; 0 past it."""
        return max(0.0, self.soft_s - self.elapsed_s)

    @property
    def is_over(self) -> bool:
        """Whether the hard point has passed."""
        return self.left_s <= 0
