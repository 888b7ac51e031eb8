"""The one shape of a measured number. Pure; may import the standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from launchworthy.quantity import format_interval, format_value

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its bounds and everything needed to judge it.

    Attributes:
        value: Point estimate, in ``unit``.
        low: Lower bound, in ``unit``; ``-inf`` where there is none.
        high: Upper bound, in ``unit``; ``inf`` where there is none.
        confidence: Of the pair (``sides == 2``), or of each bound alone (``sides == 1``).
        n: Independent units behind the estimate (items, users, conversations).
        method: Named procedure, such as ``"Clopper-Pearson"``.
        sides: 2 for a display interval, 1 where each bound alone holds with ``confidence`` (verdicts).
        unit: Canonical unit (see ``launchworthy.quantity``).
        sample: Sufficient statistics from which the interval can be computed again.
    """

    value: float
    low: float
    high: float
    confidence: float
    n: int
    method: str
    sides: int = 2
    unit: str = ""
    sample: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return f"{format_value(self.value, unit=self.unit)} (no bounds, n = {self.n:,})"
        return format_interval(self.value, self.low, self.high, n=self.n, unit=self.unit)
