"""Signals of what the proof itself stands on: judges, gold sets, prices.

May import ``contract`` and this room.
"""

from __future__ import annotations

from launchworthy.contract.standing import JUDGES
from launchworthy.evidence import Evidence
from launchworthy.monitor.judge_drift import judge_drift
from launchworthy.monitor.scene import Ask

__all__ = ["is_standing", "stood_on"]


def is_standing(signal: str) -> bool:
    """Whether it is such a signal."""
    return signal.startswith(JUDGES)


def stood_on(ask: Ask, signal: str) -> Evidence | None:
    """What records say of it."""
    return judge_drift(ask, signal.removeprefix(JUDGES))
