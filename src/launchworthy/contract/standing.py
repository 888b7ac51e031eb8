"""Signals of what the proof itself stands on, and what is promised of each where a monitor says nothing.

May import this room only. A judge that no longer agrees with people, a gold set that nobody added to or that
asks what nobody asks any more, and a table of prices that is not what is paid: none of them is a metric of
the product, and every number that was proven with them rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.contract.claim import Direction
from launchworthy.contract.model import Contract
from launchworthy.contract.model.running import Monitor
from launchworthy.quantity import Quantity

__all__ = ["GOLD_AGE", "GOLD_COVERAGE", "JUDGES", "PRICES", "Standing", "gold_signal", "standing"]

JUDGES = "proof/judges/"
"""How the signal begins that is a judge's agreement with people since it was calibrated."""
PRICES = "prices"
"""The share of model calls that cost something else than the table of prices says."""
GOLD_AGE, GOLD_COVERAGE = "age", "coverage"
"""How the signal ``gold/SET/…`` ends that is the age of a set's newest items, or what it covers."""
_COVERED = Quantity(0.8, "ratio")
_MISPRICED = Quantity(0.01, "ratio")
_DAY = Quantity(86_400_000.0, "ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is promised of such a signal, and what that means in words."""

    direction: Direction
    promise: Quantity
    meaning: str


def gold_signal(signal: str) -> tuple[str, str] | None:
    """Set and question of a signal such as ``gold/answer/coverage``; None of any other."""
    parts = signal.split("/")
    known = len(parts) == 3 and parts[0] == "gold" and parts[2] in (GOLD_AGE, GOLD_COVERAGE)
    return (parts[1], parts[2]) if known else None


def standing(contract: Contract, monitor: Monitor) -> Standing | None:
    """What a monitor of such a signal is held to where it names no limit; None of any other signal."""
    signal = (monitor.signal or "").removeprefix(f"{contract.product}/")
    if signal.startswith(JUDGES):
        judge = contract.proof.judges.get(signal.removeprefix(JUDGES))
        if judge is None:
            return None
        meaning = "the agreement with people that the judge was admitted with"
        return Standing(direction=Direction.AT_LEAST, promise=judge.agreement.at_least, meaning=meaning)
    if signal == PRICES:
        meaning = "share of model calls that may cost something else than the table of prices says"
        return Standing(direction=Direction.AT_MOST, promise=_MISPRICED, meaning=meaning)
    found = gold_signal(signal)
    if found is None:
        return None
    name, asked = found
    if asked == GOLD_COVERAGE:
        meaning = "share of calls that must be like an item of the set"
        return Standing(direction=Direction.AT_LEAST, promise=_COVERED, meaning=meaning)
    own = contract.gold.get(name)
    refresh = None if own is None else own.refresh
    meaning = "the newest items may be as old as the set's `refresh`, else as the window of traffic"
    return Standing(direction=Direction.AT_MOST, promise=refresh or monitor.window or _DAY, meaning=meaning)
