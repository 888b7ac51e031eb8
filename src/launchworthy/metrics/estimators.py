"""From scores to intervals: means, shares, ratios, quantiles. May import ``records`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from launchworthy import stats
from launchworthy.records import Score
from launchworthy.stats import Interval

__all__ = ["POSITIVE", "MeanEstimator", "QuantileEstimator", "RatioEstimator", "ShareEstimator", "total"]

Clusters = Sequence[Hashable] | None
POSITIVE = (0.0, math.inf)  # the scale of what takes time or money


def total(scores: Sequence[Score], names: Sequence[str]) -> float:
    """Sum over the items of the statistics of these names."""
    return math.fsum(score.statistics.get(name, 0.0) for score in scores for name in names)


def _share(successes: float, n: float, *, level: float, sides: int) -> Interval:
    bound = stats.clopper_pearson if sides == 1 else stats.wilson
    return bound(round(successes), n=round(n), level=level, sides=sides)


def _values(scores: Sequence[Score]) -> list[float]:
    return [score.value for score in scores if score.value is not None]


@dataclass(frozen=True, slots=True)
class MeanEstimator:
    """Mean of the item values. Yes-or-no scores get the exact bounds (Wilson for display), their paired
    differences Tango's; others the studentised bootstrap."""

    bounds: tuple[float, float] | None = (0.0, 1.0)
    unit: str = "ratio"

    def interval(
        self, scores: Sequence[Score], *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        values = _values(scores)
        if clusters is None and self._yes_or_no(values):
            return _share(sum(values), len(values), level=level, sides=sides)
        return stats.mean_interval(
            values, level=level, sides=sides, clusters=clusters, bounds=self.bounds, unit=self.unit
        )

    def difference(
        self,
        baseline: Sequence[Score],
        candidate: Sequence[Score],
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        old, new = _values(baseline), _values(candidate)
        if clusters is None and self._yes_or_no(old) and self._yes_or_no(new):
            gained = sum(after > before for before, after in zip(old, new, strict=True))
            lost = sum(after < before for before, after in zip(old, new, strict=True))
            return stats.paired_shares(gained=gained, lost=lost, n=len(old), level=level, sides=sides)
        return stats.paired_means(
            old,
            candidate=new,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=self.bounds,
            unit=self.unit,
        )

    def _yes_or_no(self, values: Sequence[float]) -> bool:
        return self.bounds == (0.0, 1.0) and all(value in (0.0, 1.0) for value in values)


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

    def interval(
        self, scores: Sequence[Score], *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        hits, misses = total(scores, self.hits), total(scores, self.misses)
        if hits + misses == 0:
            return None
        if clusters is None:
            return self._shown(_share(hits, hits + misses, level=level, sides=sides))
        counted = [
            (score, cluster) for score, cluster in zip(scores, clusters, strict=True) if self._weight(score)
        ]
        found = stats.mean_interval(
            [self._hit(score) for score, _ in counted],
            level=level,
            sides=sides,
            clusters=[cluster for _, cluster in counted],
            bounds=(0.0, 1.0),
            unit="ratio",
        )
        return self._shown(found)

    def difference(
        self,
        baseline: Sequence[Score],
        candidate: Sequence[Score],
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        if not any(map(self._weight, baseline)) or not any(map(self._weight, candidate)):
            return None
        entering = [
            index
            for index, pair in enumerate(zip(baseline, candidate, strict=True))
            if any(map(self._weight, pair))
        ]
        baseline, candidate = [baseline[i] for i in entering], [candidate[i] for i in entering]
        clusters = None if clusters is None else [clusters[i] for i in entering]
        if clusters is None and not self.harmonic and all(map(self._weight, (*baseline, *candidate))):
            moves = [self._hit(new) - self._hit(old) for old, new in zip(baseline, candidate, strict=True)]
            gained, lost = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
            return stats.paired_shares(gained=gained, lost=lost, n=len(moves), level=level, sides=sides)
        old, old_influence, old_weight = self._linearised(baseline)
        new, new_influence, new_weight = self._linearised(candidate)
        steepest = 2.0 if self.harmonic else 1.0
        return stats.influence_interval(
            new - old,
            influences=[after - before for before, after in zip(old_influence, new_influence, strict=True)],
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=2.0 * steepest / min(old_weight, new_weight),
            unit="ratio",
        )

    def _hit(self, score: Score) -> float:
        return sum(score.statistics.get(name, 0.0) for name in self.hits)

    def _weight(self, score: Score) -> float:
        return sum(score.statistics.get(name, 0.0) for name in self.hits + self.misses)

    def _linearised(self, scores: Sequence[Score]) -> tuple[float, list[float], float]:
        weight = math.fsum(map(self._weight, scores))
        share = math.fsum(map(self._hit, scores)) / weight
        slope = 2.0 / (1.0 + share) ** 2 if self.harmonic else 1.0
        influences = [slope * (self._hit(score) - share * self._weight(score)) / weight for score in scores]
        return self._value(share), influences, weight

    def _value(self, share: float) -> float:
        return 2.0 * share / (1.0 + share) if self.harmonic else share

    def _shown(self, found: Interval) -> Interval:
        if not self.harmonic:
            return found
        sample = {**found.sample, "share": found.value}
        return replace(
            found,
            value=self._value(found.value),
            low=self._value(found.low),
            high=self._value(found.high),
            method=f"{found.method}, as F1",
            sample=sample,
        )


@dataclass(frozen=True, slots=True)
class RatioEstimator:
    """Σ ``over`` / Σ ``under``, such as cost per success, by the delta method."""

    over: str
    under: str
    unit: str

    def interval(
        self, scores: Sequence[Score], *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        over = [score.statistics[self.over] for score in scores]
        under = [score.statistics[self.under] for score in scores]
        if sum(under) <= 0:
            return None
        return stats.ratio_interval(
            over,
            denominators=under,
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=POSITIVE,
            unit=self.unit,
        )

    def difference(
        self,
        baseline: Sequence[Score],
        candidate: Sequence[Score],
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        if total(baseline, [self.under]) <= 0 or total(candidate, [self.under]) <= 0:
            return None
        old, old_influence = self._linearised(baseline)
        new, new_influence = self._linearised(candidate)
        return stats.influence_interval(
            new - old,
            influences=[after - before for before, after in zip(old_influence, new_influence, strict=True)],
            level=level,
            sides=sides,
            clusters=clusters,
            unit=self.unit,
        )

    def _linearised(self, scores: Sequence[Score]) -> tuple[float, list[float]]:
        under = total(scores, [self.under])
        value = total(scores, [self.over]) / under
        return value, [
            (score.statistics[self.over] - value * score.statistics[self.under]) / under for score in scores
        ]


@dataclass(frozen=True, slots=True)
class QuantileEstimator:
    """The q quantile of the item values, by order statistics; no end lies outside of ``bounds``."""

    q: float
    unit: str
    bounds: tuple[float, float] = POSITIVE

    def interval(
        self, scores: Sequence[Score], *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        found = stats.quantile_interval(
            _values(scores), q=self.q, level=level, sides=sides, clusters=clusters, unit=self.unit
        )
        return replace(found, low=max(found.low, self.bounds[0]), high=min(found.high, self.bounds[1]))

    def difference(
        self,
        baseline: Sequence[Score],
        candidate: Sequence[Score],
        *,
        level: float,
        sides: int,
        clusters: Clusters,
    ) -> Interval | None:
        return stats.paired_quantiles(
            _values(baseline),
            candidate=_values(candidate),
            q=self.q,
            level=level,
            sides=sides,
            clusters=clusters,
            unit=self.unit,
        )
