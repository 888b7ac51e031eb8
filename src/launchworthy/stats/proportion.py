"""Shares of independent items: exact bounds for verdicts, Wilson for display. Pure."""

from __future__ import annotations

import math

from launchworthy.stats.checks import check_counts, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import beta_quantile, normal_quantile

__all__ = ["clopper_pearson", "wilson"]


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
