"""Ranking and retrieval by trec_eval's conventions. May import this room, ``records`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.records import Score

__all__ = ["RANKING", "ranking_metric"]

Measure = Callable[[Sequence[float], Sequence[float], int], float]

_CONVENTION = (
    "Linear gain, discount log2(rank + 1), ideal over everything judged; relevant means gain above 0, and "
    "a negative gain is 0. What was not retrieved counts 0; a query without `ranked` counts 0 and is "
    "reported as missing. A list is taken in its order; a mapping id → score is ordered by score, ties by "
    "id descending. An id that comes twice gains once. A query with nothing relevant cannot be scored "
    "(trec_eval: 0)."
)


def _hit(gains: Sequence[float], _judged: Sequence[float], k: int) -> float:
    return float(any(gain > 0 for gain in gains[:k]))


def _precision(gains: Sequence[float], _judged: Sequence[float], k: int) -> float:
    return sum(gain > 0 for gain in gains[:k]) / k


def _recall(gains: Sequence[float], judged: Sequence[float], k: int) -> float:
    return sum(gain > 0 for gain in gains[:k]) / len(judged)


def _reciprocal_rank(gains: Sequence[float], _judged: Sequence[float], k: int) -> float:
    return next((1.0 / rank for rank, gain in enumerate(gains[:k], start=1) if gain > 0), 0.0)


def _average_precision(gains: Sequence[float], judged: Sequence[float], k: int) -> float:
    found, precision = 0, 0.0
    for rank, gain in enumerate(gains[:k], start=1):
        if gain > 0:
            found += 1
            precision += found / rank
    return precision / len(judged)


def _discounted(gains: Sequence[float], k: int) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))


def _ndcg(gains: Sequence[float], judged: Sequence[float], k: int) -> float:
    return _discounted(gains, k) / _discounted(sorted(judged, reverse=True), k)


# name: measure, sentence, whether a depth is obligatory
RANKING: Mapping[str, tuple[Measure, str, bool]] = {
    "hit": (_hit, "Share of queries with a relevant id among the first k.", True),
    "precision": (_precision, "Share of the first k that is relevant, averaged over queries.", True),
    "recall": (_recall, "Share of what is relevant that is among the first k, averaged over queries.", True),
    "mrr": (_reciprocal_rank, "Mean of 1 / rank of the first relevant id.", False),
    "map": (_average_precision, "Mean average precision; what was not retrieved counts 0.", False),
    "ndcg": (_ndcg, "Discounted gain of the order, as a share of the best possible order's.", False),
}

_FIELDS = (
    Field("ranked", "list of ids, best first (or a mapping id → score)", required=False),
    Field("relevant", "mapping id → gain (or a list of ids, gain 1)"),
    Field("query", "the query's name; not used for the value", required=False),
)


def ranking_metric(name: str, *, depth: int | None) -> Metric:
    """The metric ``name`` of :data:`RANKING` cut at ``depth``, or over the whole list."""
    measure, doc, _ = RANKING[name]
    k = depth or 1_000_000_000

    def read(row: Mapping[str, Any]) -> Score:
        relevant = _relevant(row)
        judged = [gain for gain in relevant.values() if gain > 0]
        if not judged:
            raise CannotScore("nothing is relevant to this query")
        missing = row.get("ranked") is None
        gains = [] if missing else _gains(row["ranked"], relevant)
        value = measure(gains, judged, k)
        statistics = {"total": value, "items": 1.0} | ({"missing": 1.0} if missing else {})
        return Score(value=value, statistics=statistics)

    return Metric(
        name=name if depth is None else f"{name}@{depth}",
        doc=doc,
        fields=_FIELDS,
        read=read,
        estimator=MeanEstimator(),
        unit_of_analysis="query",
        convention=_CONVENTION,
        source="trec_eval 9 (NIST)",
    )


def _id(value: Any, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise CannotScore(f"field {field!r} holds something that is not an id")
    return str(value)


def _relevant(row: Mapping[str, Any]) -> dict[str, float]:
    relevant = row.get("relevant")
    if isinstance(relevant, (list, tuple)):
        return {_id(item, "relevant"): 1.0 for item in relevant}
    if not isinstance(relevant, Mapping):
        raise CannotScore("field 'relevant' is missing or not a mapping id → gain")
    for name, gain in relevant.items():
        if isinstance(gain, bool) or not isinstance(gain, (int, float)) or not abs(gain) <= 1e15:
            raise CannotScore(f"the gain of {str(name)[:80]!r} in 'relevant' is not a number")
    return {str(name): float(gain) for name, gain in relevant.items()}


def _gains(ranked: Any, relevant: Mapping[str, float]) -> list[float]:
    if isinstance(ranked, Mapping):
        for name, score in ranked.items():
            if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
                raise CannotScore(f"the score of {str(name)[:80]!r} in 'ranked' is not a number")
        ranked = sorted(ranked, key=lambda name: (ranked[name], str(name)), reverse=True)
    if not isinstance(ranked, (list, tuple)):
        raise CannotScore("field 'ranked' is not a list of ids")
    left = {name: max(0.0, gain) for name, gain in relevant.items()}
    return [left.pop(_id(item, "ranked"), 0.0) for item in ranked]
