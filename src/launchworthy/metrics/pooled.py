"""Shares of what items hold several of (sentences, citations, calls), pooled. May import ``stats``."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy import stats
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PooledShareEstimator"]


@dataclass(frozen=True, slots=True)
class PooledShareEstimator:
    """Sum of the statistic ``part`` over that of ``whole``, both whole numbers.

    What stands in one item is not independent, so the item is the cluster unless the caller names others.
    """

    part: str
    whole: str

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        import numpy as np

        part, whole = scores.column(self.part), scores.column(self.whole)
        if whole.sum() <= 0:
            return None
        single = clusters is None and bool((whole <= 1).all())
        if single:
            bound = stats.clopper_pearson if sides == 1 else stats.wilson
            return bound(round(float(part.sum())), n=round(float(whole.sum())), level=level, sides=sides)
        # One value for each thing: those that count, then those that do not, item by item.
        counts = np.stack([part, whole - part], axis=1).round().astype(np.int64)
        values = np.repeat(np.tile([1.0, 0.0], len(part)), counts.ravel())
        names = range(len(part)) if clusters is None else clusters
        held = counts.sum(axis=1).tolist()
        return stats.mean_interval(
            values,
            level=level,
            sides=sides,
            clusters=[name for name, size in zip(names, held, strict=True) for _ in range(size)],
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
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        if baseline.total(self.whole) <= 0 or candidate.total(self.whole) <= 0:
            return None
        old, old_influence, old_most = self._linearised(baseline)
        new, new_influence, new_most = self._linearised(candidate)
        return stats.influence_interval(
            new - old,
            influences=new_influence,
            baseline=old_influence,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=max(old_most, new_most),
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        import numpy as np

        part, whole = scores.column(self.part), scores.column(self.whole)
        share: NDArray[np.float64] = np.divide(part, whole, out=np.full(part.size, np.nan), where=whole > 0)
        return share

    def _linearised(self, scores: Scores) -> tuple[float, NDArray[np.float64], float]:
        part, whole = scores.column(self.part), scores.column(self.whole)
        total = float(whole.sum())
        share = float(part.sum()) / total
        return share, stats.apart(part, share * whole) / total, float(whole.max()) / total
