"""Guards: each looks at one text of a call and answers pass, hit or could not check.

May import what ``runtime`` may.
"""

from launchworthy.runtime.guards.verdict import (
    Finding,
    Guard,
    GuardContext,
    GuardVerdict,
    Outcome,
    Passage,
    Stage,
)

__all__ = ["Finding", "Guard", "GuardContext", "GuardVerdict", "Outcome", "Passage", "Stage"]
