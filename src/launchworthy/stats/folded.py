"""A sum of absolute means, such as the calibration error, which reads too high by chance. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["folded_interval"]

_DRAWS = 9_999
_BEYOND = 10  # draws at least that lie beyond a bound
_NORMAL = 1_000  # units from which the estimated variance is taken for the true one


def folded_interval(
    columns: NDArray[np.float64],
    *,
    signs: NDArray[np.float64],
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    unit: str = "ratio",
) -> Interval:
    """Σ over columns of sign · |mean of the column|, of values from −1 to 1 of which few are not 0 in a row.

    The errors of the means are taken as jointly normal, with their (cluster-robust) covariance. A mean far
    from 0 adds its error with its sign. Of one that may be 0, the absolute value of the error can only raise
    what is read: it moves the bound below and not the one above. Where nothing varies, no more than
    log(1/error) units that differ can have gone unseen (the rule of three).

    Args:
        columns: Shape (n, k).
        signs: Shape (k,): 1, or −1 for what is subtracted (the baseline of a difference).
        level, sides: Confidence of the pair (2), or of each bound alone (1).
        clusters: Names of the independent units that rows belong to.
        bounds: Ends of the scale.
        unit: Canonical unit of the value.

    Source: the directional derivative, Fang and Santos, Review of Economic Studies 86 (2019).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    means = columns.mean(axis=0)
    value = float(signs @ np.abs(means))
    sums = np.stack(sum_by_unit(list((columns - means).T), clusters)) / len(columns)
    units = sums.shape[1]
    covariance = units / max(1, units - 1) * sums @ sums.T
    low, high, p_value = -math.inf, math.inf, 1.0
    varies = bool(np.diag(covariance).max() > 1e-28)
    if units > 1 and varies:
        draws = max(_DRAWS, math.ceil(_BEYOND / error) - 1)
        most, least = _errors(means, covariance, signs, units, draws=draws)
        rank = math.floor((draws + 1) * error + 1e-9)
        low, high = value - float(most[-rank]), value - float(least[rank - 1])
        above, below = int((most >= value).sum()), int((least <= value).sum())
        p_value = min(1.0, 2.0 * (1 + min(above, below)) / (draws + 1))
    elif units > 1:
        unseen = -math.log(error) / units
        low, high = value - unseen, value + unseen
    sample = {"n": units, "standard_error": math.sqrt(max(0.0, float(signs @ covariance @ signs)))}
    if bounds[0] < 0.0:  # a difference, of which "it is 0" is a claim
        sample["p_value"] = p_value
    method = "directional normal" if varies else "rule of three"
    return Interval(
        value=value,
        low=min(value, max(low, bounds[0])),
        high=max(value, min(high, bounds[1])),
        confidence=level,
        n=units,
        method=method if clusters is None else f"{method}, clustered",
        sides=sides,
        unit=unit,
        sample=sample,
    )


def _errors(
    means: NDArray[np.float64],
    covariance: NDArray[np.float64],
    signs: NDArray[np.float64],
    units: int,
    *,
    draws: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By how much the value is read too high, at most and at least: two sorted samples."""
    import numpy as np

    spread = np.sqrt(np.diag(covariance))
    far = np.abs(means) > math.sqrt(2.0 * math.log(max(3, units))) * spread
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(np.zeros(means.size), covariance, size=draws, method="eigh")
    if units < _NORMAL:  # Student's t
        drawn *= np.sqrt((units - 1) / rng.chisquare(units - 1, size=draws))[:, None]
    linear = drawn * np.where(means < 0, -1.0, 1.0)
    folded = np.where(far, linear, np.abs(drawn))
    most = np.where(signs > 0, folded, linear) @ signs
    least = np.where(signs > 0, linear, folded) @ signs
    return np.sort(most), np.sort(least)
