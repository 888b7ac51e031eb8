"""How groups compare in what came of their uses. May import ``evidence``, ``metrics`` and this room.

A use is in a group by the slice ``field:value`` of one of its calls, such as ``language:de``. A gap is
between the best and the worst group; a ratio is a group's share over that of all others: the highest where
the target is ``at_most``, else the lowest. The bounds are those of ``launchworthy.metrics.report_groups``: of
all groups at once.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.metrics import GroupReport, Scored, between_groups, columns_of, find_metric, report_groups
from launchworthy.monitor.outcomes import Came, came_of, outcome_claim
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.use_rows import USE, UseRow, measured_on, use_rows
from launchworthy.records import Own
from launchworthy.stats import Interval

__all__ = ["MEASURES", "Groups", "compared_groups", "groups_of", "names_in", "said_of_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The uses that a promise about groups is held to.

    Attributes:
        ask: About the outcome, of the uses that are old enough.
        came: What says that it came.
        rows: The uses of which a group is known, each with its groups.
        fields: Fields that name groups.
        least: Uses that a group needs to be compared.
        sizes: Uses of each group, by its name.
    """

    ask: Ask
    came: Came
    rows: Sequence[tuple[UseRow, frozenset[str]]]
    fields: Sequence[str]
    least: int
    sizes: Mapping[str, int]

    @property
    def large(self) -> list[str]:
        """Groups that have enough uses."""
        return sorted(group for group, size in self.sizes.items() if size >= self.least)

    @property
    def small(self) -> dict[str, int]:
        """Groups that have not, with their sizes."""
        return {group: size for group, size in sorted(self.sizes.items()) if size < self.least}


def groups_of(ask: Ask) -> Groups | str:
    """The uses of a promise about groups in an outcome; why there are none, where there are none."""
    claim, of = ask.claim, str(ask.claim.options["of"])
    own = outcome_claim(ask, of)
    if own is None:
        return f"{of} is no outcome of the contract that is told of a single use"
    ask = replace(ask, workflow=own.workflow)
    of_outcome = replace(ask, claim=own, family="outcomes", metric=own.metric)
    came = came_of(of_outcome)
    if isinstance(came, str):
        return came
    ask, of_outcome = (each.matured(came.success.horizon_s) for each in (ask, of_outcome))
    fields: Sequence[str] = claim.options.get("groups") or ()
    rows = _grouped(of_outcome, came, prefixes=tuple(f"{field}:" for field in fields))
    sizes: dict[str, int] = {}
    for _, mine in rows:
        for group in mine:
            sizes[group] = sizes.get(group, 0) + 1
    least = int(claim.options.get("min_group") or 1)
    return Groups(ask=ask, came=came, rows=rows, fields=fields, least=least, sizes=sizes)


def compared_groups(ask: Ask) -> Evidence | None:
    """How groups compare in an outcome, which the option ``of`` of the claim names."""
    known = groups_of(ask)
    if isinstance(known, str):
        return nothing(ask, known, noun="use")
    ask, rows = known.ask, known.rows
    reports = _reports(rows, known.fields, known.large, level=ask.claim.confidence)
    found, told = said_of_groups(ask, reports, fields=known.fields, least=known.least, noun="uses")
    told |= {"of": str(ask.claim.options["of"]), "events": list(known.came.success.events)}
    if known.small:
        told["too_small"] = known.small
    return evidence_of(ask, measured_on([row for row, _ in rows], found), detail=told) or nothing(
        ask, told["reason"], noun="use"
    )


def said_of_groups(
    ask: Ask, reports: Sequence[GroupReport], *, fields: Sequence[str], least: int, noun: str
) -> tuple[Interval | None, dict[str, Any]]:
    """The gap or ratio that a promise is held to, and what the reader is told; None where there is none."""
    claim = ask.claim
    ratio = claim.metric == "ratio"
    at_most = claim.target is None or claim.target.direction.value == "at_most"
    between = between_groups(reports, ratio=ratio, highest=at_most)
    told: dict[str, Any] = {"min_group": least}
    told["groups"] = {
        group.name: None if group.value is None else {"value": group.value.value, "n": group.value.n}
        for report in reports
        for group in report.groups
    }
    if between is None:
        told["reason"] = (
            "it came to none of the others, so there is no ratio"
            if reports and ratio
            else f"no two groups of {', '.join(fields)} have {least:,} {noun} each that are old enough: a"
            f" call is in a group by its slice, such as {fields[0] if fields else 'field'}:value"
        )
        return None, told
    found, names = between
    # A ratio is a plain number, or per cent of what the others have.
    return (replace(found, unit=ask.unit) if ratio else found), told | names


_Grouped = tuple[UseRow, frozenset[str]]


def _grouped(ask: Ask, came: Came, *, prefixes: tuple[str, ...]) -> list[_Grouped]:
    """The uses of which a group is known, each with its groups."""
    bind = Bind()
    groups: dict[str, frozenset[str]] = {}
    for row in ask.scene.query(
        f"SELECT {USE} AS use, json_extract(attributes, '/{Own.SLICE}')::VARCHAR AS slices"
        f" FROM ({ask.calls(bind)})"
        f" WHERE CASE WHEN contains(attributes, '{Own.SLICE}') THEN json_valid(attributes) ELSE false END",
        bind.values,
    ):
        if mine := names_in(row["slices"], prefixes=prefixes):
            groups[row["use"]] = groups.get(row["use"], frozenset()) | mine
    return [(row, groups[row.use]) for row in use_rows(ask, came, among=groups)]


def names_in(slices: str | None, *, prefixes: tuple[str, ...]) -> frozenset[str]:
    """The groups that the slices of a call name, which are written in JSON."""
    told = json.loads(slices) if slices else []
    named = told if isinstance(told, list) else [told]
    return frozenset(name for name in named if isinstance(name, str) and name.startswith(prefixes))


def _reports(
    rows: Sequence[_Grouped], fields: Sequence[str], groups: Sequence[str], *, level: float
) -> list[GroupReport]:
    """A report for each field that has two groups at least; all keep the level together."""
    import numpy as np

    metric = find_metric("selection-rate")
    scores = None
    if rows and metric.columns is not None:
        scores = metric.columns(columns_of({"prediction": np.array([row.came for row, _ in rows])}))
    units = [row.unit for row, _ in rows]
    by_field = [
        {
            group: np.array([at for at, (_, mine) in enumerate(rows) if group in mine], dtype=np.int64)
            for group in groups
            if group.startswith(f"{field}:")
        }
        for field in fields
    ]
    compared = [slices for slices in by_field if len(slices) > 1]
    return [
        report_groups(
            metric,
            Scored(scores=scores, clusters=[*units] if len(set(units)) < len(units) else None, slices=slices),
            level=level,
            share=len(compared),
        )
        for slices in compared
        if scores is not None
    ]


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    f"bound:fairness/{which}/*outcomes/*": compared_groups for which in ("gap", "ratio")
}
