"""Ratios of sums, such as cost per success, by the delta method over independent units. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import t_quantile
from launchworthy.stats.units import clean_values, sum_by_unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ratio_interval"]


def ratio_interval(
    numerators: ArrayLike,
    *,
    denominators: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    unit: str = "",
) -> Interval:
    """Σ numerators / Σ denominators, with the variance of what each unit adds to it.

    Where the denominator itself is not shown to differ from 0 (few successes), or nothing varies, there are
    no bounds: infinite ends, or the ends of ``bounds``.

    Raises:
        InputError: No values, unequal lengths, NaN, or denominators that add up to 0.

    Source: linearisation, Deng et al., Applying the Delta Method in Metric Analytics, KDD (2018); the check
    of the denominator is Fieller's (1954).
    """
    x = clean_values(numerators, name="numerators")
    y = clean_values(denominators, name="denominators")
    if x.size != y.size:
        raise InputError(f"{x.size} numerators for {y.size} denominators")
    if float(y.sum()) <= 0.0:
        raise InputError("the denominators add up to 0, so there is no ratio")
    error = tail_error(level, sides=sides)
    over, under = sum_by_unit([x, y], clusters)
    units, total = len(over), float(under.sum())
    value = float(over.sum()) / total
    low, high, method, se = -math.inf, math.inf, "none: nothing varies", 0.0
    if units > 1:
        t = t_quantile(1.0 - error, df=units - 1)
        growth = units / (units - 1)
        se = math.sqrt(growth * float(((over - value * under) ** 2).sum())) / total
        wobble = math.sqrt(growth * float(((under - under.mean()) ** 2).sum()))
        if t * wobble >= total:
            method = "none: the denominator may be 0"
        elif se > 1e-12 * max(1e-300, abs(value)):
            low, high = value - t * se, value + t * se
            method = "delta method" if clusters is None else "delta method, clustered"
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method=method,
        sides=sides,
        unit=unit,
        sample={"numerator": float(over.sum()), "denominator": total, "n": units, "standard_error": se},
    )
