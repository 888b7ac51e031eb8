"""Whether tools ran only as the contract lets them, run by run. May import ``evidence`` and this room.

A run is a span of a tool. Beside it, in the same trace, stand what the policy decided and that the tool ran;
what people confirmed stands among the decisions too, from the server that keeps approvals. A run with no
decision beside it was not enforced: nobody can tell whether it was allowed, and it was not approved.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import OF_THE_QUEUE

__all__ = ["MEASURES"]

_DAY_NS = 86_400_000_000_000  # a call is approved before it runs, maybe before the window
_RAN = "('done', 'failed', 'unknown')"
_COLUMNS = "unit, trace, began, sim"


def _fact(name: str) -> str:
    return f"CASE WHEN json_valid(facts) THEN json_extract_string(facts, '$.{name}') END"


def _decisions(ask: Ask, bind: Bind, *, kind: str, tool: str) -> str:
    """SELECT of the decisions of one kind on a tool."""
    return (
        f"SELECT trace_id, outcome, rule, time, {_fact('arguments_sha256')} AS hash,"
        f" {_fact('idempotency_key')} AS key, coalesce(simulated, false) AS sim, event_id FROM decisions"
        f" WHERE product = {bind(ask.scene.product)} AND kind = '{kind}' AND subject = {bind(tool)}"
        f" AND time >= {bind(ask.since_ns - _DAY_NS)} AND time < {bind(ask.until_ns)}"
    )


def _runs(ask: Ask, bind: Bind, tool: str) -> str:
    """SELECT of the traces in which a tool ran, with how often."""
    return (
        "SELECT any_value(unit) AS unit, trace_id AS trace, min(start_time) AS began, bool_or(sim) AS sim,"
        f" count(*) AS runs FROM ({ask.spans(bind, kinds=['tool'])}) WHERE tool_name = {bind(tool)}"
        " GROUP BY trace_id"
    )


def _path(ask: Ask) -> tuple[str, str]:
    """The tool that a claim is about, and which of its rules: ``refund`` and ``approval``."""
    tool, _, rule = ask.claim.address.removeprefix(f"{ask.scene.product}/tools/").partition("/")
    return tool, rule


def _approved(ask: Ask, tool: str) -> Evidence | None:
    """Traces in which the tool ran more often than people had confirmed exactly its arguments.

    A run that the policy let through by itself counts as confirmed where every step is due from some amount.
    """
    bind = Bind()
    steps = ask.claim.options.get("approval") or ()
    by_amount = bool(steps) and all(step.get("above") for step in steps)
    free = (
        f" OR EXISTS (FROM ({_decisions(ask, bind, kind='permission', tool=tool)}) allowed"
        " WHERE allowed.outcome = 'allowed' AND allowed.trace_id = ran.trace_id AND allowed.hash = ran.hash)"
        if by_amount
        else ""
    )
    ran = _decisions(ask, bind, kind="tool_run", tool=tool)
    claimed = _decisions(ask, bind, kind="approval", tool=tool)
    confirmed = (
        f"SELECT trace_id, count(*) AS confirmed FROM ({ran}) ran WHERE outcome IN {_RAN} AND (EXISTS"
        f" (FROM ({claimed}) claimed WHERE claimed.outcome = 'claimed'"
        f" AND claimed.event_id LIKE '{OF_THE_QUEUE}%'"
        f" AND claimed.hash = ran.hash AND claimed.key = ran.key){free}) GROUP BY trace_id"
    )
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, greatest(runs - coalesce(confirmed, 0), 0)::DOUBLE AS x, 0.0 AS y"
        f" FROM ({_runs(ask, bind, tool)}) ran LEFT JOIN ({confirmed}) told ON told.trace_id = ran.trace",
        parameters=bind.values,
        noun="trace with a run",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample))


def _decided(ask: Ask, tool: str) -> Evidence | None:
    """Traces in which the tool ran though the policy had denied it, and had let no call of it through."""
    bind = Bind()
    told = (
        "SELECT trace_id, bool_or(outcome IN ('allowed', 'needs_approval')) AS let,"
        f" bool_or(outcome = 'denied') AS denied FROM ({_decisions(ask, bind, kind='permission', tool=tool)})"
        " GROUP BY trace_id"
    )
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, CASE WHEN let THEN 0.0 WHEN denied THEN 1.0 END AS x, 0.0 AS y"
        f" FROM ({_runs(ask, bind, tool)}) ran LEFT JOIN ({told}) told ON told.trace_id = ran.trace",
        parameters=bind.values,
        noun="trace with a run",
        missing="no decision of the policy stands beside the run",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample))


def _once(ask: Ask, tool: str) -> Evidence | None:
    """Calls that are the same by the contract and ran to their end more than once."""
    bind = Bind()
    ran = _decisions(ask, bind, kind="tool_run", tool=tool)
    sample = Sample(
        sql="SELECT coalesce(key, event_id) AS unit, any_value(trace_id) AS trace, min(time) AS began,"
        " bool_or(sim) AS sim, CASE WHEN any_value(key) IS NOT NULL THEN count(*)::DOUBLE END AS x, 1.0 AS y"
        f" FROM ({ran}) WHERE outcome = 'done' AND time >= {bind(ask.since_ns)}"
        " GROUP BY coalesce(key, event_id)",
        parameters=bind.values,
        noun="call",
        missing="the run names no idempotency key",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or nothing(
        ask, "no run of it was recorded", noun="call"
    )


def _caught(ask: Ask) -> Evidence | None:
    """Of what people decided on wrong calls that were put before them as a test, what stopped them."""
    tool, _ = _path(ask)
    bind = Bind()
    sample = Sample(
        sql="SELECT decided_by AS unit, trace_id AS trace, time AS began, coalesce(simulated, false) AS sim,"
        " (outcome IN ('rejected', 'edited'))::DOUBLE AS x FROM decisions"
        f" WHERE product = {bind(ask.scene.product)} AND kind = 'approval' AND subject = {bind(tool)}"
        f" AND event_id LIKE '{OF_THE_QUEUE}%' AND time >= {bind(ask.since_ns)}"
        f" AND time < {bind(ask.until_ns)} AND outcome IN ('approved', 'rejected', 'edited')"
        f" AND {_fact('seeded')} = 'true'",
        parameters=bind.values,
        noun="decision on a seeded call",
    )
    return evidence_of(
        ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=0), release=False
    ) or nothing(ask, "no wrong call was put before anybody", noun="decision", release=False)


def _unnamed(ask: Ask) -> Evidence | None:
    """Runs of tools that the contract does not name."""
    start = f"{ask.scene.product}/tools/"
    named = sorted(
        {
            address.removeprefix(start).partition("/")[0]
            for address in ask.scene.claims
            if address.startswith(start)
        }
        - {"unnamed"}
    )
    bind = Bind()
    spans = ask.spans(bind, kinds=["tool"])
    other = f"tool_name NOT IN ({', '.join(bind(name) for name in named)})" if named else "true"
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim,"
        f" CASE WHEN tool_name IS NOT NULL THEN ({other})::DOUBLE END AS x, 0.0 AS y FROM ({spans})",
        parameters=bind.values,
        noun="run of a tool",
        missing="the span names no tool",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample))


def _tools(ask: Ask) -> Evidence | None:
    tool, rule = _path(ask)
    if tool == "unnamed" and not rule:
        return _unnamed(ask)
    measures = {"approval": _approved, "idempotent_by": _once}
    return measures.get(rule, _decided)(ask, tool)


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "never:tools/*": _tools,
    "bound:tools/caught": _caught,
}
