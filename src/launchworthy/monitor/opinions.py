"""What only a number tells: ratings, seeded wrong cases caught, and whether shown confidence is true.

May import ``evidence``, ``metrics`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.contract import Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.label_rows import of_random_sample
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Measured, Sample, mean, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.use_rows import USE
from launchworthy.monitor.uses import any_event, success_of, uses
from launchworthy.records import OF_THE_QUEUE

__all__ = ["MEASURES", "rated"]

SEEDED = "seeded_caught"
_MOST = 50_000  # answers that are read one by one
_LEAST = 30  # answers below which calibration is not told
_FACT = "CASE WHEN json_valid(facts) THEN json_extract_string(facts, '$.seeded') END"
_RATER = "CASE WHEN json_valid(attributes) THEN json_extract_string(attributes, '$.rater') END"
_CONFIDENCE = (
    "CASE WHEN json_valid(output) THEN TRY_CAST(json_extract_string(output, '$.confidence') AS DOUBLE) END"
)


def rated(ask: Ask) -> Evidence | None:
    """An event of the product's own: the mean of its values, or the share of calls to which it came."""
    event = ask.metric
    if not any_event(ask, (event,)):
        return nothing(ask, f"no outcome {event} was recorded")
    bind = Bind()
    calls = ask.calls(bind)
    came = (
        f"SELECT trace_id, avg(value) AS value, min(time) AS time FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND event = {bind(event)} AND trace_id IS NOT NULL"
        f" AND time < {bind(ask.until_ns)} GROUP BY trace_id"
    )
    if ask.unit == "ratio":
        high_is_bad = ask.claim.target is not None and ask.claim.target.direction is Direction.AT_MOST
        sample = Sample(
            sql="SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim,"
            f" (e.trace_id IS NOT NULL)::DOUBLE AS x FROM ({calls}) AS c LEFT JOIN ({came}) AS e"
            " ON e.trace_id = c.trace_id WHERE NOT c.failed",
            parameters=bind.values,
            noun="call",
        )
        found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=int(high_is_bad))
        return evidence_of(ask, found)
    sample = Sample(
        sql="SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim, e.value AS x"
        f" FROM ({calls}) AS c JOIN ({came}) AS e ON e.trace_id = c.trace_id",
        parameters=bind.values,
        noun="rating",
        missing="the event has no value",
    )
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit, high_is_bad=False)
    return evidence_of(ask, found) or nothing(ask, f"no outcome {event} names its call", noun="rating")


def _seeded(ask: Ask) -> Evidence | None:
    """Of known wrong cases that were slipped into the work of people, those that they caught.

    The queue of approvals tells by itself; another tells by the event ``seeded_caught``, 1 or 0.
    """
    bind = Bind()
    product, since, until = bind(ask.scene.product), bind(ask.since_ns), bind(ask.until_ns)
    of_workflow = "true" if ask.workflow is None else f"workflow = {bind(ask.workflow)}"
    sample = Sample(
        sql="SELECT decided_by AS unit, trace_id AS trace, time AS began, coalesce(simulated, false) AS sim,"
        " (outcome IN ('rejected', 'edited'))::DOUBLE AS x FROM decisions"
        f" WHERE product = {product} AND kind = 'approval' AND event_id LIKE '{OF_THE_QUEUE}%'"
        f" AND outcome IN ('approved', 'rejected', 'edited') AND {_FACT} = 'true' AND {of_workflow}"
        f" AND time >= {since} AND time < {until} UNION ALL"
        f" SELECT coalesce({_RATER}, hex(trace_id), time::VARCHAR) AS unit, trace_id AS trace, time AS began,"
        " coalesce(simulated, false) AS sim, CASE WHEN value IN (0, 1) THEN value END AS x FROM outcomes"
        f" WHERE product = {product} AND event = '{SEEDED}' AND {of_workflow}"
        f" AND time >= {since} AND time < {until}",
        parameters=bind.values,
        noun="seeded case",
        missing="the event does not say by 1 or 0 whether it was caught",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    return evidence_of(ask, found, release=False) or nothing(
        ask,
        f"no wrong case was put before anybody: no decision of the queue is seeded, and no outcome {SEEDED}"
        " came",
        noun="seeded case",
        release=False,
    )


def _calibration(ask: Ask) -> Evidence | None:
    """How far the confidence that answers showed is from how often they were right.

    Right is what labels drawn at random say; where there are none, that the use came to its success.
    """
    from launchworthy.metrics import find_metric

    rows, told = _labelled(ask)
    if not rows:
        rows, told, ask = _by_success(ask)
    if not rows:
        return nothing(
            ask,
            "no answer says its confidence (`confidence` of the output) and is known to be right or wrong",
        )
    kept = [row for row in rows if row["confidence"] is not None and 0.0 <= row["confidence"] <= 1.0]
    if len(kept) < _LEAST:
        return nothing(
            ask,
            f"{len(kept):,} of {len(rows):,} answers known to be right or wrong say their confidence,"
            f" from 0 to 1; {_LEAST - len(kept):,} more are needed",
        )
    metric = find_metric("expected-calibration-error")
    scores = [metric.score({"confidence": row["confidence"], "correct": bool(row["right"])}) for row in kept]
    units = [row["unit"] for row in kept]
    interval = metric.estimate(scores, level=ask.claim.confidence, sides=1, clusters=units)
    repeated = len(set(units)) < len(kept)
    far = sorted(kept, key=lambda row: -abs(row["confidence"] - bool(row["right"])))[:20]
    found = Measured(
        interval=interval,
        records=len(kept),
        unscored=len(rows) - len(kept),
        simulated=sum(bool(row["sim"]) for row in kept),
        units=len(set(units)),
        noun="user" if repeated else "answer",
        row="answer",
        first_ns=min(row["began"] for row in kept),
        worst=[{"trace": row["trace"], "value": row["confidence"]} for row in far],
        missing="the answer does not say its confidence, from 0 to 1",
    )
    return evidence_of(ask, found, detail=told)


def _labelled(ask: Ask) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Answers with a label that was drawn at random."""
    events = tuple(ask.scene.option(None, "labels/sample/random").get("events") or ())
    if not events:
        return [], {}
    bind = Bind()
    calls = ask.calls(bind)
    labels = (
        f"SELECT trace_id, arg_max(coalesce(value, 1.0) > 0, time) AS label FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND event IN ({', '.join(map(bind, events))})"
        f" AND trace_id IS NOT NULL AND {of_random_sample(ask, bind, events)} GROUP BY trace_id"
    )
    rows = ask.scene.query(
        f"SELECT c.unit, lower(hex(c.trace_id)) AS trace, c.start_time AS began, c.sim,"
        f" {_CONFIDENCE} AS confidence, l.label AS right FROM ({calls}) AS c JOIN ({labels}) AS l"
        f" ON l.trace_id = c.trace_id ORDER BY trace LIMIT {_MOST}",
        bind.values,
    )
    return rows, {"right": "labels drawn at random", "sources": list(events)}


def _by_success(ask: Ask) -> tuple[list[dict[str, Any]], dict[str, Any], Ask]:
    """Of each use its last answer that shows a confidence, and whether the use came to its success."""
    success = success_of(ask)
    if success is None or not any_event(ask.matured(success.horizon_s), success.events):
        return [], {}, ask
    ask = ask.matured(success.horizon_s)
    bind = Bind()
    calls, of_uses = ask.calls(bind), uses(ask, bind, success)
    rows = ask.scene.query(
        f"WITH answers AS (SELECT {USE} AS use, trace_id, start_time, {_CONFIDENCE} AS confidence"
        f" FROM ({calls}) WHERE no_answer IS NULL AND NOT failed),"
        " last AS (SELECT use, arg_max(trace_id, start_time) AS trace_id,"
        " arg_max(confidence, start_time) AS confidence FROM answers GROUP BY use)"
        " SELECT u.unit, lower(hex(a.trace_id)) AS trace, u.began, u.sim, a.confidence,"
        f" u.won IS NOT NULL AND NOT u.undone AS right FROM ({of_uses}) AS u JOIN last AS a ON a.use = u.use"
        f" ORDER BY trace LIMIT {_MOST}",
        bind.values,
    )
    return rows, {"right": f"the use came to {success.told}"}, ask


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:trust/seeded_caught": _seeded,
    "bound:trust/calibration_error": _calibration,
    "bound:trust/*": rated,
}
