"""An experiment from stored records: who met which variant, and what they did from then on.

May import ``errors``, ``stats`` and this room. Records come through one function that runs a SELECT over the
views of the store; sums are added up there, and only sums come back, but for quantiles and times. A unit
counts from its first exposure; one that met two variants counts nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchworthy.errors import InputError, NotFoundError
from launchworthy.rollout.experiment.gathered import Gathered, SumArms, Values
from launchworthy.rollout.experiment.plan import Kind, Metric, Plan, plan_of
from launchworthy.rollout.experiment.reading import ExperimentReading, analyse
from launchworthy.rollout.experiment.stored_rows import answered, owned, owners, stored_quantile, stored_time
from launchworthy.stats import VARIABLES, ArmSums

__all__ = [
    "PLAN_KIND",
    "DeclaredPlan",
    "SeenPoint",
    "StoredExperiment",
    "StoredSummary",
    "declared_plans",
    "stored_experiment",
    "stored_experiments",
]

PLAN_KIND = "experiment"  # of the entry of the audit chain that keeps a plan

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
_DAY_NS = 86_400_000_000_000
_MOST_EVENTS = 8  # outcome events that are read where no plan says which
_MOST_POINTS = 60
_ASIDE = "{:,} got their variant by hand or are held out; they count nowhere"
_ELSEWHERE = "{:,} met no arm of the plan but another variant, such as {!r:.80}; they count nowhere"
_AHEAD = "{:,} met their variant by a clock that is ahead; they count from when that was received"
_AHEAD_NS = 60 * 10**9  # by which a clock that is right may seem ahead
_SPANS = {
    "calls": "count(*) FILTER (parent_span_id IS NULL)",
    "errors": "count(*) FILTER (parent_span_id IS NULL AND status = 'error')",
    "latency_ms": "sum(duration_ms) FILTER (parent_span_id IS NULL)",
    "cost_usd": "sum(cost_usd)",
    "no_answers": "count(*) FILTER (parent_span_id IS NULL AND no_answer IS NOT NULL)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPlan:
    """A plan as the audit chain keeps it."""

    at: datetime
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSummary:
    """A flag or experiment that units met.

    Attributes:
        key: Of the flag.
        variants: Units by variant, those in two included in both.
        first, last: Exposures.
        declared: When its newest plan was written; None where there is none.
    """

    key: str
    variants: Mapping[str, int]
    first: datetime
    last: datetime
    declared: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPoint:
    """What a metric showed of the units that had come by a moment."""

    at: datetime
    fraction: float
    value: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExperiment:
    """An experiment as its records show it now.

    Attributes:
        key: Of the flag.
        reading: What it says.
        declared: When the plan was written; None where none was, and then nothing is concluded.
        changed: How often a plan of this name was written after the first exposure.
        first, last: Exposures.
        history: By arm and metric, after each day's units; what they have done by now.
        left_out: Metrics that records do not answer, or not yet, and why.
    """

    key: str
    reading: ExperimentReading
    declared: datetime | None
    changed: int
    first: datetime
    last: datetime
    history: Mapping[tuple[str, str], tuple[SeenPoint, ...]]
    left_out: Mapping[str, str]


def declared_plans(entries: Sequence[tuple[datetime, Mapping[str, Any]]]) -> dict[str, list[DeclaredPlan]]:
    """Plans by the experiment they name, newest first, from the entries of the audit chain that keep them.

    An entry that no longer reads as a plan is passed over.
    """
    found: dict[str, list[DeclaredPlan]] = {}
    for at, body in entries:
        try:
            plan = plan_of(body, where="the plan in the audit chain")
        except InputError:
            continue
        if plan.name:
            found.setdefault(plan.name, []).append(DeclaredPlan(at=at, plan=plan))
    for plans in found.values():
        plans.sort(key=lambda each: each.at, reverse=True)
    return found


def stored_experiments(
    query: Query, *, product: str, plans: Mapping[str, Sequence[DeclaredPlan]], simulated: bool = False
) -> list[StoredSummary]:
    """Every flag with at least two variants that units met, the newest first."""
    rows = query(
        "SELECT flag, variant, count(DISTINCT coalesce(unit, user_id)) AS units, min(time) AS first, "
        "max(least(time, received_at)) AS last FROM exposures "
        "WHERE product = ? AND coalesce(simulated, false) = ? GROUP BY flag, variant ORDER BY flag, variant",
        [product, simulated],
    )
    by_flag: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_flag.setdefault(str(row["flag"]), []).append(row)
    found = [
        StoredSummary(
            key=flag,
            variants={str(row["variant"]): int(row["units"]) for row in group},
            first=_moment(min(int(row["first"]) for row in group)),
            last=_moment(max(int(row["last"]) for row in group)),
            declared=plans[flag][0].at if flag in plans else None,
        )
        for flag, group in by_flag.items()
        if len(group) > 1
    ]
    return sorted(found, key=lambda each: each.last, reverse=True)


def stored_experiment(
    query: Query,
    *,
    product: str,
    key: str,
    plans: Sequence[DeclaredPlan] = (),
    simulated: bool = False,
    now: datetime | None = None,
) -> StoredExperiment:
    """Read one experiment from its exposures and what its units did; ``now`` ends times of units who wait.

    Raises:
        NotFoundError: Nobody met it.
        InputError: It has one variant only, units that records do not know, or none of the arms of the plan.
    """
    plan, declared = (plans[0].plan, plans[0].at) if plans else (None, None)
    arms = tuple(plan.shares) if plan else ()
    [seen] = query(
        f"SELECT count(*) AS n, coalesce(min(time) FILTER ({_is_arm(arms)}), min(time)) AS first, "  # noqa: S608
        "max(least(time, received_at)) AS last, "
        "min(coalesce(unit_kind, 'user')) AS kind, max(coalesce(unit_kind, 'user')) AS other "
        "FROM exposures WHERE product = ? AND flag = ? AND coalesce(simulated, false) = ?",
        [*arms, product, key, simulated],
    )
    if not seen["n"]:
        raise NotFoundError(
            f"nobody met {key!r:.80} yet", hint="an exposure is recorded when a unit meets it"
        )
    if seen["kind"] != seen["other"] or seen["kind"] not in ("user", "session"):
        raise InputError(
            f"its units are {seen['kind']} and records know users and sessions",
            where=key,
            hint="export rows with the units, and use launchworthy experiment analyze",
        )
    first, last = _moment(int(seen["first"])), _moment(int(seen["last"]))
    who = "user_id" if seen["kind"] == "user" else "session_id"
    store = _Records(query, product, key, simulated, who, arms)
    chosen, left_out = _metrics(plan, store)
    gathered, history, both = store.gather([one for one in chosen if one.kind in (Kind.MEAN, Kind.RATIO)])
    own = (plan or Plan()).with_arms(sorted(gathered.users))
    if plan is None:
        # Nobody said which shares were planned, so the sample cannot differ from them.
        own = replace(own, shares={arm: float(max(1, n)) for arm, n in gathered.users.items()})
    values: dict[str, Values] = {}
    metrics: dict[str, Metric] = {}
    for metric in chosen:
        named, found = store.values(metric, gathered, level=own.confidence, now=now or datetime.now(UTC))
        metrics[metric.name], values[metric.name] = named, found
    # What is not read still has its part of the error, and what must not get worse still has to be shown.
    planned = {} if plan is None else {name: plan.metrics[name] for name in left_out}
    own = replace(own, name=key, metrics=metrics | planned)
    users = {arm: gathered.users.get(arm, 0) for arm in own.shares}
    gathered = replace(gathered, users=users, values=values, in_two_arms=both, unread=left_out, growing=True)
    reading = analyse(own, gathered)
    return StoredExperiment(
        key=key,
        reading=reading,
        declared=declared,
        changed=sum(each.at > first for each in plans),
        first=first,
        last=last,
        history=_history(own, metrics, history) if reading.pairs else {},
        left_out=_unread(reading) or left_out,
    )


def _unread(reading: ExperimentReading) -> dict[str, str]:
    """Each metric that some comparison could not read, and why."""
    return {name: why for pair in reading.pairs for name, why in pair.unread.items()}


def _metrics(plan: Plan | None, store: _Records) -> tuple[list[Metric], dict[str, str]]:
    """What records answer of a plan; without one, each outcome event, and what calls cost."""
    if plan is None or not plan.metrics:
        names = dict.fromkeys([*store.events()[:_MOST_EVENTS], *store.of_calls()])
        return [Metric(name=name, unit="USD" if name == "cost_usd" else "") for name in names], {}
    found, left_out = [], {}
    for metric in plan.metrics.values():
        why = answered(metric)
        if why:
            left_out[metric.name] = why
        else:
            found.append(metric)
    if not found:
        raise InputError(
            "the plan has no metric that records answer", where=plan.name, hint="name outcome events"
        )
    return found, left_out


def _is_arm(arms: Sequence[str]) -> str:
    """SQL that says whether a variant is one of the arms, for which it asks; none: every variant is one."""
    return f"variant IN ({', '.join('?' for _ in arms)})" if arms else "true"


def _units(arms: Sequence[str]) -> str:
    """SQL that names ``met``, every unit, and ``kept``, those that count; asks for the arms, the product, the
    flag, and whether users are simulated.

    Variants that are no arm move nobody out of one: a client that asks twice, whether a flag is on and which
    variant it has, tells of both. Nobody met a variant after it was told: where a clock is ahead, the unit
    counts from when that came.
    """
    met = f"""
        SELECT coalesce(unit, user_id, session_id) AS who, min(variant) FILTER (is_arm) AS arm,
            max(variant) FILTER (is_arm) AS other, min(variant) FILTER (NOT is_arm) AS elsewhere,
            min(least(time, received_at)) FILTER (is_arm) AS since,
            min(time) FILTER (is_arm) > min(least(time, received_at)) FILTER (is_arm) + {_AHEAD_NS} AS ahead,
            bool_or(reason IN ('override', 'holdout', 'tester')) AS aside
        FROM (SELECT *, {_is_arm(arms)} AS is_arm FROM exposures)
        WHERE product = ? AND flag = ? AND coalesce(simulated, false) = ?
            AND coalesce(unit, user_id, session_id) IS NOT NULL
        GROUP BY who
    """  # noqa: S608
    kept = f"""
        SELECT who, arm, since, since // {_DAY_NS} AS day FROM met WHERE arm = other AND aside IS NOT true
    """  # noqa: S608
    return f"met AS ({met}), kept AS ({kept})"


class _Records:
    """The SQL of one experiment: units, their arms, and what each did after it met its variant."""

    def __init__(
        self, query: Query, product: str, key: str, simulated: bool, who: str, arms: Sequence[str]
    ) -> None:
        self._query, self._product, self._key = query, product, key
        self._simulated, self._who, self._arms = simulated, who, arms

    def events(self) -> list[str]:
        """Outcome events of the product, the most frequent first."""
        rows = self._query(
            "SELECT event, count(*) AS n FROM outcomes WHERE product = ? AND coalesce(simulated, false) = ? "
            "GROUP BY event ORDER BY n DESC, event LIMIT 50",
            [self._product, self._simulated],
        )
        return [str(row["event"]) for row in rows]

    def of_calls(self) -> list[str]:
        """What is recorded of calls, their number and their cost: what nobody recorded is not 0."""
        [seen] = self._query(
            "SELECT count(*) AS calls, count(cost_usd) AS cost_usd FROM spans WHERE product = ?",
            [self._product],
        )
        return [name for name in ("calls", "cost_usd") if seen[name]]

    def gather(
        self, metrics: Sequence[Metric]
    ) -> tuple[Gathered, list[tuple[int, str, int, dict[str, ArmSums]]], int]:
        """Sums of each arm, the same by day of first exposure, and units in two arms."""
        columns = list(dict.fromkeys(column for metric in metrics for column in metric.columns))
        with_, parameters = self._units()
        joins, values = [], []
        for table, asked in _by_table(columns).items():
            joins.append(f"LEFT JOIN of_{table} ON of_{table}.who = kept.who")
            values += [f"coalesce(of_{table}.v{at}, 0.0) AS v{at}" for at, _, _ in asked]
            with_ += f", of_{table} AS ({self._of(table, asked)})"
            parameters += [name for _, _, name in asked if name is not None] + [self._product]
        listed = []
        for metric in metrics:
            own = [f"v{columns.index(column)}" for column in metric.columns]
            listed += [f"sum({name})" for name in own]
            listed += [f"sum({a} * {b})" for i, a in enumerate(own) for b in own[i:]]
        terms = "".join(f", {term} AS t{at}" for at, term in enumerate(listed))
        every = "".join(f", {value}" for value in values)
        joined = " ".join(joins)
        one = f"SELECT kept.arm AS arm, kept.day AS day{every} FROM kept {joined}"  # noqa: S608
        rows = self._query(
            f"WITH {with_}, one AS ({one}) SELECT arm, day, count(*) AS n{terms} FROM one "  # noqa: S608
            "GROUP BY arm, day ORDER BY day, arm",
            parameters,
        )
        moved_with, moved = self._units()
        [both] = self._query(
            f"WITH {moved_with} SELECT count(*) FILTER (arm <> other AND aside IS NOT true) AS n, "  # noqa: S608
            "count(*) FILTER (aside) AS aside, min(elsewhere) AS other, "
            "count(*) FILTER (arm IS NULL AND aside IS NOT true) AS elsewhere, "
            "count(*) FILTER (ahead AND arm = other AND aside IS NOT true) AS ahead FROM met",
            moved,
        )
        days = [(int(row["day"]), str(row["arm"]), int(row["n"]), _sums(row, metrics)) for row in rows]
        users: dict[str, int] = {}
        totals: dict[str, dict[str, ArmSums]] = {metric.name: {} for metric in metrics}
        for _, arm, n, sums in days:
            users[arm] = users.get(arm, 0) + n
            for name, part in sums.items():
                totals[name][arm] = totals[name][arm].plus(part) if arm in totals[name] else part
        values_of = {name: SumArms(strata={"": arms}) for name, arms in totals.items()}
        if not users and both["elsewhere"]:
            raise InputError(
                f"nobody met an arm of the plan, but {both['other']!r:.80}",
                where=self._key,
                hint=f"its arms are {', '.join(self._arms)}",
            )
        told = ((_ASIDE, both["aside"]), (_ELSEWHERE, both["elsewhere"]), (_AHEAD, both["ahead"]))
        notes = tuple(text.format(int(n), both["other"]) for text, n in told if n)
        return Gathered(users=users, values=values_of, notes=notes), days, int(both["n"])

    def values(
        self, metric: Metric, gathered: Gathered, *, level: float, now: datetime
    ) -> tuple[Metric, Values]:
        """What was seen of one metric, and the metric in the unit of its values."""
        if metric.kind is Kind.QUANTILE:
            return stored_quantile(
                self._query, metric, units=self._units(), who=self._who, product=self._product, level=level
            )
        if metric.kind is Kind.TIME:
            now_ns = int(now.timestamp() * 1e6) * 1_000
            return metric, stored_time(
                self._query, metric, units=self._units(), who=self._who, product=self._product, now_ns=now_ns
            )
        found = gathered.values[metric.name]
        return (found.with_unit(metric) if isinstance(found, SumArms) else metric), found

    def _units(self) -> tuple[str, list[Any]]:
        whose, asked = owners(self._who)
        parameters = [*self._arms, self._product, self._key, self._simulated]
        return f"{_units(self._arms)}, {whose}", [*parameters, *[self._product] * asked]

    def _of(self, table: str, asked: Sequence[tuple[int, str, str | None]]) -> str:
        """What each unit did in a table since it met its variant; every part of it is of this module."""
        terms = "".join(f", CAST({term} AS DOUBLE) AS v{at}" for at, term, _ in asked)
        time = "start_time" if table == "spans" else "time"
        return (
            f"SELECT kept.who AS who{terms} FROM kept JOIN {owned(table, self._who)} "  # noqa: S608
            f"ON r.owner = kept.who AND r.{time} >= kept.since WHERE r.product = ? GROUP BY kept.who"
        )


def _by_table(columns: Sequence[str]) -> dict[str, list[tuple[int, str, str | None]]]:
    """What columns of a plan mean in records: by table, the place of each, its term and the name of a row."""
    found: dict[str, list[tuple[int, str, str | None]]] = {}
    for at, column in enumerate(columns):
        how, _, name = column.partition(":")
        if column in _SPANS:
            found.setdefault("spans", []).append((at, _SPANS[column], None))
        elif how in ("score", "scores") and name:
            term = "sum(r.value)" if how == "score" else "count(r.value)"
            found.setdefault("scores", []).append((at, f"{term} FILTER (r.name = ?)", name))
        else:
            terms = {"value": "sum(coalesce(r.value, 0))", "count": "count(*)"}
            term, event = (terms[how], name) if how in terms and name else ("max(1)", column)
            found.setdefault("outcomes", []).append((at, f"{term} FILTER (r.event = ?)", event))
    return found


def _sums(row: Mapping[str, Any], metrics: Sequence[Metric]) -> dict[str, ArmSums]:
    found, at = {}, 0
    for metric in metrics:
        size = len(metric.columns)
        numbers = [float(row[f"t{at + step}"] or 0.0) for step in range(size + size * (size + 1) // 2)]
        at += len(numbers)
        products = [[0.0] * size for _ in range(size)]
        flat = iter(numbers[size:])
        for left in range(size):
            for right in range(left, size):
                products[left][right] = products[right][left] = next(flat)
        n, total = int(row["n"]), numbers[0]
        found[metric.name] = ArmSums(
            n=n,
            sums=tuple(numbers[:size]),
            products=tuple(tuple(line) for line in products),
            variables=VARIABLES[:size],
            yes_or_no=size == 1 and products[0][0] == total == round(total) and 0.0 <= total <= n,
        )
    return found


def _history(
    plan: Plan, metrics: Mapping[str, Metric], days: Sequence[tuple[int, str, int, dict[str, ArmSums]]]
) -> dict[tuple[str, str], tuple[SeenPoint, ...]]:
    """After each day's units: the difference of all units so far, as far as one can be computed."""
    numbers = sorted({day for day, *_ in days})
    chosen = set(numbers[:: max(1, math.ceil(len(numbers) / _MOST_POINTS))])
    so_far: dict[tuple[str, str], ArmSums] = {}
    users = 0
    whole = plan.users or sum(n for _, _, n, _ in days)
    found: dict[tuple[str, str], list[SeenPoint]] = {}
    for day in numbers:
        for at, arm, n, sums in days:
            if at != day:
                continue
            users += n
            for name, part in sums.items():
                known = so_far.get((arm, name))
                so_far[(arm, name)] = part if known is None else known.plus(part)
        if day not in chosen:
            continue
        for arm in plan.candidates:
            for name, metric in metrics.items():
                pair = so_far.get((plan.baseline, name)), so_far.get((arm, name))
                point = _point(metric, pair, day, users / whole, plan)
                if point is not None:
                    found.setdefault((arm, name), []).append(point)
    return {key: tuple(points[:-1]) for key, points in found.items()}


def _point(
    metric: Metric, pair: tuple[ArmSums | None, ArmSums | None], day: int, fraction: float, plan: Plan
) -> SeenPoint | None:
    if pair[0] is None or pair[1] is None:
        return None
    values = SumArms(strata={"": {"a": pair[0], "b": pair[1]}})
    try:
        own = values.difference(metric, "a", "b", level=plan.confidence)
    except InputError:
        return None
    se = own.sample["standard_error"]
    if not se:
        return None
    return SeenPoint(
        at=_moment((day + 1) * _DAY_NS), fraction=fraction, value=own.value, standard_error=float(se)
    )


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
