"""Ranking and retrieval by trec_eval's conventions. May import this room, ``records`` and ``stats``.

A query is judged by where the relevant ids came (rank and gain) and by the gains that it could have had; rows
and whole tables (``run_table``) are brought to that form and then measured by the same sums.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.ranking_columns import ranking_scores
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    pass

__all__ = ["BY_DEPTH", "ranked_ids", "ranking_metric"]

_CONVENTION = (
    "Linear gain, discount log2(rank + 1), ideal over everything judged; relevant means gain above 0, and "
    "a negative gain is 0. What was not retrieved counts 0; a query without `ranked` counts 0 and is "
    "reported as missing. A list is taken in its order; a mapping id → score is ordered by score (as 32-bit "
    "float), ties by id descending. An id that comes twice gains once. A query with nothing relevant cannot "
    "be scored (trec_eval: 0). A Parquet or Arrow table with the columns `query`, `id`, `score` and `gain`, "
    "one row for each id retrieved or judged, is taken as well."
)
_EXPONENTIAL = " With gain=exponential a gain is 2^gain − 1."
# What a gain counts (as it is, if None), and the largest that there may be.
_GAINS: Mapping[str, tuple[Callable[[float], float] | None, float]] = {
    "linear": (None, 1e15),
    "exponential": (lambda gain: 2.0**gain - 1.0, 500.0),
}


@dataclass(frozen=True, slots=True)
class Ranking:
    """A measure of this family.

    Attributes:
        value: From the ranks (from 1) and gains of the relevant ids found, in order, the gains of everything
            relevant, and the depth, to the value.
        doc: What it measures.
        by_depth: Whether it needs a depth.
        options: What it can be made with.
    """

    value: Callable[[Sequence[int], Sequence[float], Sequence[float], int], float]
    doc: str
    by_depth: bool = False
    options: tuple[str, ...] = ()


def _hit(ranks: Sequence[int], _gains: Sequence[float], _judged: Sequence[float], k: int) -> float:
    return float(any(rank <= k for rank in ranks[:1]))


def _precision(ranks: Sequence[int], _gains: Sequence[float], _judged: Sequence[float], k: int) -> float:
    return sum(rank <= k for rank in ranks) / k


def _recall(ranks: Sequence[int], _gains: Sequence[float], judged: Sequence[float], k: int) -> float:
    return sum(rank <= k for rank in ranks) / len(judged)


def _reciprocal_rank(
    ranks: Sequence[int], _gains: Sequence[float], _judged: Sequence[float], k: int
) -> float:
    return 1.0 / ranks[0] if ranks and ranks[0] <= k else 0.0


def _average_precision(
    ranks: Sequence[int], _gains: Sequence[float], judged: Sequence[float], k: int
) -> float:
    return _added(found / rank for found, rank in enumerate(ranks, start=1) if rank <= k) / len(judged)


def _ndcg(ranks: Sequence[int], gains: Sequence[float], judged: Sequence[float], k: int) -> float:
    best = sorted(judged, reverse=True)[:k]
    ideal = _added(gain / math.log2(rank + 1) for rank, gain in enumerate(best, start=1))
    found = zip(ranks, gains, strict=True)
    return _added(gain / math.log2(rank + 1) for rank, gain in found if rank <= k) / ideal


def _added(numbers: Iterable[float]) -> float:
    """One after the other, as columns are added; ``sum`` carries the rounding along from Python 3.12 on."""
    total = 0.0
    for number in numbers:
        total += number
    return total


_RANKING: Mapping[str, Ranking] = {
    "hit": Ranking(_hit, "Share of queries with a relevant id among the first k.", by_depth=True),
    "precision": Ranking(
        _precision, "Share of the first k that is relevant, averaged over queries.", by_depth=True
    ),
    "recall": Ranking(
        _recall, "Share of what is relevant that is among the first k, averaged over queries.", by_depth=True
    ),
    "mrr": Ranking(_reciprocal_rank, "Mean of 1 / rank of the first relevant id."),
    "map": Ranking(_average_precision, "Mean average precision; what was not retrieved counts 0."),
    "ndcg": Ranking(
        _ndcg, "Discounted gain of the order, as a share of the best possible order's.", options=("gain",)
    ),
}

_FIELDS = (
    Field("ranked", "list of ids, best first (or a mapping id → score)", required=False),
    Field("relevant", "mapping id → gain (or a list of ids, gain 1); not in a table"),
    Field("query", "the query's name; only a table needs it", required=False),
    Field("id", "in a table, the id of each row", required=False),
    Field("score", "in a table, the id's score; missing where it was not retrieved", required=False),
    Field("gain", "in a table, the id's gain; missing where it was not judged", required=False),
)


class _OfQueries(MeanEstimator):
    """The mean, whose sample says how many queries were missing."""

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        found = super().interval(scores, level=level, sides=sides, clusters=clusters)
        missing = int(scores.total("missing"))
        if found is None or not missing:
            return found
        return replace(found, sample={**found.sample, "missing": missing})


def ranking_metric(name: str, *, depth: int | None, gain: str | None = None) -> Metric:
    """The metric ``name`` of this family cut at ``depth``, or over the whole list.

    Raises:
        InputError: ``gain`` is neither linear nor exponential.
    """
    kind, k = _RANKING[name], depth or 1_000_000_000
    growth = gain or "linear"
    if growth not in _GAINS:
        raise InputError(
            f"gain {growth!r:.80} is none", where="gain", hint="write gain=exponential, or gain=linear"
        )

    worth, most = _GAINS[growth]

    def read(row: Mapping[str, Any]) -> Score:
        relevant = _relevant(row, worth, most)
        judged = [worth for worth in relevant.values() if worth > 0]
        if not judged:
            raise CannotScore("nothing is relevant to this query")
        missing = row.get("ranked") is None
        ranks, gains = ([], []) if missing else _found(ranked_ids(row["ranked"]), relevant)
        value = kind.value(ranks, gains, judged, k)
        statistics = {"total": value, "items": 1.0} | ({"missing": 1.0} if missing else {})
        return Score(value=value, statistics=statistics)

    return Metric(
        name=name if depth is None else f"{name}@{depth}",
        doc=kind.doc,
        fields=_FIELDS,
        read=read,
        estimator=_OfQueries(),
        unit_of_analysis="query",
        convention=_CONVENTION + (_EXPONENTIAL if kind.options else ""),
        source="trec_eval 9 (NIST)",
        options={"gain": growth} if growth != "linear" else {},
        columns=partial(ranking_scores, name=name, k=k, worth=worth, most=most),
    )


def ranked_ids(ranked: Any) -> list[str]:
    """The ids of a list in its order, or of a mapping id → score from the highest score down.

    Raises:
        CannotScore: It is neither, or holds what is no id or no score.
    """
    if isinstance(ranked, Mapping):
        for name, score in ranked.items():
            if isinstance(score, bool) or not isinstance(score, (int, float)) or not _finite(score):
                raise CannotScore(f"the score of {str(name)[:80]!r} in 'ranked' is not a number")
        scores = array("f", map(float, ranked.values()))  # trec_eval keeps 32 bits
        ordered = sorted(zip(scores, map(str, ranked), strict=True), reverse=True)
        return [name for _, name in ordered]
    if not isinstance(ranked, (list, tuple)):
        raise CannotScore("field 'ranked' is not a list of ids")
    return [_id(item, "ranked") for item in ranked]


def _finite(number: float) -> bool:
    return abs(number) <= sys.float_info.max  # also of a whole number too long for a float


def _id(value: Any, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise CannotScore(f"field {field!r} holds something that is not an id")
    return str(value)


def _relevant(
    row: Mapping[str, Any], worth: Callable[[float], float] | None, most: float
) -> dict[str, float]:
    relevant = row.get("relevant")
    if isinstance(relevant, (list, tuple)):
        return {_id(item, "relevant"): 1.0 for item in relevant}
    if not isinstance(relevant, Mapping):
        raise CannotScore("field 'relevant' is missing or not a mapping id → gain")
    for name, gain in relevant.items():
        if isinstance(gain, bool) or not isinstance(gain, (int, float)) or not abs(gain) <= most:
            raise CannotScore(f"the gain of {str(name)[:80]!r} in 'relevant' is not a number")
    return {str(name): float(gain if worth is None else worth(gain)) for name, gain in relevant.items()}


def _found(ranked: Sequence[str], relevant: Mapping[str, float]) -> tuple[list[int], list[float]]:
    left = dict(relevant)
    ranks, gains = [], []
    for rank, name in enumerate(ranked, start=1):
        if (gain := left.pop(name, 0.0)) > 0:
            ranks.append(rank)
            gains.append(gain)
    return ranks, gains


BY_DEPTH: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...], bool]] = {
    name: (partial(ranking_metric, name), kind.options, kind.by_depth) for name, kind in _RANKING.items()
}
