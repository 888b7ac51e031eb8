"""Candidate against baseline on the same items. May import ``quantity``, ``records`` and ``stats``."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from launchworthy.metrics.metric import Metric
from launchworthy.metrics.pairing import pair_scored
from launchworthy.metrics.scored import Scored
from launchworthy.metrics.scores import Scores
from launchworthy.quantity import difference_unit, format_value
from launchworthy.stats import MAX_UNSCORED_SHARE, Interval, discordant_e_value, holm, non_inferiority

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Comparison",
    "SliceDifference",
    "compare_rows",
    "compare_scored",
    "compare_slices",
    "slices_in_words",
    "too_much_missing",
]

_ODDS = 0.8  # that the pairs asked for settle it
_NAMED = 5  # slices told by name in a sentence
_MOST = 1_000_000_000  # beyond this the answer is "not by counting"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDifference:
    """The paired difference on some of the items.

    Attributes:
        name: Of the slice.
        difference: Candidate minus baseline, two-sided and by itself; None where no pair could be scored.
        p_value: Of "no difference", by itself.
        adjusted: The same, given that there are as many slices (Holm).
        change: ``better`` or ``worse`` where it survives that, else None.
    """

    name: str
    difference: Interval | None
    p_value: float | None
    adjusted: float | None
    change: str | None


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
        changed: Ids for which something else is right on each side, in order; they are no pairs.
        margin: How much worse the candidate may be, in the metric's unit.
        status: ``met`` (no worse than the margin allows), ``unmet`` (worse), else ``unproven``; always that
            where more than 2 % of the items of both sides could not be compared.
        reason: The status in a sentence.
        slices: The difference on each slice, if slices were asked for.
    """

    metric: Metric
    difference: Interval | None
    baseline: Interval | None
    candidate: Interval | None
    pairs: int
    unscored: int
    only_baseline: tuple[str, ...]
    only_candidate: tuple[str, ...]
    changed: tuple[str, ...]
    margin: float
    status: str
    reason: str
    slices: tuple[SliceDifference, ...] = ()

    @property
    def too_much_missing(self) -> str | None:
        """Why so many items could not be compared that nothing is settled; None where few enough."""
        one_sided = len(self.only_baseline) + len(self.only_candidate)
        changed = len(self.changed)
        of = self.pairs + one_sided + changed
        return too_much_missing(unscored=self.unscored, unpaired=one_sided, changed=changed, of=of)

    @property
    def e_value(self) -> float | None:
        """Evidence against "as many gained as lost" that stays valid however often one looks; None where the
        scores are not yes or no by independent items."""
        sample = {} if self.difference is None else self.difference.sample
        if "gained" not in sample:
            return None
        return discordant_e_value(gained=sample["gained"], lost=sample["lost"])

    @property
    def planned(self) -> int | None:
        """Pairs in all that show the candidate no worse than the margin with odds 0.8 if both sides are truly
        alike and items differ as often as these; None without a margin, or where the spread is unknown."""
        found = self.difference
        if found is None or self.margin <= 0:
            return None
        z = NormalDist().inv_cdf(found.confidence)
        sample = found.sample
        if "gained" in sample:
            spread = math.sqrt((sample["gained"] + sample["lost"]) / found.n)
        else:
            spread = float(sample.get("standard_error", 0.0)) * math.sqrt(found.n)
        # Where nothing differed a bound shrinks with the number of pairs and not its root: z² / (n + z²).
        least = z * z * max(0.0, 1.0 - self.margin) / self.margin if "gained" in sample else 0.0
        total = max(least, ((z + NormalDist().inv_cdf(_ODDS)) * spread / self.margin) ** 2)
        return math.ceil(total) if 0 < total < _MOST else None

    @property
    def needed(self) -> int | None:
        """Further pairs after which the bound clears the margin with odds 0.8, if they differ as these do.

        By normal theory. 0 where it clears it already, None where no number would, or none can be told.
        """
        found = self.difference
        if self.status == "met":
            return 0
        if self.status == "unmet" or found is None or found.n < 2 or self.too_much_missing:
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
    by: str | None = None,
    level: float = 0.95,
) -> Comparison:
    """Pair the rows by ``id`` and judge the difference against the margin.

    ``cluster`` and ``by`` (the slice) are read from the candidate's rows, else from the baseline's.

    Raises:
        InputError: A row has no ``id`` or the same as another, no id is on both sides, a pair has no
            ``cluster``, or the margin is negative.
    """
    old = Scored.of_rows(metric, baseline, by=by, cluster=cluster, ids="baseline")
    new = Scored.of_rows(metric, candidate, by=by, cluster=cluster, ids="candidate")
    return compare_scored(metric, baseline=old, candidate=new, margin=margin, cluster=cluster, level=level)


def compare_scored(
    metric: Metric,
    *,
    baseline: Scored,
    candidate: Scored,
    margin: float = 0.0,
    cluster: str | None = None,
    level: float = 0.95,
) -> Comparison:
    """:func:`compare_rows` of what was scored with ids.

    Raises:
        InputError: No id is on both sides, a pair has no cluster, or the margin is negative.
    """
    import numpy as np

    pairs = pair_scored(baseline=baseline, candidate=candidate, cluster=cluster)
    before, after, clusters = pairs.baseline, pairs.candidate, pairs.clusters
    scored = pairs.scored
    difference = metric.difference(before, after, level=level, sides=1, clusters=clusters)
    low, high = (None, None) if difference is None else (difference.low, difference.high)
    status = non_inferiority(low, high, margin=margin, higher_is_better=metric.higher_is_better)
    kept = np.flatnonzero(scored)
    names = None if clusters is None else [clusters[at] for at in kept.tolist()]
    unscored = scored.size - int(kept.size)
    unpaired = len(pairs.only_baseline) + len(pairs.only_candidate)
    changed = len(pairs.changed)
    of = scored.size + unpaired + changed
    missing = too_much_missing(unscored=unscored, unpaired=unpaired, changed=changed, of=of)
    status = status if missing is None else "unproven"
    return Comparison(
        metric=metric,
        difference=difference,
        baseline=metric.estimate(before.take(kept), level=level, clusters=names),
        candidate=metric.estimate(after.take(kept), level=level, clusters=names),
        pairs=scored.size,
        unscored=unscored,
        only_baseline=pairs.only_baseline,
        only_candidate=pairs.only_candidate,
        changed=pairs.changed,
        margin=margin,
        status=status,
        reason=_reason(metric, difference, margin, status, missing),
        slices=compare_slices(metric, before, after, slices=pairs.slices, clusters=clusters, level=level),
    )


def too_much_missing(*, unscored: int, unpaired: int, of: int, changed: int = 0) -> str | None:
    """Why so many items could not be compared that they could decide, in a sentence; None where few enough.

    Args:
        unscored: Pairs of which one side or both could not be scored.
        unpaired: Items on one side only.
        of: All items of both sides.
        changed: Items for which something else is right on each side.
    """
    missing = unscored + unpaired + changed
    if not missing or missing / of <= MAX_UNSCORED_SHARE:
        return None
    why = [f"{unscored:,} could not be scored"] if unscored else []
    why += [f"{unpaired:,} on one side only"] if unpaired else []
    why += [f"{changed:,} with another right answer on each side"] if changed else []
    share, most = (format_value(each, unit="ratio") for each in (missing / of, MAX_UNSCORED_SHARE))
    return (
        f"{missing:,} of {of:,} items could not be compared "
        f"({', '.join(why)}; {share}, and at most {most} may be missing)"
    )


def compare_slices(
    metric: Metric,
    baseline: Scores,
    candidate: Scores,
    *,
    slices: Mapping[str, NDArray[np.int64]],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> tuple[SliceDifference, ...]:
    """The paired difference on each slice (positions by name), and which survive that there are many."""
    found: list[tuple[str, Interval | None]] = []
    for name, chosen in slices.items():
        units = None if clusters is None else [clusters[at] for at in chosen.tolist()]
        old, new = baseline.take(chosen), candidate.take(chosen)
        found.append((name, metric.difference(old, new, level=level, sides=2, clusters=units)))
    chances = [1.0 if gap is None else float(gap.sample.get("p_value", 1.0)) for _, gap in found]
    better = 1.0 if metric.higher_is_better else -1.0
    return tuple(
        SliceDifference(
            name=name,
            difference=gap,
            p_value=None if gap is None else chance,
            adjusted=None if gap is None else joint,
            change=("better" if better * gap.value > 0 else "worse")
            if gap is not None and gap.value and joint <= 1.0 - level
            else None,
        )
        for (name, gap), chance, joint in zip(found, chances, holm(chances), strict=True)
    )


def slices_in_words(slices: Sequence[SliceDifference], *, unit: str, level: float) -> str:
    """Which slices differ beyond what chance gives among so many, in a sentence."""
    told = [part for part in slices if part.difference is not None]
    moved = sorted(
        (part for part in told if part.change),
        key=lambda part: (part.change != "worse", part.adjusted or 0.0),
    )
    among = f"{len(told)} slice{'' if len(told) == 1 else 's'}"
    sure = format_value(level, unit="ratio")
    if not moved:
        return f"None of {among} differs beyond chance, given that there are so many (Holm, {sure})."
    named = ", ".join(
        f"{part.name} {part.change} by {format_value(abs(part.difference.value), unit=difference_unit(unit))}"
        for part in moved[:_NAMED]
        if part.difference is not None
    )
    more = f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    return f"{len(moved)} of {among} differ beyond chance (Holm, {sure}): {named}{more}."


def _reason(
    metric: Metric, difference: Interval | None, margin: float, status: str, missing: str | None
) -> str:
    if difference is None:
        return "No pair could be scored on both sides, so nothing is known."
    if missing is not None:
        return f"It is not settled: {missing}."
    if difference.value == 0 and math.isinf(difference.low) and math.isinf(difference.high):
        return "Both sides give the same, but nothing bounds how far apart they may be: the scale is open."
    unit = difference_unit(metric.unit)
    worse = difference.low if metric.higher_is_better else -difference.high
    better = difference.high if metric.higher_is_better else -difference.low
    allowed = "any worse" if margin == 0 else f"worse by more than {format_value(margin, unit=unit)}"
    level = format_value(difference.confidence, unit="ratio")
    if status == "met":
        if worse > 0:
            return f"The candidate is better, by at least {format_value(worse, unit=unit)} ({level})."
        return f"The candidate is not {allowed} ({level})."
    if status == "unmet":
        least = format_value(-better, unit=unit)
        return f"The candidate is {'worse,' if margin == 0 else f'{allowed}:'} by at least {least} ({level})."
    return f"It is not settled whether the candidate is {allowed}."
