"""Incidents: limits that calls passed, or were stopped at, each as one thing to look at until it is closed.

May import ``records`` and the standard library. Every overrun is a decision in the records and in the audit
chain; an incident is all overruns of one line of the contract since the last time that somebody closed it.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["INCIDENT", "Closing", "Incident", "closing_of", "incidents", "overruns"]

INCIDENT = "incident"
"""Kind of the entries of the audit chain that close one."""
_SHOWN = 5
_MOST_RULES = 500
_REAL = "kind = 'budget' AND NOT coalesce(simulated, false) AND rule IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Somebody closed an incident: of which line, until when, and why."""

    rule: str
    until_ns: int
    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """All overruns of one limit since the last time that it was closed.

    Attributes:
        id: The same as long as it lasts.
        rule: Address of the limit.
        workflow: In which.
        failure_mode: What the contract calls it; None where it names none.
        opened_at: Of the first overrun.
        last_at: Of the newest one.
        calls: How many calls passed the limit, or were stopped at it.
        stopped: Of those, the ones that were stopped before they did.
        reason: What the newest one said of itself.
        traces: The newest calls, in hex.
        closed: Who closed it and why; None while it is open.
    """

    id: str
    rule: str
    workflow: str
    failure_mode: str | None
    opened_at: datetime
    last_at: datetime
    calls: int
    stopped: int
    reason: str
    traces: tuple[str, ...]
    closed: Closing | None = None

    @property
    def state(self) -> str:
        """``open`` or ``closed``."""
        return "open" if self.closed is None else "closed"

    def as_json(self) -> dict[str, Any]:
        """The row that commands print."""
        return {
            "id": self.id,
            "state": self.state,
            "rule": self.rule,
            "workflow": self.workflow,
            "failure_mode": self.failure_mode,
            "opened_at": self.opened_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "calls": self.calls,
            "stopped": self.stopped,
            "reason": self.reason,
            "traces": list(self.traces),
            "closed_by": None if self.closed is None else self.closed.by,
            "because": None if self.closed is None else self.closed.because,
        }


def closing_of(body: str | Mapping[str, Any]) -> Closing | None:
    """A closing as an entry of the audit chain holds it, as JSON or read; None where it is none."""
    if isinstance(body, str):
        body = json.loads(body)
    if not isinstance(body, Mapping):
        return None
    rule, until = body.get("rule"), body.get("until_ns")
    if not isinstance(rule, str) or not isinstance(until, int) or isinstance(until, bool):
        return None
    return Closing(
        rule=rule, until_ns=until, by=str(body.get("by", "")), because=str(body.get("because", ""))
    )


def incidents(
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    *,
    product: str,
    closings: Iterable[Closing] = (),
) -> list[Incident]:
    """Open ones first, then closed ones, the newest first in each.

    Args:
        query: Answers one SELECT over the records.
        product: Product whose incidents they are.
        closings: What was closed, in any order.
    """
    by_rule: dict[str, list[Closing]] = {}
    for each in closings:
        by_rule.setdefault(each.rule, []).append(each)
    rules = query(
        f"SELECT DISTINCT rule FROM decisions WHERE product = $1 AND {_REAL}"
        f" ORDER BY rule LIMIT {_MOST_RULES}",
        [product],
    )
    found: list[Incident] = []
    for row in rules:
        start = 0
        ends: list[Closing | None] = [
            *sorted(by_rule.get(row["rule"], ()), key=lambda each: each.until_ns),
            None,
        ]
        for end in ends:
            until = 2**63 - 1 if end is None else end.until_ns
            one = _one(query, product, row["rule"], start, until, end)
            if one is not None:
                found.append(one)
            start = until
    return sorted(found, key=lambda each: (each.closed is not None, -each.last_at.timestamp(), each.id))


def overruns(
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    *,
    product: str,
    starts: Callable[[str], int],
) -> list[Incident]:
    """Per rule, all overruns that came after a moment, as one; rules without any are left out.

    Args:
        query: Answers one SELECT over the records.
        product: Product whose overruns they are.
        starts: The moment (ns) after which overruns of a rule count.
    """
    rules = query(
        f"SELECT DISTINCT rule FROM decisions WHERE product = $1 AND {_REAL}"
        f" ORDER BY rule LIMIT {_MOST_RULES}",
        [product],
    )
    found = (_one(query, product, row["rule"], starts(row["rule"]), 2**63 - 1, None) for row in rules)
    return [each for each in found if each is not None]


def _one(
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    product: str,
    rule: str,
    start: int,
    until: int,
    closed: Closing | None,
) -> Incident | None:
    [row] = query(
        "SELECT count(*) AS calls, count(*) FILTER (outcome = 'stopped') AS stopped, min(time) AS first,"
        " max(time) AS last, arg_max(reason, time) AS reason, arg_max(workflow, time) AS workflow,"
        " arg_min(event_id, time) AS event,"
        " arg_max(json_extract_string(facts, '$.failure_mode'), time) AS mode,"
        f" arg_max(lower(hex(trace_id)), time, {_SHOWN}) AS traces"
        f" FROM decisions WHERE product = $1 AND {_REAL} AND rule = $2 AND time > $3 AND time <= $4",
        [product, rule, start, until],
    )
    if not row["calls"]:
        return None
    return Incident(
        id="i-" + hashlib.sha256(f"{rule}\n{row['event']}".encode()).hexdigest()[:12],
        rule=rule,
        workflow=row["workflow"] or "",
        failure_mode=row["mode"],
        opened_at=_moment(row["first"]),
        last_at=_moment(row["last"]),
        calls=row["calls"],
        stopped=row["stopped"],
        reason=row["reason"] or "",
        traces=tuple(each for each in row["traces"] or () if each),
        closed=closed,
    )


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 1e9, UTC)
