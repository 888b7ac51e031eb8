"""A metric by protected group: how far groups are apart, with bounds that hold for all of them at once.

May import this room, ``errors`` and ``stats``. The largest of several differences is never resampled: that
reads it too large. Instead every pair of groups is bounded at a level that all keep together (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.metrics.metric import Metric
from launchworthy.metrics.scored import Scored
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "PARITY",
    "GroupReport",
    "GroupRow",
    "apart_by",
    "between_groups",
    "group_report",
    "pairs_of",
    "report_groups",
    "widest",
]

# Named comparisons of groups: the metrics of which the widest gap counts.
PARITY: Mapping[str, tuple[str, ...]] = {
    "demographic-parity": ("selection-rate",),
    "equalised-odds": ("recall", "false-positive-rate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group.

    Attributes:
        name: Of the group.
        value: The metric on it; None where nothing could be measured. Holds by itself.
        difference, ratio: To all other groups taken together; hold for all groups at once. None where either
            side is not measured, or the others' value is 0.
        rows, unscored: Its rows, and those that could not be scored.
    """

    name: str
    value: Interval | None
    difference: Interval | None
    ratio: Interval | None
    rows: int
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """A metric by group.

    Attributes:
        metric: What was measured.
        groups: Every group, in order of name.
        gap: Highest value minus lowest; None with fewer than two groups that could be measured.
        ratio: Lowest value over highest; None also where the highest is 0, or values may be negative.
        highest, lowest: Groups that the gap is between.
        smallest: The least n of any group measured: what the bounds are worth.
        ungrouped: Rows that name no group.
    """

    metric: Metric
    groups: tuple[GroupRow, ...]
    gap: Interval | None
    ratio: Interval | None
    highest: str | None
    lowest: str | None
    smallest: int
    ungrouped: int


def report_groups(
    metric: Metric, found: Scored, *, cluster: str | None = None, level: float = 0.95, share: int = 1
) -> GroupReport:
    """Compare the groups, which are the slices of what was scored.

    Args:
        metric: What was measured.
        found: Scores with groups as slices.
        cluster: Field that names clusters, for errors.
        level: Of everything that is said of several groups together.
        share: How many reports keep ``level`` together.

    Raises:
        InputError: No row names a group.

    Source: Bonferroni; two groups' bounds joined as by Newcombe, Statistics in Medicine 17 (1998), and Zou
    and Donner, ibid. 27 (2008); ratios, Donner and Zou, Statistical Methods in Medical Research 21 (2012).
    """
    if not found.slices:
        raise InputError("no row names a group", where="group", hint="--group takes a field of the rows")
    units = found.units(field=cluster or "cluster")

    def estimate(chosen: NDArray[np.int64], sure: float) -> Interval | None:
        names = None if units is None else [units[at] for at in chosen.tolist()]
        return metric.estimate(found.scores.take(chosen), level=sure, clusters=names)

    return group_report(
        metric,
        found.slices,
        measured=found.scores.value == found.scores.value,
        estimate=estimate,
        level=level,
        share=share,
    )


def group_report(
    metric: Metric,
    groups: Mapping[str, NDArray[np.int64]],
    *,
    measured: NDArray[np.bool_],
    estimate: Callable[[NDArray[np.int64], float], Interval | None],
    level: float = 0.95,
    share: int = 1,
) -> GroupReport:
    """Compare groups of which ``estimate`` knows the two-sided interval: of positions, at a level.

    Args:
        metric: What is measured.
        groups: Positions of the members of each group, by name.
        measured: Which of all rows have a value.
        estimate: The interval over some positions; None where they determine none.
        level, share: See :func:`report_groups`.
    """
    import numpy as np

    grouped = np.unique(np.concatenate(list(groups.values())))
    alpha, count = (1.0 - level) / share, len(groups)
    rows = []
    wide: dict[str, Interval] = {}
    for name, chosen in groups.items():
        value = estimate(chosen, 1.0 - alpha)
        if value is not None and count > 1:
            wide[name] = estimate(chosen, 1.0 - alpha / pairs_of(count)) or value
        rest = np.setdiff1d(grouped, chosen)
        own, others = (estimate(part, 1.0 - alpha / count) for part in (chosen, rest))
        rows.append(
            GroupRow(
                name=name,
                value=value,
                difference=_joined(apart_by, own, others, level=level, groups=count),
                ratio=_joined(_ratio, own, others, level=level, groups=count),
                rows=chosen.size,
                unscored=chosen.size - int(measured[chosen].sum()),
            )
        )
    order = sorted(wide, key=lambda name: (wide[name].value, name))
    lowest, highest = (order[0], order[-1]) if len(order) > 1 else (None, None)
    return GroupReport(
        metric=metric,
        groups=tuple(rows),
        gap=_largest(apart_by, wide, lowest, highest, level=level),
        ratio=_largest(_ratio, wide, highest, lowest, level=level),
        highest=highest,
        lowest=lowest,
        smallest=min((row.value.n for row in rows if row.value is not None), default=0),
        ungrouped=measured.size - int(grouped.size),
    )


def pairs_of(groups: int) -> int:
    """How many pairs there are of so many groups."""
    return groups * (groups - 1) // 2


def between_groups(
    reports: Sequence[GroupReport], *, ratio: bool, highest: bool
) -> tuple[Interval, dict[str, str]] | None:
    """What a promise about groups is held to, and which groups it is between; None where it has no value.

    Args:
        reports: One for each field that names groups; they keep their level together (``share``).
        ratio: Of a group to all others; else the widest gap between two groups.
        highest: The highest ratio counts, else the lowest.
    """
    worst = widest(reports)
    if worst is None or worst.gap is None or worst.highest is None or worst.lowest is None:
        return None
    if not ratio:
        return worst.gap, {"highest": worst.highest, "lowest": worst.lowest}
    told = [(row.name, row.ratio) for report in reports for row in report.groups]
    ratios = [found for _, found in told if found is not None]
    if len(ratios) < len(told):
        return None
    most = max if highest else min
    value = most(found.value for found in ratios)
    name, found = next((name, found) for name, found in told if found is not None and found.value == value)
    # Any group may be the one: the bounds allow for it.
    low, high = most(found.low for found in ratios), most(found.high for found in ratios)
    return replace(found, low=low, high=high), {"group": name, "against": "all others"}


def widest(reports: Sequence[GroupReport]) -> GroupReport | None:
    """The report whose gap is the widest; its gap's bounds allow for any of them being it."""
    told = [report for report in reports if report.gap is not None]
    if len(told) < len(reports) or not told:
        return None
    worst = max(told, key=lambda report: report.gap.value if report.gap else 0.0)
    gaps = [report.gap for report in told if report.gap is not None]
    if worst.gap is None:
        return None
    gap = replace(worst.gap, low=max(gap.low for gap in gaps), high=max(gap.high for gap in gaps))
    ratios = [report.ratio for report in told if report.ratio is not None]
    ratio = None
    if len(ratios) == len(told):
        least = min(ratios, key=lambda found: found.value)
        ratio = replace(least, low=min(one.low for one in ratios), high=min(one.high for one in ratios))
    return replace(worst, gap=gap, ratio=ratio)


Ends = tuple[float, float, float]  # value, low, high


def apart_by(one: Interval, other: Interval) -> Ends:
    """One minus another that does not depend on it."""
    value = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    return value, value - down, value + up


def _ratio(one: Interval, other: Interval) -> Ends | None:
    """One value over the other, by Donner and Zou's limits; None where a value may be negative."""
    a, b = one.value, other.value
    if b <= 0 or min(one.low, other.low) < 0:
        return None

    def end(mine: float, theirs: float, sign: float) -> float:
        under = theirs * (2.0 * b - theirs)
        if under <= 0 or not math.isfinite(mine):
            return 0.0 if sign < 0 else math.inf
        inside = max(0.0, (a * b) ** 2 - mine * theirs * (2.0 * a - mine) * (2.0 * b - theirs))
        return (a * b + sign * math.sqrt(inside)) / under

    return (
        a / b,
        max(0.0, min(a / b, end(one.low, other.high, -1.0))),
        max(a / b, end(one.high, other.low, 1.0)),
    )


def _joined(
    of: Callable[[Interval, Interval], Ends | None],
    one: Interval | None,
    other: Interval | None,
    *,
    level: float,
    groups: int,
) -> Interval | None:
    ends = None if one is None or other is None else of(one, other)
    if one is None or other is None or ends is None:
        return None
    return _interval(ends, one, other, level=level, ratio=of is _ratio, many=groups)


def _largest(
    of: Callable[[Interval, Interval], Ends | None],
    values: Mapping[str, Interval],
    lowest: str | None,
    highest: str | None,
    *,
    level: float,
) -> Interval | None:
    """The most extreme of all pairs: highest minus lowest; with the names swapped, lowest over highest."""
    if lowest is None or highest is None:
        return None
    ratio = of is _ratio
    pairs = [of(values[one], values[other]) for one, other in permutations(values, 2)]
    ends = of(values[highest], values[lowest])
    if ends is None:
        return None
    found = [pair for pair in pairs if pair is not None]
    if ratio:
        ends = (ends[0], min(low for _, low, _ in found), min(1.0, *(high for _, _, high in found)))
    else:
        ends = (ends[0], max(0.0, *(low for _, low, _ in found)), max(high for _, _, high in found))
    return _interval(
        ends, values[highest], values[lowest], level=level, ratio=ratio, many=pairs_of(len(values))
    )


def _interval(
    ends: Ends, one: Interval, other: Interval, *, level: float, ratio: bool, many: int
) -> Interval:
    value, low, high = ends
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=min(one.n, other.n),
        method=f"bounds of both groups joined, Bonferroni over {many}"
        if many > 1
        else "bounds of both joined",
        unit="" if ratio else one.unit,
        sample={"compared": many},
    )
