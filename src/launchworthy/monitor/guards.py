"""What guards did in real calls: how many they hit, live and in shadow, and what people said of it.

May import ``records`` and this room. Guards tell hits and what they could not check;
a call counts once for each, however many of its texts were hit.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from launchworthy.monitor.whose import decided_for, of_users
from launchworthy.records import MARKED_CALL, ROOT, no_evaluation

__all__ = [
    "FALSE_POSITIVE",
    "RIGHT",
    "GuardDay",
    "GuardHit",
    "GuardReading",
    "altered_texts",
    "guard_hits",
    "guard_readings",
]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]

FALSE_POSITIVE = "false_positive"
"""Outcome of an override: the hit was wrong."""
RIGHT = "right"
"""Outcome of an override: the hit was right."""
_DAY_NS = 86_400_000_000_000
_MOST_REVIEWS = 100_000
_MOST_TRACES = 500  # of one query
_CALL = "coalesce(hex(trace_id), event_id)"
_AS_IT_WAS = "('shadow', 'allow', 'log')"  # actions after which a text goes on unchanged
_SHADOW = "coalesce(json_extract_string(facts, '$.action') = 'shadow', false)"
_WINDOW = "product = $1 AND time >= $2 AND time < $3"


@dataclass(slots=True, kw_only=True)
class GuardDay:
    """Calls of one day in which a guard hit, live or in shadow, or could not check."""

    day: datetime
    live: int = 0
    shadow: int = 0
    unchecked: int = 0
    calls: int = 0


@dataclass(slots=True, kw_only=True)
class GuardReading:
    """What one guard did in the window.

    Attributes:
        name: Of its rule: its key in the contract, or ``data/pii/prompt``.
        live: Calls in which it hit and acted.
        shadow: Calls in which it hit and only watched.
        unchecked: Calls in which it could not check.
        reviewed: Hits that people looked at.
        wrong: Of those, the ones that they found wrong.
        days: By day, oldest first.
    """

    name: str
    live: int = 0
    shadow: int = 0
    unchecked: int = 0
    reviewed: int = 0
    wrong: int = 0
    days: list[GuardDay] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHit:
    """One hit: ``id`` of the decision, where and what was found, and what was said of it last."""

    id: str
    guard: str
    trace_id: str
    at_ns: int
    stage: str
    category: str
    score: float | None
    shadow: bool
    reason: str
    review: str


def guard_readings(
    query: Query, *, product: str, since: datetime, until: datetime, simulated: bool = False
) -> tuple[int, dict[str, GuardReading]]:
    """Calls of real users in the window, or of simulated ones, and what each guard did in them."""
    values = [product, _ns(since), _ns(until)]
    decided = decided_for(product="$1", simulated=simulated)
    calls = _calls(query, values, of_users(simulated=simulated))
    found: dict[str, GuardReading] = {}
    rows = query(
        f"SELECT subject, outcome, {_SHADOW} AS shadow, time // {_DAY_NS} AS day,"
        f" count(DISTINCT {_CALL}) AS n FROM decisions WHERE {_WINDOW} AND kind = 'guard' AND {decided}"
        " GROUP BY ALL ORDER BY day",
        values,
    )
    by_day: defaultdict[str, dict[int, GuardDay]] = defaultdict(dict)
    for row in rows:
        name, number = str(row["subject"]), int(row["n"])
        reading = found.setdefault(name, GuardReading(name=name))
        day = by_day[name].setdefault(
            int(row["day"]), GuardDay(day=_day(int(row["day"])), calls=calls.get(int(row["day"]), 0))
        )
        column = "unchecked" if row["outcome"] == "could_not_check" else "shadow" if row["shadow"] else "live"
        for each in (reading, day):
            setattr(each, column, getattr(each, column) + number)
    for name, days in by_day.items():
        # A day with calls and without a hit is a measurement too.
        for number, n in calls.items():
            days.setdefault(number, GuardDay(day=_day(number), calls=n))
        found[name].days = [days[number] for number in sorted(days)]
    for name, said in _reviews(query, values, decided).values():
        reading = found.setdefault(name, GuardReading(name=name))
        reading.reviewed += 1
        reading.wrong += said == FALSE_POSITIVE
    return sum(calls.values()), found


def guard_hits(
    query: Query, *, product: str, since: datetime, until: datetime, most: int, simulated: bool = False
) -> list[GuardHit]:
    """The newest hits in calls of such users, with what people said of them."""
    values = [product, _ns(since), _ns(until)]
    decided = decided_for(product="$1", simulated=simulated)
    said = _reviews(query, values, decided)
    rows = query(
        f"SELECT event_id, subject, hex(trace_id) AS trace, time, reason, facts, {_SHADOW} AS shadow"
        f" FROM decisions WHERE {_WINDOW} AND kind = 'guard' AND outcome = 'hit' AND {decided}"
        f" ORDER BY time DESC, event_id LIMIT {int(most)}",
        values,
    )
    return [_hit(row, said) for row in rows]


def altered_texts(query: Query, *, product: str, traces: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Trace and stage of each text that records hold only as guards left it, and not as they read it.

    An answer is on record as it went out. So is what a gateway was asked, once something in it was masked.
    """
    stage, action = (f"json_extract_string(facts, '$.{name}')" for name in ("stage", "action"))
    client = (
        "CASE WHEN json_valid(attributes) THEN json_extract_string(attributes, '/launchworthy.client') END"
    )
    found: set[tuple[str, str]] = set()
    for start in range(0, len(traces), _MOST_TRACES):
        asked = traces[start : start + _MOST_TRACES]
        these = f"trace_id IN ({', '.join(f'unhex(${place})' for place in range(2, 2 + len(asked)))})"
        rows = query(
            f"SELECT DISTINCT lower(hex(trace_id)) AS trace, {stage} AS stage FROM decisions"
            f" WHERE product = $1 AND kind = 'guard' AND {these} AND {action} NOT IN {_AS_IT_WAS}"
            f" AND ({stage} = 'output' OR {stage} = 'input' AND {action} IN ('redact', 'rewrite')"
            " AND trace_id IN"
            f" (SELECT trace_id FROM spans WHERE product = $1 AND {these} AND {client} IS NOT NULL))",
            [product, *asked],
        )
        found |= {(str(row["trace"]), str(row["stage"])) for row in rows}
    return frozenset(found)


def _hit(row: Mapping[str, Any], said: Mapping[str, tuple[str, str]]) -> GuardHit:
    facts = _facts(row["facts"])
    score = facts.get("score")
    return GuardHit(
        id=str(row["event_id"]),
        guard=str(row["subject"]),
        trace_id=str(row["trace"] or "").lower(),
        at_ns=int(row["time"]),
        stage=str(facts.get("stage") or ""),
        category=str(facts.get("category") or ""),
        score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
        shadow=bool(row["shadow"]),
        reason=str(row["reason"] or ""),
        review=said.get(str(row["event_id"]), ("", ""))[1],
    )


def _reviews(query: Query, values: Sequence[Any], decided: str) -> dict[str, tuple[str, str]]:
    """Guard and answer of each of these hits that was looked at; the last answer counts."""
    rows = query(
        f"SELECT subject, outcome, json_extract_string(facts, '$.hit') AS hit FROM decisions"
        f" WHERE {_WINDOW} AND kind = 'override' AND outcome IN ('{FALSE_POSITIVE}', '{RIGHT}')"
        " AND json_extract_string(facts, '$.hit') IN"
        f" (SELECT event_id FROM decisions WHERE product = $1 AND kind = 'guard' AND {decided})"
        f" ORDER BY time LIMIT {_MOST_REVIEWS}",
        values,
    )
    return {str(row["hit"]): (str(row["subject"]), str(row["outcome"])) for row in rows if row["hit"]}


def _calls(query: Query, values: Sequence[Any], users: str) -> dict[int, int]:
    for of_kind in (MARKED_CALL, ROOT):
        rows = query(
            f"SELECT start_time // {_DAY_NS} AS day, count(*) AS n FROM spans WHERE product = $1"
            f" AND start_time >= $2 AND start_time < $3 AND {of_kind} AND {users} AND {no_evaluation('$1')}"
            " GROUP BY 1 ORDER BY 1",
            values,
        )
        if rows:
            return {int(row["day"]): int(row["n"]) for row in rows}
    return {}


def _facts(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def _day(number: int) -> datetime:
    return datetime.fromtimestamp(number * 86_400, UTC)
