"""Ranking measures of many queries at once: the sums of ``ranking``, over the lists that ``run_table`` found.

May import this room. Additions are made in the order of the ranks, so that a query has the very value that
reading it as a row gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.metrics.columns import Columns
from launchworthy.metrics.run_table import FAULT, FAULTS, GAINS, JUDGED, MISSING, RANKS
from launchworthy.metrics.scores import Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["ranking_scores"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Queries:
    """Relevant ids that were found and those that were judged, in order of ``size`` queries."""

    size: int
    query: Whole
    rank: Whole
    gain: Numbers
    judged_query: Whole
    judged: Numbers

    def added(self, numbers: Numbers | None, *, k: int) -> Numbers:
        """For each query the sum of the numbers (of ones, if None) of what was found among the first k."""
        import numpy as np

        shown = self.rank <= k
        weights = None if numbers is None else numbers[shown]
        return np.bincount(self.query[shown], weights=weights, minlength=self.size).astype(np.float64)


def _places(query: Whole, size: int) -> Whole:
    """The position of each entry within its query, from 1."""
    import numpy as np

    counts = np.bincount(query, minlength=size)
    return np.arange(query.size) - np.repeat(np.cumsum(counts) - counts, counts) + 1


def _discounts(ranks: Whole) -> Numbers:
    import numpy as np

    deepest = int(ranks.max()) if ranks.size else 0
    return np.array([1.0, *(math.log2(rank + 1) for rank in range(1, deepest + 1))])


def _hit(found: _Queries, k: int) -> Numbers:
    return (found.added(None, k=k) > 0).astype("float64")


def _precision(found: _Queries, k: int) -> Numbers:
    return found.added(None, k=k) / k


def _recall(found: _Queries, k: int) -> Numbers:
    import numpy as np

    return found.added(None, k=k) / np.bincount(found.judged_query, minlength=found.size)


def _reciprocal_rank(found: _Queries, k: int) -> Numbers:
    import numpy as np

    first = _places(found.query, found.size) == 1
    value = np.zeros(found.size)
    value[found.query[first]] = np.where(found.rank[first] <= k, 1.0 / found.rank[first], 0.0)
    return value


def _average_precision(found: _Queries, k: int) -> Numbers:
    import numpy as np

    precisions = _places(found.query, found.size) / found.rank
    return found.added(precisions, k=k) / np.bincount(found.judged_query, minlength=found.size)


def _ndcg(found: _Queries, k: int) -> Numbers:
    import numpy as np

    shown = found.rank <= k
    ranks = found.rank[shown]
    gained = np.bincount(
        found.query[shown], weights=found.gain[shown] / _discounts(ranks)[ranks], minlength=found.size
    )
    places = _places(found.judged_query, found.size)
    best = places <= k
    ranks = places[best]
    ideal = np.bincount(
        found.judged_query[best], weights=found.judged[best] / _discounts(ranks)[ranks], minlength=found.size
    )
    return gained / ideal


_MEASURES: Mapping[str, Callable[[_Queries, int], Numbers]] = {
    "hit": _hit,
    "precision": _precision,
    "recall": _recall,
    "mrr": _reciprocal_rank,
    "map": _average_precision,
    "ndcg": _ndcg,
}


def ranking_scores(
    columns: Columns, *, name: str, k: int, worth: Callable[[float], float] | None, most: float
) -> Scores | None:
    """The scores of every query; None where ``columns`` are not what ``run_table.by_query`` answers.

    Args:
        columns: One row a query.
        name: Of the measure.
        k: The depth.
        worth: From a gain to what it counts; None where it counts as it is.
        most: The largest gain that ``worth`` can take.
    """
    import numpy as np

    ranks, gains, judged = columns.get(RANKS), columns.get(GAINS), columns.get(JUDGED)
    if ranks is None or ranks.ends is None or gains is None or judged is None or judged.ends is None:
        return None
    size = len(ranks)
    found_each, judged_each = np.diff(ranks.ends, prepend=0), np.diff(judged.ends, prepend=0)
    found = _Queries(
        size=size,
        query=np.repeat(np.arange(size), found_each),
        rank=ranks.values,
        gain=_worth(gains.values, worth, most),
        judged_query=np.repeat(np.arange(size), judged_each),
        judged=_worth(judged.values, worth, most),
    )
    fault = columns[FAULT].values.astype(np.int64)
    if worth is not None:
        fault[found.judged_query[judged.values > most]] = FAULTS.index("a gain is not a number")
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _MEASURES[name](found, k)
    reasons: dict[int, str] = dict.fromkeys(
        np.flatnonzero(judged_each == 0).tolist(), "nothing is relevant to this query"
    )
    for at in np.flatnonzero(fault).tolist():
        reasons[at] = FAULTS[int(fault[at])]
    scored = np.ones(size)
    scored[list(reasons)] = 0.0
    value = np.where(scored > 0, value, np.nan)
    statistics = {"total": np.where(scored > 0, value, 0.0), "items": scored}
    missing = columns[MISSING].values & (scored > 0)
    if missing.any():
        statistics["missing"] = missing.astype(np.float64)
    return Scores(value=value, statistics=statistics, errors=reasons)


def _worth(gains: Numbers, worth: Callable[[float], float] | None, most: float) -> Numbers:
    import numpy as np

    if worth is None:
        return gains
    different, place = np.unique(np.minimum(gains, most), return_inverse=True)
    return np.array([worth(gain) for gain in different.tolist()], dtype=np.float64)[place]
