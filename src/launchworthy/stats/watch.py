"""A paired comparison that may be looked at after every pair. Pure; keeps what it was given, nothing else."""

from __future__ import annotations

import math

from launchworthy.errors import InputError
from launchworthy.stats.interval import Interval
from launchworthy.stats.sequential import confidence_sequence, discordant_e_value

__all__ = ["PairedWatch"]

_STAKES = 1_024


class PairedWatch:
    """Evidence, pair by pair, that candidate and baseline differ; valid whenever one stops.

    Scores lie within ``bounds``, higher being better. The evidence is the wealth of bets on the sign of the
    difference, spread evenly over all stakes: for yes-or-no scores it is exactly
    :func:`~launchworthy.stats.discordant_e_value`.

    Source: Waudby-Smith and Ramdas, JRSS B 86 (2024), with a mixture of stakes; Ville's inequality (1939).

    >>> watch = PairedWatch()
    >>> for _ in range(8):
    ...     watch.add(0, 1)
    >>> watch.decision(0.05)
    'better'
    """

    def __init__(self, *, bounds: tuple[float, float] = (0.0, 1.0)) -> None:
        import numpy as np

        low, high = bounds
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"a scale from {low:g} to {high:g} cannot be watched", hint="give finite bounds")
        self._bounds = bounds
        self._gaps: list[float] = []
        self._gained = self._lost = 0
        self._plain = True  # every pair so far is gained, lost or equal
        self._peak, self._towards = 1.0, 0.0
        self._sum = 0.0
        self._stakes = (2.0 * np.arange(_STAKES) + 1.0) / _STAKES - 1.0
        self._wealth = np.zeros(_STAKES)  # logarithm, at each stake

    def add(self, baseline: float, candidate: float) -> None:
        """Take one more pair, in the order in which they come.

        Raises:
            InputError: A score that is NaN or outside the bounds.
        """
        import numpy as np

        low, high = self._bounds
        for score in (baseline, candidate):
            if not low <= score <= high:
                raise InputError(f"the score {score!r} leaves the scale {low:g} to {high:g}")
        gap = (candidate - baseline) / (high - low)
        self._gaps.append(gap)
        self._sum += gap
        self._gained += gap == 1.0
        self._lost += gap == -1.0
        self._plain = self._plain and gap in (-1.0, 0.0, 1.0)
        self._wealth += np.log1p(self._stakes * gap)
        if self.e_value > self._peak:
            self._peak, self._towards = self.e_value, self._sum

    @property
    def pairs(self) -> int:
        """How many pairs were added."""
        return len(self._gaps)

    @property
    def e_value(self) -> float:
        """Evidence of a difference now; 1 says nothing, 20 as much as an error of 5 % needs."""
        import numpy as np

        if self._plain:
            return discordant_e_value(gained=self._gained, lost=self._lost)
        top = float(self._wealth.max())
        if top > 700.0:
            return math.inf
        return math.exp(top) * float(np.exp(self._wealth - top).mean())

    def decision(self, alpha: float = 0.05) -> str:
        """``better`` or ``worse`` once the evidence has ever reached 1/alpha, else ``undecided``.

        Raises:
            InputError: alpha is not between 0 and 1.
        """
        if not 0.0 < alpha < 1.0:
            raise InputError(f"an error of {alpha!r} is not between 0 and 1")
        if self._peak < 1.0 / alpha:
            return "undecided"
        return "better" if self._towards > 0.0 else "worse"

    def interval(self, *, level: float = 0.95, sides: int = 2, unit: str = "") -> Interval | None:
        """Mean difference with bounds that hold at every moment at once; None before the first pair."""
        if not self._gaps:
            return None
        width = self._bounds[1] - self._bounds[0]
        values = [gap * width for gap in self._gaps]
        return confidence_sequence(values, level=level, sides=sides, bounds=(-width, width), unit=unit)
