"""Whether people rely on it, by what they do with an answer and what they say of it.

May import ``evidence`` and this room. Events belong to the call of their trace; without a single event of its
name nothing is measured, since nobody can tell "never" from "not recorded".
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, mean, share
from launchworthy.monitor.scene import UNIT, Ask, Bind
from launchworthy.monitor.uses import any_event

__all__ = ["EVENTS", "MEASURES", "reason_given"]

# Metric → names of the outcome events that tell it.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "acceptance": ("acceptance", "accepted"),
    "appeal": ("appeal", "appealed"),
    "follow_up": ("follow_up", "followed_up"),
    "override": ("override", "overridden"),
    "re_edit": ("re_edit", "re_edited", "edited"),
    "regenerate": ("regenerate", "regenerated"),
    "undo": ("undo", "undone"),
}
# Metric → events of which one must have come first for the call to count, where the product records any.
_AFTER: Mapping[str, tuple[str, ...]] = {
    "acceptance": ("shown",),
    "override": ("decided",),
    "re_edit": EVENTS["acceptance"],
    "undo": (*EVENTS["acceptance"], "copied"),
}


def _share(ask: Ask) -> Evidence | None:
    events, first = EVENTS[ask.metric], _AFTER.get(ask.metric, ())
    within_s = (ask.claim.options.get("within_ms") or 0.0) / 1e3
    ask = ask.matured(within_s)
    if not any_event(ask, events):
        return nothing(ask, f"no outcome {' or '.join(events)} was recorded")
    of_first = bool(first) and any_event(ask, first)
    bind = Bind()
    calls = ask.calls(bind)

    def came(names: tuple[str, ...], *, in_time: bool) -> str:
        late = f" AND o.time - c.start_time <= {int(within_s * 1e9)}" if in_time and within_s else ""
        return (
            f"c.trace_id IN (SELECT o.trace_id FROM outcomes AS o JOIN calls AS c ON c.trace_id = o.trace_id"
            f" WHERE o.product = {bind(ask.scene.product)} AND o.time >= c.start_time{late}"
            f" AND o.time < {bind(ask.matured(0.0).until_ns)}"
            f" AND o.event IN ({', '.join(bind(name) for name in names)}))"
        )

    hit = came(events, in_time=True)
    which = f" WHERE {hit} OR {came(first, in_time=False)}" if of_first else " WHERE NOT c.failed"
    sample = Sample(
        sql=f"WITH calls AS ({calls}) SELECT c.unit, c.trace_id AS trace, c.start_time AS began, c.sim,"
        f" ({hit})::DOUBLE AS x FROM calls AS c{which}",
        parameters=bind.values,
        noun="call",
    )
    bad = 0 if ask.metric == "acceptance" else 1
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=bad)
    told = {"events": list(events), "of_calls": " or ".join(first) if of_first else "that answered"}
    return evidence_of(ask, found, detail=told)


def _reported_confidence(ask: Ask) -> Evidence | None:
    bind = Bind()
    calls, scene = ask.calls(bind), ask.scene
    of_release = "f.release IS NULL" if scene.release is None else f"f.release = {bind(scene.release)}"
    of_workflow = "true" if ask.workflow is None else f"f.workflow = {bind(ask.workflow)}"
    own_unit = UNIT.replace("user_id", "f.user_id").replace("session_id", "f.session_id")
    own_unit = own_unit.replace("trace_id", "f.trace_id")
    sample = Sample(
        sql=f"WITH calls AS (SELECT trace_id, any_value(unit) AS unit, bool_or(sim) AS sim FROM ({calls})"
        f" GROUP BY trace_id) SELECT coalesce(c.unit, {own_unit}, 'r' || row_number() OVER ()) AS unit,"
        " f.trace_id AS trace, f.time AS began,"
        " coalesce(f.simulated, false) OR coalesce(c.sim, false) AS sim,"
        " f.confidence AS x FROM feedback AS f LEFT JOIN calls AS c ON c.trace_id = f.trace_id"
        f" WHERE f.product = {bind(scene.product)} AND f.confidence IS NOT NULL"
        f" AND f.time >= {bind(ask.since_ns)} AND f.time < {bind(ask.until_ns)}"
        # What names no call is taken by the workflow and release that it names itself.
        f" AND (c.trace_id IS NOT NULL OR (f.trace_id IS NULL AND {of_workflow} AND {of_release}))",
        parameters=bind.values,
        noun="report",
    )
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit, high_is_bad=False)
    if found.interval is not None and ask.unit == "ratio" and not 0.0 <= found.interval.value <= 1.0:
        return nothing(ask, "confidence is reported on another scale than the target's", noun="report")
    return evidence_of(ask, found) or nothing(ask, "no user has reported confidence", noun="report")


def reason_given(ask: Ask, reason: str) -> Evidence | None:
    """The share of calls that a user gave this reason for: a failure mode, by its name in the contract."""
    bind = Bind()
    known = ask.scene.query(
        f"SELECT count(*) AS n FROM feedback WHERE product = {bind(ask.scene.product)}"
        f" AND trace_id IS NOT NULL AND time >= {bind(ask.since_ns)} AND time < {bind(ask.until_ns)}",
        bind.values,
    )
    if not known[0]["n"]:
        return nothing(ask, "no feedback on a call was recorded")
    bind = Bind()
    calls = ask.seen_by_people().calls(bind)
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim, (trace_id IN (SELECT trace_id"
        f" FROM feedback WHERE product = {bind(ask.scene.product)} AND reason = {bind(reason)}"
        f" AND trace_id IS NOT NULL AND time >= {bind(ask.since_ns)} AND time < {bind(ask.until_ns)}"
        f"))::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1))


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    **{f"bound:trust/{name}": _share for name in EVENTS},
    "bound:trust/reported_confidence": _reported_confidence,
}
