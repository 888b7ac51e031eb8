"""The last day of calls hour by hour, from the hourly rollups, whose latency is within 1 %.

May import ``monitor``, ``records`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from launchworthy.console.reading import Reading
from launchworthy.console.words import from_ns
from launchworthy.monitor.whose import of_users
from launchworthy.records import SEEN, no_evaluation

__all__ = ["Hour", "last_day"]

_HOUR_NS = 3_600 * 10**9
_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Calls that began in one hour (UTC); latency is None without any."""

    began: datetime
    n: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None


def last_day(reading: Reading, product: str, *, now: datetime, simulated: bool) -> tuple[Hour, ...]:
    """24 hours, the oldest first; the last is still under way."""
    newest = int(now.timestamp()) // 3_600 * _HOUR_NS
    oldest = newest - (_HOURS - 1) * _HOUR_NS
    asked = [product, oldest, newest]
    calls = (
        f"product = $1 AND hour BETWEEN $2 AND $3 AND root AND {SEEN}"
        f" AND {no_evaluation(None, traces=False)} AND {of_users(simulated=simulated)}"
    )
    counted = reading.query(
        f"SELECT hour, sum(n)::BIGINT AS n, sum(errors)::BIGINT AS failed FROM rollup_hour WHERE {calls}"
        " GROUP BY hour",
        asked,
    )
    latency = reading.query(
        "SELECT hour, min(latency_ms) FILTER (below >= 0.5 * whole) AS p50,"
        " min(latency_ms) FILTER (below >= 0.95 * whole) AS p95 FROM ("
        "SELECT hour, latency_ms, sum(sum(n)) OVER (PARTITION BY hour ORDER BY latency_ms) AS below,"
        f" sum(sum(n)) OVER (PARTITION BY hour) AS whole FROM latency_hour WHERE {calls}"
        " GROUP BY hour, latency_ms) GROUP BY hour",
        asked,
    )
    numbers = {row["hour"]: row for row in counted}
    quantiles = {row["hour"]: row for row in latency}
    return tuple(
        Hour(
            began=from_ns(hour),
            n=numbers[hour]["n"] if hour in numbers else 0,
            failed=numbers[hour]["failed"] if hour in numbers else 0,
            p50_ms=quantiles[hour]["p50"] if hour in quantiles else None,
            p95_ms=quantiles[hour]["p95"] if hour in quantiles else None,
        )
        for hour in range(oldest, newest + 1, _HOUR_NS)
    )
