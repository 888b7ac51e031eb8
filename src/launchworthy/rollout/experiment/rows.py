"""An experiment as rows in Parquet: a user, an arm, and what the user did. May import ``errors``, ``stats``
and this room; loads DuckDB when called.

Sums are added up where the rows are, in one pass; the values of a user with several rows are summed first.
Users in two arms are counted and left out. What is not there (null, NaN) is not measured: it is never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.rollout.experiment.gathered import (
    Gathered,
    JudgedArms,
    QuantileArms,
    SumArms,
    TimeArms,
    Values,
    quantile_of_users,
)
from launchworthy.rollout.experiment.plan import Kind, Metric, Plan
from launchworthy.stats import VARIABLES, ArmSums

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["gather_rows"]

_NUMBERS = frozenset(
    "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT "
    "DOUBLE".split()
)
_MOST_ARMS = 50
_MOST_STRATA = 10_000


def gather_rows(path: Path, *, plan: Plan | None = None) -> tuple[Plan, Gathered]:
    """The plan, as far as the rows complete it, and what they hold of each arm.

    Without a plan every column of numbers but ``user`` and ``arm`` is a metric that is to get better.

    Raises:
        InputError: No Parquet file, a column that is missing or holds no numbers, or rows of fewer than two
            arms.
    """
    with _opened(path) as table:
        rows = _Rows(table, str(path), plan or Plan())
        gathered = rows.gathered()
        return rows.plan, gathered


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    if any(character in str(path) for character in "*?["):
        raise InputError("a path that holds *, ? or [ is not read", where=str(path), hint="rename the file")
    # A file we are handed must not make the engine load code or look at anything but itself.
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
        # A Parquet file's own statistics leave out NaN, and the optimiser would take it for never there.
        "disabled_optimizers": "statistics_propagation",
    }
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    if start != b"PAR1":
        raise InputError("not a Parquet file", where=str(path), hint="give rows as Parquet, or sums as JSON")
    with duckdb.connect(":memory:", config=settings) as connection:
        try:
            connection.read_parquet(str(path), hive_partitioning=False).create_view("file")
            yield connection
        except duckdb.Error as error:
            raise InputError(
                f"not a Parquet file that can be read: {str(error).splitlines()[0][:300]}", where=str(path)
            ) from error


class _Rows:
    """One file, opened: knows its columns, whether a user has several rows, and how to add them up."""

    def __init__(self, table: duckdb.DuckDBPyConnection, where: str, plan: Plan) -> None:
        self._table, self._where = table, where
        self._types = {name: str(kind) for name, kind, *_ in table.execute("DESCRIBE file").fetchall()}
        for column in (plan.user, plan.arm, *([plan.strata] if plan.strata else [])):
            self._require(column)
        metrics = dict(plan.metrics) or {
            name: Metric(name=name)
            for name, kind in self._types.items()
            if kind in _NUMBERS and name not in (plan.user, plan.arm, plan.strata)
        }
        if not metrics:
            raise InputError("no column holds numbers", where=where, hint="a metric is a column of numbers")
        for metric in metrics.values():
            for column in metric.columns:
                self._require(column, number=True)
        self._user, self._arm = _quoted(plan.user), _quoted(plan.arm)
        found = table.execute(
            f"SELECT CAST({self._arm} AS VARCHAR) AS arm FROM file WHERE {self._arm} IS NOT NULL "  # noqa: S608
            f"GROUP BY arm ORDER BY arm LIMIT {_MOST_ARMS + 1}"
        ).fetchall()
        if len(found) > _MOST_ARMS:
            raise InputError(
                f"{plan.arm} holds more than {_MOST_ARMS} different arms",
                where=where,
                hint="the column names the arm that the user was assigned to",
            )
        self.plan = replace(plan, metrics=metrics).with_arms([name for (name,) in found])
        self._level = self.plan.confidence
        self._metrics = metrics
        self._notes: list[str] = []
        rows, users, lost = self._run(
            "SELECT count(*) FILTER ({known}), count(DISTINCT {user}) FILTER ({known}), "
            "count(*) FILTER (NOT ({known})) FROM file"
        ).fetchall()[0]
        if not rows:
            raise InputError("the file has no row with a user and an arm", where=where)
        if lost:
            self._notes.append(f"{lost:,} rows without a user or an arm were left out")
        self._several = rows > users
        if self._several:
            self._notes.append(f"{users:,} users have {rows:,} rows: means and ratios are of each user's sum")

    def gathered(self) -> Gathered:
        """Everything that the plan asks for."""
        both = self._leave_out_movers() if self._several else 0
        summed = [m for m in self.plan.metrics.values() if m.kind in (Kind.MEAN, Kind.RATIO)]
        users, values = self._sums(summed)
        for metric in self.plan.metrics.values():
            if metric.kind is Kind.QUANTILE:
                values[metric.name] = self._quantiles(metric)
            elif metric.kind is Kind.TIME:
                values[metric.name] = self._times(metric)
            elif metric.kind is Kind.JUDGED:
                values[metric.name] = self._judged(metric)
        return Gathered(users=users, values=values, in_two_arms=both, notes=tuple(self._notes))

    def _require(self, column: str, *, number: bool = False) -> None:
        if column not in self._types:
            raise InputError(
                f"there is no column {column!r}",
                where=self._where,
                hint=f"there are {', '.join(self._types)}",
            )
        kind = self._types[column]
        if number and kind not in _NUMBERS and not kind.startswith("DECIMAL"):
            what = "texts" if kind == "VARCHAR" else kind
            raise InputError(
                f"the column {column!r} holds {what}, not numbers",
                where=self._where,
                hint="write it as a column of numbers; what is unknown is null",
            )

    def _run(self, sql: str, **parts: str) -> duckdb.DuckDBPyConnection:
        known = f"{self._user} IS NOT NULL AND {self._arm} IS NOT NULL"
        return self._table.execute(sql.format(user=self._user, arm=self._arm, known=known, **parts))

    def _one(self, sql: str, **parts: str) -> Any:
        return self._run(sql, **parts).fetchall()[0][0]

    def _leave_out_movers(self) -> int:
        """Keep only users who were in one arm all the time; returns how many were not."""
        self._run(
            "CREATE TEMP TABLE movers AS SELECT {user} AS mover FROM file WHERE {known} GROUP BY {user} "
            "HAVING min({arm}) <> max({arm})"
        )
        both = int(self._one("SELECT count(*) FROM movers"))
        if both:
            self._table.execute(
                f"CREATE VIEW kept AS SELECT * FROM file ANTI JOIN movers ON {self._user} = mover"  # noqa: S608
            )
        return both

    @property
    def _source(self) -> str:
        both = self._table.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'kept'").fetchall()
        return "kept" if both[0][0] else "file"

    # --- sums ---

    def _sums(self, metrics: Sequence[Metric]) -> tuple[dict[str, int], dict[str, Values]]:
        columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
        source = self._by_user(columns)
        caps = {metric.name: self._cap(metric, source) for metric in metrics if metric.winsorise < 1.0}
        listed, width = [], []
        for metric in metrics:
            terms = _terms(metric, caps.get(metric.name))
            width.append(len(terms))
            listed += terms
        stratum = "stratum" if self.plan.strata else "''"
        sql = (
            f"SELECT arm, {stratum}, count(*) {''.join(f', {term}' for term in listed)} "  # noqa: S608
            f"FROM {source} GROUP BY ALL"
        )
        found = self._table.execute(sql).fetchall()
        if len(found) > _MOST_STRATA * len(self.plan.shares):
            raise InputError(f"{self.plan.strata} holds more than {_MOST_STRATA:,} strata", where=self._where)
        users = dict.fromkeys(self.plan.shares, 0)
        strata: dict[str, dict[str, dict[str, ArmSums]]] = {metric.name: {} for metric in metrics}
        unmeasured = dict.fromkeys((metric.name for metric in metrics), 0)
        for arm, name, count, *numbers in found:
            users[arm] += count
            at = 0
            for metric, size in zip(metrics, width, strict=True):
                own = numbers[at : at + size]
                at += size
                if own[0]:
                    strata[metric.name].setdefault(str(name), {})[arm] = self._arm_sums(metric, own)
                unmeasured[metric.name] += count - own[0]
        values: dict[str, Values] = {}
        for metric in metrics:
            notes = []
            if unmeasured[metric.name]:
                notes.append(f"{unmeasured[metric.name]:,} users have no value and are left out")
            if metric.winsorise < 1.0:
                cap, beyond = caps[metric.name]
                notes.append(
                    f"{beyond:,} users above {cap:g}, the {100 * metric.winsorise:g} % point of all users, "
                    "count as much as that"
                )
            if not strata[metric.name]:
                raise InputError(f"no user has a value of {metric.name}", where=self._where)
            values[metric.name] = found_sums = SumArms(strata=strata[metric.name], notes=tuple(notes))
            self._metrics[metric.name] = found_sums.with_unit(metric)
        return users, values

    def _arm_sums(self, metric: Metric, numbers: Sequence[Any]) -> ArmSums:
        count, *rest = numbers
        there = _variables(metric)
        size = len(there)
        totals = [float(number) for number in rest[:size]]
        flat = [float(number) for number in rest[size : size + size * (size + 1) // 2]]
        low, high = (float(number) for number in rest[-2:])
        if not all(math.isfinite(number) for number in (*totals, *flat)):
            raise InputError(f"{metric.name} holds infinite values", where=self._where)
        products = [[0.0] * size for _ in range(size)]
        at = 0
        for left in range(size):
            for right in range(left, size):
                products[left][right] = products[right][left] = flat[at]
                at += 1
        binary = low >= 0.0 and high <= 1.0 and size == 1 and totals[0] == flat[0]
        return ArmSums(
            n=count,
            sums=tuple(totals),
            products=tuple(tuple(row) for row in products),
            variables=there,
            yes_or_no=binary,
        )

    def _by_user(self, columns: Sequence[str]) -> str:
        """A subquery with one row a user: ``arm``, ``stratum``, and each column as a number that is there."""
        if not columns:
            columns = []
        group = self._several
        once = self._repeated() if group else frozenset()
        parts = [f"CAST({'any_value' if group else ''}({self._arm}) AS VARCHAR) AS arm"]
        if self.plan.strata:
            text = f"coalesce(CAST({_quoted(self.plan.strata)} AS VARCHAR), '')"
            parts.append(f"{f'min({text})' if group else text} AS stratum")
        for column in columns:
            number = self._number(column)
            of_user = f"{'max' if column in once else 'sum'}({number})" if group else number
            parts.append(f"{of_user} AS {_quoted(column)}")
        known = f"{self._user} IS NOT NULL AND {self._arm} IS NOT NULL"
        tail = f"GROUP BY {self._user}" if group else ""
        return f"(SELECT {', '.join(parts)} FROM {self._source} WHERE {known} {tail})"  # noqa: S608

    def _repeated(self) -> frozenset[str]:
        """Covariates that stand in each row of their user: a sum would count the rows, and with them what the
        arm did.
        """
        named = {
            column
            for metric in self._metrics.values()
            for column in (metric.covariate, metric.covariate_denominator)
            if column is not None
        }
        found = set()
        for column in sorted(named):
            number = self._number(column)
            if self._one(
                "SELECT bool_and(low = high) AND max(n) > 1 FROM (SELECT min({number}) AS low, "
                "max({number}) AS high, count({number}) AS n FROM file WHERE {known} GROUP BY {user})",
                number=number,
            ):
                found.add(column)
                self._notes.append(f"{column} is the same in all rows of each user, and counts once")
        return frozenset(found)

    def _number(self, column: str) -> str:
        name = _quoted(column)
        kind = self._types[column]
        if kind in ("FLOAT", "DOUBLE"):
            return f"nullif(CAST({name} AS DOUBLE), 'nan'::DOUBLE)"
        return f"CAST({name} AS DOUBLE)"

    def _cap(self, metric: Metric, source: str) -> tuple[float, int]:
        column = _quoted(metric.column or metric.name)
        cap = self._table.execute(
            f"SELECT quantile_disc({column}, {metric.winsorise!r}) FROM {source}"  # noqa: S608
        ).fetchall()[0][0]
        if cap is None:
            raise InputError(f"no user has a value of {metric.name}", where=self._where)
        beyond = self._table.execute(
            f"SELECT count(*) FROM {source} WHERE {column} > {cap!r}"  # noqa: S608
        ).fetchall()[0][0]
        return float(cap), int(beyond)

    # --- rows ---

    def _fetched(self, columns: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Whole columns of all rows in which the first is there, with ``arm`` and a number for each user."""
        known = f"{self._user} IS NOT NULL AND {self._arm} IS NOT NULL"
        listed = ", ".join(f"{self._number(column)} AS c{at}" for at, column in enumerate(columns))
        sql = (
            f"SELECT CAST({self._arm} AS VARCHAR) AS arm, hash({self._user}) AS who, {listed} "  # noqa: S608
            f"FROM {self._source} WHERE {known} AND {self._number(columns[0])} IS NOT NULL"
        )
        import numpy as np

        found = self._table.execute(sql).fetchnumpy()
        plain: dict[str, NDArray[Any]] = {}
        for name, column in found.items():
            is_number = name not in ("arm", "who")
            if isinstance(column, np.ma.MaskedArray):
                column = column.filled(np.nan) if is_number else column.data
            plain[name] = np.asarray(column, dtype=float) if is_number else np.asarray(column)
        _, plain["who"] = np.unique(plain["who"], return_inverse=True)
        return plain

    def _per_arm(self, found: dict[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        for arm in self.plan.shares:
            chosen = found["arm"] == arm
            if chosen.any():
                yield arm, chosen

    def _quantiles(self, metric: Metric) -> QuantileArms:
        found = self._fetched(metric.columns)
        q = metric.quantile or 0.5
        return QuantileArms(
            arms={
                arm: quantile_of_users(
                    found["c0"][chosen], who=found["who"][chosen], q=q, level=self._level, unit=metric.unit
                )
                for arm, chosen in self._per_arm(found)
            }
        )

    def _times(self, metric: Metric) -> TimeArms:
        found = self._fetched((metric.columns[0], metric.happened or ""))
        import numpy as np

        several = int(np.count_nonzero(np.bincount(found["who"]) > 1)) if found["who"].size else 0
        if several:
            raise InputError(
                f"{several:,} users have several values of {metric.columns[0]}",
                where=self._where,
                hint="a time is one a user, until it happened first; leave it null in the user's other rows",
            )
        return TimeArms(
            arms={
                arm: (found["c0"][chosen], found["c1"][chosen] > 0.0) for arm, chosen in self._per_arm(found)
            }
        )

    def _judged(self, metric: Metric) -> JudgedArms:
        found = self._fetched((metric.columns[0], metric.human or ""))
        return JudgedArms(
            arms={
                arm: (found["c0"][chosen], found["c1"][chosen], found["who"][chosen].tolist())
                for arm, chosen in self._per_arm(found)
            }
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _variables(metric: Metric) -> tuple[str, ...]:
    there = {
        "value": True,
        "denominator": metric.denominator is not None,
        "covariate": metric.covariate is not None,
        "covariate_denominator": metric.covariate_denominator is not None,
    }
    return tuple(name for name in VARIABLES if there[name])


def _terms(metric: Metric, cap: tuple[float, int] | None) -> list[str]:
    """SQL for users, sums, products, and the least and most value, of users who have all that it takes."""
    columns = [_quoted(name) for name in metric.columns]
    value = columns[0] if cap is None else f"least({columns[0]}, {cap[0]!r})"
    parts = [value, *columns[1:]]
    there = (
        "" if len(columns) == 1 else f" FILTER ({' AND '.join(f'{name} IS NOT NULL' for name in columns)})"
    )
    count = f"count({columns[0]})" if len(columns) == 1 else f"count(*){there}"
    terms = [count, *(f"sum({part}){there}" for part in parts)]
    terms += [f"sum({left} * {right}){there}" for at, left in enumerate(parts) for right in parts[at:]]
    return [*terms, f"min({value}){there}", f"max({value}){there}"]
