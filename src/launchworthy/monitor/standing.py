"""Signals of what the proof itself stands on: judges, gold sets, prices.

May import ``contract`` and this room.
"""

from __future__ import annotations

from launchworthy.contract.standing import GOLD_AGE, JUDGES, PRICES, gold_signal
from launchworthy.evidence import Evidence
from launchworthy.monitor.gold_standing import gold_age, gold_coverage
from launchworthy.monitor.judge_drift import judge_drift
from launchworthy.monitor.prices import priced
from launchworthy.monitor.scene import Ask

__all__ = ["is_standing", "stood_on"]


def is_standing(signal: str) -> bool:
    """Whether it is such a signal."""
    return signal == PRICES or signal.startswith(JUDGES) or gold_signal(signal) is not None


def stood_on(ask: Ask, signal: str) -> Evidence | None:
    """What records say of it."""
    if signal == PRICES:
        return priced(ask)
    found = gold_signal(signal)
    if found is not None:
        name, asked = found
        return gold_age(ask, name) if asked == GOLD_AGE else gold_coverage(ask, name)
    return judge_drift(ask, signal.removeprefix(JUDGES))
