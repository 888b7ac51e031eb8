"""What it is sold for: margins of accounts, what is billed, how far heavy users go, and who uses it for what.

May import ``contract``, ``evidence`` and this room. An account is a user. What is sold is a use that came to
what ``pricing/value`` names, as ``outcomes`` tells it; what is billed by seats is measured over a whole
period. Prices are compared with costs in US dollars only, as records hold them.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.contract.units import PERIOD_DAYS, per_day
from launchworthy.evidence import Evidence
from launchworthy.monitor.economics import NO_PRICE, not_dollars, priced_calls
from launchworthy.monitor.observed import OFF_TOPIC
from launchworthy.monitor.outcomes import Came, came_of, outcome_claim
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Measured, Sample, breaches, ratio, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.use_rows import USE
from launchworthy.monitor.uses import Success, any_event, success_of, uses
from launchworthy.quantity import Quantity

__all__ = ["MEASURES", "SHOWN"]

SHOWN = "expectations_shown"  # event by which a screen tells that a user read what it is for
_DAY_S = 86_400.0
_DAY_NS = 86_400_000_000_000
_OF_REVENUE = (0.0, math.inf)  # costs are not negative, so that a margin is at most 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sold:
    """What customers pay for: ``ask`` reads the uses of its workflow, ``came`` tells the paid ones.

    Attributes:
        seat: US dollars for a user in a period; 0 where no seat is sold.
        usage: US dollars for each use that came to it; 0 where only seats are sold.
        included: Uses in a period that a seat includes.
        period_s: Seconds; None where nothing is sold by period.
    """

    ask: Ask
    came: Came
    seat: float
    usage: float
    included: float
    period_s: float | None


def _sold(ask: Ask, *, against_costs: bool = False) -> _Sold | str:
    """What the contract sells; why it cannot be told, or compared with costs, where it cannot."""
    told = ask.scene.option(None, "pricing/value")
    if not told:
        return "the contract names no price"
    workflow, value = told.get("workflow"), str(told.get("event"))
    if not isinstance(workflow, str):
        return f"no workflow is named whose success is a {value}: give one the outcome {value}"
    packaging = told.get("packaging")
    seat, usage, included = (_quantity(told.get(name)) for name in ("seat", "usage", "included"))
    if packaging == "usage":
        seat = included = None
    elif packaging == "seat":
        usage = None
    for price in (seat, usage) if against_costs else ():
        if price is not None and price.unit.partition("/")[0] != "USD":
            return not_dollars(price.unit, "price")
    own = replace(ask, workflow=workflow, family="outcomes", seen_only=True)
    came = _came(own, f"{workflow}/outcomes/{value}", value)
    if isinstance(came, str):
        return came
    days = PERIOD_DAYS.get(seat.unit.partition("/")[2]) if seat is not None else None
    if seat is not None and days is None:
        return "the price of a seat names no period, such as 29 USD/month"
    free = (per_day(included) or 0.0) * (days or 0.0) if included is not None else 0.0
    return _Sold(
        ask=own.matured(came.success.horizon_s),
        came=came,
        seat=0.0 if seat is None else seat.value,
        usage=0.0 if usage is None else usage.value,
        included=free,
        period_s=None if days is None else days * _DAY_S,
    )


def _came(own: Ask, address: str, value: str) -> Came | str:
    """How a paid use is told: as the outcome of that name is, else by the event of that name."""
    claim = outcome_claim(own, address)
    if claim is not None:
        return came_of(replace(own, claim=claim, metric=claim.metric))
    declared = success_of(own)
    if declared is not None and declared.events == (value,):
        success = declared
    else:
        horizon_s = 0.0 if declared is None else declared.horizon_s
        success = Success(events=(value,), horizon_s=horizon_s)
    if not any_event(own.matured(success.horizon_s), success.events):
        return f"no outcome {value} was recorded"
    return Came(success=success, condition="won IS NOT NULL AND NOT undone", bad=0)


def _quantity(told: Any) -> Quantity | None:
    return Quantity(float(told["value"]), str(told["unit"])) if isinstance(told, Mapping) else None


def _uses(sold: _Sold, ask: Ask, bind: Bind, *, any_release: bool) -> str:
    """SELECT of the uses of what is sold, in the window of ``ask``."""
    own = replace(sold.ask, window_s=ask.window_s)
    calls = own.calls(bind, any_release=any_release)
    return uses(own, bind, sold.came.success, calls=f"SELECT *, NULL::DOUBLE AS cost FROM ({calls})")


def _by_account(ask: Ask, sold: _Sold, bind: Bind, *, any_release: bool) -> str:
    """SELECT of the accounts: ``cost`` (null where one is not known), ``revenue``, ``used``."""
    asked = ask.matured(sold.came.success.horizon_s).seen_by_people()
    named = ["user_id IS NOT NULL"] if sold.period_s is not None else []
    costs = priced_calls(asked, bind, any_release=any_release)
    if sold.period_s is not None and not any_release:
        # A seat is paid once: only who met no other release tells what this one leaves of it.
        every, own = asked.calls(bind, any_release=True), asked.calls(bind)
        named.append(
            f"unit NOT IN (SELECT unit FROM ({every}) WHERE trace_id NOT IN (SELECT trace_id FROM ({own})))"
        )
    where = f" WHERE {' AND '.join(named)}" if named else ""
    of_uses = _uses(sold, ask, bind, any_release=any_release)
    paid = f"coalesce(s.sold, 0) - {bind(sold.included)}::DOUBLE"
    return (
        "WITH costs AS (SELECT unit, arg_max(trace_id, cost) AS trace, min(start_time) AS began,"
        " bool_or(sim) AS sim, CASE WHEN count(cost) = count(*) THEN sum(cost) END AS cost"
        f" FROM ({costs}){where} GROUP BY unit), sales AS (SELECT unit, count(*) AS used,"
        f" count(*) FILTER ({sold.came.condition}) AS sold FROM ({of_uses}) GROUP BY unit)"
        " SELECT c.*, coalesce(s.used, 0) AS used,"
        f" {bind(sold.seat)}::DOUBLE + {bind(sold.usage)}::DOUBLE * greatest({paid}, 0) AS revenue"
        " FROM costs AS c LEFT JOIN sales AS s ON s.unit = c.unit"
    )


def _margin(ask: Ask, *, any_release: bool, above: str = "") -> Evidence | None:
    """The share of revenue that costs leave, over accounts."""
    sold = _sold(ask, against_costs=True)
    if isinstance(sold, str):
        return nothing(ask, sold, noun="account", release=not any_release)
    if sold.period_s is not None:
        ask = ask.within(sold.period_s)
        if lacking := _lacking(ask.matured(sold.came.success.horizon_s), any_release=any_release):
            return nothing(ask, lacking, noun="account", release=not any_release)
    bind = Bind()
    rows = _by_account(ask, sold, bind, any_release=any_release)
    if above:
        share_ = bind(float(above[1:]) / 100.0)
        rows = f"SELECT * FROM ({rows}) QUALIFY used > quantile_disc(used, {share_}::DOUBLE) OVER ()"
    sample = Sample(
        sql=f"SELECT unit, trace, began, sim, cost AS x, revenue AS y FROM ({rows})",
        parameters=bind.values,
        noun="account",
        missing=NO_PRICE,
    )
    found = ratio(
        ask.scene.query,
        sample,
        level=ask.claim.confidence,
        unit="ratio",
        bounds=_OF_REVENUE,
        without=f"nothing was paid for ({sold.came.success.told})",
    )
    told = {
        "events": list(sold.came.success.events),
        "remark": "revenue is what the contract charges for what records show; what was paid is not recorded",
    }
    asked = ask.matured(sold.came.success.horizon_s)
    piece = evidence_of(asked, _left(found), detail=told, release=not any_release)
    missing = (
        f"no account uses it more often than {above.upper()} of all"
        if above
        else "no call names its user"
        if sold.period_s is not None
        else sold.came.success.too_young
    )
    return piece or nothing(ask, missing, noun="account", release=not any_release)


def _lacking(ask: Ask, *, any_release: bool) -> str:
    """Why a whole period cannot be read yet; empty where it can."""
    bind = Bind()
    calls = ask.ever().calls(bind, any_release=any_release)
    first = ask.scene.query(f"SELECT min(start_time) AS first FROM ({calls})", bind.values)[0]["first"]
    if first is None or first / 1e9 > ask.since.timestamp() + 0.1 * ask.window_s:
        return "records do not go back a whole period yet"
    return ""


def _left(found: Measured) -> Measured:
    """What is left of the revenue, where ``found`` is what costs take of it."""
    interval = found.interval
    if interval is None:
        return found
    kept = {name: interval.sample[name] for name in ("n", "standard_error")}
    left = replace(
        interval, value=1.0 - interval.value, low=1.0 - interval.high, high=1.0 - interval.low, sample=kept
    )
    return replace(found, interval=left)


def _of_workflow(ask: Ask) -> Evidence | None:
    """The margin of the workflow whose success is sold; of another, nothing is paid."""
    told = ask.scene.option(None, "pricing/value")
    if told and told.get("workflow") != ask.workflow:
        return nothing(
            ask,
            f"customers pay for a {told.get('event')} of {told.get('workflow')}, not for {ask.workflow}:"
            " pricing/margin counts the costs of all",
        )
    return _margin(ask, any_release=False)


def _of_all(ask: Ask) -> Evidence | None:
    above = str(ask.claim.options.get("above") or "")
    return _margin(ask, any_release=True, above=above)


def _cap(ask: Ask) -> Evidence | None:
    """Periods of users with more uses of what is sold than the cap."""
    sold, options = _sold(ask), ask.claim.options
    days = PERIOD_DAYS.get(str(options.get("unit", "")).partition("/")[2])
    if isinstance(sold, str) or days is None:
        why = sold if isinstance(sold, str) else "the cap names no period, such as 3000/month"
        return nothing(ask, why, noun="user", release=False)
    bind = Bind()
    of_uses = _uses(replace(sold, ask=sold.ask.matured(0.0)), ask, bind, any_release=True)
    sample = Sample(
        sql="SELECT unit, arg_max(trace, began) AS trace, min(began) AS began, bool_or(sim) AS sim,"
        f" count(*)::DOUBLE AS x, {bind(float(options['limit']))}::DOUBLE AS y FROM ({of_uses})"
        f" WHERE starts_with(unit, 'u') GROUP BY unit, began // {round(days * _DAY_NS)}",
        parameters=bind.values,
        noun="user's period",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample), release=False) or nothing(
        ask, "no call names its user", noun="user", release=False
    )


def _verified(ask: Ask) -> Evidence | None:
    """Of what is billed, what stands on a use that was recorded and was not taken back."""
    sold = _sold(ask)
    if isinstance(sold, str):
        return nothing(ask, sold, noun="billed event", release=False)
    success = sold.came.success
    names = sorted({*success.events, str(ask.claim.options["event"])})
    asked = ask.matured(success.horizon_s)
    bind = Bind()
    longer = ask.within(ask.window_s + success.horizon_s)  # a use comes before what is billed for it
    calls = replace(sold.ask.matured(0.0), window_s=longer.window_s).calls(bind, any_release=True)
    of_uses = _uses(replace(sold, ask=sold.ask.matured(0.0)), longer, bind, any_release=True)
    billed = (
        f"SELECT * FROM outcomes WHERE product = {bind(ask.scene.product)}"
        f" AND event IN ({', '.join(map(bind, names))})"
        f" AND time >= {bind(asked.since_ns)} AND time < {bind(asked.until_ns)}"
    )
    sample = Sample(
        sql=f"WITH billed AS ({billed}), uses AS ({of_uses}),"
        f" of_trace AS (SELECT trace_id, any_value({USE}) AS use FROM ({calls}) GROUP BY trace_id),"
        " told AS (SELECT coalesce(t.use, 's' || b.session_id) AS use, b.trace_id, b.user_id, b.time,"
        " coalesce(b.simulated, false) AS sim, row_number() OVER () AS place"
        " FROM billed AS b LEFT JOIN of_trace AS t ON t.trace_id = b.trace_id),"
        # An event sent twice for one use is billed once.
        " once AS (SELECT any_value(use) AS use, any_value(trace_id) AS trace_id, any_value(user_id) AS who,"
        " min(time) AS time, bool_or(sim) AS sim, min(place) AS place FROM told"
        " GROUP BY coalesce(use, 'o' || place))"
        " SELECT coalesce(u.unit, 'u' || o.who, 'o' || o.place) AS unit,"
        " coalesce(u.trace, o.trace_id) AS trace, o.time AS began, o.sim OR coalesce(u.sim, false) AS sim,"
        " coalesce(u.won IS NOT NULL AND NOT u.undone, false)::DOUBLE AS x"
        " FROM once AS o LEFT JOIN uses AS u ON u.use = o.use",
        parameters=bind.values,
        noun="billed event",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    told = {"events": names, "remark": "verified: of a use in the records, and not taken back in its time"}
    return evidence_of(asked, found, detail=told, release=False) or nothing(
        ask, success.too_young, noun="billed event", release=False
    )


def _misfit(ask: Ask) -> Evidence | None:
    """Calls that a guard of topics found outside what it is meant for."""
    bind = Bind()
    known = ask.scene.query(
        f"SELECT count(*) AS n FROM decisions WHERE product = {bind(ask.scene.product)} AND {OFF_TOPIC}",
        bind.values,
    )
    if not known[0]["n"]:
        return nothing(
            ask,
            "no guard of topics has found a call outside it, and one that is not there finds none"
            " (guards/off_topic)",
            release=False,
        )
    bind = Bind()
    calls = ask.seen_by_people().calls(bind, any_release=True)
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim, (trace_id IN (SELECT trace_id FROM"
        f" decisions WHERE product = {bind(ask.scene.product)} AND trace_id IS NOT NULL AND {OFF_TOPIC}"
        f"))::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=1)
    return evidence_of(ask, found, release=False)


def _shown(ask: Ask) -> Evidence | None:
    """Users of the window to whom a screen told, at any time before their last call, what it is for."""
    if not any_event(ask.ever(), (SHOWN,)):
        return nothing(ask, f"no outcome {SHOWN} was recorded", noun="user", release=False)
    bind = Bind()
    places = tuple(ask.claim.options.get("shown_in") or ())
    place = "CASE WHEN json_valid(o.attributes) THEN json_extract_string(o.attributes, '$.in') END"
    among = f" AND coalesce({place} IN ({', '.join(map(bind, places))}), true)" if places else ""
    calls = ask.seen_by_people().calls(bind, any_release=True)
    sample = Sample(
        sql=f"WITH calls AS ({calls}) SELECT unit, arg_max(trace_id, start_time) AS trace,"
        " min(start_time) AS began, bool_or(sim) AS sim, bool_or(user_id IN (SELECT o.user_id"
        f" FROM outcomes AS o WHERE o.product = {bind(ask.scene.product)} AND o.event = {bind(SHOWN)}"
        f" AND o.time < {bind(ask.until_ns)} AND o.user_id IS NOT NULL{among}))::DOUBLE AS x"
        " FROM calls WHERE user_id IS NOT NULL GROUP BY unit",
        parameters=bind.values,
        noun="user",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    return evidence_of(ask, found, release=False) or nothing(
        ask, "no call names its user", noun="user", release=False
    )


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:economics/margin": _of_workflow,
    "bound:pricing/margin": _of_all,
    "never:pricing/cap": _cap,
    "cover:pricing/value": _verified,
    "cover:pricing/shown_in": _shown,
    "bound:pricing/misfit": _misfit,
}
