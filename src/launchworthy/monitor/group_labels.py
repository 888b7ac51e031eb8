"""How groups compare in how often decisions about them are right, by labels. May import this room.

A call is in a group by its slice ``field:value``, such as ``age_band:under_36``. Which calls are read, and
what a label counts for, is as of monitors by labels; the bounds are of all groups at once, as of outcomes.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchworthy.evidence import Evidence
from launchworthy.metrics import GroupReport, find_metric, group_report
from launchworthy.monitor.estimating import RIGHTNESS, Share
from launchworthy.monitor.fairness import names_in, said_of_groups
from launchworthy.monitor.label_rows import Labels, labels_of, rows_of
from launchworthy.monitor.labelled import MISSING, counted
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import WORST, Measured
from launchworthy.monitor.scene import Ask
from launchworthy.stats import Interval, weighted_share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["labelled_groups"]

_NOUN = "labelled call"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A call with a label: whether it is a hit, how many calls it stands for, whose it was, its groups."""

    trace: str
    unit: str
    hit: bool | None
    weight: float
    began: int
    simulated: bool
    groups: frozenset[str]


def labelled_groups(ask: Ask, sources: Sequence[Mapping[str, Any]]) -> Evidence | None:
    """The gap or ratio between groups of a share such as ``screen/quality/recall``, the option ``of``.

    Args:
        ask: The monitor, with the options of the promise about groups that it watches.
        sources: Sources of labels: ``event``, ``matures_ms``, ``truth``; of several the first counts.
    """
    options, of = ask.claim.options, str(ask.claim.options["of"])
    name = of.rpartition("/")[2]
    wanted = RIGHTNESS.get(name)
    if wanted is None:
        return nothing(ask, f"labels of records tell {', '.join(RIGHTNESS)}, not {name}", noun=_NOUN)
    labels = labels_of(replace(ask, workflow=_workflow(ask, of)), sources)
    ask = labels.ask
    counts, why = counted(labels)
    if why is not None:
        return nothing(ask, why, noun=_NOUN)
    fields: Sequence[str] = options.get("groups") or ()
    prefixes = tuple(f"{field}:" for field in fields)
    partly = any(each.partly for each in counts)
    rows = _rows(labels, wanted, prefixes, partly=partly)
    told_rows = [row for row in rows if row.hit is not None]
    sizes: dict[str, int] = {}
    for row in told_rows:
        for mine in row.groups:
            sizes[mine] = sizes.get(mine, 0) + 1
    least = int(options.get("min_group") or 1)
    large = sorted(group for group, size in sizes.items() if size >= least)
    for group, missing in _without_label(labels, prefixes).items() if not partly else ():
        if group in large and missing > MISSING * sizes[group]:
            why = f"{missing:,} calls of {group} have no label, where {sizes[group]:,} labels tell its {name}"
            return nothing(ask, why, noun=_NOUN)
    reports = _reports(told_rows, fields, large, level=ask.claim.confidence)
    found, told = said_of_groups(ask, reports, fields=fields, least=least, noun="labelled calls")
    told |= {"of": of, "horizon_s": labels.matures_s, "sources": list(labels.events)}
    if len(large) < len(sizes):
        told["too_small"] = {group: sizes[group] for group in sorted(sizes) if sizes[group] < least}
    if partly:
        told["weighted"] = "each label counts for the calls that it stands for"
    return evidence_of(ask, _measured(rows, found, wanted), detail=told) or nothing(
        ask, told["reason"], noun=_NOUN
    )


def _workflow(ask: Ask, of: str) -> str | None:
    """The workflow of the quality that is compared, whose address stands with or without it."""
    for claim in ask.scene.claims.values():
        path = claim.address.partition("/")[2]
        if claim.family == "quality" and of in (path, path.removeprefix(f"{claim.workflow}/")):
            return claim.workflow
    head = of.partition("/")[0]
    return head if head in ask.scene.calls else None


def _without_label(labels: Labels, prefixes: tuple[str, ...]) -> dict[str, int]:
    """Calls of each group without a label: where nearly all calls have one, those of a group may not."""
    rows, values = rows_of(labels)
    found: dict[str, int] = {}
    for row in labels.ask.scene.query(
        f"SELECT slices, count(*) AS missing FROM ({rows}) WHERE truth IS NULL AND slices IS NOT NULL"
        " GROUP BY slices",
        values,
    ):
        for group in names_in(row["slices"], prefixes=prefixes):
            found[group] = found.get(group, 0) + int(row["missing"])
    return dict(sorted(found.items()))


def _rows(labels: Labels, wanted: Share, prefixes: tuple[str, ...], *, partly: bool) -> list[_Row]:
    """The calls with a label of which a group is known."""
    rows, values = rows_of(labels)
    among, hits = wanted.sql
    weight = "1.0 / coalesce(chance, 1.0)" if partly else "1.0"
    found = labels.ask.scene.query(
        f"SELECT lower(hex(trace)) AS trace, unit, began, sim, ({hits}) AS hit, {weight} AS weight, slices"
        f" FROM ({rows}) WHERE truth IS NOT NULL AND slices IS NOT NULL AND coalesce({among}, true)"
        " ORDER BY began DESC, trace",
        values,
    )
    named = ((row, names_in(row["slices"], prefixes=prefixes)) for row in found)
    return [
        _Row(
            trace=row["trace"],
            unit=row["unit"],
            hit=row["hit"],
            weight=row["weight"],
            began=row["began"],
            simulated=bool(row["sim"]),
            groups=groups,
        )
        for row, groups in named
        if groups
    ]


def _reports(
    rows: Sequence[_Row], fields: Sequence[str], groups: Sequence[str], *, level: float
) -> list[GroupReport]:
    """A report for each field that has two groups at least; all keep the level together."""
    import numpy as np

    hits = np.array([row.hit for row in rows], dtype=np.float64)
    weights = np.array([row.weight for row in rows], dtype=np.float64)
    units = np.unique([row.unit for row in rows], return_inverse=True)[1]
    by_field = [
        {
            group: np.array([at for at, row in enumerate(rows) if group in row.groups], dtype=np.int64)
            for group in groups
            if group.startswith(f"{field}:")
        }
        for field in fields
    ]
    compared = [members for members in by_field if len(members) > 1]

    def estimate(chosen: NDArray[np.int64], sure: float) -> Interval | None:
        if not chosen.size:
            return None
        return weighted_share(
            hits[chosen], weights=weights[chosen], clusters=units[chosen].tolist(), level=sure, sides=2
        )

    return [
        group_report(
            find_metric("selection-rate"),
            members,
            measured=np.ones(hits.size, dtype=bool),
            estimate=estimate,
            level=level,
            share=len(compared),
        )
        for members in compared
    ]


def _measured(rows: Sequence[_Row], interval: Interval | None, wanted: Share) -> Measured:
    told = [row for row in rows if row.hit is not None]
    units = len({row.unit for row in told})
    bad = [row for row in told if row.hit is bool(wanted.bad)]
    return Measured(
        interval=interval,
        records=len(told),
        unscored=len(rows) - len(told),
        simulated=sum(row.simulated for row in rows),
        units=units,
        noun="user" if units < len(told) else _NOUN,
        row=_NOUN,
        first_ns=min((row.began for row in rows), default=None),
        worst=[{"trace": row.trace, "value": None} for row in bad[:WORST]],
        missing="the output tells no action of the contract, no yes or no, and no score with a threshold",
    )
