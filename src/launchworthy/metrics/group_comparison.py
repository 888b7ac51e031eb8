"""Two sides by protected group, on the same items. May import this room, ``errors`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.metrics.comparison import SliceDifference, compare_slices
from launchworthy.metrics.fairness import GroupReport, apart_by, pairs_of, report_groups
from launchworthy.metrics.metric import Metric
from launchworthy.metrics.pairing import pair_scored
from launchworthy.metrics.scored import Scored
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GroupComparison", "compare_groups"]

_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupComparison:
    """A metric by group on both sides.

    Attributes:
        metric: What was measured.
        baseline, candidate: Each side by group, over the same pairs.
        groups: The paired difference in each group, in order of name.
        gap: How much wider the candidate's widest gap between groups is than the baseline's; None where a gap
            or a group's difference could not be measured. Its bounds allow for any pair of groups that may
            be the widest.
    """

    metric: Metric
    baseline: GroupReport
    candidate: GroupReport
    groups: tuple[SliceDifference, ...]
    gap: Interval | None


def compare_groups(
    metric: Metric, *, baseline: Scored, candidate: Scored, cluster: str | None = None, level: float = 0.95
) -> GroupComparison:
    """Compare both sides group by group, and their gaps.

    Raises:
        InputError: No pair names a group, no id is on both sides, or a pair has no ``cluster``.

    Source: see :func:`report_groups`. The true gap grows by no less than the pair grows that is the widest in
    the baseline, and by no more than the pair that is the widest in the candidate; each pair that may be it
    is bounded, and so are both gaps. A third of the error is for each of: the gaps of the baseline, those of
    the candidate, and how much each pair grew.
    """
    pairs = pair_scored(baseline=baseline, candidate=candidate, cluster=cluster)
    if not pairs.slices:
        raise InputError("no pair names a group", where="group", hint="--group takes a field of the rows")
    before, after = (
        Scored(
            scores=_only(scores, pairs.scored),
            clusters=None if pairs.clusters is None else [*pairs.clusters],
            slices=pairs.slices,
        )
        for scores in (pairs.baseline, pairs.candidate)
    )
    return GroupComparison(
        metric=metric,
        baseline=report_groups(metric, before, cluster=cluster, level=level),
        candidate=report_groups(metric, after, cluster=cluster, level=level),
        groups=compare_slices(
            metric,
            pairs.baseline,
            pairs.candidate,
            slices=pairs.slices,
            clusters=pairs.clusters,
            level=level,
        ),
        gap=_growth(metric, before, after, level=level),
    )


def _only(scores: Scores, kept: NDArray[np.bool_]) -> Scores:
    """The same items, without the value of those that the other side could not be scored on."""
    import numpy as np

    return scores if kept.all() else replace(scores, value=np.where(kept, scores.value, np.nan))


def _growth(metric: Metric, before: Scored, after: Scored, *, level: float) -> Interval | None:
    names, many = sorted(before.slices), pairs_of(len(before.slices))
    if not many:
        return None
    sure = 1.0 - (1.0 - level) / 3.0 / many
    sides: list[dict[str, Interval]] = [{}, {}, {}]
    for name in names:
        chosen = before.slices[name]
        units = None if before.clusters is None else [before.clusters[at] for at in chosen.tolist()]
        old, new = before.scores.take(chosen), after.scores.take(chosen)
        found = (
            metric.estimate(old, level=sure, clusters=units),
            metric.estimate(new, level=sure, clusters=units),
            metric.difference(old, new, level=sure, clusters=units),
        )
        for side, interval in zip(sides, found, strict=True):
            if interval is None:
                return None
            side[name] = interval
    old_gaps, new_gaps, grown = (
        {(one, other): apart_by(side[one], side[other]) for one, other in permutations(names, 2)}
        for side in sides
    )
    value = max(gap for gap, _, _ in new_gaps.values()) - max(gap for gap, _, _ in old_gaps.values())
    (old_low, old_high), (new_low, new_high) = _bounds(old_gaps), _bounds(new_gaps)
    low = max(new_low - old_high, min(grown[pair][1] for pair in _may_be_widest(old_gaps)))
    high = min(new_high - old_low, max(grown[pair][2] for pair in _may_be_widest(new_gaps)))
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        confidence=level,
        n=min(interval.n for interval in sides[2].values()),
        method=f"growth of the pairs that may be the widest, Bonferroni over 3 × {many}",
        unit=metric.unit,
        sample={"compared": many},
    )


def _bounds(gaps: Mapping[_Pair, tuple[float, float, float]]) -> tuple[float, float]:
    """Of the widest gap of one side."""
    return max(0.0, *(low for _, low, _ in gaps.values())), max(high for _, _, high in gaps.values())


def _may_be_widest(gaps: Mapping[_Pair, tuple[float, float, float]]) -> Iterator[_Pair]:
    """Pairs whose gap may be as wide as that of any other."""
    least = max(low for _, low, _ in gaps.values())
    return (pair for pair, (_, _, high) in gaps.items() if high >= least or math.isnan(least))
