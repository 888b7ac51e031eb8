"""How well a score separates two classes: ROC AUC, average precision.

May import this room, ``records`` and ``stats``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from launchworthy import stats
from launchworthy.metrics.columns import Columns
from launchworthy.metrics.decisions import LABEL, chances_of, class_of, is_positive, named, scored_columns
from launchworthy.metrics.metric import CannotScore, Estimator, Field, Metric
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILY", "AucEstimator", "AveragePrecisionEstimator", "ranked_by_score"]

_MOST = sys.float_info.max  # of what is a number: neither infinity nor NaN
Clusters = Sequence[Hashable] | None


def _columns(scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return scores.value, scores.column("positive") > 0.5


def _nothing_alone(scores: Scores) -> NDArray[np.float64]:
    """One item alone has one class, which no order separates from anything."""
    import numpy as np

    return np.full(len(scores), np.nan)


def _auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]] | None:
    """AUC and what each item adds to its error (DeLong's structural components), from one sort."""
    import numpy as np

    n1 = int(positive.sum())
    n0 = positive.size - n1
    if not n1 or not n0:
        return None
    order = np.argsort(score)
    ordered, marks = score[order], positive[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), score.size - 1)  # of each tie
    positives = np.cumsum(marks)[last]
    negatives = last + 1 - positives
    own, other = np.diff(positives, prepend=0), np.diff(negatives, prepend=0)
    above, below = (negatives - 0.5 * other) / n0, 1.0 - (positives - 0.5 * own) / n1
    value = float((own * above).sum()) / n1
    # With these factors the sum of squares is DeLong's variance, whose parts divide by n − 1.
    of_positive = (above - value) / math.sqrt(n1 * max(1, n1 - 1))
    of_negative = (below - value) / math.sqrt(n0 * max(1, n0 - 1))
    sizes = np.diff(last, prepend=-1)
    influence = np.empty(score.size)
    influence[order] = np.where(marks, np.repeat(of_positive, sizes), np.repeat(of_negative, sizes))
    return value, influence


@dataclass(frozen=True, slots=True)
class AucEstimator:
    """ROC AUC by DeLong; clusters by the sums of its components (Obuchowski, Biometrics 53, 1997)."""

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        score, positive = _columns(scores)
        found = _auc(score, positive)
        if found is None:
            return None
        value, influence = found
        pairs = min(int(positive.sum()), int((~positive).sum()))
        units = pairs if clusters is None else min(pairs, len(set(clusters)))
        wald = stats.influence_interval(
            value, influences=influence, level=level, sides=sides, clusters=clusters, unit="ratio"
        )
        sample = {**wald.sample, "positives": int(positive.sum()), "negatives": int((~positive).sum())}
        half = wald.high - value
        if math.isfinite(half) and 0.0 < value < 1.0 and pairs > 1:
            logit, width = math.log(value / (1.0 - value)), half / (value * (1.0 - value))
            low, high = (1.0 / (1.0 + math.exp(min(700.0, -(logit + step)))) for step in (-width, width))
            return replace(wald, low=low, high=high, method="DeLong, logit", sample=sample)
        bound = stats.chernoff_bounds(value, n=units, level=level, sides=sides)
        return replace(wald, low=bound[0], high=bound[1], method="Chernoff-Hoeffding", sample=sample)

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        old, new = _auc(*_columns(baseline)), _auc(*_columns(candidate))
        if old is None or new is None:
            return None
        _, positive = _columns(baseline)
        rarer = min(int(positive.sum()), int((~positive).sum()))
        return stats.influence_interval(
            new[0] - old[0],
            influences=new[1],
            baseline=old[1],
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=1.0 / rarer,
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return _nothing_alone(scores)


class _Ordered:
    """Scores from high to low, so that any part of them is measured without sorting it again."""

    def __init__(self, scores: Scores) -> None:
        import numpy as np

        score, positive = _columns(scores)
        self._order = np.argsort(-score, kind="stable")
        self._score, self._positive = score[self._order], positive[self._order]

    def average_precision(self, kept: NDArray[np.bool_]) -> float | None:
        import numpy as np

        there = kept[self._order]
        score, positive = self._score[there], self._positive[there]
        total = int(positive.sum())
        if not total:
            return None
        last = np.append(np.diff(score) != 0, True)
        found = np.cumsum(positive)[last]
        seen = np.flatnonzero(last) + 1
        return float((np.diff(found, prepend=0) * (found / seen)).sum() / total)


@dataclass(frozen=True, slots=True)
class AveragePrecisionEstimator:
    """Average precision by the jackknife over groups."""

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        return stats.jackknife_interval(
            _Ordered(scores).average_precision,
            n=len(scores),
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(0.0, 1.0),
            unit="ratio",
        )

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        old, new = _Ordered(baseline), _Ordered(candidate)

        def gain(kept: NDArray[np.bool_]) -> float | None:
            before, after = old.average_precision(kept), new.average_precision(kept)
            return None if before is None or after is None else after - before

        return stats.jackknife_interval(
            gain,
            n=len(baseline),
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return _nothing_alone(scores)


_BY_SCORE: Mapping[str, tuple[str, Callable[[], Estimator], str, str]] = {
    "roc-auc": (
        "Chance that a positive scores above a negative.",
        AucEstimator,
        "Ties count half (Mann-Whitney). One class only: not measured. Bounds by DeLong on the logit scale; "
        "perfect separation by Hoeffding's bound for the rarer class.",
        "DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988)",
    ),
    "average-precision": (
        "Area under precision against recall (PR AUC), as the order of the scores gives it.",
        AveragePrecisionEstimator,
        "Step-wise sum, equal scores taken together, no interpolation. No positives: not measured. Not for "
        "retrieval (see map), since what was not retrieved has no score.",
        "sklearn.metrics.average_precision_score",
    ),
}
_NO_NUMBER = "field 'score' is missing or not a number"


def _with_score(row: Mapping[str, Any], positive: str | None) -> tuple[bool, float]:
    truth = is_positive(class_of(row.get("label"), "label"), positive)
    score = row.get("score")
    if isinstance(score, Mapping):
        chances = chances_of(score)
        known = positive if positive is not None else next((n for n in ("1", "true") if n in chances), None)
        if known is None or known not in chances:
            raise CannotScore("the mapping in 'score' does not hold the positive class")
        return truth, chances[known]
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not abs(score) <= _MOST:
        raise CannotScore(_NO_NUMBER)
    return truth, float(score)


def ranked_by_score(name: str, *, positive: str | None = None) -> Metric:
    """ROC AUC or average precision."""
    doc, estimator, convention, source = _BY_SCORE[name]

    def read(row: Mapping[str, Any]) -> Score:
        truth, score = _with_score(row, positive)
        return Score(value=score, statistics={"positive": float(truth)})

    def columns(found: Columns) -> Scores | None:
        import numpy as np

        both = scored_columns(
            found, positive=positive, allowed=lambda score: np.abs(score) <= _MOST, reason=_NO_NUMBER
        )
        if both is None:
            return None
        truths, score = both
        kept = truths.value == truths.value
        return Scores(
            value=score if kept.all() else np.where(kept, score, np.nan),
            statistics={"positive": np.where(kept, truths.value, 0.0)},
            errors=truths.errors,
        )

    return Metric(
        name=name,
        doc=doc,
        fields=(LABEL, Field("score", "any number, higher for the positive class, or a mapping")),
        read=read,
        estimator=estimator(),
        convention=convention,
        source=source,
        options=named(positive),
        columns=columns,
    )


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    name: (partial(ranked_by_score, name), ("positive",)) for name in _BY_SCORE
}
