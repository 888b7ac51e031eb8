"""What calls took of their limits: time, money, fallbacks, and models that were left alone.

May import ``contract``, ``records`` and this room. Each reading is of real users, or of simulated ones.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.contract import Contract
from launchworthy.contract.units import PERIOD_DAYS
from launchworthy.monitor.whose import decided_for, of_users
from launchworthy.records import MARKED_CALL, SEEN, no_evaluation

__all__ = ["FallbackUse", "ModelRest", "Taken", "fallback_uses", "model_rests", "peaks", "taken"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
_DAY_NS = 86_400_000_000_000
_WINDOW = "product = $1 AND {time} >= $2 AND {time} < $3"
_WHOSE = {"user": "user_id", "session": "session_id", "workflow": "workflow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the calls of one workflow took.

    Attributes:
        calls: How many.
        median_ms, p95_ms, longest_ms: How long; None without calls.
        cost_usd: All of them together; None where nothing tells a cost.
        dearest_usd: The dearest call.
    """

    calls: int
    median_ms: float | None
    p95_ms: float | None
    longest_ms: float | None
    cost_usd: float | None
    dearest_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackUse:
    """How often a fallback answered."""

    workflow: str
    name: str
    rule: str
    calls: int
    last_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRest:
    """A model that failed, and how often it was left alone because of that."""

    model: str
    failed: int
    rested: int
    last_ns: int


def taken(
    query: Query, *, product: str, since: datetime, until: datetime, simulated: bool = False
) -> dict[str, Taken]:
    """By workflow."""
    window = f"{_WINDOW.format(time='start_time')} AND {of_users(simulated=simulated)}"
    rows = query(
        "WITH calls AS (SELECT trace_id, workflow, duration_ms FROM spans WHERE"
        f" {window} AND {MARKED_CALL} AND {no_evaluation(None, traces=False)} AND {SEEN}),"
        " spent AS (SELECT trace_id, workflow, sum(cost_usd) AS cost FROM spans WHERE"
        f" {window} AND cost_usd IS NOT NULL GROUP BY trace_id, workflow)"
        " SELECT calls.workflow AS workflow, count(*) AS calls, quantile_cont(duration_ms, 0.5) AS median,"
        " quantile_cont(duration_ms, 0.95) AS p95, max(duration_ms) AS longest, sum(cost) AS cost,"
        " max(cost) AS dearest FROM calls LEFT JOIN spent ON spent.trace_id = calls.trace_id"
        " AND spent.workflow IS NOT DISTINCT FROM calls.workflow GROUP BY calls.workflow",
        [product, _ns(since), _ns(until)],
    )
    return {
        row["workflow"] or "": Taken(
            calls=row["calls"],
            median_ms=row["median"],
            p95_ms=row["p95"],
            longest_ms=row["longest"],
            cost_usd=row["cost"],
            dearest_usd=row["dearest"],
        )
        for row in rows
    }


def peaks(
    query: Query, contract: Contract, *, since: datetime, until: datetime, simulated: bool = False
) -> Mapping[str, float | None]:
    """Address of a limit over many calls → the most that one user, session or workflow took in a period.

    None where that is not known: nobody is named, or a cost is missing.
    """
    found: dict[str, float | None] = {}
    for name, workflow in contract.workflows.items():
        for limit, value in (workflow.limits.model_extra or {}).items():
            counts, _, whose = limit.partition("_per_")
            days = PERIOD_DAYS.get(value.unit.partition("/")[2])
            column = _WHOSE.get(whose)
            if column is None or days is None:
                continue
            amount = {
                "actions": f"count(*) FILTER ({MARKED_CALL})::DOUBLE",
                "cost": "sum(cost_usd)",
                "tokens": "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))::DOUBLE",
            }.get(counts)
            if amount is None:
                continue
            [row] = query(
                f"SELECT max(taken) AS most FROM (SELECT {amount} AS taken FROM spans WHERE"
                f" {_WINDOW.format(time='start_time')} AND {of_users(simulated=simulated)}"
                f" AND {no_evaluation(None, traces=False)} AND {SEEN} AND workflow = $4"
                f" AND {column} IS NOT NULL"
                f" GROUP BY {column}, start_time // {round(days * _DAY_NS)})",
                [contract.product, _ns(since), _ns(until), name],
            )
            found[f"{contract.product}/{name}/limits/{limit}"] = row["most"]
    return found


def fallback_uses(
    query: Query, *, product: str, since: datetime, until: datetime, simulated: bool = False
) -> list[FallbackUse]:
    """Those that answered, the most used first."""
    decided = decided_for(product="$1", simulated=simulated)
    rows = query(
        "SELECT coalesce(workflow, '') AS workflow, subject, arg_max(rule, time) AS rule,"
        " count(DISTINCT coalesce(hex(trace_id), event_id)) AS calls, max(time) AS last FROM decisions"
        f" WHERE {_WINDOW.format(time='time')} AND {decided} AND kind = 'fallback' AND subject <> 'none'"
        " GROUP BY ALL ORDER BY calls DESC, subject LIMIT 200",
        [product, _ns(since), _ns(until)],
    )
    return [
        FallbackUse(
            workflow=row["workflow"],
            name=row["subject"],
            rule=row["rule"] or "",
            calls=row["calls"],
            last_ns=row["last"],
        )
        for row in rows
    ]


def model_rests(
    query: Query, *, product: str, since: datetime, until: datetime, simulated: bool = False
) -> list[ModelRest]:
    """Models that failed, those that were left alone last first."""
    decided = decided_for(product="$1", simulated=simulated)
    rows = query(
        "SELECT json_extract_string(each, '$.name') AS model,"
        " count(*) FILTER (json_extract_string(each, '$.reason') <> 'resting') AS failed,"
        " count(*) FILTER (json_extract_string(each, '$.reason') = 'resting') AS rested, max(time) AS last"
        " FROM (SELECT unnest(json_extract(facts, '$.failed[*]')) AS each, time FROM decisions"
        f" WHERE {_WINDOW.format(time='time')} AND {decided} AND kind = 'fallback' AND json_valid(facts))"
        " WHERE json_extract_string(each, '$.name') IS NOT NULL GROUP BY model"
        " ORDER BY rested DESC, failed DESC, model LIMIT 100",
        [product, _ns(since), _ns(until)],
    )
    return [
        ModelRest(model=row["model"], failed=row["failed"], rested=row["rested"], last_ns=row["last"])
        for row in rows
    ]


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000
