"""Intervals of statistics that are no mean: by what each unit adds, or by leaving groups out. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.stats.checks import holds_zero, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import t_cdf, t_quantile
from launchworthy.stats.units import clean_values, sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["influence_interval", "jackknife_interval", "leave_groups_out", "paired_quantiles"]

_GROUPS = 100
_ROUNDING = 1e-9  # of a slope found by differences
_FLAT = 1e-12  # of leaving out groups
_RESAMPLES = 999


def influence_interval(
    value: float,
    *,
    influences: ArrayLike,
    baseline: ArrayLike | None = None,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    largest_effect: float = math.inf,
    unit: str = "",
) -> Interval:
    """A statistic whose error is, to first order, the sum of ``influences``, one an item.

    ``baseline`` are those of what is subtracted, for a difference of two statistics over the same items; by
    the size of both, rounding is told from what is left between them. Where nothing varies, no more than
    log(1/error) units that differ can have gone unseen (the rule of three), and each moves the statistic by
    at most ``largest_effect``. Where 0 lies inside the scale, ``sample["p_value"]`` is the two-sided one of
    "it is 0", from the same distribution as the bounds.

    Raises:
        InputError: No influences, or NaN among them.

    Source: linearisation with the cluster-robust variance, Cameron and Miller, J. Human Resources 50 (2015).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    added = clean_values(influences, name="influences")
    size = np.zeros_like(added)
    if baseline is not None:
        taken = clean_values(baseline, name="influences")
        size, added = np.maximum(np.abs(added), np.abs(taken)), added - taken
    sums, sizes = sum_by_unit([added, size], clusters)
    units, half, method, se = len(sums), math.inf, "none: nothing varies", 0.0
    if units > 1:
        se = math.sqrt(units / (units - 1) * float((sums**2).sum()))
        if se > max(1e-14, _ROUNDING * math.sqrt(float((sizes**2).sum()))):
            half, method = t_quantile(1.0 - error, df=units - 1) * se, "linearised"
    if not math.isfinite(half) and math.isfinite(largest_effect):
        half, method = -math.log(error) * largest_effect, "rule of three"
    low, high = value - half, value + half
    sample: dict[str, float] = {"standard_error": se, "n": units}
    if holds_zero(bounds):
        sample["p_value"] = 1.0
        if method == "linearised":
            sample["p_value"] = _t_p_value(value, se, df=units - 1)
        elif math.isfinite(half):
            sample["p_value"] = min(1.0, 2.0 * math.exp(-abs(value) / largest_effect))
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method=method if clusters is None else f"{method}, clustered",
        sides=sides,
        unit=unit,
        sample=sample,
    )


def jackknife_interval(
    statistic: Callable[[NDArray[np.bool_]], float | None],
    *,
    n: int,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval | None:
    """A smooth statistic of n items, by leaving out up to 100 random groups of units in turn.

    ``statistic`` takes which items are in; where it is None for all items, or for any group left out, nothing
    can be said. Where leaving out changes nothing there are no bounds but those of the scale. Where 0 lies
    inside the scale, ``sample["p_value"]`` is the two-sided one of "it is 0".

    Source: Shao and Tu, The Jackknife and Bootstrap (1995), 2.3 (delete-a-group).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    whole = statistic(np.ones(n, dtype=bool))
    units = n if clusters is None else len(set(clusters))
    values = leave_groups_out(statistic, n=n, clusters=clusters, seed=seed)
    if whole is None or values is None:
        return None
    groups = len(values)
    se = math.sqrt((groups - 1) / groups * float(((values - values.mean()) ** 2).sum()))
    varies = se > _FLAT * max(1.0, float(np.abs(values).max()))
    half = t_quantile(1.0 - error, df=groups - 1) * se if varies else math.inf
    low, high = whole - half, whole + half
    sample: dict[str, float] = {"standard_error": se, "groups": groups, "n": units}
    if holds_zero(bounds):
        sample["p_value"] = _t_p_value(whole, se, df=groups - 1) if varies else 1.0
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(
        value=whole,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method="jackknife of groups" if varies else "none: nothing varies",
        sides=sides,
        unit=unit,
        sample=sample,
    )


def leave_groups_out(
    statistic: Callable[[NDArray[np.bool_]], float | None],
    *,
    n: int,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> NDArray[np.float64] | None:
    """The statistic without each of up to 100 random groups of units; None where any of them leaves it None,
    or there is but one unit."""
    import numpy as np

    codes: dict[Hashable, int] = {}
    names = range(n) if clusters is None else clusters
    index = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, n)
    groups = min(_GROUPS, len(codes))
    if groups < 2:
        return None
    group = np.random.default_rng(seed).permutation(len(codes))[index] % groups
    values = [statistic(group != g) for g in range(groups)]
    return None if any(value is None for value in values) else np.array(values, dtype=np.float64)


def paired_quantiles(
    baseline: ArrayLike,
    *,
    candidate: ArrayLike,
    q: float,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval:
    """Difference of two quantiles on the same items, by resampling pairs (whole clusters).

    ``sample["p_value"]`` is the two-sided one of "no difference" from the same resamples.

    Raises:
        InputError: No pairs, or NaN among them.

    Source: percentile bootstrap, Efron and Tibshirani, An Introduction to the Bootstrap (1993), 13.
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    pair = np.stack([clean_values(baseline), clean_values(candidate)])
    n = pair.shape[1]
    codes: dict[Hashable, int] = {}
    names = range(n) if clusters is None else clusters
    index = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, n)
    units = len(codes)
    order = np.argsort(pair, axis=1, kind="stable")
    ordered = np.take_along_axis(pair, order, axis=1)
    unit_of = index[order]

    def differences(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = []
        for row in (0, 1):
            reached = np.cumsum(weights[:, unit_of[row]], axis=1)
            short = reached < q * reached[:, -1:] - 1e-9
            found.append(ordered[row, np.minimum(short.sum(axis=1), n - 1)])
        return np.asarray(found[1] - found[0], dtype=np.float64)

    rng = np.random.default_rng(seed)
    even = np.full(units, 1.0 / units)
    step = max(1, 2_000_000 // n)
    parts = []
    for start in range(0, _RESAMPLES, step):
        drawn = rng.multinomial(units, even, size=min(step, _RESAMPLES - start))
        parts.append(differences(drawn.astype(np.float64)))
    draws = np.sort(np.concatenate(parts))
    rank = max(1, math.floor((_RESAMPLES + 1) * error + 1e-9))
    low, high = float(draws[rank - 1]), float(draws[-rank])
    rarer = min(int((draws <= 0.0).sum()), int((draws >= 0.0).sum()))
    p_value = min(1.0, 2.0 * (rarer + 1) / (_RESAMPLES + 1))
    method = "percentile bootstrap"
    # A tail of fewer than three units cannot be resampled: its end of the interval would be invented.
    tail = max(1, math.floor(min(q, 1.0 - q) * n + 1e-9))
    beyond = unit_of[:, -tail:] if q > 0.5 else unit_of[:, :tail]
    if min(len(set(row)) for row in beyond.tolist()) < 3 or low == high:
        low, high, method = -math.inf, math.inf, "none: too few beyond the quantile"
        p_value = 1.0
    return Interval(
        value=float(differences(np.ones((1, units)))[0]),
        low=low,
        high=high,
        confidence=level,
        n=units,
        method=method if clusters is None else f"{method}, clustered",
        sides=sides,
        unit=unit,
        sample={"q": q, "n": units, "p_value": p_value},
    )


def _t_p_value(value: float, se: float, *, df: int) -> float:
    return 2.0 * t_cdf(-abs(value) / se, df=df)
