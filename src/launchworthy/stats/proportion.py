"""Shares: exact bounds for verdicts, Wilson for display. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.stats.checks import check_counts, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import beta_quantile, normal_quantile
from launchworthy.stats.units import effective_units, sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["clopper_pearson", "weighted_share", "wilson"]


def clopper_pearson(successes: int, *, n: int, level: float = 0.95, sides: int = 1) -> Interval:
    """Exact bounds of a share; with ``sides=1`` each bound alone holds with at least ``level``.

    Raises:
        InputError: n is 0, or the counts are impossible.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    check_counts(successes, n=n)
    error = tail_error(level, sides=sides)
    low = 0.0 if successes == 0 else beta_quantile(error, a=successes, b=n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1.0 - error, a=successes + 1, b=n - successes)
    return _share(successes, n, low, high, level, sides, "Clopper-Pearson")


def wilson(successes: int, *, n: int, level: float = 0.95, sides: int = 2) -> Interval:
    """Score interval of a share: close to its level on average, never of zero width. For display.

    Raises:
        InputError: n is 0, or the counts are impossible.

    Source: Wilson, JASA 22 (1927).
    """
    check_counts(successes, n=n)
    z = normal_quantile(1.0 - tail_error(level, sides=sides))
    share, square = successes / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return _share(successes, n, low, high, level, sides, "Wilson")


def weighted_share(
    hits: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    sides: int = 1,
) -> Interval:
    """A share by weights, such as how many calls each label stands for; its ``n`` is the clusters.

    The bounds are exact ones at the number of independent items that these are worth: never more than as many
    equal clusters as weigh as much (Kish). With equal weights and no clusters they are Clopper and Pearson's.

    Args:
        hits: 1 or 0, one an item; at least one.
        weights: Above 0.
        clusters: Names of what is independent of one another, such as users; the items if None.
        level, sides: See :func:`clopper_pearson`.

    Source: Korn and Graubard, Survey Methodology 24 (1998).
    """
    error, total = tail_error(level, sides=sides), float(weights.sum())
    value = min(1.0, float(weights @ hits) / total)
    sizes, moved = sum_by_unit([weights, weights * (hits - value)], clusters)
    n, worth = len(sizes), effective_units(sizes)
    if n > 1 and 0.0 < value < 1.0:
        spread = float((moved**2).sum()) / total**2
        worth = min(worth, max(1.0, value * (1.0 - value) / spread)) if spread > 0.0 else worth
    yes = value * worth
    return Interval(
        value=value,
        low=0.0 if value == 0.0 else beta_quantile(error, a=yes, b=worth - yes + 1.0),
        high=1.0 if value == 1.0 else beta_quantile(1.0 - error, a=yes + 1.0, b=worth - yes),
        confidence=level,
        n=n,
        method="Clopper-Pearson, effective size",
        sides=sides,
        unit="ratio",
        sample={"effective": worth, "n": n},
    )


def _share(
    successes: int, n: int, low: float, high: float, level: float, sides: int, method: str
) -> Interval:
    return Interval(
        value=successes / n,
        low=low,
        high=high,
        confidence=level,
        n=n,
        method=method,
        sides=sides,
        unit="ratio",
        sample={"successes": successes, "n": n},
    )
