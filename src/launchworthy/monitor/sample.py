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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.monitor.aggregates import (
    SPREAD,
    WORST,
    Reads,
    at_ranks,
    at_ranks_by_workflow,
    counted,
    counted_by_workflow,
    worst,
)
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
    "WORST",
    "Counted",
    "Measured",
    "Sample",
    "Taken",
    "Taking",
    "breaches",
    "known_by_workflow",
    "mean",
    "quantile",
    "ratio",
    "share",
]

_MOST = 1e70
_NO_ROWS: Mapping[str, Any] = {"records": 0, "unscored": 0, "simulated": 0, "first_ns": None, "worst": None,
                               "hits": None, "units": 0, "users": None, "sessions": None}  # fmt: skip
_OF_UNIT = "count(x) AS m, sum(x) AS k"
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
        level: Confidence of its bounds.
    """

    def __init__(
        self, sample: Sample, statistic: str, *, high_is_bad: bool, q: float = 0.0, level: float = 0.0
    ) -> None:
        super().__init__(statistic)
        self.sample, self.statistic, self.high_is_bad = sample, statistic, high_is_bad
        self.q, self.level = q, level


class Taking:
    """A query by which a measure is asked for its rows: it looks up what it needs, and raises ``Taken``.

    Who compares two releases needs the rows of both, and every measure says its own in its own words.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def __call__(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        return self._query(sql, parameters)


class Counted:
    """A query that knows already what the first share or quantile asked by it is computed from."""

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
        row = counted(query, sample, _share_reads(bad))
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
        raise Taken(sample, "quantile", high_is_bad=True, q=q, level=level)
    row = query.once() if isinstance(query, Counted) else None
    if row is None:
        row = counted(query, sample, _quantile_reads(q))
    n, units = row["records"], row["units"]
    if not n:
        return _measured(row, sample, None)
    value, slower = float(row["value"]), int(row["slower"])
    clustered = units < n
    effect, worth, lower, upper = _placed(row, q=q, level=level)
    ranks = _ranks(n, lower, upper)
    amounts = row["amounts"] if "amounts" in row else at_ranks(query, sample, ranks, n=n)
    found = dict(zip(ranks, amounts, strict=True))
    points = [[rank / n, found[rank]] for rank in dict.fromkeys(ranks[-len(_GRID) :])]
    interval = Interval(
        value=value,
        low=-math.inf if lower is None else found[lower],
        high=math.inf if upper is None else found[upper],
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

    row = counted(
        query,
        sample,
        Reads(
            rows=f"{worst('x IS NOT NULL', order='x' if high_is_bad else '-x')}, max(x) AS top",
            of_unit=_OF_UNIT,
            of_units="list(k) AS sums, list(m) AS sizes",
        ),
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
    row = counted(
        query,
        sample,
        Reads(
            rows=worst("x IS NOT NULL", order="x" if high_is_bad else "-x"),
            of_unit=f"{_OF_UNIT}, sum(y) FILTER (x IS NOT NULL) AS d",
            of_units="list(k) AS over, list(d) AS under, sum(d) AS total",
        ),
    )
    if not row["records"] or not row["total"]:
        return _measured(row, sample, None, missing=without if row["records"] else "")
    interval = ratio_interval(
        row["over"], denominators=row["under"], level=level, sides=1, bounds=bounds, unit=unit
    )
    return _measured(row, sample, interval)


def breaches(query: Query, sample: Sample) -> Measured:
    """How many rows have ``x`` above the ``y`` they were allowed; the worst by how far they went."""
    row = counted(
        query,
        sample,
        Reads(
            rows=f"{worst('x > y', order='x')}, count(*) FILTER (x > y)::BIGINT AS hits",
            of_unit="count(x) AS m",
            of_units="1 AS one",
        ),
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


def known_by_workflow(query: Query, taken: Taken, workflows: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What a share or a quantile is computed from, for each of these workflows that its sample is of."""
    sample = taken.sample
    if taken.statistic == "share":
        found = counted_by_workflow(query, sample, _share_reads(int(taken.high_is_bad)))
        return {**dict.fromkeys(workflows, _NO_ROWS), **found}
    found = counted_by_workflow(query, sample, _quantile_reads(taken.q))
    ranks = {
        workflow: _ranks(row["records"], *_placed(row, q=taken.q, level=taken.level)[2:])
        for workflow, row in found.items()
        if row["records"]
    }
    if ranks:
        for workflow, amounts in at_ranks_by_workflow(query, sample, ranks).items():
            found[workflow]["amounts"] = amounts
    return {**dict.fromkeys(workflows, _NO_ROWS), **found}


def _share_reads(bad: int) -> Reads:
    return Reads(
        rows=f"{worst(f'x = {bad}', order='began')}, sum(x)::BIGINT AS hits",
        of_unit=_OF_UNIT,
        of_units=SPREAD,
    )


def _quantile_reads(q: float) -> Reads:
    return Reads(
        rows=f"{worst('x IS NOT NULL', order='x')}, any_value(edge) AS value,"
        " count(*) FILTER (x > edge)::BIGINT AS slower",
        of_unit="count(x) AS m, count(*) FILTER (x > edge) AS k",
        of_units=SPREAD,
        q=q,
    )


def _placed(
    row: Mapping[str, Any], *, q: float, level: float
) -> tuple[float | None, float, int | None, int | None]:
    """Design effect, what the rows are worth, and the ranks of the bounds of a quantile."""
    n = row["records"]
    effect, worth = (None, float(n))
    if row["units"] < n:
        effect, worth = _effective(row, share=int(row["slower"]) / n)
    return effect, worth, *quantile_ranks(n, q=q, level=level, sides=1, effective=worth)


def _ranks(n: int, lower: int | None, upper: int | None) -> list[int]:
    """Ranks of which the value is told: those of the bounds, and those of a grid."""
    grid = [max(1, math.ceil(each * n - 1e-9)) for each in _GRID]
    return [*(rank for rank in (lower, upper) if rank is not None), *grid]


def _effective(row: Mapping[str, Any], *, share: float) -> tuple[float, float]:
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
