"""Whether an audit chain is whole, as pages say it. May import ``evidence``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from launchworthy.evidence import ChainFault, Fault

__all__ = ["ChainState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """What verifying a chain found, and when.

    Attributes:
        entries: How many it has.
        faults: What is wrong, or cannot be told.
        at: When it was verified.
    """

    entries: int
    faults: tuple[ChainFault, ...]
    at: datetime

    @property
    def tampered(self) -> bool:
        """Whether something shows that it was changed."""
        return any(fault.fault.proves_tampering for fault in self.faults)

    @property
    def unknown(self) -> bool:
        """Whether it cannot be told; entries since the last signature are no doubt."""
        return not self.tampered and any(fault.fault is not Fault.UNSIGNED_TAIL for fault in self.faults)
