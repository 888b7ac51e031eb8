"""Uses of a workflow and what came of them. May import this room.

A use is a session, or a call that names none. An outcome belongs to the use of its trace, else of its
session. It counts from the start of the use until it has matured, and only uses that are old enough for that
are read.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.monitor.scene import Ask, Bind
from launchworthy.quantity import format_value

__all__ = ["ASKED", "Success", "any_event", "success_of", "uses"]

ASKED = "_asked"  # ends the event that puts a call before the raters of a source: no outcome of its use


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """Events that say it came, events that undo it, and how long it may take (0: as long as it likes)."""

    events: tuple[str, ...]
    unless: tuple[str, ...] = ()
    horizon_s: float = 0.0

    @property
    def told(self) -> str:
        """The events as they are read."""
        return " or ".join(self.events)

    @property
    def too_young(self) -> str:
        """Why no use could be read."""
        return f"no use is {format_value(self.horizon_s * 1e3, unit='ms')} old yet, when its outcome is known"


def success_of(ask: Ask) -> Success | None:
    """What the contract calls success of the workflow; None where it names no event."""
    options = ask.scene.option(ask.workflow, "success")
    if not options.get("event"):
        return None
    horizon_ms = options.get("within_ms") or options.get("matures_ms") or 0.0
    return Success(
        events=(options["event"],), unless=tuple(options.get("unless", ())), horizon_s=horizon_ms / 1e3
    )


def uses(ask: Ask, bind: Bind, success: Success, *, calls: str | None = None) -> str:
    """SELECT of the uses in the window, one a row.

    ``won`` is when the success came first (null: it did not), ``undone`` whether an event took it back,
    ``events`` how many outcomes of any name are known, ``routed`` whether it was handed to a person; with
    priced calls also ``cost`` and ``priced``, whether each call has a price.
    """
    source = calls or ask.seen_by_people().calls(bind)
    money = ", sum(cost) AS cost, count(cost) = count(*) AS priced" if calls is not None else ""
    known = ", any_value(cost) AS cost, any_value(priced) AS priced" if calls is not None else ""
    scene = ask.scene
    of_workflow = (
        "" if ask.workflow is None else f" AND (o.workflow IS NULL OR o.workflow = {bind(ask.workflow)})"
    )
    in_time = "o.time >= u.began"
    if success.horizon_s:
        in_time += f" AND o.time - u.began <= {int(success.horizon_s * 1e9)}"
    return (
        f"WITH these AS (SELECT *, coalesce('s' || session_id, 't' || hex(trace_id)) AS use FROM ({source})),"
        " of_use AS (SELECT use, any_value(unit) AS unit, arg_min(trace_id, start_time) AS trace,"
        " min(start_time) AS began, bool_or(sim) AS sim,"
        f" coalesce(bool_or(no_answer = 'route'), false) AS routed{money} FROM these GROUP BY use),"
        " of_trace AS (SELECT trace_id, any_value(use) AS use FROM these GROUP BY trace_id),"
        " told AS (SELECT coalesce(t.use, 's' || o.session_id) AS use, o.event, o.time"
        " FROM outcomes AS o LEFT JOIN of_trace AS t ON t.trace_id = o.trace_id"
        f" WHERE o.product = {bind(scene.product)} AND o.time >= {bind(ask.since_ns)}"
        f" AND o.time < {bind(ask.matured(0.0).until_ns)}{of_workflow})"
        " SELECT u.use, any_value(u.unit) AS unit, any_value(u.trace) AS trace, any_value(u.began) AS began,"
        " any_value(u.sim) AS sim, any_value(u.routed) AS routed,"
        f" count(o.event) FILTER (NOT ends_with(o.event, '{ASKED}')) AS events,"
        f" min(o.time) FILTER ({_among('o.event', success.events, bind)} AND {in_time}) AS won,"
        f" coalesce(bool_or({_among('o.event', success.unless, bind)} AND {in_time}), false) AS undone{known}"
        " FROM of_use AS u LEFT JOIN told AS o ON o.use = u.use GROUP BY u.use"
    )


def any_event(ask: Ask, events: Sequence[str]) -> bool:
    """Whether an outcome of one of these names was recorded for the product since the window began."""
    bind = Bind()
    found = ask.scene.query(
        f"SELECT count(*) AS n FROM outcomes WHERE product = {bind(ask.scene.product)}"
        f" AND time >= {bind(ask.since_ns)} AND {_among('event', events, bind)}",
        bind.values,
    )
    return bool(found[0]["n"])


def _among(column: str, names: Sequence[str], bind: Bind) -> str:
    return f"{column} IN ({', '.join(bind(name) for name in names)})" if names else "false"
