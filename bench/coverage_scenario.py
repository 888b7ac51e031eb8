"""What a scenario of the simulations is: a draw from a known truth, and how often a procedure must be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from launchworthy import stats

Draw = Callable[[np.random.Generator], bool]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``hit`` draws one sample and says whether the procedure was right; the share of hits must be between
    ``least`` and ``most``, give or take the noise of the simulation."""

    name: str
    hit: Draw
    least: float
    most: float = 1.0


def covers(interval: stats.Interval, truth: float) -> bool:
    """Whether an interval holds what is true."""
    return interval.low <= truth <= interval.high
