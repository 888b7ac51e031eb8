"""A threshold from which to flag so that few of the harmless are, chosen and bounded on the same cases.

Pure. The threshold stands just above one of the harmless cases, and which one follows from how many there are
alone. Its bound therefore holds without a second half of the data. Cases must be independent and like those
to come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.stats.checks import check_share
from launchworthy.stats.proportion import clopper_pearson

__all__ = ["FlaggingThreshold", "flagging_threshold"]

_STEP = 1e-6  # thresholds are written with six decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggingThreshold:
    """The lowest threshold that keeps its bound, or why there is none.

    Attributes:
        threshold: Flag at this score or above; None where none can be certified.
        flagged: Harmless cases at or above it.
        bound: Upper bound of the share that will be flagged; None without a threshold.
        n: Harmless cases.
        needed: Harmless cases from which on one can be certified.
    """

    threshold: float | None
    flagged: int
    bound: float | None
    n: int
    needed: int


def flagging_threshold(harmless: Sequence[float], *, most: float, level: float = 0.95) -> FlaggingThreshold:
    """With confidence ``level``, at most the share ``most`` of harmless cases will be flagged.

    Args:
        harmless: Scores of harmless cases, 0 to 1.
        most: Share of them that may be flagged.
        level: Probability with which the choice keeps to that.

    Source: Tong, Feng and Li, Science Advances 4 (2018), the umbrella algorithm for a Neyman-Pearson bound.

    Example:
        >>> flagging_threshold([0.1] * 299, most=0.01).threshold
        0.100001
        >>> flagging_threshold([0.1] * 298, most=0.01).threshold is None
        True
    """
    check_share(most, name="most")
    needed = math.ceil(math.log(1.0 - level) / math.log1p(-most)) if 0.0 < most < 1.0 else 1
    scores = sorted(harmless, reverse=True)
    n = len(scores)
    allowed = _most_flagged(n, most, level)
    if allowed is None:
        return FlaggingThreshold(threshold=None, flagged=0, bound=None, n=n, needed=needed)
    threshold = round(math.floor(scores[allowed] / _STEP) * _STEP + _STEP, 6) if allowed < n else 0.0
    if threshold <= (scores[allowed] if allowed < n else -1.0):
        threshold = round(threshold + _STEP, 6)
    if threshold > 1.0:
        return FlaggingThreshold(threshold=None, flagged=0, bound=None, n=n, needed=needed)
    flagged = sum(score >= threshold for score in scores)
    bound = clopper_pearson(allowed, n=n, level=level).high
    return FlaggingThreshold(threshold=threshold, flagged=flagged, bound=bound, n=n, needed=needed)


def _most_flagged(n: int, most: float, level: float) -> int | None:
    """How many of n may be flagged so that the upper bound keeps to ``most``; None: not even none."""
    if n == 0 or clopper_pearson(0, n=n, level=level).high > most:
        return None
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        if clopper_pearson(middle, n=n, level=level).high <= most:
            low = middle
        else:
            high = middle - 1
    return low
