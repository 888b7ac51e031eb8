"""Axes: where a value stands between the ends, as a percentage, and which round values to name. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "scale_over"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_DURATION_STEPS = tuple(
    unit * step for unit, steps in (
        (1.0, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (1e3, (1, 2, 5, 10, 15, 30)),
        (6e4, (1, 2, 5, 10, 15, 30)),
        (3.6e6, (1, 2, 3, 6, 12)),
        (8.64e7, (1, 2, 5, 10, 30, 90, 365)),
    ) for step in steps
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear axis from ``low`` to ``high``, both finite, ``low < high``.

    A little air beyond what a value can be keeps a point at the very end whole; ``least`` and ``most`` bound
    the values that are named.
    """

    low: float
    high: float
    unit: str = ""
    least: float = -math.inf
    most: float = math.inf

    def percent(self, value: float) -> float:
        """Place of a value, 0 to 100; what lies outside stands at the edge."""
        if math.isinf(value):
            return 100.0 if value > 0 else 0.0
        share = (value - self.low) / (self.high - self.low)
        return round(100.0 * min(1.0, max(0.0, share)), 3)

    def ticks(self, most: int = 4) -> tuple[float, ...]:
        """About ``most`` round values within the axis, and two where there are two."""
        found = self._ticks(most)
        return found if len(found) > 1 else self._ticks(2 * most)

    def _ticks(self, most: int) -> tuple[float, ...]:
        step = self._step(most)
        first = math.ceil(max(self.low, self.least) / step - 1e-9)
        last = math.floor(min(self.high, self.most) / step + 1e-9)
        return tuple(number * step for number in range(first, last + 1))

    def _step(self, most: int) -> float:
        rough = (self.high - self.low) / max(1, most)
        if self.unit == "ms":
            for step in _DURATION_STEPS:
                if step >= rough and rough >= 0.5:
                    return step
        magnitude = 10.0 ** math.floor(math.log10(rough))
        return next(step * magnitude for step in _STEPS if step * magnitude >= rough * (1 - 1e-9))


def scale_over(values: Iterable[float | None], *, unit: str = "", around: float | None = None) -> Scale:
    """An axis that shows every finite value, with some air; shares are named between 0 and 1 only.

    Args:
        values: What must be seen; None and infinities are passed over.
        unit: Canonical unit; a ``ratio`` reaches hardly beyond 0 and 1 unless a value does.
        around: A value to stand in the middle, such as 0 for differences.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if around is not None:
        reach = max((abs(value - around) for value in finite), default=0.0) or 1.0
        return Scale(low=around - 1.15 * reach, high=around + 1.15 * reach, unit=unit)
    if not finite:
        return Scale(low=0.0, high=1.0, unit=unit)
    low, high = min(finite), max(finite)
    air = 0.12 * (high - low) or 0.1 * abs(high) or 0.5
    bottom, top = low - air, high + air
    least, most = -math.inf, math.inf
    if unit == "ratio":
        least, most = min(0.0, low), max(1.0, high)
    elif low >= 0:
        least = 0.0
    # What cannot be has no scale of its own, only the room that a point at the very end needs.
    edge = 0.03 * (min(top, most) - max(bottom, least))
    bottom, top = max(bottom, least - edge), min(top, most + edge)
    if not bottom < top:
        bottom, top = bottom - 0.5, bottom + 0.5
    return Scale(low=bottom, high=top, unit=unit, least=least, most=most)
