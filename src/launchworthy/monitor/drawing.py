"""Calls that are drawn at random to be labelled, and the chance that each had. May import this room.

A drawn call is told by the event ``SOURCE_asked`` on its trace, with its ``chance``: whatever label of the
source comes to it later counts for as many calls as it stands for, without saying so itself.
"""

# ruff: noqa: S608 (names in SQL are of this room; what comes from outside is bound)
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.monitor.label_rows import RANDOM
from launchworthy.monitor.scene import Bind, Query
from launchworthy.monitor.uses import ASKED
from launchworthy.records import MARKED_CALL, OUTCOMES, ROOT, SEEN, Rows, no_evaluation

__all__ = ["DrawnCall", "LabelDraw", "asked_rows", "draw_calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCall:
    """A call that is to be labelled.

    Attributes:
        trace_id: Its trace, in hexadecimal digits.
        chance: How likely it was to be drawn, above 0 to 1.
        new: It was not drawn before, or with a smaller chance.
        labelled: A label of the source is there.
    """

    trace_id: str
    chance: float
    new: bool
    labelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDraw:
    """What was drawn of the calls of a workflow.

    Attributes:
        product, workflow: Whose calls.
        event: The outcome event that is the label.
        share: Chance of each call, above 0 to 1.
        seed: Of the drawing.
        since, until: Window (aware); ``until`` itself is outside.
        calls: How many calls there were to choose from.
        drawn: Those that are drawn, oldest first, whenever that was.
    """

    product: str
    workflow: str
    event: str
    share: float
    seed: int
    since: datetime
    until: datetime
    calls: int
    drawn: Sequence[DrawnCall]


def draw_calls(
    query: Query,
    *,
    product: str,
    workflow: str,
    event: str,
    share: float,
    since: datetime,
    until: datetime,
    seed: int = 0,
) -> LabelDraw:
    """Draw calls of a workflow, each with the chance ``share``, by a hash of the seed and their trace id.

    A draw that is repeated is the same, and a larger one holds the smaller: a call keeps the largest chance
    that it ever had. `score-traffic` draws by the same hash, so that judges grade what people label.

    Raises:
        InputError: The share is impossible, or the calls were drawn from with another seed: no one chance
            would then tell how likely a call was to be drawn.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"a share of {share!r} is not above 0 and up to 1", hint="write 2 % or 0.02")
    bind = Bind()
    of_product, key = bind(product), bind(f"{seed}/")
    asked, label = bind(event + ASKED), bind(event)
    where = (
        f"product = {of_product} AND workflow = {bind(workflow)} AND start_time >= {bind(_ns(since))}"
        f" AND start_time < {bind(_ns(until))} AND {no_evaluation(of_product)} AND {SEEN}"
    )
    marked = f"(SELECT count(*) > 0 FROM spans WHERE {where} AND {MARKED_CALL})"
    within = f"left(sha256({key} || hex(trace_id)), 16) <= {bind(_last(share))}"
    drawn_with = "TRY_CAST(json_extract_string(attributes, '$.{}') AS {})"
    rows = query(
        f"WITH calls AS (SELECT trace_id, min(start_time) AS began, {within} AS within FROM spans"
        f" WHERE {where} AND CASE WHEN {marked} THEN {MARKED_CALL} ELSE {ROOT} END GROUP BY trace_id),"
        " said AS (SELECT trace_id, event, CASE WHEN json_valid(attributes) THEN attributes END"
        f" AS attributes FROM outcomes WHERE product = {of_product} AND event IN ({asked}, {label})),"
        f" before AS (SELECT trace_id, max({drawn_with.format('chance', 'DOUBLE')}) AS chance,"
        f" min({drawn_with.format('seed', 'BIGINT')}) AS seed FROM said WHERE event = {asked}"
        " GROUP BY trace_id),"
        " drawn AS (SELECT lower(hex(c.trace_id)) AS trace_id, c.began, c.within, b.chance, b.seed,"
        f" c.trace_id IN (SELECT trace_id FROM said WHERE event = {label}) AS labelled"
        " FROM calls AS c LEFT JOIN before AS b ON b.trace_id = c.trace_id"
        " WHERE c.within OR b.chance IS NOT NULL)"
        " SELECT * FROM (SELECT count(*) AS calls FROM calls) LEFT JOIN drawn ON true"
        " ORDER BY began, trace_id",
        bind.values,
    )
    calls, rows = rows[0]["calls"], [row for row in rows if row["trace_id"] is not None]
    others = {row["seed"] for row in rows if row["seed"] is not None} - {seed}
    if others:
        raise InputError(
            f"calls of these were drawn for {event} with seed {min(others)}, so that no chance of a draw with"
            f" seed {seed} would be right",
            where="seed",
            hint=f"--seed {min(others)}, with a larger share for more of them",
        )
    return LabelDraw(
        product=product,
        workflow=workflow,
        event=event,
        share=share,
        seed=seed,
        since=since,
        until=until,
        calls=calls,
        drawn=[
            DrawnCall(
                trace_id=row["trace_id"],
                chance=max(row["chance"] or 0.0, share if row["within"] else 0.0),
                new=row["within"] and share > (row["chance"] or 0.0),
                labelled=row["labelled"],
            )
            for row in rows
        ],
    )


def asked_rows(query: Query, draw: LabelDraw, *, now: datetime) -> Rows:
    """What is to be recorded of the calls that are new: whose each was, and its chance."""
    new = {call.trace_id: call.chance for call in draw.drawn if call.new}
    bind = Bind()
    of_call = query(
        "SELECT lower(hex(trace_id)) AS trace, arg_min(release, start_time) AS release,"
        " arg_min(cohort, start_time) AS cohort, arg_min(user_id, start_time) AS user_id,"
        " bool_or(coalesce(simulated, false)) AS simulated FROM spans"
        f" WHERE product = {bind(draw.product)} AND workflow = {bind(draw.workflow)}"
        f" AND trace_id IN (SELECT unhex(unnest({bind(list(new))}::VARCHAR[]))) GROUP BY trace_id",
        bind.values,
    )
    columns: dict[str, list[Any]] = {name: [None] * len(of_call) for name in OUTCOMES.names}
    columns |= {
        "trace_id": [bytes.fromhex(row["trace"]) for row in of_call],
        "product": [draw.product] * len(of_call),
        "workflow": [draw.workflow] * len(of_call),
        "event": [draw.event + ASKED] * len(of_call),
        "time": [_ns(now)] * len(of_call),
        "received_at": [_ns(now)] * len(of_call),
        "attributes": [
            json.dumps({"chance": new[row["trace"]], "sample": RANDOM, "seed": draw.seed}) for row in of_call
        ],
        **{name: [row[name] for row in of_call] for name in ("release", "cohort", "user_id", "simulated")},
    }
    return Rows(OUTCOMES.name, columns)


def _last(share: float) -> str:
    """The first 16 hexadecimal digits of the last digest that is within the share of all that there are."""
    return f"{max(0, int(share * 2**64) - 1):016x}"


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
