"""Bounds of a quantile by order statistics. Pure.

"P95 is at most t" is the claim "at most 5 % are slower than t", and these bounds say exactly what the
Clopper-Pearson bounds of that share say: the upper bound is at most t when, and only when, the upper bound
of the share is at most 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.stats.checks import check_share, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import beta_cdf
from launchworthy.stats.units import clean_values, effective_count

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["quantile_interval", "quantile_ranks"]


def quantile_interval(
    values: ArrayLike,
    *,
    q: float,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    unit: str = "",
) -> Interval:
    """The ``q`` quantile (the smallest value that a share q does not exceed) and its bounds.

    A bound that the sample is too small for is infinite: P95 has no upper bound below 59 values at 95 %.
    In clusters, ranks are taken at the effective number of values (design effect of the share at the
    quantile), and at the number of clusters where that cannot be estimated.

    Raises:
        InputError: No values, NaN among them, or q not between 0 and 1.

    Source: David and Nagaraja, Order Statistics (2003), 7.1; clusters as Korn and Graubard (1998).
    """
    import numpy as np

    check_share(q, name="quantile")
    x = np.sort(clean_values(values))
    n = int(x.size)
    value = float(x[max(0, math.ceil(q * n - 1e-9) - 1)])
    effective, units = float(n), n
    if clusters is not None:
        slower = (clean_values(values) > value).astype(np.float64)
        effective, units = effective_count(slower, clusters), len(set(clusters))
    lower, upper = quantile_ranks(n, q=q, level=level, sides=sides, effective=effective)
    high = math.inf if upper is None else float(x[upper - 1])
    low = -math.inf if lower is None else float(x[lower - 1])
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method="order statistics" if clusters is None else "order statistics, clustered",
        sides=sides,
        unit=unit,
        sample={"q": q, "slower": int((x > value).sum()), "items": n, "n": units},
    )


def quantile_ranks(
    n: int, *, q: float, level: float = 0.95, sides: int = 2, effective: float | None = None
) -> tuple[int | None, int | None]:
    """Ranks of the lower and upper bound of the ``q`` quantile among n values in ascending order, from 1.

    None where the sample is too small for a bound. ``effective`` is the number of independent values that n
    clustered ones are worth: ranks are taken there, and scaled to n.

    Raises:
        InputError: q is not between 0 and 1, or an impossible level.
    """
    check_share(q, name="quantile")
    error = tail_error(level, sides=sides)
    worth = float(n) if effective is None else effective
    scale = n / worth
    upper, lower = _upper_rank(worth, q, error), _upper_rank(worth, 1.0 - q, error)
    return (
        None if lower is None else n + 1 - min(n, math.ceil(lower * scale - 1e-9)),
        None if upper is None else min(n, math.ceil(upper * scale - 1e-9)),
    )


def _upper_rank(n: float, q: float, error: float) -> int | None:
    """The smallest rank r with P(Binomial(n, q) ≥ r) ≤ error; None where even n is too likely."""
    low, high = 0, math.floor(n) + 1
    while high - low > 1:
        middle = (low + high) // 2
        rare = beta_cdf(q, a=middle, b=n - middle + 1) <= error
        low, high = (low, middle) if rare else (middle, high)
    return None if high > n else high
