"""How often decisions are right, by labels that come late and not for all: monitors with ``labels``.

May import ``contract``, ``evidence`` and this room. A label is an outcome event of its source, on the trace
of the call: 1 (or no value) for yes, 0 for no. Only calls are read that are old enough for the label to have
settled. Of a source that is the truth and that settles, no event by then is a no where the call was let
through: what was held is never charged back. Where a part of the calls has a label, each label says with
which ``chance`` it was to come, and counts for the calls that it stands for (inverse-probability weights).
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, ratio, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import any_event

__all__ = ["RIGHTNESS", "labelled"]

# Metric → which calls it is a share of, which of them count, and whether it is bad that one does.
RIGHTNESS: Mapping[str, tuple[str, str, int]] = {
    "accuracy": ("true", "said = truth", 0),
    "false_negative_rate": ("truth", "NOT said", 1),
    "false_positive_rate": ("NOT truth", "said", 1),
    "precision": ("said", "truth", 0),
    "recall": ("truth", "said", 0),
    "specificity": ("NOT truth", "NOT said", 0),
}
_THRESHOLD = 0.5
_MISSING = 0.02  # share of calls without a label that a verdict bears
_SCORES = ("score", "probability", "prediction_score", "chance", "value")
_ACTIONS = ("action", "decision", "band")


def labelled(ask: Ask, signal: str, sources: Sequence[Mapping[str, Any]]) -> Evidence | None:
    """The share that a signal such as ``quality/recall`` names.

    Args:
        ask: The monitor, its window and workflow.
        signal: A metric of :data:`RIGHTNESS`, under ``quality``.
        sources: Sources of labels: ``event``, ``matures_ms``, ``truth``; of several the first counts.
    """
    metric = signal.rpartition("/")[2]
    if metric not in RIGHTNESS:
        return nothing(ask, f"labels of records tell {', '.join(RIGHTNESS)}, not {metric}")
    events = [str(source["event"]) for source in sources]
    horizon_ms = ask.scene.option(ask.workflow, "predicts").get("horizon_ms") or 0.0
    matures_s = max([horizon_ms, *(source.get("matures_ms") or 0.0 for source in sources)]) / 1e3
    ask = replace(ask.matured(matures_s), seen_only=True)
    if not any_event(ask, events):
        return nothing(ask, f"no label was recorded: no outcome {' or '.join(events)}")
    settles = any(source.get("truth") and source.get("matures_ms") for source in sources)
    rows, values = _rows(ask, events, settles=settles)
    counts = ask.scene.query(
        "SELECT said, count(*) AS calls, count(truth) AS labels, count(*) FILTER (truth IS NOT NULL AND"
        f" chance IS NULL) AS unsaid FROM ({rows}) GROUP BY said",
        values,
    )
    if not counts:
        return nothing(ask, "no call is old enough for its label to have settled")
    partly = [each for each in counts if each["calls"] - each["labels"] > _MISSING * each["calls"]]
    for each in partly:
        which = {True: "that it decided on", False: "that it let through", None: "without a decision"}[
            each["said"]
        ]
        if each["said"] is None:
            continue
        if not each["labels"]:
            return nothing(
                ask, f"none of the {each['calls']:,} calls {which} has a label: label some at random"
            )
        if each["unsaid"]:
            return nothing(
                ask,
                f"{each['labels']:,} of the {each['calls']:,} calls {which} have a label,"
                f" and {each['unsaid']:,} of these do not say with which chance they were chosen",
            )
    among, hits, bad = RIGHTNESS[metric]
    told = {
        "horizon_s": matures_s,
        "labels": sum(each["labels"] for each in counts),
        "calls": sum(each["calls"] for each in counts),
        "sources": events,
    }
    columns, noun = "unit, trace, began, sim", "labelled call"
    of_these = f"FROM ({rows}) WHERE truth IS NOT NULL AND coalesce({among}, true)"
    missing = "the output tells neither an action of the contract nor a score"
    if not partly:
        sample = Sample(
            sql=f"SELECT {columns}, ({hits})::DOUBLE AS x {of_these}",
            parameters=values,
            noun=noun,
            missing=missing,
        )
        found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=bad)
    else:
        sample = Sample(
            sql=f"SELECT {columns}, weight * ({hits})::DOUBLE AS x, weight AS y FROM"
            f" (SELECT *, 1.0 / coalesce(chance, 1.0) AS weight {of_these})",
            parameters=values,
            noun=noun,
            missing=missing,
        )
        found = ratio(
            ask.scene.query,
            sample,
            level=ask.claim.confidence,
            unit="ratio",
            bounds=(0.0, 1.0),
            high_is_bad=bad == 1,
            without="labels",
        )
        told["weighted"] = "each label counts for the calls that it stands for"
    return evidence_of(ask, found, detail=told) or nothing(ask, "no call of that kind has a label", noun=noun)


def _rows(ask: Ask, events: Sequence[str], *, settles: bool) -> tuple[str, list[Any]]:
    """SELECT of the calls, with what was said of each, its label, and the chance that it had of one."""
    bind = Bind()
    calls = ask.calls(bind)
    bands = tuple(ask.scene.option(ask.workflow, "decide").get("bands") or ())
    rank = " ".join(f"WHEN {bind(event)} THEN {place}" for place, event in enumerate(events))
    named = ", ".join(bind(event) for event in events)
    until_ns = ask.matured(0.0).until_ns

    def told(names: Sequence[str]) -> str:
        return f"coalesce({', '.join(_field(name) for name in names)})"

    score = (
        f"coalesce({', '.join(f'TRY_CAST({_field(name)} AS DOUBLE)' for name in _SCORES)},"
        " TRY_CAST(output AS DOUBLE))"
    )
    said = f"{score} >= {_THRESHOLD}"
    if bands:
        acts = ", ".join(bind(band) for band in bands[1:]) or "NULL"
        action = told(_ACTIONS)
        said = (
            f"CASE WHEN {action} = {bind(bands[0])} THEN false WHEN {action} IN ({acts}) THEN true"
            f" ELSE {said} END"
        )
    silent = "CASE WHEN said IS FALSE THEN false END" if settles else "NULL"
    return (
        f"WITH calls AS (SELECT *, {said} AS said FROM ({calls})),"
        " of_source AS (SELECT trace_id, event, arg_max(coalesce(value, 1.0) > 0, time) AS truth,"
        " arg_max(CASE WHEN json_valid(attributes) THEN TRY_CAST(json_extract_string(attributes, '$.chance')"
        " AS DOUBLE) END, time) AS chance FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND trace_id IS NOT NULL AND time < {bind(until_ns)}"
        f" AND event IN ({named}) GROUP BY trace_id, event),"
        f" labels AS (SELECT trace_id, arg_min(truth, CASE event {rank} END) AS truth,"
        f" arg_min(coalesce(chance, -1.0), CASE event {rank} END) AS chance FROM of_source GROUP BY trace_id)"
        " SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim, said,"
        f" coalesce(l.truth, {silent}) AS truth,"
        " CASE WHEN l.chance > 0 AND l.chance <= 1 THEN l.chance END AS chance"
        " FROM calls AS c LEFT JOIN labels AS l ON l.trace_id = c.trace_id",
        bind.values,
    )


def _field(name: str) -> str:
    return f"CASE WHEN json_valid(output) THEN json_extract_string(output, '$.{name}') END"
