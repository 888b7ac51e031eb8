"""What people saw of an answer, and what they did with it, as screens tell. May import ``evidence`` and this
room.

A screen tells by the outcome event ``shown`` on the trace of the call: its attribute ``fields`` lists what
was on it, ``waits`` how the wait was hidden. A product whose screens tell nothing has shown nothing.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from launchworthy.evidence import Evidence
from launchworthy.monitor.observed import BY_A_PERSON
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.trust import EVENTS
from launchworthy.monitor.uses import any_event, success_of

__all__ = ["MEASURES", "SHOWN"]

SHOWN = "shown"
_STREAM = "stream"  # told by the call itself: it says when its first token came
_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim"


def _list(name: str) -> str:
    """The list of an attribute; null where there is none."""
    read = f"CASE WHEN json_valid(attributes) THEN json_extract(attributes, '$.{name}') END"
    return f"CASE WHEN json_type({read}) = 'ARRAY' THEN {read} END"


def _screens(ask: Ask, bind: Bind, name: str) -> str:
    """SELECT of what screens told of the calls: ``trace_id``, ``time``, and the list of this name."""
    return (
        f"SELECT trace_id, time, {_list(name)} AS told FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND event = {bind(SHOWN)} AND trace_id IS NOT NULL"
        f" AND time >= {bind(ask.since_ns)} AND time < {bind(ask.matured(0.0).until_ns)}"
    )


def _decisions(ask: Ask, bind: Bind) -> str:
    """SELECT of the traces in which a person decided, and when first."""
    product = bind(ask.scene.product)
    return (
        "SELECT trace_id, min(time) AS time FROM (SELECT trace_id, time FROM outcomes"
        f" WHERE product = {product} AND event IN {BY_A_PERSON} AND trace_id IS NOT NULL"
        f" UNION ALL SELECT trace_id, time FROM decisions WHERE product = {product}"
        " AND kind IN ('approval', 'override') AND decided_by IS NOT NULL AND trace_id IS NOT NULL)"
        " GROUP BY trace_id"
    )


def _holds(bind: Bind, names: Sequence[str]) -> str:
    """Whether the list holds each of these."""
    return " AND ".join(f"json_contains(told, to_json({bind(name)}::VARCHAR))" for name in names) or "true"


def _silent(ask: Ask) -> Evidence | None:
    return nothing(ask, f"no screen told what it showed: no outcome {SHOWN} with the list `fields` came")


def _after(ask: Ask) -> Evidence | None:
    """Calls of which is recorded what was shown, and what the person decided."""
    options = ask.claim.options
    shows = tuple(map(str, options.get("shows") or ()))
    success = success_of(ask)
    ask = ask.seen_by_people().matured(0.0 if success is None else success.horizon_s)
    if shows and not any_event(ask, (SHOWN,)):
        return _silent(ask)
    bind = Bind()
    calls = ask.calls(bind)
    parts = []
    if shows:
        screens = _screens(ask, bind, "fields")
        parts.append(f"trace_id IN (SELECT trace_id FROM ({screens}) WHERE {_holds(bind, shows)})")
    if options.get("decides"):
        parts.append(f"trace_id IN (SELECT trace_id FROM ({_decisions(ask, bind)}))")
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, ({' AND '.join(parts) or 'true'})::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    return evidence_of(ask, found) or nothing(ask, "no call is old enough to be decided on")


def _hides(ask: Ask) -> Evidence | None:
    """Screens that showed, before the person had decided, what the contract hides until then."""
    hidden = tuple(map(str, ask.claim.options.get("hides") or ()))
    ask = ask.seen_by_people()
    bind = Bind()
    calls, screens, decided = ask.calls(bind), _screens(ask, bind, "fields"), _decisions(ask, bind)
    shown = " OR ".join(f"json_contains(told, to_json({bind(name)}::VARCHAR))" for name in hidden)
    sample = Sample(
        sql="SELECT any_value(c.unit) AS unit, s.trace_id AS trace, min(s.time) AS began,"
        " bool_or(c.sim) AS sim, CASE WHEN count(told) = count(*) THEN"
        f" max(coalesce(({shown}), false)::INTEGER)::DOUBLE END AS x, 0.0 AS y"
        f" FROM ({screens}) AS s JOIN ({calls}) AS c ON c.trace_id = s.trace_id"
        f" LEFT JOIN ({decided}) AS d ON d.trace_id = s.trace_id"
        " WHERE d.time IS NULL OR s.time <= d.time GROUP BY s.trace_id",
        parameters=bind.values,
        noun="screen",
        missing="the screen does not list what it showed (attribute fields)",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample)) or _silent(ask)


def _kept(ask: Ask) -> Evidence | None:
    """Of answers that people edited, those of which the edit is kept."""
    events = EVENTS["re_edit"]
    ask = ask.seen_by_people()
    bind = Bind()
    calls, product = ask.calls(bind), bind(ask.scene.product)
    edits = (
        f"SELECT trace_id FROM outcomes WHERE product = {product} AND trace_id IS NOT NULL"
        f" AND event IN ({', '.join(map(bind, events))}) UNION ALL"
        # The queue keeps what it was before and after in the audit chain.
        f" SELECT trace_id FROM decisions WHERE product = {product} AND kind = 'approval'"
        " AND outcome = 'edited' AND trace_id IS NOT NULL"
    )
    kept = (
        f"SELECT trace_id FROM feedback WHERE product = {product} AND correction IS NOT NULL"
        f" AND trace_id IS NOT NULL UNION ALL SELECT trace_id FROM decisions WHERE product = {product}"
        " AND kind = 'approval' AND outcome = 'edited' AND trace_id IS NOT NULL"
    )
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, (trace_id IN (SELECT trace_id FROM ({kept})))::DOUBLE AS x FROM ({calls})"
        f" WHERE trace_id IN (SELECT trace_id FROM ({edits}))",
        parameters=bind.values,
        noun="edited answer",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)) or nothing(
        ask, f"no edit was recorded: no outcome {' or '.join(events)}", noun="edited answer"
    )


def _waits(ask: Ask) -> Evidence | None:
    """Calls whose wait was hidden in each of the declared ways."""
    ways = tuple(map(str, ask.claim.options.get("waits") or ()))
    others = [way for way in ways if way != _STREAM]
    ask = ask.seen_by_people()
    if others and not any_event(ask, (SHOWN,)):
        return nothing(
            ask, f"no screen told how it hid the wait: no outcome {SHOWN} with the list `waits` came"
        )
    bind = Bind()
    calls, parts = ask.calls(bind), []
    if _STREAM in ways:
        parts.append("first_token_ms IS NOT NULL")
    if others:
        screens = _screens(ask, bind, "waits")
        parts.append(f"trace_id IN (SELECT trace_id FROM ({screens}) WHERE {_holds(bind, others)})")
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, ({' AND '.join(parts) or 'true'})::DOUBLE AS x FROM ({calls})"
        " WHERE NOT failed",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=0))


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "cover:after/after": _after,
    "never:hides/hides": _hides,
    "cover:editable/editable": _kept,
    "cover:waits/waits": _waits,
}
