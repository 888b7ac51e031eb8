"""Calls with what was said of them, their score, and the label that came: what monitors by labels read.

May import this room. A label is an outcome event of its source, on the trace of the call: 1 (or no value) for
yes, 0 for no. What was said is the action of the output, else its ``prediction`` of yes or no, else whether
its score reaches the threshold that the contract names: without one, a score says nothing. Of a source that
is the truth and that settles, no event by the time is a no where the call was let through: what was held is
never charged back.

The chance of a label is what it says itself, else what the draw says that put its call before raters
(``SOURCE_asked``), else that of the contract's random sample, where it says that it is of it.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters, numbers are written by repr)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import ASKED
from launchworthy.records import Own

if TYPE_CHECKING:
    from launchworthy.monitor.estimating import Decided

__all__ = ["ACTION", "RANDOM", "Labels", "decided", "earlier", "labels_of", "lately", "of_random_sample",
           "rows_of"]  # fmt: skip

RANDOM = "random"  # of labels/sample: whichever call, with the chance that the contract says
_SCORES = ("score", "probability", "prediction_score", "chance", "value")
_ACTIONS = ("action", "decision", "band")
_TRUE, _FALSE = "('true', '1', '1.0')", "('false', '0', '0.0')"
_MOST = 20_000  # calls that are drawn to hear what scores say of all, and labels that are read one by one
_REFERENCE = timedelta(days=90)
_HASHES = float(2**64)
_CHANCE = "CASE WHEN json_valid(attributes) THEN TRY_CAST(attributes->>'$.chance' AS DOUBLE) END"
_SLICES = (
    f"CASE WHEN contains(attributes, '{Own.SLICE}') AND json_valid(attributes)"
    f" THEN json_extract(attributes, '/{Own.SLICE}')::VARCHAR END"
)
_OF_SAMPLE = f"CASE WHEN json_valid(attributes) THEN attributes->>'$.sample' = '{RANDOM}' ELSE false END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Where labels come from, and which calls are old enough for one.

    Attributes:
        ask: The monitor, of calls whose label has settled.
        events: Names of the outcome events, of which the first counts.
        settles: Whether silence is a no.
        matures_s: How old a call is whose label has settled.
    """

    ask: Ask
    events: tuple[str, ...]
    settles: bool
    matures_s: float

    @property
    def threshold(self) -> float | None:
        """The score from which on the decision is yes; None where the contract names none."""
        value = self.ask.claim.options.get("threshold")
        return float(value) if isinstance(value, (int, float)) else None

    @property
    def random(self) -> float | None:
        """The chance of a label of the random sample that does not say its own; None where there is none."""
        value = self.ask.claim.options.get("random")
        return float(value) if isinstance(value, (int, float)) else None


def labels_of(ask: Ask, sources: Sequence[Mapping[str, Any]]) -> Labels:
    """Labels of sources, of which the first that speaks counts.

    Each has its ``event``, and may say how long it takes to settle (``matures_ms``) or to be given
    (``within_ms``), and whether it is the ``truth``.
    """
    horizon_ms = ask.scene.option(ask.workflow, "predicts").get("horizon_ms") or 0.0
    waits = (source.get(name) or 0.0 for source in sources for name in ("matures_ms", "within_ms"))
    matures_s = max([horizon_ms, *waits]) / 1e3
    return Labels(
        ask=replace(ask.matured(matures_s), seen_only=True),
        events=tuple(str(source["event"]) for source in sources),
        settles=any(source.get("truth") and source.get("matures_ms") for source in sources),
        matures_s=matures_s,
    )


def rows_of(labels: Labels, *, calls_of: Ask | None = None, most: int | None = None) -> tuple[str, list[Any]]:
    """SELECT of the calls: what was said of each, its score, its label, and the chance that it had of one.

    ``slices`` are those that it names, in JSON. ``late`` are calls that were drawn to be labelled, longer ago
    than a label takes, and have none.

    Args:
        labels: Where labels come from; all that came until now are read.
        calls_of: Which calls; those whose label has settled, where it says nothing.
        most: Of more calls, and of more labels, so many are drawn before any output is read: by their trace,
            so that they are the same each time. ``of_calls`` and ``of_labels`` are the parts that were.
    """
    ask = calls_of or labels.ask
    bind = Bind()
    calls = ask.calls(bind)
    bands = tuple(ask.scene.option(ask.workflow, "decide").get("bands") or ())
    rank = " ".join(f"WHEN {bind(event)} THEN {place}" for place, event in enumerate(labels.events))
    named = ", ".join(bind(event) for event in labels.events)
    of_product = (
        f"product = {bind(ask.scene.product)} AND trace_id IS NOT NULL"
        f" AND time < {bind(labels.ask.matured(0.0).until_ns)}"
    )
    # What the output is, is looked at once a call.
    score = ", ".join(f"TRY_CAST({_field(name)} AS DOUBLE)" for name in _SCORES)
    whole = "CASE WHEN json_valid(output) THEN json_extract_string(output, '$') ELSE output END"
    action = f"coalesce({ACTION}, {_field('output')}, {whole})" if bands else "NULL"
    asked = ", ".join(bind(event + ASKED) for event in labels.events)
    asked_by_ns = labels.ask.until_ns if labels.matures_s else 0
    said = "NULL" if labels.threshold is None else f"score >= {bind(labels.threshold)}"
    said = f"CASE WHEN flag IN {_TRUE} THEN true WHEN flag IN {_FALSE} THEN false ELSE {said} END"
    if bands:
        acts = ", ".join(bind(band) for band in bands[1:]) or "NULL"
        said = f"CASE WHEN act = {bind(bands[0])} THEN false WHEN act IN ({acts}) THEN true ELSE {said} END"
    silent = "CASE WHEN said IS FALSE THEN false END" if labels.settles else "NULL"
    parts, source, drawn = "", calls, ""
    if most is not None:
        has_label = "trace_id IN (SELECT trace_id FROM labels)"
        parts = (
            f" placed AS NOT MATERIALIZED (SELECT *, hash(trace_id)::DOUBLE / {_HASHES!r} AS draw"
            f" FROM ({calls})),"
            f" sizes AS (SELECT least(1.0, {most} / greatest(1, count(*))) AS of_calls, least(1.0, {most} /"
            f" greatest(1, count(*) FILTER ({has_label}))) AS of_labels FROM placed),"
        )
        source = f"SELECT * FROM placed, sizes WHERE draw < of_calls OR (draw < of_labels AND {has_label})"
        drawn = ", draw, of_calls, of_labels, l.truth IS NULL AS silent"
    return (
        "WITH of_source AS (SELECT trace_id, event, arg_max(coalesce(value, 1.0) > 0, time) AS truth,"
        f" arg_max({_CHANCE}, time) AS own, bool_or({_OF_SAMPLE}) AS of_sample FROM outcomes"
        f" WHERE {of_product} AND event IN ({named}) GROUP BY trace_id, event),"
        f" asked AS (SELECT trace_id, left(event, -{len(ASKED)}) AS event, max({_CHANCE}) AS chance,"
        f" min(time) AS since FROM outcomes WHERE {of_product} AND event IN ({asked}) AND {_OF_SAMPLE}"
        " GROUP BY trace_id, event),"
        f" labels AS (SELECT s.trace_id, arg_min(truth, CASE s.event {rank} END) AS truth,"
        f" arg_min(coalesce(own, a.chance, CASE WHEN of_sample THEN {bind(labels.random)}::DOUBLE END, -1.0),"
        f" CASE s.event {rank} END) AS chance FROM of_source AS s LEFT JOIN asked AS a"
        f" ON a.trace_id = s.trace_id AND a.event = s.event GROUP BY s.trace_id),{parts}"
        f" told AS (SELECT *, {action} AS act, {_field('prediction')} AS flag,"
        f" coalesce({score}, TRY_CAST(output AS DOUBLE)) AS number FROM ({source})),"
        " scored AS (SELECT * EXCLUDE (number), CASE WHEN isfinite(number) THEN number END AS score"
        " FROM told),"
        f" calls AS (SELECT *, {said} AS said FROM scored)"
        " SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim, said, score,"
        f" {_SLICES} AS slices,"
        f" coalesce(l.truth, {silent}) AS truth, coalesce(l.truth, {silent}) IS NULL AND c.trace_id IN"
        f" (SELECT trace_id FROM asked WHERE since < {bind(asked_by_ns)}) AS late,"
        f" CASE WHEN l.chance > 0 AND l.chance <= 1 THEN l.chance END AS chance{drawn}"
        " FROM calls AS c LEFT JOIN labels AS l ON l.trace_id = c.trace_id",
        bind.values,
    )


def decided(labels: Labels, *, calls_of: Ask | None = None, labelled_only: bool = False) -> Decided | None:
    """The calls that tell a score and a decision, as many as are drawn; None where there are none.

    Args:
        labels: Where labels come from.
        calls_of: Which calls; those whose label has settled, where it says nothing.
        labelled_only: Leaves out calls without a label.
    """
    import numpy as np

    from launchworthy.monitor.estimating import Decided

    rows, values = rows_of(labels, calls_of=calls_of, most=_MOST)
    # A label that was given was drawn among the labels; a silent one came with its call.
    known = "truth IS NOT NULL AND draw < CASE WHEN silent THEN of_calls ELSE of_labels END"
    stands = "1.0 / CASE WHEN silent THEN of_calls ELSE of_labels * coalesce(chance, 1.0) END"
    found = (calls_of or labels.ask).scene.query(
        f"SELECT unit, sim, said, score, CASE WHEN {known} THEN truth END AS truth,"
        f" CASE WHEN {known} THEN {stands} ELSE 0.0 END AS weight,"
        f" CASE WHEN draw < of_calls THEN 1.0 / of_calls ELSE 0.0 END AS calls FROM ({rows})"
        f" WHERE said IS NOT NULL AND score IS NOT NULL{f' AND {known}' if labelled_only else ''}"
        " ORDER BY draw, unit",
        values,
    )
    if not found:
        return None
    return Decided(
        score=np.array([row["score"] for row in found], dtype=np.float64),
        said=np.array([row["said"] for row in found], dtype=np.bool_),
        truth=np.array([np.nan if row["truth"] is None else float(row["truth"]) for row in found]),
        weight=np.array([row["weight"] for row in found], dtype=np.float64),
        calls=np.array([row["calls"] for row in found], dtype=np.float64),
        units=[row["unit"] for row in found],
        simulated=sum(bool(row["sim"]) for row in found),
    )


def of_random_sample(ask: Ask, bind: Bind, events: Sequence[str]) -> str:
    """A condition on outcomes that are labels of these sources: drawn at random, as they or the draw say.

    What was labelled for another reason is not: chosen calls are mostly the wrong ones.
    """
    asked = ", ".join(bind(event + ASKED) for event in events)
    return (
        f"({_OF_SAMPLE} OR (trace_id, event || '{ASKED}') IN (SELECT (trace_id, event) FROM outcomes"
        f" WHERE product = {bind(ask.scene.product)} AND event IN ({asked}) AND {_OF_SAMPLE}))"
    )


def lately(labels: Labels) -> Ask:
    """The calls up to now, most of which may be too young for a label."""
    return labels.ask.matured(0.0)


def earlier(labels: Labels) -> Ask | None:
    """The calls before the window, from the first of the release on: they say what a score means.

    At most the first 90 days, or a window where that is longer: a reference that moved along would follow a
    slow change and never see it. None where the release began in the window.
    """
    ask = labels.ask
    bind = Bind()
    found = ask.scene.query(f"SELECT min(start_time) AS began FROM ({ask.ever().calls(bind)})", bind.values)
    if not found or found[0]["began"] is None:
        return None
    began = datetime.fromtimestamp(found[0]["began"] / 1e9, tz=ask.scene.now.tzinfo)
    until = min(ask.since, began + max(_REFERENCE, timedelta(seconds=ask.window_s)))
    if until <= began:
        return None
    scene = replace(ask.scene, now=until)
    return replace(ask, scene=scene, window_s=(until - began).total_seconds() + 1.0, matures_s=0.0)


def _field(name: str) -> str:
    return f"CASE WHEN json_valid(output) THEN json_extract_string(output, '$.{name}') END"


# What the output of a call says was done, such as a band of the contract's ``decide``.
ACTION = f"coalesce({', '.join(_field(name) for name in _ACTIONS)})"
