"""What users call now: minute by minute, by workflow, by release and cohort, and the newest calls.

May import ``monitor``, ``records`` and this room. Calls of evaluations are no traffic, and what ran in shadow
nobody saw.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchworthy.console.reading import Reading
from launchworthy.console.spans import USAGE_KINDS
from launchworthy.console.words import from_ns
from launchworthy.monitor.whose import of_users
from launchworthy.records import ROOT, no_evaluation
from launchworthy.records.calls import EVALUATION, SEEN, SHADOW

__all__ = ["SHOWN_FOR", "Calls", "Traffic", "last_heard", "traffic"]

SHOWN_FOR = timedelta(hours=1)
_MINUTE_NS = 60 * 10**9
_MOST_GROUPS = 50
_NEWEST = 20
_BY: tuple[tuple[str, ...], ...] = ((), ("workflow",), ("release", "cohort"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of one workflow, or of one release and cohort.

    Attributes:
        name: The workflow, or release and cohort; empty texts where records do not say.
        n, failed, unanswered: How many; ``unanswered`` refused, deferred, asked back or went to a person.
        p50_ms, p95_ms: Latency of half of them, and of 95 %.
        cost_usd: What they cost; None where no price is known.
        newest_ns: When the last one began.
    """

    name: tuple[str, ...]
    n: int
    failed: int
    unanswered: int
    p50_ms: float
    p95_ms: float
    cost_usd: float | None
    newest_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """One hour; ``minutes`` are calls and failed ones, from ``since`` on, and ``whole`` is all of them."""

    since: datetime
    minutes: tuple[tuple[int, int], ...]
    whole: Calls | None
    workflows: tuple[Calls, ...]
    releases: tuple[Calls, ...]
    newest: tuple[Mapping[str, Any], ...]


def traffic(reading: Reading, product: str, *, now: datetime, simulated: bool) -> Traffic:
    """The hour up to ``now``, in whole minutes; the last of them is still under way."""
    minutes = int(SHOWN_FOR.total_seconds() // 60)
    until = (int(now.timestamp()) // 60 + 1) * _MINUTE_NS
    since = until - minutes * _MINUTE_NS
    asked = [product, since, until]
    roots = (
        f"product = $1 AND start_time >= $2 AND start_time < $3 AND {ROOT} AND {SEEN}"
        f" AND {no_evaluation(None, traces=False)} AND {of_users(simulated=simulated)}"
    )
    counted = reading.query(
        f"SELECT (start_time - $2) // {_MINUTE_NS} AS minute, count(*) AS n,"
        f" count(*) FILTER (status = 'error') AS failed FROM spans WHERE {roots} GROUP BY minute",
        asked,
    )
    by_minute = {int(row["minute"]): (int(row["n"]), int(row["failed"])) for row in counted}
    groups = _groups(reading, roots, asked)
    return Traffic(
        since=datetime.fromtimestamp(since / 1e9, now.tzinfo),
        minutes=tuple(by_minute.get(place, (0, 0)) for place in range(minutes)),
        whole=next(iter(groups[()]), None),
        workflows=groups["workflow",],
        releases=groups["release", "cohort"],
        newest=_newest(reading, roots, asked),
    )


def _groups(reading: Reading, roots: str, asked: list[Any]) -> dict[tuple[str, ...], tuple[Calls, ...]]:
    """All calls, those of each workflow, and those of each release and cohort; many first."""
    rows = reading.query(
        f"""SELECT grouping(workflow) = 0 AS by_workflow, grouping(release) = 0 AS by_release,
            workflow, release, cohort, count(*) AS n, count(*) FILTER (status = 'error') AS failed,
            count(*) FILTER (coalesce(no_answer, '') <> '' AND status <> 'error') AS unanswered,
            quantile_cont(duration_ms, [0.5, 0.95]) AS latency, sum(cost) AS cost_usd,
            max(start_time) AS newest
        FROM (SELECT * FROM spans WHERE {roots}) AS roots LEFT JOIN (
            SELECT trace_id AS of_trace, sum(cost_usd) AS cost FROM spans
            WHERE product = $1 AND start_time >= $2 AND kind IN {USAGE_KINDS} GROUP BY trace_id
        ) AS spent ON trace_id = of_trace
        GROUP BY GROUPING SETS ((), (workflow), (release, cohort))
        QUALIFY row_number() OVER (PARTITION BY by_workflow, by_release ORDER BY n DESC) <= {_MOST_GROUPS}
        ORDER BY n DESC, newest DESC""",
        asked,
    )
    found: dict[tuple[str, ...], tuple[Calls, ...]] = dict.fromkeys(_BY, ())
    for row in rows:
        by = _BY[1] if row["by_workflow"] else _BY[2] if row["by_release"] else _BY[0]
        if row["n"]:
            found[by] += (_calls(row, by),)
    return found


def _calls(row: Mapping[str, Any], by: tuple[str, ...]) -> Calls:
    return Calls(
        name=tuple(row[name] or "" for name in by),
        n=int(row["n"]),
        failed=int(row["failed"]),
        unanswered=int(row["unanswered"]),
        p50_ms=row["latency"][0],
        p95_ms=row["latency"][1],
        cost_usd=row["cost_usd"],
        newest_ns=int(row["newest"]),
    )


def _newest(reading: Reading, roots: str, asked: list[Any]) -> tuple[Mapping[str, Any], ...]:
    # First which, then what they say: sorting whole texts would need room for all of them.
    found = reading.query(
        f"SELECT start_time, lower(hex(span_id)) AS span FROM spans WHERE {roots}"
        f" ORDER BY start_time DESC, spans.span_id DESC LIMIT {_NEWEST}",
        asked,
    )
    if not found:
        return ()
    marks = ", ".join(f"unhex(${place + 3})" for place in range(len(found)))
    rows = reading.query(
        f"""SELECT start_time, lower(hex(trace_id)) AS trace, name, workflow, release, status, error_type,
            no_answer, duration_ms, input FROM spans
        WHERE start_time BETWEEN $1 AND $2 AND span_id IN ({marks})
        ORDER BY start_time DESC, spans.span_id DESC""",
        [found[-1]["start_time"], found[0]["start_time"], *(row["span"] for row in found)],
    )
    return tuple(rows)


def last_heard(reading: Reading, product: str, *, simulated: bool) -> dict[str, datetime]:
    """When each workflow was last called, to the hour, from the hourly rollups."""
    rows = reading.query(
        f"SELECT workflow, max(hour) AS hour FROM rollup_hour WHERE product = $1 AND workflow IS NOT NULL"
        f" AND {of_users(simulated=simulated)} AND kind IS DISTINCT FROM '{EVALUATION}'"
        f" AND coalesce(cohort, '') NOT IN ('{EVALUATION}', '{SHADOW}') GROUP BY workflow",
        [product],
    )
    return {row["workflow"]: from_ns(row["hour"]) for row in rows}
