"""Whether what is high on one measure is high on another. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.influence import jackknife_interval
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["rank_correlation"]


def rank_correlation(
    first: ArrayLike,
    *,
    second: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Spearman's rank correlation of two values of each item, equal values sharing their mean rank.

    Either may be yes or no. The interval is that of groups of units left out in turn, on Fisher's scale
    artanh(r), where it is nearly symmetrical and never passes 1. None where one of them is the same for all
    items (or for all but one group of them), or where the two agree, or disagree, throughout.

    Raises:
        InputError: Unequal lengths, or NaN.

    Source: Spearman, American Journal of Psychology 15 (1904); Fisher, Metron 1 (1921); Shao and Tu, The
    Jackknife and Bootstrap (1995), 2.3.
    """
    one, other = clean_values(first), clean_values(second)
    if one.size != other.size:
        raise InputError(f"{one.size} first values for {other.size} second ones")

    def statistic(chosen: NDArray[np.bool_]) -> float | None:
        found = _correlation(_ranks(one[chosen]), _ranks(other[chosen]))
        return None if found is None or abs(found) > 1.0 - 1e-9 else math.atanh(found)

    found = jackknife_interval(statistic, n=one.size, level=level, sides=sides, clusters=clusters)
    if found is None:
        return None
    return replace(
        found,
        value=math.tanh(found.value),
        low=math.tanh(found.low),
        high=math.tanh(found.high),
        method=f"Spearman, {found.method}" + ("" if clusters is None else ", clustered"),
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of theirs."""
    import numpy as np

    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[index], dtype=np.float64)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if not first.size:
        return None
    one, other = first - first.mean(), second - second.mean()
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return None if spread == 0.0 else max(-1.0, min(1.0, float(one @ other) / spread))
