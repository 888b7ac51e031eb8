"""Signals of a monitor that the contract's own words name: an action, and how late an event comes.

May import ``contract``, ``evidence`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import re

from launchworthy.evidence import Evidence
from launchworthy.monitor.label_rows import ACTION
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, quantile, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import any_event

__all__ = ["own_signal"]

_DELAY = re.compile(r"(?P<event>[a-z][a-z0-9_]*)_delay_p(?P<percent>[1-9]\d?(\.\d{1,3})?)")


def own_signal(ask: Ask, signal: str) -> Evidence | None:
    """The share of calls that end in an action of ``decide/bands``, or a percentile of the time from a call
    to its event (``chargeback_delay_p50``); None for any other signal."""
    bands = {
        str(band)
        for claim in ask.scene.claims.values()
        if claim.family == "decide" and ask.workflow in (None, claim.workflow)
        for band in claim.options.get("bands") or ()
    }
    if signal in bands:
        return _ended_in(ask, signal)
    match = _DELAY.fullmatch(signal)
    return None if match is None else _late(ask, match["event"], float(match["percent"]) / 100.0)


def _ended_in(ask: Ask, action: str) -> Evidence | None:
    bind = Bind()
    calls = ask.seen_by_people().calls(bind)
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim,"
        f" ({ACTION} = {bind(action)})::DOUBLE AS x FROM ({calls}) WHERE {ACTION} IS NOT NULL",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1)) or nothing(
        ask, "no call says by its output which action it took"
    )


def _late(ask: Ask, event: str, q: float) -> Evidence | None:
    """Of the events that came in the window, whenever their call was."""
    if not any_event(ask, (event,)):
        return nothing(ask, f"no outcome {event} was recorded", noun="event")
    bind = Bind()
    calls = ask.ever().seen_by_people().calls(bind)
    sample = Sample(
        sql="SELECT c.unit, o.trace_id AS trace, o.time AS began, c.sim, (o.time - c.start_time) / 1e6 AS x"
        f" FROM (SELECT trace_id, min(time) AS time FROM outcomes WHERE product = {bind(ask.scene.product)}"
        f" AND event = {bind(event)} AND trace_id IS NOT NULL GROUP BY trace_id) AS o"
        f" JOIN ({calls}) AS c ON c.trace_id = o.trace_id"
        f" WHERE o.time >= {bind(ask.since_ns)} AND o.time < {bind(ask.until_ns)}",
        parameters=bind.values,
        noun="event",
        missing="it came before its call",
    )
    found = quantile(ask.scene.query, sample, q=q, level=ask.claim.confidence, unit="ms")
    return evidence_of(ask, found) or nothing(ask, f"no outcome {event} names its call", noun="event")
