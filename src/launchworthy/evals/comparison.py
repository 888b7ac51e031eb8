"""Candidate against baseline, paired on the same items. Pure; may import ``records`` and ``stats``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.records import RunItem
from launchworthy.stats import Interval, non_inferiority, paired_means, paired_shares

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of two runs on the items that both could score.

    Attributes:
        metric: Its name.
        difference: Candidate minus baseline, each bound alone holding with its confidence; None where no
            item pairs.
        candidate, baseline: Means over the pairs; None where there is none.
        margin: How much worse the candidate may be.
        status: ``met`` if proven no worse than the margin allows, ``unmet`` if proven worse, else
            ``unproven``.
        better, worse: Ids of the items that moved, in order of id.
        unpaired: Items that only one of the runs has.
        unscored: Pairs of which at least one side could not be scored.
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


def compare_runs(
    candidate: Sequence[RunItem],
    baseline: Sequence[RunItem],
    metric: str,
    *,
    margin: float = 0.0,
    higher_is_better: bool = True,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
    unit: str = "",
    seed: int = 0,
) -> Comparison:
    """Compare two runs item by item.

    Scores of 0 and 1 on independent items are compared as shares (Tango), everything else as means, by
    cluster where items have one.

    Args:
        candidate: Items of the run under test.
        baseline: Items of the run it is compared with.
        metric: Score to compare.
        margin: How much worse the candidate may be, 0 or more, in ``unit``.
        higher_is_better: Which way is better.
        level: Of each bound.
        bounds: Lowest and highest possible score.
        unit: Canonical unit of the score.
        seed: Of the bootstrap.

    Raises:
        InputError: The margin is negative.
    """
    if margin < 0:
        raise InputError(
            f"a margin of {margin:g} is below 0", hint="write how much worse is still acceptable"
        )
    before = {item.item_id: item for item in baseline}
    after = {item.item_id: item for item in candidate}
    shared = sorted(before.keys() & after.keys())
    pairs = [
        (item_id, old, new)
        for item_id in shared
        if (old := _value(before[item_id], metric)) is not None
        and (new := _value(after[item_id], metric)) is not None
    ]
    difference = None
    if pairs:
        clusters = [after[item_id].cluster or f"\0{item_id}" for item_id, _, _ in pairs]
        difference = _difference(
            [old for _, old, _ in pairs],
            [new for _, _, new in pairs],
            clusters if len(set(clusters)) < len(clusters) else None,
            level=level,
            bounds=bounds,
            unit=unit,
            seed=seed,
        )
    sign = 1 if higher_is_better else -1
    low, high = (None, None) if difference is None else (difference.low, difference.high)
    return Comparison(
        metric=metric,
        difference=difference,
        candidate=sum(new for _, _, new in pairs) / len(pairs) if pairs else None,
        baseline=sum(old for _, old, _ in pairs) / len(pairs) if pairs else None,
        margin=margin,
        status=non_inferiority(low, high, margin=margin, higher_is_better=higher_is_better),
        better=tuple(item_id for item_id, old, new in pairs if sign * (new - old) > 0),
        worse=tuple(item_id for item_id, old, new in pairs if sign * (new - old) < 0),
        unpaired=len(before.keys() ^ after.keys()),
        unscored=len(shared) - len(pairs),
    )


def _value(item: RunItem, metric: str) -> float | None:
    score = item.scores.get(metric)
    return None if item.error is not None or score is None else score.value


def _difference(
    before: list[float],
    after: list[float],
    clusters: list[str] | None,
    *,
    level: float,
    bounds: tuple[float, float] | None,
    unit: str,
    seed: int,
) -> Interval:
    if clusters is None and set(before) | set(after) <= {0.0, 1.0}:
        gained = sum(new > old for old, new in zip(before, after, strict=True))
        lost = sum(new < old for old, new in zip(before, after, strict=True))
        return paired_shares(gained=gained, lost=lost, n=len(before), level=level, sides=1)
    return paired_means(
        before, candidate=after, level=level, sides=1, clusters=clusters, bounds=bounds, unit=unit, seed=seed
    )
