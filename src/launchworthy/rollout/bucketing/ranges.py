"""Ranges of positions and who has them: spread by weights, and compared so that nobody is moved unseen.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Range", "moved", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Positions from ``low`` to below ``high`` have ``variant``."""

    low: float
    high: float
    variant: str


def spread(weights: Mapping[str, float], *, share: float = 1.0) -> tuple[Range, ...]:
    """Ranges of variants in order of their weights, of which the first ``share`` of each is taken.

    A larger share extends each range where it ends, so whoever has a variant keeps it.

    Source: GrowthBook's ``getBucketRanges`` (coverage), so that an experiment can move here as it stands.
    """
    total = sum(weights.values())
    found, begun = [], 0.0
    for variant, weight in weights.items():
        part = weight / total
        if part * share > 0:
            found.append(Range(low=begun, high=begun + part * share, variant=variant))
        begun += part
    if share == 1.0 and found:
        # The sum of the parts is 1 in arithmetic and may be a rounding less in the machine's.
        last = found[-1]
        found[-1] = Range(low=last.low, high=1.0, variant=last.variant)
    return tuple(found)


def moved(before: Sequence[Range], after: Sequence[Range]) -> float:
    """Share of all positions that had a variant and would have another, or none."""
    edges = sorted({edge for each in (*before, *after) for edge in (each.low, each.high)})
    return sum(
        high - low
        for low, high in pairwise(edges)
        if (had := _at(before, low)) is not None and had != _at(after, low) and high - low > 1e-9
    )


def _at(ranges: Sequence[Range], position: float) -> str | None:
    return next((each.variant for each in ranges if each.low <= position < each.high), None)
