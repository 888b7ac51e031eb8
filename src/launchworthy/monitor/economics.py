"""What it costs: by call, by session, by user, by success. May import ``evidence`` and this room.

Costs are US dollars, as records hold them. A call costs what it says itself, else the sum of the spans of its
trace that carry a cost. A model call without a known price makes its call one whose cost is not known, never
one that cost nothing; a call that declined before any model was asked cost nothing.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.contract.units import per_day
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, mean, ratio
from launchworthy.monitor.scene import FAILED, Ask, Bind
from launchworthy.monitor.uses import success_of, uses
from launchworthy.quantity import Quantity

__all__ = ["MEASURES", "NO_PRICE", "not_dollars", "priced_calls"]

NO_PRICE = "a model call in it has no known price, or none says what it cost"
_SKEW_NS = 60 * 1_000_000_000  # by which the clocks of two machines in one trace may differ
_LONGEST_NS = 86_400 * 1_000_000_000  # how long a call may go on
_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim"


def priced_calls(ask: Ask, bind: Bind, *, any_release: bool = False) -> str:
    """SELECT of the calls with ``cost``, null where it is not known.

    Of several calls in one trace each is given an equal part of what their trace cost; ``alone`` tells.
    """
    scene = ask.scene
    calls = ask.calls(bind, any_release=any_release)
    # Only spans that cost something, or should tell what they cost; a call may go on after the window ends.
    inner = (
        "SELECT trace_id, workflow, coalesce(kind, 'other') AS kind, cost_usd, input_tokens,"
        f" {FAILED} AS failed FROM spans WHERE product = {bind(scene.product)}"
        f" AND start_time >= {bind(ask.since_ns - _SKEW_NS)}"
        f" AND start_time < {bind(ask.until_ns + _LONGEST_NS)}"
        " AND (cost_usd IS NOT NULL OR kind IN ('model', 'embedding'))"
    )
    return (
        f"WITH calls AS ({calls}), inner_spans AS ({inner}),"
        " known AS (SELECT trace_id, workflow, count(*) AS together FROM calls GROUP BY trace_id, workflow),"
        " spent AS (SELECT known.trace_id, known.workflow, any_value(together) AS together,"
        " sum(cost_usd) FILTER (kind NOT IN ('workflow', 'agent', 'evaluation')) AS parts,"
        " count(*) FILTER (kind IN ('model', 'embedding')) AS models,"
        # A model call that failed before it read a token is not billed.
        " count(*) FILTER (kind IN ('model', 'embedding') AND cost_usd IS NULL"
        " AND NOT (failed AND coalesce(input_tokens, 0) = 0)) AS unpriced"
        " FROM known LEFT JOIN inner_spans AS s ON s.trace_id = known.trace_id"
        " AND (s.workflow IS NOT DISTINCT FROM known.workflow OR s.workflow IS NULL) GROUP BY ALL)"
        " SELECT calls.*, together = 1 AS alone, CASE WHEN cost_usd IS NOT NULL THEN cost_usd"
        " WHEN unpriced > 0 THEN NULL WHEN models > 0 THEN coalesce(parts, 0.0) / together"
        " WHEN parts IS NOT NULL THEN parts / together WHEN no_answer IS NOT NULL THEN 0.0 END AS cost"
        " FROM calls JOIN spent ON spent.trace_id = calls.trace_id"
        " AND spent.workflow IS NOT DISTINCT FROM calls.workflow"
    )


def not_dollars(unit: str, what: str = "target") -> str:
    """Why costs are not held against an amount of another currency, and what can be written instead."""
    return (
        f"records hold costs in US dollars, and the {what} is in {unit.partition('/')[0] or 'no currency'}:"
        " write it in USD, at a rate of your own, since none is assumed"
    )


def _money(measure: Callable[[Ask], Evidence | None]) -> Callable[[Ask], Evidence | None]:
    def checked(ask: Ask) -> Evidence | None:
        if ask.unit.partition("/")[0] != "USD":
            return nothing(ask, not_dollars(ask.unit))
        return measure(ask)

    return checked


def _cost(ask: Ask) -> Evidence | None:
    bind = Bind()
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, cost AS x FROM ({priced_calls(ask, bind)})",
        parameters=bind.values,
        noun="call",
        missing=NO_PRICE,
    )
    limit = ask.scene.option(ask.workflow, "limits/cost_per_action")
    most = float(limit["limit"]) if limit.get("unit") == "USD" and ask.workflow is not None else None
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit, most=most)
    # Costs that do not vary bound nothing by themselves; with a limit on each call they do.
    return evidence_of(ask, found, detail={} if most is None else {"limit_of_each": most})


def _per_session(ask: Ask) -> Evidence | None:
    bind = Bind()
    sample = Sample(
        sql="SELECT any_value(unit) AS unit, arg_max(trace_id, cost) AS trace, min(start_time) AS began,"
        " bool_or(sim) AS sim, CASE WHEN count(cost) = count(*) THEN sum(cost) END AS x"
        f" FROM ({priced_calls(ask, bind)}) WHERE session_id IS NOT NULL GROUP BY session_id",
        parameters=bind.values,
        noun="session",
        missing=NO_PRICE,
    )
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit)
    return evidence_of(ask, found) or nothing(ask, "no call names its session", noun="session")


def _per_active_user(ask: Ask) -> Evidence | None:
    a_day = per_day(Quantity(1.0, ask.unit))
    if a_day is None:
        return nothing(ask, "the target names no period, such as 0.40 USD/month", noun="user")
    ask = ask.within(86_400.0 / a_day)
    bind = Bind()
    first = ask.scene.query(f"SELECT min(start_time) AS first FROM ({ask.ever().calls(bind)})", bind.values)[
        0
    ]["first"]
    if first is None:
        return None
    if first / 1e9 > ask.since.timestamp() + 0.1 * ask.window_s:
        return nothing(ask, "records do not go back a whole period yet", noun="user")
    bind = Bind()
    sample = Sample(
        sql="SELECT unit, arg_max(trace_id, cost) AS trace, min(start_time) AS began, bool_or(sim) AS sim,"
        " CASE WHEN count(cost) = count(*) THEN sum(cost) END AS x"
        f" FROM ({priced_calls(ask, bind)}) WHERE user_id IS NOT NULL GROUP BY unit",
        parameters=bind.values,
        noun="user",
        missing=NO_PRICE,
    )
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit)
    return evidence_of(ask, found) or nothing(ask, "no call names its user", noun="user")


def _per_success(ask: Ask) -> Evidence | None:
    success = success_of(ask)
    if success is None:
        return nothing(ask, "the contract names no success event of the workflow")
    ask = ask.matured(success.horizon_s).seen_by_people()
    bind = Bind()
    won = uses(ask, bind, success, calls=f"SELECT * FROM ({priced_calls(ask, bind)})")
    sample = Sample(
        sql="SELECT unit, trace, began, sim, CASE WHEN priced THEN cost END AS x,"
        f" (won IS NOT NULL AND NOT undone)::DOUBLE AS y FROM ({won})",
        parameters=bind.values,
        noun="use",
        missing=NO_PRICE,
    )
    found = ratio(
        ask.scene.query,
        sample,
        level=ask.claim.confidence,
        unit=ask.unit,
        without=f"no success ({success.told}) was recorded",
    )
    return evidence_of(ask, found) or nothing(ask, success.too_young, noun="use")


def _cache_hit(ask: Ask) -> Evidence | None:
    bind = Bind()
    inner = ask.spans(bind, kinds=["model"])
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, CASE WHEN input_tokens IS NOT NULL AND cache_read_tokens IS NOT NULL"
        " THEN least(cache_read_tokens, input_tokens) END::DOUBLE AS x, input_tokens::DOUBLE AS y"
        f" FROM ({inner}) WHERE NOT failed",
        parameters=bind.values,
        noun="model call",
        missing="the model call does not tell how many tokens came from a cache",
    )
    found = ratio(
        ask.scene.query,
        sample,
        level=ask.claim.confidence,
        unit="ratio",
        bounds=(0.0, 1.0),
        high_is_bad=False,
        without="no token was read",
    )
    return evidence_of(ask, found)


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:economics/cost": _money(_cost),
    "bound:economics/cost_per_action": _money(_cost),
    "bound:economics/cost_per_session": _money(_per_session),
    "bound:economics/cost_per_active_user": _money(_per_active_user),
    "bound:economics/cost_per_success": _money(_per_success),
    "bound:economics/cache_hit": _cache_hit,
}
