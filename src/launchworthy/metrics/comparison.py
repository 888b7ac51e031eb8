"""Candidate against baseline on the same items. May import ``quantity``, ``records`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics.metric import Metric
from launchworthy.metrics.report import cluster_of
from launchworthy.quantity import format_value
from launchworthy.stats import Interval, non_inferiority

__all__ = ["Comparison", "compare_rows"]

_ODDS = 0.8  # that the pairs asked for settle it
_MOST = 1_000_000_000  # beyond this the answer is "not by counting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The paired difference and what it proves.

    Attributes:
        metric: What was measured.
        difference: Candidate minus baseline on the pairs that both could be scored; None if there is none.
            Each bound alone holds with its confidence.
        baseline, candidate: The metric on each side over the same pairs.
        pairs: Items on both sides.
        unscored: Pairs of which one side or both could not be scored.
        only_baseline, only_candidate: Ids on one side only, in order.
        margin: How much worse the candidate may be, in the metric's unit.
        status: ``met`` (no worse than the margin allows), ``unmet`` (worse), else ``unproven``.
        reason: The status in a sentence.
    """

    metric: Metric
    difference: Interval | None
    baseline: Interval | None
    candidate: Interval | None
    pairs: int
    unscored: int
    only_baseline: tuple[str, ...]
    only_candidate: tuple[str, ...]
    margin: float
    status: str
    reason: str

    @property
    def needed(self) -> int | None:
        """Further pairs after which the bound clears the margin with odds 0.8, if they differ as these do.

        By normal theory. 0 where it clears it already, None where no number would, or none can be told.
        """
        found = self.difference
        if self.status == "met":
            return 0
        if self.status == "unmet" or found is None or found.n < 2:
            return None
        gap = self.margin + (found.value if self.metric.higher_is_better else -found.value)
        width = found.high - found.low
        if gap <= 0 or not 0 < width < math.inf:
            return None
        moved = found.sample.get("gained"), found.sample.get("lost")
        z = NormalDist().inv_cdf(found.confidence)
        if moved == (0, 0) or found.method.startswith("rule of three"):
            # Where no pair differs, a bound shrinks with the number of pairs and not its root: z² / (n + z²).
            return max(1, math.floor((found.n + z * z) * width / 2 / gap - z * z) + 1 - found.n)
        total = found.n * ((z + NormalDist().inv_cdf(_ODDS)) * width / (2 * z) / gap) ** 2
        return max(1, math.ceil(total) - found.n) if total < _MOST else None


def compare_rows(
    metric: Metric,
    *,
    baseline: Iterable[Mapping[str, Any]],
    candidate: Iterable[Mapping[str, Any]],
    margin: float = 0.0,
    cluster: str | None = None,
    level: float = 0.95,
) -> Comparison:
    """Pair the rows by ``id`` and judge the difference against the margin.

    ``cluster`` is read from the candidate's rows, else from the baseline's.

    Raises:
        InputError: A row has no ``id`` or the same as another, no id is on both sides, a pair has no
            ``cluster``, or the margin is negative.
    """
    old, new = _by_id(baseline, "baseline"), _by_id(candidate, "candidate")
    shared = [name for name in old if name in new]
    if not shared:
        raise InputError(
            "no id is on both sides, so there is nothing to compare", where="id", hint="pair rows by their id"
        )
    before = [metric.score(old[name]) for name in shared]
    after = [metric.score(new[name]) for name in shared]
    clusters = None
    if cluster is not None:
        clusters = [
            cluster_of(new[name] if new[name].get(cluster) is not None else old[name], cluster, index)
            for index, name in enumerate(shared)
        ]
    scored = [
        index
        for index, (one, other) in enumerate(zip(before, after, strict=True))
        if one.value is not None and other.value is not None
    ]
    before = [before[index] for index in scored]
    after = [after[index] for index in scored]
    names = None if clusters is None else [clusters[index] for index in scored]
    difference = metric.difference(before, after, level=level, sides=1, clusters=names)
    low, high = (None, None) if difference is None else (difference.low, difference.high)
    status = non_inferiority(low, high, margin=margin, higher_is_better=metric.higher_is_better)
    return Comparison(
        metric=metric,
        difference=difference,
        baseline=metric.estimate(before, level=level, clusters=names),
        candidate=metric.estimate(after, level=level, clusters=names),
        pairs=len(shared),
        unscored=len(shared) - len(scored),
        only_baseline=tuple(name for name in old if name not in new),
        only_candidate=tuple(name for name in new if name not in old),
        margin=margin,
        status=status,
        reason=_reason(metric, difference, margin, status),
    )


def _by_id(rows: Iterable[Mapping[str, Any]], side: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for index, row in enumerate(rows):
        name = row.get("id")
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise InputError(
                "field 'id' is missing or no name",
                where=f"{side}, row {index + 1}",
                hint="rows of the two sides are paired by id",
            )
        if str(name) in found:
            raise InputError(f"id {str(name)[:80]!r} comes twice", where=f"{side}, row {index + 1}")
        found[str(name)] = row
    return found


def _reason(metric: Metric, difference: Interval | None, margin: float, status: str) -> str:
    if difference is None:
        return "No pair could be scored on both sides, so nothing is known."
    if difference.value == 0 and math.isinf(difference.low) and math.isinf(difference.high):
        return "Both sides give the same, but nothing bounds how far apart they may be: the scale is open."
    worse = difference.low if metric.higher_is_better else -difference.high
    better = difference.high if metric.higher_is_better else -difference.low
    allowed = "any worse" if margin == 0 else f"worse by more than {format_value(margin, unit=metric.unit)}"
    level = format_value(difference.confidence, unit="ratio")
    if status == "met":
        if worse > 0:
            return f"The candidate is better, by at least {format_value(worse, unit=metric.unit)} ({level})."
        return f"The candidate is not {allowed} ({level})."
    if status == "unmet":
        return f"The candidate is {allowed}: by at least {format_value(-better, unit=metric.unit)} ({level})."
    return f"It is not settled whether the candidate is {allowed}."
