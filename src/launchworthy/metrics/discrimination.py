"""How well a score separates two classes: AUC, average precision. May import ``records`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from launchworthy import stats
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AucEstimator", "AveragePrecisionEstimator"]

Clusters = Sequence[Hashable] | None


def _columns(scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return scores.value, scores.column("positive") > 0.5


def _nothing_alone(scores: Scores) -> NDArray[np.float64]:
    """One item alone has one class, which no order separates from anything."""
    import numpy as np

    return np.full(len(scores), np.nan)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2.0
    return np.asarray(middle[inverse], dtype=np.float64)


def _auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]] | None:
    """AUC and what each item adds to its error (DeLong's structural components)."""
    import numpy as np

    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not n1 or not n0:
        return None
    ranks = _midranks(score)
    above = (ranks[positive] - _midranks(score[positive])) / n0
    below = 1.0 - (ranks[~positive] - _midranks(score[~positive])) / n1
    value = float(above.mean())
    influence = np.empty(score.size)
    # With these factors the sum of squares is DeLong's variance, whose parts divide by n − 1.
    influence[positive] = (above - value) / math.sqrt(n1 * max(1, n1 - 1))
    influence[~positive] = (below - value) / math.sqrt(n0 * max(1, n0 - 1))
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
            influences=new[1] - old[1],
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=1.0 / rarer,
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return _nothing_alone(scores)


def _average_precision(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    import numpy as np

    total = int(positive.sum())
    if not total:
        return None
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    found = np.cumsum(positive[order])[last]
    seen = np.flatnonzero(last) + 1
    gained = np.diff(found, prepend=0)
    return float((gained * (found / seen)).sum() / total)


@dataclass(frozen=True, slots=True)
class AveragePrecisionEstimator:
    """Average precision by the jackknife over groups."""

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        score, positive = _columns(scores)
        return stats.jackknife_interval(
            lambda kept: _average_precision(score[kept], positive[kept]),
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
        old, new = _columns(baseline), _columns(candidate)

        def gain(kept: NDArray[np.bool_]) -> float | None:
            before = _average_precision(old[0][kept], old[1][kept])
            after = _average_precision(new[0][kept], new[1][kept])
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
