"""Outcomes that are amounts: money a day, and the share of one amount in another. May import ``contract``,
``evidence``, ``stats`` and this room.

The amount is the ``value`` of the outcome event, in whatever unit the target is: it is the product's own, and
nothing is converted. It may be negative, as a benefit that is none.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from launchworthy.contract.units import per_day
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Measured, Sample, ratio
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import any_event, success_of
from launchworthy.quantity import Quantity
from launchworthy.stats import mean_interval

__all__ = ["amount_a_period", "is_amount", "share_of_amount"]

_DAY_NS = 86_400_000_000_000


def is_amount(ask: Ask) -> bool:
    """Whether a target is an amount a period, such as 5000 EUR/d."""
    return "/" in ask.unit and per_day(Quantity(1.0, ask.unit)) is not None


def amount_a_period(ask: Ask) -> Evidence | None:
    """The sum of the event's values over calls of a day, on average of whole days (UTC)."""
    a_day = per_day(Quantity(1.0, ask.unit))
    ask = _settled(ask)
    if a_day is None or not any_event(ask, (ask.metric,)):
        return nothing(ask, f"no outcome {ask.metric} was recorded", noun="day")
    bind = Bind()
    calls, amounts = ask.calls(bind), _amounts(ask, bind, ask.metric)
    rows = ask.scene.query(
        f"SELECT c.start_time // {_DAY_NS} AS day, sum(coalesce(a.amount, 0.0)) AS amount,"
        " count(*) FILTER (a.trace_id IS NOT NULL AND a.amount IS NULL) AS blank, bool_or(c.sim) AS sim,"
        " lower(hex(arg_min(c.trace_id, coalesce(a.amount, 0.0)))) AS trace"
        f" FROM ({calls}) AS c LEFT JOIN ({amounts}) AS a ON a.trace_id = c.trace_id GROUP BY 1 ORDER BY 1",
        bind.values,
    )
    today = ask.until_ns // _DAY_NS
    if not rows or rows[0]["day"] + 1 >= today:
        return nothing(ask, "there is no whole day of records yet", noun="day")
    # The first day is whole only if calls began with it, which nobody knows: it is left out.
    first = rows[0]["day"] + 1
    days = {row["day"]: row for row in rows if first <= row["day"] < today}
    values = [float(days[day]["amount"]) / a_day if day in days else 0.0 for day in range(first, today)]
    blank = sum(row["blank"] for row in days.values())
    if blank:
        return nothing(ask, f"{blank:,} events {ask.metric} have no value", noun="day")
    found = Measured(
        interval=mean_interval(values, level=ask.claim.confidence, sides=1, unit=ask.unit),
        records=len(values),
        unscored=0,
        simulated=sum(bool(row["sim"]) for row in days.values()),
        units=len(values),
        noun="day",
        row="day",
        first_ns=first * _DAY_NS,
        worst=[
            {"trace": row["trace"], "value": row["amount"]}
            for row in sorted(days.values(), key=lambda row: float(row["amount"]))[:20]
        ],
    )
    return evidence_of(ask, found, detail={"events": [ask.metric]})


def share_of_amount(ask: Ask, of: str) -> Evidence | None:
    """What the event's values are together of those of another: an event, else a number of the input."""
    ask = _settled(ask)
    if not any_event(ask, (ask.metric,)):
        return nothing(ask, f"no outcome {ask.metric} was recorded")
    bind = Bind()
    calls, amounts, whole = ask.calls(bind), _amounts(ask, bind, ask.metric), _amounts(ask, bind, of)
    given = (
        "CASE WHEN json_valid(c.input) THEN"
        f" TRY_CAST(json_extract_string(c.input, '$.' || {bind(of)}) AS DOUBLE) END"
    )
    sample = Sample(
        sql="SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim,"
        f" CASE WHEN coalesce(w.amount, {given}) IS NOT NULL AND (a.trace_id IS NULL OR a.amount IS NOT NULL)"
        f" THEN coalesce(a.amount, 0.0) END AS x, coalesce(w.amount, {given}) AS y"
        f" FROM ({calls}) AS c LEFT JOIN ({amounts}) AS a ON a.trace_id = c.trace_id"
        f" LEFT JOIN ({whole}) AS w ON w.trace_id = c.trace_id",
        parameters=bind.values,
        noun="call",
        missing=f"neither an event {of} nor the input tells its {of}, or the event has no value",
    )
    found = ratio(
        ask.scene.query,
        sample,
        level=ask.claim.confidence,
        unit="ratio",
        bounds=(0.0, 1.0),
        without=f"there is no {of}",
    )
    return evidence_of(ask, found, detail={"events": [ask.metric], "of": of}) or nothing(
        ask, "no call is old enough for its outcome to be known"
    )


def _settled(ask: Ask) -> Ask:
    own_ms = ask.claim.options.get("within_ms")
    declared = success_of(ask)
    horizon_s = own_ms / 1e3 if own_ms is not None else 0.0 if declared is None else declared.horizon_s
    return ask.seen_by_people().matured(horizon_s)


def _amounts(ask: Ask, bind: Bind, event: str) -> str:
    """SELECT of the sum of an event's values by trace; null where one has none."""
    return (
        "SELECT trace_id, CASE WHEN count(value) = count(*) THEN sum(value) END AS amount FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND event = {bind(event)} AND trace_id IS NOT NULL"
        f" AND time < {bind(ask.matured(0.0).until_ns)} GROUP BY trace_id"
    )
