"""Candidate against baseline, paired on the same items. Pure; may import ``metrics`` and ``records``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.metrics import Metric, SliceDifference, compare_slices, too_much_missing
from launchworthy.metrics.scores import Scores
from launchworthy.records import RunItem, Score
from launchworthy.stats import Interval, apart, non_inferiority

__all__ = ["Comparison", "clusters_of", "compare_runs", "item_value", "slice_differences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of two runs on the items that both could score.

    Attributes:
        metric: Its name.
        difference: Candidate minus baseline, each bound alone holding with its confidence; None where no
            item pairs.
        candidate, baseline: The metric over the pairs; None where there is none.
        margin: How much worse the candidate may be.
        status: ``met`` if proven no worse than the margin allows, ``unmet`` if proven worse, else
            ``unproven``; always that where more than 2 % could not be compared.
        better, worse: Ids of the items that moved, in order of id.
        unpaired: Items that only one of the runs has.
        unscored: Items of both that at least one side could not score.
        one_sided: Items that enter the metric on one side only, such as answers that one release withholds.
        missing: Of the unpaired and unscored, those that may have a truth for the metric.
        too_much_missing: Why these are so many that nothing is settled; None where few enough.
    """

    metric: str
    difference: Interval | None
    candidate: float | None
    baseline: float | None
    margin: float
    status: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    unpaired: int
    unscored: int
    one_sided: int = 0
    missing: int = 0
    too_much_missing: str | None = None


def compare_runs(
    candidate: Sequence[RunItem],
    baseline: Sequence[RunItem],
    metric: Metric,
    *,
    margin: float = 0.0,
    level: float = 0.95,
) -> Comparison:
    """Compare two runs item by item, by cluster where items have one.

    Items that neither side could be asked about (the gold set has no truth for this metric) are left out.

    Args:
        candidate: Items of the run under test.
        baseline: Items of the run it is compared with.
        metric: What both were scored with.
        margin: How much worse the candidate may be, 0 or more, in the metric's unit.
        level: Of each bound.

    Raises:
        InputError: The margin is negative.
    """
    import numpy as np

    pairs, unscored = _pairs(candidate, baseline, metric)
    old_scores, new_scores = [old for _, old, _ in pairs], [new for _, _, new in pairs]
    clusters = clusters_of([item for item, _, _ in pairs])
    difference = metric.difference(old_scores, new_scores, level=level, sides=1, clusters=clusters)
    low, high = (None, None) if difference is None else (difference.low, difference.high)
    sign = 1 if metric.higher_is_better else -1
    before, after = metric.each(old_scores), metric.each(new_scores)
    moved = sign * apart(after, before)
    moves = [(item.item_id, move) for (item, _, _), move in zip(pairs, moved.tolist(), strict=True)]
    sides = {item.item_id: item for item in baseline}, {item.item_id: item for item in candidate}
    unpaired = sides[0].keys() ^ sides[1].keys()
    lost = sum(_enters((sides[0].get(name) or sides[1][name]), metric) for name in unpaired)
    missing = too_much_missing(unscored=unscored, unpaired=lost, of=len(pairs) + unscored + lost)
    status = non_inferiority(low, high, margin=margin, higher_is_better=metric.higher_is_better)
    return Comparison(
        metric=metric.name,
        difference=difference,
        candidate=_value(metric, new_scores),
        baseline=_value(metric, old_scores),
        margin=margin,
        status=status if missing is None else "unproven",
        better=tuple(item_id for item_id, move in moves if move > 0),
        worse=tuple(item_id for item_id, move in moves if move < 0),
        unpaired=len(unpaired),
        unscored=unscored,
        one_sided=int((np.isnan(before) != np.isnan(after)).sum()),
        missing=unscored + lost,
        too_much_missing=missing,
    )


def slice_differences(
    candidate: Sequence[RunItem], baseline: Sequence[RunItem], metric: Metric, *, level: float = 0.95
) -> tuple[SliceDifference, ...]:
    """The paired difference on each slice, and which survive that there are so many of them."""
    import numpy as np

    pairs, _ = _pairs(candidate, baseline, metric)
    places: dict[str, list[int]] = {}
    for at, (item, _, _) in enumerate(pairs):
        for name in item.slices:
            places.setdefault(name, []).append(at)
    return compare_slices(
        metric,
        Scores.of([old for _, old, _ in pairs]),
        Scores.of([new for _, _, new in pairs]),
        slices={name: np.array(places[name], dtype=np.int64) for name in sorted(places)},
        clusters=clusters_of([item for item, _, _ in pairs]),
        level=level,
    )


def _pairs(
    candidate: Sequence[RunItem], baseline: Sequence[RunItem], metric: Metric
) -> tuple[list[tuple[RunItem, Score, Score]], int]:
    """Items that both sides could score, in order of id; and how many of both at least one could not."""
    before = {item.item_id: item for item in baseline}
    after = {item.item_id: item for item in candidate}
    pairs: list[tuple[RunItem, Score, Score]] = []
    unscored = 0
    for item_id in sorted(before.keys() & after.keys()):
        old, new = _score(before[item_id], metric), _score(after[item_id], metric)
        if old is None or new is None:
            unscored += _enters(before[item_id], metric) and _enters(after[item_id], metric)
        else:
            pairs.append((after[item_id], old, new))
    return pairs, unscored


def item_value(metric: Metric, score: Score) -> float | None:
    """The metric of this item alone; None where the item does not enter it."""
    (own,) = metric.each([score]).tolist()
    return None if math.isnan(own) else own


def clusters_of(items: Sequence[RunItem]) -> list[str] | None:
    """Names of the independent units; None where every item is one of its own."""
    names = [f"\0{item.item_id}" if item.cluster is None else item.cluster for item in items]
    return names if len(set(names)) < len(names) else None


def _score(item: RunItem, metric: Metric) -> Score | None:
    score = item.scores.get(metric.name)
    return None if item.error is not None or score is None or score.value is None else score


def _enters(item: RunItem, metric: Metric) -> bool:
    """Whether it has, or as one without an answer may have, something to be scored by."""
    return item.error is not None or metric.name in item.scores


def _value(metric: Metric, scores: Sequence[Score]) -> float | None:
    found = metric.estimate(scores, sides=1)
    return None if found is None else found.value
