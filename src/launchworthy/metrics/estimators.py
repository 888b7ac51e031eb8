"""From scores to intervals: means, shares, ratios, quantiles. May import ``records`` and ``stats``."""

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

__all__ = ["POSITIVE", "MeanEstimator", "QuantileEstimator", "RatioEstimator", "ShareEstimator", "as_f1"]

Clusters = Sequence[Hashable] | None
POSITIVE = (0.0, math.inf)  # the scale of what takes time or money


def _share(successes: float, n: float, *, level: float, sides: int) -> Interval:
    bound = stats.clopper_pearson if sides == 1 else stats.wilson
    return bound(round(successes), n=round(n), level=level, sides=sides)


@dataclass(frozen=True, slots=True)
class MeanEstimator:
    """Mean of the item values. Yes-or-no scores get the exact bounds (Wilson for display), their paired
    differences Tango's; others the studentised bootstrap."""

    bounds: tuple[float, float] | None = (0.0, 1.0)
    unit: str = "ratio"

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        values = scores.value
        if clusters is None and self._yes_or_no(values):
            return _share(float(values.sum()), values.size, level=level, sides=sides)
        return stats.mean_interval(
            values, level=level, sides=sides, clusters=clusters, bounds=self.bounds, unit=self.unit
        )

    def difference(
        self, baseline: Scores, candidate: Scores, *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        old, new = baseline.value, candidate.value
        if self._yes_or_no(old) and self._yes_or_no(new):
            return _paired_shares(old, new, level=level, sides=sides, clusters=clusters)
        return stats.paired_means(
            old,
            candidate=new,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=self.bounds,
            unit=self.unit,
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value

    def _yes_or_no(self, values: NDArray[np.float64]) -> bool:
        return self.bounds == (0.0, 1.0) and bool(((values == 0.0) | (values == 1.0)).all())


def _paired_shares(
    old: NDArray[np.float64], new: NDArray[np.float64], *, level: float, sides: int, clusters: Clusters
) -> Interval:
    if clusters is not None and len(set(clusters)) < old.size:
        return stats.clustered_shares(new - old, clusters=clusters, level=level, sides=sides)
    gained, lost = int((new > old).sum()), int((new < old).sum())
    return stats.paired_shares(gained=gained, lost=lost, n=old.size, level=level, sides=sides)


@dataclass(frozen=True, slots=True)
class ShareEstimator:
    """A share of counted items: Σ ``hits`` / Σ (``hits`` + ``misses``), each item counted at most once.

    Given how many items count, hits are binomial, so bounds are exact. A difference is of items that count
    on either side: Tango's where these are the same on both, else linearised. With ``harmonic`` the value is
    2s/(1+s) of that share s: F1 is this of tp / (tp + fp + fn), and its bounds stay exact.
    """

    hits: tuple[str, ...]
    misses: tuple[str, ...]
    harmonic: bool = False

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        hits, misses = scores.total(*self.hits), scores.total(*self.misses)
        if hits + misses == 0:
            return None
        if clusters is None:
            return self._shown(_share(hits, hits + misses, level=level, sides=sides))
        counted = self._weights(scores) > 0
        found = stats.mean_interval(
            scores.column(*self.hits)[counted],
            level=level,
            sides=sides,
            clusters=[name for name, counts in zip(clusters, counted.tolist(), strict=True) if counts],
            bounds=(0.0, 1.0),
            unit="ratio",
        )
        return self._shown(found)

    def difference(
        self, baseline: Scores, candidate: Scores, *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        old_counts, new_counts = self._weights(baseline) > 0, self._weights(candidate) > 0
        if not old_counts.any() or not new_counts.any():
            return None
        entering = old_counts | new_counts
        if not entering.all():
            baseline, candidate = baseline.take(entering), candidate.take(entering)
        if clusters is not None:
            clusters = [name for name, enters in zip(clusters, entering.tolist(), strict=True) if enters]
        if not self.harmonic and bool((old_counts == new_counts).all()):
            old_hits, new_hits = baseline.column(*self.hits), candidate.column(*self.hits)
            return _paired_shares(old_hits, new_hits, level=level, sides=sides, clusters=clusters)
        old, old_influence, old_weight = self._linearised(baseline)
        new, new_influence, new_weight = self._linearised(candidate)
        steepest = 2.0 if self.harmonic else 1.0
        return stats.influence_interval(
            new - old,
            influences=new_influence,
            baseline=old_influence,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=2.0 * steepest / min(old_weight, new_weight),
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        import numpy as np

        hits, weights = scores.column(*self.hits), self._weights(scores)
        share = np.divide(hits, weights, out=np.full(hits.size, np.nan), where=weights > 0)
        return np.asarray(2.0 * share / (1.0 + share) if self.harmonic else share)

    def _weights(self, scores: Scores) -> NDArray[np.float64]:
        return scores.column(*self.hits, *self.misses)

    def _linearised(self, scores: Scores) -> tuple[float, NDArray[np.float64], float]:
        hits, weights = scores.column(*self.hits), self._weights(scores)
        weight = float(weights.sum())
        share = float(hits.sum()) / weight
        slope = 2.0 / (1.0 + share) ** 2 if self.harmonic else 1.0
        return self._value(share), slope * stats.apart(hits, share * weights) / weight, weight

    def _value(self, share: float) -> float:
        return _harmonic(share) if self.harmonic else share

    def _shown(self, found: Interval) -> Interval:
        return as_f1(found) if self.harmonic else found


def as_f1(share: Interval) -> Interval:
    """F1 of a share tp / (tp + fp + fn), whose bounds it keeps."""
    return replace(
        share,
        value=_harmonic(share.value),
        low=_harmonic(share.low),
        high=_harmonic(share.high),
        method=f"{share.method}, as F1",
        sample={**share.sample, "share": share.value},
    )


def _harmonic(share: float) -> float:
    return 2.0 * share / (1.0 + share)


@dataclass(frozen=True, slots=True)
class RatioEstimator:
    """Σ ``over`` / Σ ``under``, such as cost per success, by the delta method."""

    over: str
    under: str
    unit: str
    bounds: tuple[float, float] = POSITIVE

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        over, under = scores.column(self.over), scores.column(self.under)
        if under.sum() <= 0:
            return None
        return stats.ratio_interval(
            over,
            denominators=under,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=self.bounds,
            unit=self.unit,
        )

    def difference(
        self, baseline: Scores, candidate: Scores, *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        if baseline.total(self.under) <= 0 or candidate.total(self.under) <= 0:
            return None
        old, old_influence = self._linearised(baseline)
        new, new_influence = self._linearised(candidate)
        return stats.influence_interval(
            new - old,
            influences=new_influence,
            baseline=old_influence,
            level=level,
            sides=sides,
            clusters=clusters,
            unit=self.unit,
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        import numpy as np

        over, under = scores.column(self.over), scores.column(self.under)
        return np.asarray(np.divide(over, under, out=np.full(over.size, np.nan), where=under > 0))

    def _linearised(self, scores: Scores) -> tuple[float, NDArray[np.float64]]:
        over, under = scores.column(self.over), scores.column(self.under)
        whole = float(under.sum())
        value = float(over.sum()) / whole
        return value, stats.apart(over, value * under) / whole


@dataclass(frozen=True, slots=True)
class QuantileEstimator:
    """The q quantile of the item values, by order statistics; no end lies outside of ``bounds``."""

    q: float
    unit: str
    bounds: tuple[float, float] = POSITIVE

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        found = stats.quantile_interval(
            scores.value, q=self.q, level=level, sides=sides, clusters=clusters, unit=self.unit
        )
        return replace(found, low=max(found.low, self.bounds[0]), high=min(found.high, self.bounds[1]))

    def difference(
        self, baseline: Scores, candidate: Scores, *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        return stats.paired_quantiles(
            baseline.value,
            candidate=candidate.value,
            q=self.q,
            level=level,
            sides=sides,
            clusters=clusters,
            unit=self.unit,
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value
