"""From records to numbers with bounds: aggregated in SQL, bounded by the procedures of ``stats``.

May import ``stats`` and this room. A sample is a SELECT with the columns ``unit`` (what is independent),
``trace``, ``began``, ``sim`` and ``x``: what was measured, null where it could not be; a ratio has ``y``,
what it is divided by; one of several workflows names each row's. Where units repeat, shares and quantiles are
bounded at the effective number of independent records (Korn and Graubard, Survey Methodology 24, 1998), means
and ratios by whole units.

A design effect is estimated from the units in which the rarer thing happened, and from few of them it comes
out too small: of 30 users with 100 calls each, 1 % of errors and a correlation within users of 0.3, nominal
95 % bounds held in 76 % of simulations. So it is averaged with the largest that it could be, which counts as
one such unit more. Then bounds held in at least 95 % of all cases simulated, and where nothing happened, each
unit counts once.
"""

# ruff: noqa: S608 (a sample is SQL of this room; values are its parameters, numbers are written by repr)
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.stats import (
    Interval,
    beta_quantile,
    clopper_pearson,
    mean_interval,
    quantile_ranks,
    ratio_interval,
)

if TYPE_CHECKING:
    from launchworthy.monitor.scene import Query

__all__ = [
    "Counted",
    "Measured",
    "Sample",
    "Taken",
    "Taking",
    "breaches",
    "counted_by_workflow",
    "mean",
    "quantile",
    "ratio",
    "share",
]

WORST = 20
_MOST = 1e70
# Of units with m rows, k of which have the event: what their design effect is computed from.
_SPREAD = (
    "sum(k * k) AS kk, sum(k * m) AS km, sum(m * m) AS mm,"
    " least(count(*) FILTER (k > 0), count(*) FILTER (k < m)) AS telling"
)
_OF_UNIT = "count(x) AS m, sum(x) AS k"
_OF_ROWS = (
    "count(x) AS records, count(*) - count(x) AS unscored, count(*) FILTER (sim) AS simulated,"
    " min(began) AS first_ns, bool_or(starts_with(unit, 'u')) AS users,"
    " bool_or(starts_with(unit, 's')) AS sessions"
)
_GRID = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995,
         0.999, 0.9995, 1.0)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A SELECT of what was measured, and what each row is: ``call``, ``retrieval``, ``session`` …

    ``missing`` says why a row has no value, ``names_workflow`` whether each row has its ``workflow`` too.
    """

    sql: str
    parameters: Sequence[Any]
    noun: str
    missing: str = "not recorded"
    names_workflow: bool = False

    @property
    def finite(self) -> str:
        """The SELECT without negative and endless amounts, which only a sender can have made up."""
        return f"SELECT * REPLACE (CASE WHEN x >= 0 AND x < {_MOST!r} THEN x END AS x) FROM ({self.sql})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its bounds, and what stands behind it.

    Attributes:
        interval: Estimate and one-sided bounds; None where nothing could be measured.
        records: Rows with a value.
        unscored: Rows without one.
        simulated: Rows of simulated users.
        units: Independent units among the rows with a value.
        noun: What a unit is: what a row is, where no unit has two.
        first_ns: Time of the oldest row; None of no rows.
        worst: The rows furthest on the wrong side, as ``{"trace", "value"}``.
        missing: Why a row has no value.
        effect: Design effect, where units repeat.
    """

    interval: Interval | None
    records: int
    unscored: int
    simulated: int
    units: int
    noun: str
    row: str
    first_ns: int | None
    worst: Sequence[dict[str, Any]] = field(default_factory=tuple)
    missing: str = ""
    effect: float | None = None

    @property
    def rows(self) -> int:
        """Rows with or without a value."""
        return self.records + self.unscored


class Taken(Exception):
    """What a measure would have made a number of.

    Attributes:
        sample: The rows.
        statistic: ``share``, ``mean``, ``ratio`` or ``quantile``.
        high_is_bad: Whether large values are the ones to look at.
        q: Which quantile.
    """

    def __init__(self, sample: Sample, statistic: str, *, high_is_bad: bool, q: float = 0.0) -> None:
        super().__init__(statistic)
        self.sample, self.statistic, self.high_is_bad, self.q = sample, statistic, high_is_bad, q


class Taking:
    """A query by which a measure is asked for its rows: it looks up what it needs, and raises ``Taken``.

    Who compares two releases needs the rows of both, and every measure says its own in its own words.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def __call__(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        return self._query(sql, parameters)


class Counted:
    """A query that knows already what the first share asked by it is counted from."""

    def __init__(self, query: Query, row: Mapping[str, Any]) -> None:
        self._query = query
        self._row: Mapping[str, Any] | None = row

    def __call__(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        return self._query(sql, parameters)

    def once(self) -> dict[str, Any] | None:
        """The row, the first time."""
        row, self._row = self._row, None
        return None if row is None else dict(row)


def share(query: Query, sample: Sample, *, level: float, bad: int) -> Measured:
    """The share of rows with ``x`` = 1; the newest traces with ``x`` = ``bad`` (0 or 1) are shown."""
    if isinstance(query, Taking):
        raise Taken(sample, "share", high_is_bad=bad == 1)
    row = query.once() if isinstance(query, Counted) else None
    if row is None:
        row = _one(query, sample, _of_share(bad), _OF_UNIT, _SPREAD)
    row["worst"] = [{"trace": each["trace"]} for each in row["worst"] or ()]
    n, units, hits = row["records"], row["units"], int(row["hits"] or 0)
    if not n:
        return _measured(row, sample, None)
    if units == n:
        return _measured(row, sample, clopper_pearson(hits, n=n, level=level))
    effect, worth = _effective(row, share=hits / n)
    low, high = _exact_bounds(hits / n, worth=worth, level=level)
    interval = Interval(
        value=hits / n,
        low=low,
        high=high,
        confidence=level,
        n=units,
        method="Clopper-Pearson, clustered",
        sides=1,
        unit="ratio",
        sample={"successes": hits, "items": n, "n": units, "clusters": units, "effective": worth},
    )
    return _measured(row, sample, interval, effect=effect)


def quantile(query: Query, sample: Sample, *, q: float, level: float, unit: str) -> Measured:
    """The ``q`` quantile of ``x`` by order statistics; the slowest traces are shown."""
    if isinstance(query, Taking):
        raise Taken(sample, "quantile", high_is_bad=True, q=q)
    # A hair below q, so that rounding never lifts q·n above a whole rank.
    at = f"(SELECT quantile_disc(x, {q - 1e-12!r}) FROM sample)"
    row = _one(
        query,
        sample,
        f"{_worst('x IS NOT NULL', order='x')} AS worst, {at} AS value,"
        f" count(*) FILTER (x > {at})::BIGINT AS slower",
        f"count(x) AS m, count(*) FILTER (x > {at}) AS k",
        _SPREAD,
    )
    n, units = row["records"], row["units"]
    if not n:
        return _measured(row, sample, None)
    value, slower = float(row["value"]), int(row["slower"])
    clustered = units < n
    effect, worth = _effective(row, share=slower / n) if clustered else (None, float(n))
    lower, upper = quantile_ranks(n, q=q, level=level, sides=1, effective=worth)
    ranks = [rank for rank in (lower, upper) if rank is not None]
    grid = [max(1, math.ceil(each * n - 1e-9)) for each in _GRID]
    found = _at_ranks(query, sample, n=n, ranks=[*ranks, *grid])
    bounds = dict(zip(ranks, found, strict=False))
    points = [
        [rank / n, amount] for rank, amount in dict(zip(grid, found[len(ranks) :], strict=True)).items()
    ]
    interval = Interval(
        value=value,
        low=-math.inf if lower is None else bounds[lower],
        high=math.inf if upper is None else bounds[upper],
        confidence=level,
        n=units,
        method="order statistics, clustered" if clustered else "order statistics",
        sides=1,
        unit=unit,
        sample={
            "quantile": q,
            "points": points,
            "slower": slower,
            "items": n,
            "n": units,
            **({"clusters": units, "effective": worth} if clustered else {}),
        },
    )
    return _measured(row, sample, interval, effect=effect)


def mean(
    query: Query,
    sample: Sample,
    *,
    level: float,
    unit: str,
    high_is_bad: bool = True,
    most: float | None = None,
) -> Measured:
    """The mean of ``x``; the traces with the largest values are shown, or the smallest.

    ``most`` is what no value may go beyond; where one does, it is no bound.
    """
    import numpy as np

    if isinstance(query, Taking):
        raise Taken(sample, "mean", high_is_bad=high_is_bad)

    row = _one(
        query,
        sample,
        f"{_worst('x IS NOT NULL', order='x' if high_is_bad else '-x')} AS worst, max(x) AS top",
        "count(x) AS m, sum(x) AS k",
        "list(k) AS sums, list(m) AS sizes",
    )
    n, units = row["records"], row["units"]
    if not n:
        return _measured(row, sample, None)
    sums, sizes = np.asarray(row["sums"], dtype=np.float64), np.asarray(row["sizes"], dtype=np.int64)
    clusters = None if units == n else np.repeat(np.arange(units), sizes).tolist()
    # The bootstrap of whole units reads their sums and sizes only, so each may stand as that many means.
    values = sums if clusters is None else np.repeat(sums / sizes, sizes)
    # Means of units may round past the largest value by a hair.
    bounds = (0.0, most) if most is not None and row["top"] <= most and values.max() <= most else None
    interval = mean_interval(values, level=level, sides=1, clusters=clusters, bounds=bounds, unit=unit)
    kept = {key: interval.sample[key] for key in ("mean", "items", "n", "standard_error")}
    if clusters is None:
        kept["variance"] = interval.sample["variance"]
    return _measured(row, sample, _with_sample(interval, kept))


def ratio(
    query: Query,
    sample: Sample,
    *,
    level: float,
    unit: str,
    bounds: tuple[float, float] | None = None,
    high_is_bad: bool = True,
    without: str = "",
) -> Measured:
    """Σ x / Σ y over units, by the delta method; ``without`` says what is missing where Σ y is 0."""
    if isinstance(query, Taking):
        raise Taken(sample, "ratio", high_is_bad=high_is_bad)
    row = _one(
        query,
        sample,
        f"{_worst('x IS NOT NULL', order='x' if high_is_bad else '-x')} AS worst",
        "count(x) AS m, sum(x) AS k, sum(y) FILTER (x IS NOT NULL) AS d",
        "list(k) AS over, list(d) AS under, sum(d) AS total",
    )
    if not row["records"] or not row["total"]:
        return _measured(row, sample, None, missing=without if row["records"] else "")
    interval = ratio_interval(
        row["over"], denominators=row["under"], level=level, sides=1, bounds=bounds, unit=unit
    )
    return _measured(row, sample, interval)


def breaches(query: Query, sample: Sample) -> Measured:
    """How many rows have ``x`` above the ``y`` they were allowed; the worst by how far they went."""
    row = _one(
        query,
        sample,
        f"{_worst('x > y', order='x')} AS worst, count(*) FILTER (x > y)::BIGINT AS hits",
        "count(x) AS m",
        "1 AS one",
    )
    if not row["records"]:
        return _measured(row, sample, None)
    count = int(row["hits"])
    interval = Interval(
        value=float(count),
        low=float(count),
        high=float(count),
        confidence=0.95,
        n=row["records"],
        method="count",
        sides=1,
        sample={"breaches": count, "n": row["records"]},
    )
    return _measured(row, sample, interval, noun=sample.noun, n=row["records"])


def counted_by_workflow(query: Query, sample: Sample, *, bad: int) -> dict[str, dict[str, Any]]:
    """What ``share`` computes from, for each workflow that the sample names, in one query."""
    found = query(
        f"WITH sample AS MATERIALIZED ({sample.finite}), units AS (SELECT workflow, unit, {_OF_UNIT}"
        " FROM sample WHERE x IS NOT NULL GROUP BY workflow, unit)"
        f" SELECT r.*, u.* EXCLUDE (workflow, units), coalesce(units, 0) AS units FROM"
        f" (SELECT workflow, {_OF_ROWS}, {_of_share(bad)} FROM sample GROUP BY workflow) AS r LEFT JOIN"
        f" (SELECT workflow, count(*) AS units, {_SPREAD} FROM units GROUP BY workflow) AS u"
        " ON r.workflow = u.workflow",
        sample.parameters,
    )
    return {row.pop("workflow"): row for row in found}


def _of_share(bad: int) -> str:
    return f"{_worst(f'x = {bad}', order='began')} AS worst, sum(x)::BIGINT AS hits"


def _one(query: Query, sample: Sample, rows: str, of_unit: str, of_units: str) -> dict[str, Any]:
    """One row of aggregates over the sample, over each unit, and over the units."""
    found = query(
        f"WITH sample AS MATERIALIZED ({sample.finite}),"
        f" units AS (SELECT unit, {of_unit} FROM sample WHERE x IS NOT NULL GROUP BY unit)"
        f" SELECT * FROM (SELECT {_OF_ROWS}, {rows}"
        f" FROM sample) AS r, (SELECT count(*) AS units, {of_units} FROM units) AS u",
        sample.parameters,
    )
    return found[0]


def _worst(condition: str, *, order: str) -> str:
    return (
        f"list_transform(arg_max(struct_pack(trace := trace, value := x), {order}, {WORST})"
        f" FILTER ({condition}),"
        " lambda each: struct_pack(trace := lower(hex(each.trace)), value := each.value))"
    )


def _at_ranks(query: Query, sample: Sample, *, n: int, ranks: Sequence[int]) -> list[float]:
    """Values of ``x`` at ranks from 1: half a rank lower, so that rounding cannot pass the rank."""
    places = ", ".join(repr((rank - 0.5) / n) for rank in ranks)
    found = query(
        f"SELECT quantile_disc(x, [{places}]) AS found FROM ({sample.finite}) AS sample", sample.parameters
    )
    return [float(value) for value in found[0]["found"]]


def _effective(row: dict[str, Any], *, share: float) -> tuple[float, float]:
    """Design effect of a share, and the independent records that the sample is worth."""
    n, units, telling = row["records"], row["units"], row["telling"]
    largest = float(row["mm"]) / n
    effect = largest
    if units > 1 and 0.0 < share < 1.0:
        moved = float(row["kk"]) - 2 * share * float(row["km"]) + share * share * float(row["mm"])
        estimated = max(1.0, units / (units - 1) * moved / (n * share * (1.0 - share)))
        effect = (telling * estimated + largest) / (telling + 1)
    return effect, max(1.0, n / max(1.0, effect))


def _exact_bounds(share: float, *, worth: float, level: float) -> tuple[float, float]:
    """Clopper-Pearson bounds of a share of ``worth`` independent records, which need be no whole number."""
    error, hits = 1.0 - level, share * worth
    low = 0.0 if share == 0.0 else beta_quantile(error, a=hits, b=worth - hits + 1.0)
    high = 1.0 if share == 1.0 else beta_quantile(1.0 - error, a=hits + 1.0, b=worth - hits)
    return low, high


def _with_sample(interval: Interval, sample: dict[str, Any]) -> Interval:
    return Interval(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        confidence=interval.confidence,
        n=interval.n,
        method=interval.method,
        sides=interval.sides,
        unit=interval.unit,
        sample=sample,
    )


def _measured(
    row: dict[str, Any],
    sample: Sample,
    interval: Interval | None,
    *,
    effect: float | None = None,
    missing: str = "",
    noun: str = "",
    n: int | None = None,
) -> Measured:
    repeated = row["units"] < row["records"]
    unit = "user" if row["users"] else "session" if row["sessions"] else "trace"
    return Measured(
        interval=interval,
        records=row["records"],
        unscored=row["unscored"],
        simulated=row["simulated"],
        units=row["units"] if n is None else n,
        noun=noun or (unit if repeated else sample.noun),
        row=sample.noun,
        first_ns=row["first_ns"],
        worst=tuple(row["worst"] or ()),
        missing=missing or sample.missing,
        effect=effect,
    )
