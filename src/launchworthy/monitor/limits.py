"""Rules that no call may break, counted call by call. May import ``contract``, ``evidence`` and this room.

An overrun with an incident is no breach of a limit: a call whose records say that the limit stopped it, or
that it passed the limit and an incident was opened, is counted apart.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.contract.units import PERIOD_DAYS
from launchworthy.evidence import Evidence
from launchworthy.monitor.economics import NO_PRICE, not_dollars, priced_calls
from launchworthy.monitor.label_rows import ACTION
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches, share
from launchworthy.monitor.scene import Ask, Bind

__all__ = ["MEASURES", "beyond_cost", "beyond_timeout", "told_of"]

_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim"
_STOPPING = 1.05  # a call that the time limit stopped ends a moment after it
_DAY_NS = 86_400_000_000_000
_PERIODS = {"h": "hour", "d": "day", "w": "week", "y": "year", "m": "minute", "min": "minute", "s": "second"}
_WAYS = ("refuse", "defer", "ask", "route")
_BY = {"user": "user_id", "session": "session_id", "workflow": "workflow"}


def beyond_timeout(ask: Ask) -> Sample | None:
    """Calls with how long they took (``x``) and how long they may (``y``); None without a limit."""
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/timeout")
    if limit is None:
        return None
    return Sample(
        sql=f"SELECT {_COLUMNS}, duration_ms AS x,"
        f" {limit} * CASE WHEN timed_out THEN {_STOPPING} ELSE 1.0 END AS y"
        f" FROM ({ask.calls(bind)}) WHERE {limit} IS NOT NULL",
        parameters=bind.values,
        noun="call",
        missing="the call has no duration",
    )


def beyond_cost(ask: Ask) -> Sample | None:
    """Calls with what they cost and what they may; None where no limit in dollars is declared.

    Of several calls in one trace only their average is known: where that is too much one of them was, where
    it is not, one may still have been.
    """
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/cost_per_action", unit="USD")
    if limit is None:
        return None
    return Sample(
        sql=f"SELECT {_COLUMNS}, CASE WHEN alone OR cost > {limit} THEN cost END AS x, {limit} AS y"
        f" FROM ({priced_calls(ask, bind)}) WHERE {limit} IS NOT NULL",
        parameters=bind.values,
        noun="call",
        missing=NO_PRICE,
    )


def told_of(ask: Ask, bind: Bind) -> str:
    """SELECT of the traces whose records say that this limit stopped them, or was passed."""
    return (
        f"SELECT trace_id FROM decisions WHERE product = {bind(ask.scene.product)} AND kind = 'budget'"
        f" AND rule = {bind(ask.claim.address)} AND trace_id IS NOT NULL"
    )


def _counted(ask: Ask, sample: Sample) -> Evidence | None:
    """Breaches among the calls without an incident of this limit, and how many have one."""
    bind = Bind()
    bind.values.extend(sample.parameters)
    told = told_of(ask, bind)
    left = Sample(
        sql=f"SELECT * REPLACE (CASE WHEN trace IN ({told}) THEN least(x, y) ELSE x END AS x)"
        f" FROM ({sample.sql})",
        parameters=bind.values,
        noun=sample.noun,
        missing=sample.missing,
    )
    counting = Bind()
    counting.values.extend(sample.parameters)
    with_incident = ask.scene.query(
        f"SELECT count(*) AS n FROM ({sample.sql}) WHERE x > y AND trace IN ({told_of(ask, counting)})",
        counting.values,
    )[0]["n"]
    detail = {"with_incident": with_incident} if with_incident else None
    return evidence_of(ask, breaches(ask.scene.query, left), detail=detail)


def _timeout(ask: Ask) -> Evidence | None:
    found = beyond_timeout(ask)
    return nothing(ask, "the limit is no duration") if found is None else _counted(ask, found)


def _cost(ask: Ask) -> Evidence | None:
    found = beyond_cost(ask)
    unit = str(ask.claim.options.get("unit", ""))
    return nothing(ask, not_dollars(unit, "limit")) if found is None else _counted(ask, found)


def _turns(ask: Ask) -> Evidence | None:
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/turns")
    if limit is None:
        return None
    sample = Sample(
        sql="SELECT any_value(unit) AS unit, arg_max(trace_id, start_time) AS trace,"
        " min(start_time) AS began,"
        f" bool_or(sim) AS sim, count(*)::DOUBLE AS x, any_value({limit}) AS y FROM ({ask.calls(bind)})"
        f" WHERE session_id IS NOT NULL AND trace_id NOT IN ({told_of(ask, bind)}) GROUP BY session_id",
        parameters=bind.values,
        noun="session",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or nothing(
        ask, "no call names its session", noun="session"
    )


def _steps(ask: Ask) -> Evidence | None:
    """Uses of tools in each call's trace; a call without any took none."""
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/steps")
    if limit is None:
        return None
    calls = ask.calls(bind)
    tools = ask.spans(bind, kinds=("tool",))
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, coalesce(uses, 0)::DOUBLE AS x, {limit} AS y FROM ({calls}) AS calls"
        f" LEFT JOIN (SELECT trace_id AS of, count(*) AS uses FROM ({tools}) GROUP BY trace_id) AS tools"
        f" ON tools.of = calls.trace_id WHERE {limit} IS NOT NULL",
        parameters=bind.values,
        noun="call",
    )
    return _counted(ask, sample)


def _over_many(ask: Ask) -> Evidence | None:
    """A limit over many calls, such as ``cost_per_user``, by day, hour or whatever its period is."""
    options = ask.claim.options
    counts, _, whose = ask.metric.partition("_per_")
    base, _, over = str(options.get("unit", "")).partition("/")
    column, days = _BY.get(whose), PERIOD_DAYS.get(over)
    action = _action(ask, counts)
    if column is None or days is None or (counts not in ("actions", "cost", "tokens") and action is None):
        return nothing(ask, f"{ask.metric} is no limit that records can be held to", noun=whose or "user")
    if counts == "cost" and base != "USD":
        return nothing(ask, not_dollars(base, "limit"), noun=whose)
    bind = Bind()
    x, of = _counting(ask, bind, counts) if action is None else _ended_in(ask, bind, action)
    period = round(days * _DAY_NS)
    sample = Sample(
        sql="SELECT any_value(unit) AS unit, arg_max(trace_id, start_time) AS trace,"
        f" min(start_time) AS began, bool_or(sim) AS sim, {x} AS x,"
        f" {bind(float(options['limit']))}::DOUBLE AS y FROM ({of})"
        f" WHERE {column} IS NOT NULL AND trace_id NOT IN ({told_of(ask, bind)})"
        f" GROUP BY {column}, start_time // {period}",
        parameters=bind.values,
        noun=f"{whose}'s {_PERIODS.get(over, over)}",
        missing=NO_PRICE,
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or nothing(
        ask, f"no call names its {whose}", noun=whose
    )


def _action(ask: Ask, counts: str) -> str | None:
    """The action of ``decide/bands`` that a limit counts, such as ``holds`` of ``holds_per_user``."""
    bands = ask.scene.option(ask.workflow, "decide").get("bands") or ()
    return next((str(band) for band in bands if counts in (band, f"{band}s")), None)


def _ended_in(ask: Ask, bind: Bind, action: str) -> tuple[str, str]:
    return f"count(*) FILTER ({ACTION} = {bind(action)})::DOUBLE", ask.calls(bind)


def _counting(ask: Ask, bind: Bind, counts: str) -> tuple[str, str]:
    """What is added up, and of which rows."""
    if counts == "actions":
        return "count(*)::DOUBLE", ask.calls(bind)
    if counts == "cost":
        return "CASE WHEN count(cost) = count(*) THEN sum(cost) END", priced_calls(ask, bind)
    models = ask.spans(bind, kinds=("model", "embedding"))
    return "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))::DOUBLE", models


def _no_answer(ask: Ask) -> Evidence | None:
    """Of the calls that say they gave no answer, those that took a way that the contract does not name."""
    declared = sorted({*map(str, dict(ask.claim.options.get("conditions", {})).values()), *_elsewhere(ask)})
    bind = Bind()
    among = ", ".join(bind(policy) for policy in declared)
    other = f"no_answer NOT IN ({among})" if declared else "true"
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, ({other})::DOUBLE AS x, 0.0 AS y FROM ({ask.calls(bind)})"
        " WHERE no_answer IS NOT NULL",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(
        ask,
        breaches(ask.scene.query, sample),
        detail={
            "declared": declared,
            "remark": "of the calls that say they gave no answer; whether one should have been given is"
            " measured by quality/over_refusal and quality/under_refusal",
        },
    )


def _elsewhere(ask: Ask) -> set[str]:
    """Ways that other lines of the contract declare: what a guard does on a hit, how the fallbacks end."""
    product = ask.scene.product
    ends = f"{product}/{ask.workflow}/fallbacks/"
    said = {claim.metric for address, claim in ask.scene.claims.items() if address.startswith(ends)}
    for address, claim in ask.scene.claims.items():
        if address.startswith(f"{product}/guards/"):
            said.add(str(claim.options.get("action")))
    return said & set(_WAYS)


def _capacity(ask: Ask) -> Evidence | None:
    """Periods (UTC) in which more calls, of any release, ended in an action than people can take."""
    options = ask.claim.options
    over = str(options.get("unit", "")).partition("/")[2]
    days = PERIOD_DAYS.get(over)
    if days is None:
        return nothing(ask, "the capacity names no period, such as 900/d", noun="period", release=False)
    bind = Bind()
    calls = ask.seen_by_people().calls(bind, any_release=True)
    period = round(days * _DAY_NS)
    sample = Sample(
        sql=f"SELECT 'p' || start_time // {period} AS unit, arg_max(trace_id, start_time) AS trace,"
        f" min(start_time) AS began, bool_or(sim) AS sim, count(*) FILTER ({ACTION} = {bind(ask.metric)})"
        f"::DOUBLE AS x, {bind(float(options['limit']))}::DOUBLE AS y FROM ({calls})"
        f" WHERE {ACTION} IS NOT NULL GROUP BY start_time // {period}",
        parameters=bind.values,
        noun=_PERIODS.get(over, over),
    )
    return evidence_of(ask, breaches(ask.scene.query, sample), release=False) or nothing(
        ask, "no call says by its output which action it took", noun="call", release=False
    )


def share_beyond(ask: Ask, sample: Sample | None) -> Evidence | None:
    """The share of calls beyond their limit, for monitors that allow some."""
    if sample is None:
        return nothing(ask, "no workflow declares that limit (of costs: one in USD)")
    counted = Sample(
        sql=f"SELECT unit, trace, began, sim, (x > y)::DOUBLE AS x FROM ({sample.sql})",
        parameters=sample.parameters,
        noun=sample.noun,
        missing=sample.missing,
    )
    return evidence_of(ask, share(ask.scene.query, counted, level=ask.claim.confidence, bad=1))


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "never:limits/timeout": _timeout,
    "never:limits/cost_per_action": _cost,
    "never:limits/turns": _turns,
    "never:limits/steps": _steps,
    "never:limits/*_per_user": _over_many,
    "never:limits/*_per_session": _over_many,
    "never:limits/*_per_workflow": _over_many,
    "never:decide/*": _capacity,
    "never:no_answer/no_answer": _no_answer,
}
