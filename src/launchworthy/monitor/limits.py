"""Rules that no call may break, counted call by call. May import ``evidence`` and this room."""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor.economics import NO_PRICE, priced_calls
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches, share
from launchworthy.monitor.scene import Ask, Bind

__all__ = ["MEASURES", "beyond_cost", "beyond_timeout"]

_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim"
_STOPPING = 1.05  # a call that the time limit stopped ends a moment after it
_PERIOD_NS = {"h": 3_600_000_000_000, "d": 86_400_000_000_000}


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


def _never(sample: Callable[[Ask], Sample | None], otherwise: str) -> Callable[[Ask], Evidence | None]:
    def measure(ask: Ask) -> Evidence | None:
        found = sample(ask)
        if found is None:
            return nothing(ask, otherwise)
        return evidence_of(ask, breaches(ask.scene.query, found))

    return measure


def _turns(ask: Ask) -> Evidence | None:
    bind = Bind()
    limit = ask.scene.limit(bind, "limits/turns")
    if limit is None:
        return None
    sample = Sample(
        sql="SELECT any_value(unit) AS unit, arg_max(trace_id, start_time) AS trace,"
        " min(start_time) AS began,"
        f" bool_or(sim) AS sim, count(*)::DOUBLE AS x, any_value({limit}) AS y FROM ({ask.calls(bind)})"
        " WHERE session_id IS NOT NULL GROUP BY session_id",
        parameters=bind.values,
        noun="session",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or nothing(
        ask, "no call names its session", noun="session"
    )


def _actions_per_user(ask: Ask) -> Evidence | None:
    options = ask.claim.options
    period = _PERIOD_NS.get(str(options.get("unit", "")).removeprefix("1/"))
    if period is None:
        return nothing(ask, "a limit on the actions of a user is counted by h or d", noun="user")
    bind = Bind()
    sample = Sample(
        sql="SELECT unit, arg_max(trace_id, start_time) AS trace, min(start_time) AS began,"
        f" bool_or(sim) AS sim, count(*)::DOUBLE AS x, {bind(float(options['limit']))}::DOUBLE AS y"
        f" FROM ({ask.calls(bind)}) WHERE user_id IS NOT NULL GROUP BY unit, start_time // {period}",
        parameters=bind.values,
        noun="user's day" if period == _PERIOD_NS["d"] else "user's hour",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or nothing(
        ask, "no call names its user", noun="user"
    )


def _no_answer(ask: Ask) -> Evidence | None:
    """Of the calls that say they gave no answer, those that took a way that the contract does not name."""
    declared = sorted(set(map(str, dict(ask.claim.options.get("conditions", {})).values())))
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


def share_beyond(ask: Ask, sample: Sample | None) -> Evidence | None:
    """The share of calls beyond their limit, for monitors that allow some."""
    if sample is None:
        return nothing(ask, "no workflow declares that limit")
    counted = Sample(
        sql=f"SELECT unit, trace, began, sim, (x > y)::DOUBLE AS x FROM ({sample.sql})",
        parameters=sample.parameters,
        noun=sample.noun,
        missing=sample.missing,
    )
    return evidence_of(ask, share(ask.scene.query, counted, level=ask.claim.confidence, bad=1))


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "never:limits/timeout": _never(beyond_timeout, "the limit is no duration"),
    "never:limits/cost_per_action": _never(
        beyond_cost, "records hold costs in US dollars, and the limit is in another currency"
    ),
    "never:limits/turns": _turns,
    "never:limits/actions_per_user": _actions_per_user,
    "never:no_answer/no_answer": _no_answer,
}
