"""Candidate against baseline on the same items. Pure; differences are candidate minus baseline."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.means import mean_interval
from launchworthy.stats.special import binomial_cdf, normal_cdf, normal_quantile, t_cdf, t_quantile
from launchworthy.stats.units import apart, clean_values, sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["clustered_shares", "mcnemar", "paired_means", "paired_shares"]

_FEW = 20  # units that moved, below which resampling them says too little


def mcnemar(*, gained: int, lost: int) -> float:
    """Exact two-sided p-value of "as many pairs gained as lost"; 1 where none differ.

    Source: McNemar, Psychometrika 12 (1947), with the binomial distribution instead of the normal.
    """
    if gained < 0 or lost < 0:
        raise InputError(f"{gained} pairs gained and {lost} lost is impossible")
    return min(1.0, 2.0 * binomial_cdf(min(gained, lost), n=gained + lost, rate=0.5))


def paired_shares(*, gained: int, lost: int, n: int, level: float = 0.95, sides: int = 2) -> Interval:
    """Difference of two shares on the same n items, by inverting the score test.

    Args:
        gained: Items good in the candidate only.
        lost: Items good in the baseline only.
        n: All pairs, also those that agree. Never of zero width, also when all agree.

    ``sample["p_value"]`` is the two-sided one of "no difference" by the same score test, ``p_mcnemar`` the
    exact one.

    Raises:
        InputError: Impossible counts, or no pairs.

    Source: Tango, Statistics in Medicine 17 (1998).
    """
    if gained < 0 or lost < 0 or n < 1 or gained + lost > n:
        raise InputError(f"{gained} pairs gained and {lost} lost of {n} is impossible")
    z = normal_quantile(1.0 - tail_error(level, sides=sides))
    low, high, score = _score_bounds(gained, lost, n, z)
    return Interval(
        value=(gained - lost) / n,
        low=low,
        high=high,
        confidence=level,
        n=n,
        method="Tango score",
        sides=sides,
        unit="ratio",
        sample={
            "gained": gained,
            "lost": lost,
            "n": n,
            "p_mcnemar": mcnemar(gained=gained, lost=lost),
            "p_value": 2.0 * normal_cdf(-abs(score)),
        },
    )


def clustered_shares(
    differences: ArrayLike, *, clusters: Sequence[Hashable], level: float = 0.95, sides: int = 2
) -> Interval:
    """Difference of two shares on the same items, of which those of a cluster may move together.

    Pairs count as many as independent ones that would vary as much, and never more than there are; that those
    of a cluster are independent is not taken from a few that moved: one further cluster counts that moves as
    a whole. Tango's score then has Student's t on one less than the clusters. Equal clusters that move as a
    whole are one pair each. ``sample["p_value"]`` is the two-sided one of "no difference" by the same score.

    Args:
        differences: For each pair 1 (gained), −1 (lost) or 0.
        clusters: Name of each pair's cluster.

    Raises:
        InputError: No pairs, other differences, or not as many names as pairs.

    Source: Yang, Sun and Hardin, Pharmaceutical Statistics 11 (2012), Tango's score with the variance over
    clusters of Obuchowski, Statistics in Medicine 17 (1998); a further unit, as in
    :func:`~launchworthy.stats.table_interval`.
    """
    import numpy as np

    moved = clean_values(differences, name="differences")
    if not np.isin(moved, (-1.0, 0.0, 1.0)).all():
        raise InputError("a pair is neither gained (1), lost (−1) nor the same (0)")
    return _clustered_score(moved, clusters, level, sides, least=1.0, method="Tango score, clustered")


def _clustered_score(
    moved: NDArray[np.float64],
    clusters: Sequence[Hashable] | None,
    level: float,
    sides: int,
    *,
    least: float,
    method: str,
    width: float = 1.0,
    unit: str = "ratio",
) -> Interval:
    """Tango's score of pairs that moved by −1 to 1, each as that share of a pair, on a scale of ``width``."""
    import numpy as np

    n, value = moved.size, float(moved.mean())
    sums, sizes = sum_by_unit([moved, np.ones_like(moved)], clusters)
    units, between = len(sums), 0.0
    gained, lost = float(moved[moved > 0].sum()), -float(moved[moved < 0].sum())
    alone = gained + lost - n * value * value
    if units > 1:
        between = units / (units - 1) * float(((sums - value * sizes) ** 2).sum())
    further = float((sizes**2).sum()) / n  # the size of the cluster that a pair is in
    effect = max(least, (between + further**2) / (alone + further)) if units > 1 else further
    df = max(1, units - 1)
    t = t_quantile(1.0 - tail_error(level, sides=sides), df=df)
    low, high, score = _score_bounds(gained / effect, lost / effect, n / effect, t)
    return Interval(
        value=value * width,
        low=low * width,
        high=high * width,
        confidence=level,
        n=units,
        method=method,
        sides=sides,
        unit=unit,
        sample={
            "items": n,
            "n": units,
            "design_effect": effect,
            "standard_error": math.sqrt(between) / n * width,
            "p_value": 2.0 * t_cdf(-abs(score), df=df),
        },
    )


def _score_bounds(gained: float, lost: float, n: float, quantile: float) -> tuple[float, float, float]:
    """The differences whose score is ``quantile`` above and below, and the score of no difference."""
    value = (gained - lost) / n

    def score(delta: float) -> float:
        b = -gained - lost + (2 * n - gained + lost) * delta
        c = -lost * delta * (1.0 - delta)
        share = max(0.0, (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n))
        spread = n * (2.0 * share + delta * (1.0 - delta))
        gap = gained - lost - n * delta
        if spread <= 1e-300:
            return math.copysign(math.inf, gap) if gap else 0.0
        return gap / math.sqrt(spread)

    def end(edge: float, sign: float) -> float:
        inside, outside = value, edge
        for _ in range(100):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if sign * score(middle) < quantile else (inside, middle)
        return outside

    return end(-1.0, 1.0), end(1.0, -1.0), score(0.0)


def paired_means(
    baseline: ArrayLike,
    *,
    candidate: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval:
    """Mean of the differences by the studentised (cluster) bootstrap (see :func:`mean_interval`).

    ``bounds`` are those of the score itself. Where they are finite and fewer than 20 units (and not half of
    them) moved, resamples would know too few: then Tango's score of :func:`clustered_shares`, to which a pair
    counts by the share of the scale that it moved. Values that rounding alone tells apart are equal.

    Raises:
        InputError: No pairs, unequal lengths, NaN, or values outside ``bounds``.
    """
    import numpy as np

    before, after = clean_values(baseline), clean_values(candidate)
    if before.size != after.size:
        raise InputError(f"{before.size} values of the baseline for {after.size} of the candidate")
    width = math.inf if bounds is None else bounds[1] - bounds[0]
    moved = apart(after, before)
    if bounds is not None and math.isfinite(width) and float(np.abs(moved).max()) <= width:
        (paths,) = sum_by_unit([np.abs(moved)], clusters)
        if 0 < int((paths > 0.0).sum()) < min(_FEW, paths.size / 2):
            named = "score of few that moved" + ("" if clusters is None else ", clustered")
            return _clustered_score(
                moved / width, clusters, level, sides, least=0.0, method=named, width=width, unit=unit
            )
    return mean_interval(
        moved,
        level=level,
        sides=sides,
        clusters=clusters,
        bounds=None if bounds is None else (-width, width),
        seed=seed,
        unit=unit,
    )
