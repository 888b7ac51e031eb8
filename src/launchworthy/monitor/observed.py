"""Who decided, how much was outside the job, and which guards are in force, as records show it.

May import ``contract``, ``records``, ``stats`` and this room. Evaluations and shadow runs are left out.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from launchworthy.contract import Contract
from launchworthy.monitor.scanned import Decided, InForce, Job
from launchworthy.monitor.scene import Query
from launchworthy.records import ROOT, SEEN, no_evaluation
from launchworthy.stats import clopper_pearson

__all__ = ["BY_A_PERSON", "OFF_TOPIC", "decided", "guards", "jobs"]

# Outcome events by which an application tells that a person decided on an answer.
BY_A_PERSON = "('accepted', 'edited', 're_edited', 'decided', 'overridden', 'rejected')"
_OF_USE = f"{SEEN} AND {no_evaluation('$1')}"
_ROLE = "CASE WHEN json_valid(facts) THEN json_extract_string(facts, '$.role') END"
_FACT = "CASE WHEN json_valid(facts) THEN json_extract_string(facts, '$.{}') END"

# Decisions by which a guard of topics found a call outside the job.
OFF_TOPIC = f"kind = 'guard' AND outcome = 'hit' AND {_FACT.format('category')} = 'off_topic'"


def decided(contract: Contract, query: Query, until_ns: int) -> tuple[Decided, ...]:
    """Of calls in which a tool did more than read: in how many a person decided, and in which role."""
    acting = [name for name, tool in contract.tools.items() if tool.effect != "read"]
    if not acting:
        return ()
    acts = (
        "SELECT trace_id, min(workflow) AS workflow FROM spans WHERE product = $1 AND start_time < $2"
        f" AND kind = 'tool' AND list_contains($3, tool_name) AND workflow IS NOT NULL AND {_OF_USE}"
        " GROUP BY trace_id"
    )
    key = _FACT.format("idempotency_key")
    people = (
        f"SELECT trace_id, {_ROLE} AS role FROM decisions WHERE product = $1 AND time < $2"
        " AND kind IN ('approval', 'override') AND decided_by IS NOT NULL AND trace_id IS NOT NULL"
        # Who answered a request stands in the queue; it ran after a yes only, often in a trace of its own.
        " UNION ALL SELECT trace_id, NULL FROM decisions WHERE product = $1 AND time < $2"
        f" AND kind = 'tool_run' AND {key} IN (SELECT {key} FROM decisions"
        " WHERE product = $1 AND time < $2 AND kind = 'approval' AND outcome = 'requested')"
        " UNION ALL SELECT trace_id, NULL FROM outcomes WHERE product = $1 AND time < $2"
        f" AND trace_id IS NOT NULL AND event IN {BY_A_PERSON}"
    )
    rows = query(
        f"WITH acts AS ({acts}), people AS ({people})"
        " SELECT acts.workflow AS workflow, count(DISTINCT acts.trace_id) AS acts,"
        " count(DISTINCT people.trace_id) AS attended, NULL AS role, true AS whole"
        " FROM acts LEFT JOIN people USING (trace_id) GROUP BY acts.workflow"
        " UNION ALL SELECT acts.workflow, 0, count(DISTINCT acts.trace_id), people.role, false"
        " FROM acts JOIN people USING (trace_id) GROUP BY acts.workflow, people.role"
        " ORDER BY workflow, whole DESC, attended DESC, role",
        [contract.product, until_ns, acting],
    )
    roles: dict[str, dict[str | None, int]] = {}
    for row in rows:
        if not row["whole"]:
            roles.setdefault(row["workflow"], {})[row["role"]] = row["attended"]
    return tuple(
        Decided(
            workflow=row["workflow"],
            declared=contract.workflows[row["workflow"]].decides,
            acts=row["acts"],
            attended=row["attended"],
            roles=roles.get(row["workflow"], {}),
        )
        for row in rows
        if row["whole"] and row["workflow"] in contract.workflows
    )


def jobs(contract: Contract, query: Query, until_ns: int) -> tuple[Job, ...]:
    """Calls by workflow; outside the job are those that a guard of topics found off it."""
    rows = query(
        "SELECT workflow, count(DISTINCT trace_id) AS calls, count(DISTINCT trace_id) FILTER (trace_id IN"
        f" (SELECT trace_id FROM decisions WHERE product = $1 AND trace_id IS NOT NULL AND {OFF_TOPIC}))"
        " AS off FROM spans"
        f" WHERE product = $1 AND start_time < $2 AND (kind = 'workflow' OR {ROOT}) AND {_OF_USE}"
        " GROUP BY workflow ORDER BY calls DESC, workflow",
        [contract.product, until_ns],
    )
    found = []
    for row in rows:
        declared = row["workflow"] in contract.workflows
        outside = row["off"] if declared else row["calls"]
        found.append(
            Job(
                workflow=row["workflow"],
                declared=declared,
                calls=row["calls"],
                outside=outside,
                share=clopper_pearson(outside, n=row["calls"], sides=2),
            )
        )
    return tuple(found)


def guards(contract: Contract, query: Query, until_ns: int) -> tuple[InForce, ...]:
    """Guards as they were when they last hit, and the calls that they could not check.

    A guard that finds nothing leaves no record: that it was there, only a drill shows.
    """
    shadow = f"coalesce({_FACT.format('action')} = 'shadow', false)"
    rows = query(
        "SELECT regexp_extract(rule, '/guards/(.+)$', 1) AS name,"
        " count(DISTINCT coalesce(hex(trace_id), event_id)) FILTER (outcome = 'hit') AS hits,"
        f" arg_max({shadow}, time) FILTER (outcome = 'hit') AS shadow,"
        " count(DISTINCT coalesce(hex(trace_id), event_id)) FILTER (outcome = 'could_not_check') AS unchecked"
        " FROM decisions WHERE product = $1 AND time < $2 AND kind = 'guard'"
        " AND regexp_matches(rule, '/guards/.+$') AND (trace_id IS NULL OR trace_id NOT IN"
        f" (SELECT trace_id FROM spans WHERE product = $1 AND NOT ({_OF_USE}))) GROUP BY name ORDER BY name",
        [contract.product, until_ns],
    )
    seen = {row["name"]: row for row in rows}
    [row] = query(
        "SELECT count(DISTINCT trace_id) AS n FROM spans WHERE product = $1 AND start_time < $2"
        f" AND (kind = 'workflow' OR {ROOT}) AND {_OF_USE}",
        [contract.product, until_ns],
    )
    calls, named = int(row["n"]), contract.guards or {}
    none = {"hits": 0, "shadow": None, "unchecked": 0}
    return tuple(
        InForce(
            name=name,
            declared=name in named,
            calls=calls,
            hits=told["hits"],
            shadow=told["shadow"],
            unchecked=told["unchecked"],
            unchecked_share=clopper_pearson(min(told["unchecked"], calls), n=calls, sides=2)
            if calls
            else None,
        )
        for name in [*named, *(name for name in seen if name not in named)]
        for told in [seen.get(name, none)]
    )
