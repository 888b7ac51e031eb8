"""How much further apart a release has groups than the baseline.

May import ``metrics``, ``stats`` and this room. Each group of each release has a confidence sequence, all of
them at the level together (Bonferroni); those of two groups are joined as by Zou and Donner (Statistics in
Medicine 27, 2008), and the two releases by adding both widths. So what is said of the difference holds for
whichever groups are the furthest apart, whenever one looks. No bound is that of a maximum that was resampled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from launchworthy.metrics import GroupReport, between_groups, find_metric, group_report
from launchworthy.monitor.fairness import Groups, groups_of
from launchworthy.monitor.sample import WORST
from launchworthy.monitor.scene import Ask
from launchworthy.monitor.use_rows import UseRow
from launchworthy.stats import FEWEST_EVENTS, FEWEST_WATCHED, Interval, asymptotic_sequence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["gap_between_releases"]

_Rows = Sequence[tuple[UseRow, frozenset[str]]]


def gap_between_releases(
    candidate: Ask, baseline: Ask, *, level: float
) -> tuple[Interval, dict[str, Any]] | str:
    """What the candidate adds to a gap or a ratio, and what stands behind it; why it is not known."""
    own, other = groups_of(candidate), groups_of(baseline)
    if isinstance(own, str):
        return own
    if isinstance(other, str):
        return other
    switched = {row.unit for row, _ in own.rows} & {row.unit for row, _ in other.rows}
    claim, sides, told = candidate.claim, [], dict[str, Any]()
    names = sorted(set(own.large) & set(other.large))
    if len(names) < 2:
        return f"no two groups have {own.least:,} uses each of both releases that are old enough"
    at_most = claim.target is None or claim.target.direction.value == "at_most"
    smallest = math.inf
    for name, known in (("candidate", own), ("baseline", other)):
        rows = [each for each in known.rows if each[0].unit not in switched]
        # Each release has half of the error, so that both hold together.
        reports = _reports(rows, known, names, level=0.5 + 0.5 * level)
        found = between_groups(reports, ratio=claim.metric == "ratio", highest=at_most)
        if found is None:
            return f"a group of the {name} has fewer than {FEWEST_WATCHED} users, or too few of either kind"
        interval, between = found
        smallest = min(smallest, *(report.smallest for report in reports))
        sides.append((interval, len({row.unit for row, _ in rows})))
        told |= {name: interval.value, f"{name}_groups": between}
        if name == "candidate":
            told["worst"] = _traces(rows, between, highest=at_most)
    (mine, users), (theirs, others) = sides
    simulated = any(row.simulated for known in (own, other) for row, _ in known.rows)
    told |= {"users": users, "baseline_users": others, "switched": len(switched), "simulated": simulated}
    told |= {"smallest_group": int(smallest), "min_group": own.least, "too_small": own.small | other.small}
    unit = claim.target.unit if claim.target is not None else ""
    return (
        Interval(
            value=mine.value - theirs.value,
            low=mine.low - theirs.high,
            high=mine.high - theirs.low,
            confidence=level,
            n=users + others,
            method="confidence sequences of all groups of both releases, together",
            sides=1,
            unit=unit,
            sample={},
        ),
        told,
    )


def _traces(rows: _Rows, between: Mapping[str, str], *, highest: bool) -> list[dict[str, Any]]:
    """Newest calls of the candidate that part the groups: those of the higher in which it came, those of the
    lower in which it did not."""
    ends = [("highest", True), ("lowest", False), ("group", highest)]
    parts = [(between[end], came) for end, came in ends if end in between]
    found: list[UseRow] = []
    for group, came in parts:
        own = [row for row, groups in rows if group in groups and row.came is came]
        found += sorted(own, key=lambda row: row.began, reverse=True)[: WORST // len(parts)]
    return [{"trace": row.trace} for row in found]


def _reports(rows: _Rows, known: Groups, names: Sequence[str], *, level: float) -> list[GroupReport]:
    import numpy as np

    came = np.array([row.came for row, _ in rows], dtype=np.float64)
    units = np.unique([row.unit for row, _ in rows], return_inverse=True)[1]
    by_field: list[Mapping[str, NDArray[np.int64]]] = [
        {
            group: np.array([at for at, (_, mine) in enumerate(rows) if group in mine], dtype=np.int64)
            for group in names
            if group.startswith(f"{field}:")
        }
        for field in known.fields
    ]
    compared = [groups for groups in by_field if len(groups) > 1]

    def estimate(chosen: NDArray[np.int64], sure: float) -> Interval | None:
        return _watched(came[chosen], units[chosen], level=sure)

    return [
        group_report(
            find_metric("selection-rate"),
            groups,
            measured=np.ones(came.size, dtype=bool),
            estimate=estimate,
            level=level,
            share=len(compared),
        )
        for groups in compared
    ]


def _watched(came: NDArray[np.float64], units: NDArray[np.int64], *, level: float) -> Interval | None:
    """A share over users, with bounds that may be watched; None of too few."""
    import numpy as np

    _, own = np.unique(units, return_inverse=True)
    k, m = np.bincount(own, weights=came), np.bincount(own).astype(np.float64)
    users, events = k.size, float(came.sum())
    if users < FEWEST_WATCHED or min(events, came.size - events) < FEWEST_EVENTS // 2:
        return None
    value = events / came.size
    error = math.sqrt(users / (users - 1) * float(((k - value * m) ** 2).sum())) / came.size
    if not error > 0.0:
        return None
    found = asymptotic_sequence(value, standard_error=error, n=users, level=level, sides=2, unit="ratio")
    return Interval(
        value=value,
        low=max(0.0, found.low),
        high=min(1.0, found.high),
        confidence=level,
        n=users,
        method=found.method,
        sides=2,
        unit="ratio",
        sample=dict(found.sample),
    )
