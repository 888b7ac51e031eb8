"""Means of scores, alone or in clusters: studentised bootstrap, honest where nothing varies. Pure.

A cluster (a user, a conversation) is the independent unit; without clusters each value is one. The bootstrap
is seeded: the same values give the same bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import holds_zero, tail_error, zero_p_value
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import normal_quantile, t_quantile
from launchworthy.stats.units import clean_values, effective_units, sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["bounded_mean", "chernoff_bounds", "mean_interval", "t_interval"]

_RESAMPLES = 1_999  # (resamples + 1) · error is whole at the usual levels
_BOOTSTRAP_UNITS = 2_000  # above, the first Edgeworth term replaces the resampling


def mean_interval(
    values: ArrayLike,
    *,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval:
    """Mean by the studentised (cluster) bootstrap.

    Where values do not vary enough for it to speak (all equal, one unit), a bounded score gets the
    Chernoff-Hoeffding bound, which for a flawless sample is the Clopper-Pearson bound, or the rule of three
    where all are the same value inside the scale; an open scale gives only the end that it has, never zero
    width. Above 2,000 units Student's t with Hall's correction for
    skewness is used, which is what the bootstrap tends to. Where 0 lies inside the scale (a difference),
    ``sample["p_value"]`` is the two-sided one of "the mean is 0": twice the error at which a bound reaches 0.

    Args:
        values: One number an item.
        clusters: Name of each item's cluster.
        bounds: Lowest and highest possible value, where the scale has them; infinite where it is open.
        seed: Of the resampling.
        unit: Canonical unit of the values.

    Raises:
        InputError: No values, NaN among them, or values outside ``bounds``.

    Source: Hall, The Bootstrap and Edgeworth Expansion (1992), 3.10.6; clusters resampled whole, Davison and
    Hinkley (1997), 3.8.
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    x = clean_values(values)
    _check_bounds(x, bounds)
    sums, sizes = sum_by_unit([x, np.ones_like(x)], clusters)
    mean, units = float(x.sum() / x.size), len(sums)
    residuals = sums - mean * sizes
    se = _standard_error(residuals, sizes)
    studentised, name = None, "none: the values do not vary"
    if units > 1 and se > 1e-12 * max(1.0, float(np.abs(x).max())):
        if units > _BOOTSTRAP_UNITS:
            studentised, name = _skewed(residuals), "Student t, corrected for skewness"
        else:
            studentised, name = _resampled(residuals, sizes, seed), "studentised bootstrap"
        name = name if clusters is None else f"{name}, clustered"
    constant = float(x.min()) == float(x.max())

    def ends(error: float) -> tuple[float, float, str]:
        low, high = -math.inf, math.inf
        if studentised is not None:
            lower, upper = studentised(error)
            low, high = mean - upper * se, mean - lower * se
        return _within(bounds, low, high, name, mean, constant, effective_units(sizes), error)

    low, high, method = ends(error)
    sample = _sample(x, units, se)
    if holds_zero(bounds):
        sample["p_value"] = zero_p_value(lambda error: ends(error)[:2])
    return Interval(
        value=mean,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method=method,
        sides=sides,
        unit=unit,
        sample=sample,
    )


def t_interval(
    values: ArrayLike,
    *,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    unit: str = "",
) -> Interval:
    """Mean with the (cluster-robust) standard error and Student's t on one less than the units.

    Fewer than two units, or values that do not vary, give infinite ends.

    Raises:
        InputError: No values, or NaN among them.

    Source: sqrt(C/(C−1) Σ(Σ(x − mean))²) / n with t(C−1); Cameron and Miller, J. Human Resources 50 (2015).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    x = clean_values(values)
    sums, sizes = sum_by_unit([x, np.ones_like(x)], clusters)
    mean, units = float(x.sum() / x.size), len(sums)
    se = _standard_error(sums - mean * sizes, sizes)
    half = math.inf
    if units > 1 and se > 1e-12 * max(1.0, float(np.abs(x).max())):
        half = se * t_quantile(1.0 - error, df=units - 1)
    return Interval(
        value=mean,
        low=mean - half,
        high=mean + half,
        confidence=level,
        n=units,
        method="Student t" if clusters is None else "Student t, clustered",
        sides=sides,
        unit=unit,
        sample=_sample(x, units, se),
    )


def bounded_mean(
    values: ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
    sides: int = 2,
    unit: str = "",
) -> Interval:
    """Mean of independent values of a bounded scale, valid for every n and every distribution; wide.

    Raises:
        InputError: No values, NaN among them, or values outside ``bounds``.

    Source: Hoeffding, JASA 58 (1963), theorem 1, inequality 2.1.
    """
    error = tail_error(level, sides=sides)
    x = clean_values(values)
    _check_bounds(x, bounds)
    floor, ceiling = bounds
    mean, width = float(x.sum() / x.size), ceiling - floor
    below, above = _chernoff((mean - floor) / width, float(x.size), error)
    return Interval(
        value=mean,
        low=floor + below * width,
        high=floor + above * width,
        confidence=level,
        n=int(x.size),
        method="Chernoff-Hoeffding",
        sides=sides,
        unit=unit,
        sample=_sample(x, int(x.size), None),
    )


def chernoff_bounds(share: float, *, n: float, level: float, sides: int = 2) -> tuple[float, float]:
    """Bounds of a mean on the scale 0 to 1 from its estimate alone; ``n`` independent units.

    They hold for a U-statistic as well, such as AUC, with the number of disjoint pairs as ``n``.

    Source: Hoeffding, JASA 58 (1963), theorem 1 and section 5a.
    """
    return _chernoff(share, n, tail_error(level, sides=sides))


def _sample(x: NDArray[np.float64], units: int, se: float | None) -> dict[str, float | int | None]:
    variance = float(x.var(ddof=1)) if x.size > 1 else None
    return {
        "mean": float(x.mean()),
        "variance": variance,
        "items": int(x.size),
        "n": units,
        "standard_error": se,
    }


def _check_bounds(x: NDArray[np.float64], bounds: tuple[float, float] | None) -> None:
    least, most = float(x.min()), float(x.max())
    if bounds is not None and (least < bounds[0] or most > bounds[1]):
        raise InputError(f"values from {least:g} to {most:g} leave the scale {bounds[0]:g} to {bounds[1]:g}")


def _standard_error(residuals: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    units = len(residuals)
    if units < 2:
        return 0.0
    return math.sqrt(units / (units - 1) * float((residuals**2).sum())) / float(sizes.sum())


def _within(
    bounds: tuple[float, float] | None,
    low: float,
    high: float,
    method: str,
    mean: float,
    constant: bool,
    units: float,
    error: float,
) -> tuple[float, float, str]:
    """The ends on their scale, and what bounds a mean where the values did not vary enough to."""
    if bounds is None:
        return low, high, method
    floor, ceiling = bounds
    closed = math.isfinite(floor) and math.isfinite(ceiling)
    if not math.isfinite(low) and closed and constant and floor < mean < ceiling:
        # Other values than this one have at most this share, or one of them would have been seen.
        unseen = -math.expm1(math.log(error) / units)
        low, high = mean - unseen * (mean - floor), mean + unseen * (ceiling - mean)
        method = "rule of three"
    elif closed and not (math.isfinite(low) and math.isfinite(high)):
        below, above = _chernoff((mean - floor) / (ceiling - floor), units, error)
        low = low if math.isfinite(low) else floor + below * (ceiling - floor)
        high = high if math.isfinite(high) else floor + above * (ceiling - floor)
        method = "Chernoff-Hoeffding" if method.startswith("none") else f"{method}; Chernoff-Hoeffding"
    return max(low, floor), min(high, ceiling), method


def _skewed(residuals: NDArray[np.float64]) -> Callable[[float], tuple[float, float]]:
    """Quantiles of (mean* − mean)/se*, to the first Edgeworth term."""
    units = len(residuals)
    skew = float((residuals**3).mean() / (residuals**2).mean() ** 1.5)

    def quantiles(error: float) -> tuple[float, float]:
        z, t = normal_quantile(1.0 - error), t_quantile(1.0 - error, df=units - 1)
        shift = skew * (2 * z * z + 1) / (6 * math.sqrt(units))
        return -t - shift, t - shift

    return quantiles


def _resampled(
    residuals: NDArray[np.float64], sizes: NDArray[np.float64], seed: int
) -> Callable[[float], tuple[float, float]]:
    """Quantiles of (mean* − mean)/se* over resamples of whole units; beyond the last resample, at least those
    that they tend to.

    Equal units are counted together, so that a score of few values costs few operations.
    """
    import numpy as np

    kinds, counts = np.unique(np.column_stack([residuals, sizes]), axis=0, return_counts=True)
    r, m = kinds[:, 0], kinds[:, 1]
    units = len(residuals)
    moments = np.column_stack([r, m, r * r, r * m, m * m])
    rng = np.random.default_rng(seed)
    sums = np.empty((_RESAMPLES, 5))
    step = max(1, 2_000_000 // len(kinds))
    for start in range(0, _RESAMPLES, step):
        size = min(step, _RESAMPLES - start)
        sums[start : start + size] = rng.multinomial(units, counts / units, size=size) @ moments
    shift = sums[:, 0] / sums[:, 1]
    squares, mixed, sizes_too = sums[:, 2], 2 * shift * sums[:, 3], shift**2 * sums[:, 4]
    spread = np.maximum(0.0, squares - mixed + sizes_too)
    flat = spread <= 1e-12 * (squares + np.abs(mixed) + sizes_too)  # what is left of them is rounding
    se = np.where(flat, 0.0, np.sqrt(units / (units - 1) * spread) / sums[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flat, np.sign(shift) * np.inf, shift / se)
    t = np.sort(np.where(np.isnan(t), 0.0, t))
    limit = _skewed(residuals)

    def quantiles(error: float) -> tuple[float, float]:
        rank = max(1, math.floor((_RESAMPLES + 1) * error + 1e-9))
        lower, upper = float(t[rank - 1]), float(t[-rank])
        if (_RESAMPLES + 1) * error < 1.0 - 1e-9:
            below, above = limit(error)
            lower, upper = min(lower, below), max(upper, above)
        return lower, upper

    return quantiles


def _chernoff(share: float, n: float, error: float) -> tuple[float, float]:
    """The shares whose relative entropy from ``share`` is log(1/error)/n, below and above it."""
    limit = -math.log(error) / n

    def entropy(p: float) -> float:
        total = 0.0
        if share > 0.0:
            total += share * math.log(share / p) if p > 0.0 else math.inf
        if share < 1.0:
            total += (1.0 - share) * math.log((1.0 - share) / (1.0 - p)) if p < 1.0 else math.inf
        return total

    ends = []
    for edge in (0.0, 1.0):
        inside, outside = share, edge
        for _ in range(200):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if entropy(middle) <= limit else (inside, middle)
        ends.append(outside)
    return min(ends[0], share), max(ends[1], share)
