"""Metrics that are a function of summed statistics: BLEU, macro F1, calibration. May import ``stats``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy import stats
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SumsEstimator"]


@dataclass(frozen=True, slots=True)
class SumsEstimator:
    """``value(sums)`` of the statistics called ``names``, by the bootstrap of the items; a difference is
    linearised.

    Attributes:
        names: Statistics of an item, in the order in which ``value`` takes their sums.
        value: From sums of shape (…, len(names)) to the metric, shape (…); NaN where undetermined.
        bounds: Ends of the scale; None where it is open.
        unit: Canonical unit of the value.
    """

    names: tuple[str, ...]
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    bounds: tuple[float, float] | None = (0.0, 1.0)
    unit: str = "ratio"

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        return stats.sums_interval(
            self.value,
            rows=scores.matrix(self.names),
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=self.bounds,
            unit=self.unit,
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
        old, old_influences = stats.sums_influences(self.value, baseline.matrix(self.names))
        new, new_influences = stats.sums_influences(self.value, candidate.matrix(self.names))
        if old != old or new != new:
            return None
        width = None if self.bounds is None else self.bounds[1] - self.bounds[0]
        return stats.influence_interval(
            new - old,
            influences=new_influences,
            baseline=old_influences,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=None if width is None else (-width, width),
            unit=self.unit,
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return self.value(scores.matrix(self.names))
