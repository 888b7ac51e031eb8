"""What a statistic reads of a sample, aggregated in SQL: of all rows, or of each workflow's in one query.

Imports nothing of this project. A statistic says what it needs of the rows, of each independent unit among
those with a value, and of the units; where it asks which rows lie above a quantile, that is ``edge``.
"""

# ruff: noqa: S608 (a sample is SQL of this room; values are its parameters, numbers are written by repr)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launchworthy.monitor.sample import Sample
    from launchworthy.monitor.scene import Query

__all__ = [
    "SPREAD",
    "WORST",
    "Reads",
    "at_ranks",
    "at_ranks_by_workflow",
    "counted",
    "counted_by_workflow",
    "worst",
]

WORST = 20
# Of units with m rows, k of which have the event: what their design effect is computed from.
SPREAD = (
    "sum(k * k) AS kk, sum(k * m) AS km, sum(m * m) AS mm,"
    " least(count(*) FILTER (k > 0), count(*) FILTER (k < m)) AS telling"
)
_OF_ROWS = (
    "count(x) AS records, count(*) - count(x) AS unscored, count(*) FILTER (sim) AS simulated,"
    " min(began) AS first_ns"
)
_OF_UNITS = (
    "count(*) AS units, bool_or(starts_with(unit, 'u')) AS users, bool_or(starts_with(unit, 's')) AS sessions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Aggregates that a statistic reads: of the rows, of each unit, of the units; ``q`` is which quantile."""

    rows: str
    of_unit: str
    of_units: str
    q: float | None = None


def counted(query: Query, sample: Sample, reads: Reads) -> dict[str, Any]:
    """One row of aggregates of the whole sample."""
    return query(f"{_with(sample, reads, each=False)} SELECT * FROM rows, whole", sample.parameters)[0]


def counted_by_workflow(query: Query, sample: Sample, reads: Reads) -> dict[str, dict[str, Any]]:
    """The same row for each workflow that the sample names, in one query."""
    found = query(
        f"{_with(sample, reads, each=True)} SELECT rows.*, whole.* EXCLUDE (workflow, units),"
        " coalesce(units, 0) AS units FROM rows LEFT JOIN whole ON rows.workflow = whole.workflow",
        sample.parameters,
    )
    return {row.pop("workflow"): row for row in found}


def _with(sample: Sample, reads: Reads, *, each: bool) -> str:
    key, grouped = ("workflow, ", " GROUP BY workflow") if each else ("", "")
    cut, source = "", "sample"
    if reads.q is not None:
        # A hair below q, so that rounding never lifts q·n above a whole rank.
        quantile = f"quantile_disc(x, {reads.q - 1e-12!r})"
        cut = f" cut AS MATERIALIZED (SELECT {key}{quantile} AS edge FROM sample{grouped}),"
        source = "sample JOIN cut USING (workflow)" if each else "sample, cut"
    return (
        f"WITH sample AS MATERIALIZED ({sample.finite}),{cut}"
        f" units AS (SELECT {key}unit, {reads.of_unit} FROM {source} WHERE x IS NOT NULL GROUP BY {key}unit),"
        f" rows AS (SELECT {key}{_OF_ROWS}, {reads.rows} FROM {source}{grouped}),"
        f" whole AS (SELECT {key}{_OF_UNITS}, {reads.of_units} FROM units{grouped})"
    )


def worst(condition: str, *, order: str) -> str:
    """The rows of which a condition is true and that come last by an order, as ``{"trace", "value"}``."""
    return (
        f"list_transform(arg_max(struct_pack(trace := trace, value := x), {order}, {WORST})"
        f" FILTER ({condition}),"
        " lambda each: struct_pack(trace := lower(hex(each.trace)), value := each.value)) AS worst"
    )


def at_ranks(query: Query, sample: Sample, ranks: Sequence[int], *, n: int) -> list[float]:
    """Values of ``x`` at ranks from 1: half a rank lower, so that rounding cannot pass the rank."""
    places = ", ".join(repr((rank - 0.5) / n) for rank in ranks)
    found = query(
        f"SELECT quantile_disc(x, [{places}]) AS found FROM ({sample.finite}) AS sample", sample.parameters
    )
    return [float(value) for value in found[0]["found"]]


def at_ranks_by_workflow(
    query: Query, sample: Sample, ranks: Mapping[str, Sequence[int]]
) -> dict[str, list[float]]:
    """The same of each workflow, at ranks of its own."""
    parameters = [*sample.parameters]
    cases = []
    for workflow, of in ranks.items():
        parameters.append(workflow)
        cases.append(f"WHEN ${len(parameters)} THEN [{', '.join(map(str, of))}]")
    found = query(
        f"SELECT workflow, list_select(list_sort(list(x)), CASE workflow {' '.join(cases)} END) AS found"
        f" FROM ({sample.finite}) AS sample WHERE x IS NOT NULL GROUP BY workflow",
        parameters,
    )
    return {row["workflow"]: row["found"] for row in found}
