"""Whether enough is labelled, soon enough, by people who agree and do not see what would sway them.

May import ``contract``, ``evidence``, ``stats`` and this room. A label is an outcome event of its source on
the trace of the call. Its attributes may say who gave it (``rater``), for which of the contract's samples
(``sample``) and what that person saw before (``saw``). All calls of the window are counted, so that shares
have no error.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT
from launchworthy.monitor.label_rows import ACTION, RANDOM, labels_of, of_random_sample, rows_of
from launchworthy.monitor.piece import evidence_of, nothing, piece
from launchworthy.monitor.sample import Measured, Sample, breaches, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import ASKED, any_event
from launchworthy.quantity import format_value
from launchworthy.records import Own
from launchworthy.stats import krippendorff_alpha

__all__ = ["MEASURES", "sources_agree"]

_LEAST = 30  # items that two raters labelled, below which agreement is not told
_MOST = 200_000  # labels whose raters are compared


def _attribute(name: str, of: str = "attributes") -> str:
    return f"CASE WHEN json_valid({of}) THEN json_extract_string({of}, '$.{name}') END"


def _sliced(bind: Bind, name: str) -> str:
    """Whether a call belongs to the slice of a name; a plain text search first, before any JSON is read."""
    return (
        f"CASE WHEN contains(attributes, '{Own.SLICE}') AND json_valid(attributes) THEN"
        f" coalesce(json_contains(json_extract(attributes, '/{Own.SLICE}'),"
        f" to_json({bind(name)}::VARCHAR)), false) ELSE false END"
    )


def _calls(ask: Ask, bind: Bind) -> str:
    return ask.seen_by_people().calls(bind, any_release=True)


def _labels(ask: Ask, bind: Bind, events: Sequence[str]) -> str:
    """SELECT of the labels of these sources on any call, whenever they came."""
    return (
        f"SELECT * FROM outcomes WHERE product = {bind(ask.scene.product)} AND trace_id IS NOT NULL"
        f" AND time < {bind(ask.matured(0.0).until_ns)} AND event IN ({', '.join(map(bind, events))})"
    )


def _whole(found: Measured) -> Measured:
    """A share of all there are, which is no estimate."""
    interval = found.interval
    if interval is None:
        return found
    counted = replace(
        interval,
        low=interval.value,
        high=interval.value,
        n=found.records,
        method=FULL_COUNT,
        sample={"n": found.records},
    )
    return replace(found, interval=counted, units=found.records, noun=found.row, effect=None)


def _events(ask: Ask) -> tuple[str, ...]:
    return tuple(map(str, ask.claim.options.get("events") or ()))


def _waiting(ask: Ask) -> Evidence | None:
    """The age of the oldest item that was put before the raters of a source and has no label of it.

    Items are the calls with the action that the source covers, else those with the event ``…_asked``.
    """
    event, covers = str(ask.claim.options.get("event")), ask.claim.options.get("covers")
    asked = event + ASKED
    bind = Bind()
    if covers is not None:
        items = f"SELECT trace_id, start_time AS since, sim FROM ({_calls(ask, bind)})"
        items += f" WHERE {ACTION} = {bind(str(covers))}"
        missing = f"no call was answered with the action {covers}"
    else:
        items = (
            "SELECT trace_id, min(time) AS since, coalesce(bool_or(simulated), false) AS sim FROM"
            f" ({_labels(ask, bind, [asked])}) GROUP BY trace_id"
        )
        missing = f"nothing says which items wait: record the outcome {asked} when one is put before raters"
    labels = _labels(ask, bind, [event])
    row = ask.scene.query(
        f"WITH items AS ({items}), waiting AS (SELECT * FROM items WHERE trace_id NOT IN"
        f" (SELECT trace_id FROM ({labels})))"
        " SELECT (SELECT count(*) FROM items) AS n, (SELECT count(*) FILTER (sim) FROM items) AS simulated,"
        " count(*) AS waiting, min(since) AS since, lower(hex(arg_min(trace_id, since))) AS trace"
        " FROM waiting",
        bind.values,
    )[0]
    if not row["n"]:
        return nothing(ask, missing, noun="item", release=False)
    age_ms = 0.0 if row["since"] is None else max(0.0, ask.scene.now.timestamp() * 1e3 - row["since"] / 1e6)
    return piece(
        ask,
        release=False,
        value=age_ms,
        low=age_ms,
        high=age_ms,
        n=int(row["n"]),
        unit="ms",
        unit_of_analysis="item",
        method=FULL_COUNT,
        simulated=bool(row["simulated"]),
        detail={
            "waiting": int(row["waiting"]),
            "worst": [{"trace": row["trace"]}] if row["trace"] else [],
            "remark": f"{int(row['waiting']):,} of {int(row['n']):,} wait",
        },
    )


def _sampled(ask: Ask) -> Evidence | None:
    """Of the calls of a kind that are old enough for a label, those that have one."""
    kind, events = ask.metric, _events(ask)
    if not events:
        return nothing(ask, "the contract names no source that people label for", release=False)
    if not any_event(ask, events):
        return nothing(ask, f"no label was recorded: no outcome {' or '.join(events)}", release=False)
    ask = ask.matured(float(ask.claim.options.get("within_ms") or 0.0) / 1e3)
    bind = Bind()
    calls, labels = _calls(ask, bind), _labels(ask, bind, events)
    if kind == RANDOM:
        labels += f" AND {of_random_sample(ask, bind, events)}"
    sample = Sample(
        sql=f"WITH calls AS ({calls}) SELECT unit, trace_id AS trace, start_time AS began, sim,"
        f" (trace_id IN (SELECT trace_id FROM ({labels})))::DOUBLE AS x FROM calls"
        f" WHERE {_of_kind(ask, bind, kind)}",
        parameters=bind.values,
        noun="call",
    )
    found = _whole(share(ask.scene.query, sample, level=ask.claim.confidence, bad=0))
    return evidence_of(ask, found, release=False) or nothing(
        ask, f"no call of the kind {kind} is old enough for its label", release=False
    )


def _of_kind(ask: Ask, bind: Bind, kind: str) -> str:
    """Which calls are of a kind: by what users and guards did, an action, why no answer came, a slice."""
    if kind == RANDOM:
        return "true"
    product = bind(ask.scene.product)
    if kind == "thumbs_down":
        return f"trace_id IN (SELECT trace_id FROM feedback WHERE product = {product} AND rating < 0)"
    if kind == "guard_hit":
        return (
            f"trace_id IN (SELECT trace_id FROM decisions WHERE product = {product} AND kind = 'guard'"
            " AND outcome = 'hit' AND trace_id IS NOT NULL)"
        )
    condition = (
        f"trace_id IN (SELECT trace_id FROM decisions WHERE product = {product} AND kind = 'no_answer'"
        f" AND trace_id IS NOT NULL AND {_attribute('condition', 'facts')} = {bind(kind)})"
    )
    return f"({ACTION} = {bind(kind)} OR {condition} OR {_sliced(bind, kind)})"


def _explored(ask: Ask) -> Evidence | None:
    """Of the cases that the model would have held, those that were let through to learn from."""
    bands = sorted(
        {
            str(band)
            for claim in ask.scene.claims.values()
            if claim.family == "decide"
            for band in tuple(claim.options.get("bands") or ())[1:]
        }
    )
    bind = Bind()
    explored = _sliced(bind, "explore")
    held = f"{ACTION} IN ({', '.join(map(bind, bands))})" if bands else "false"
    most = ask.claim.options.get("up_to")
    amount = f"TRY_CAST({_attribute('amount', 'input')} AS DOUBLE)"
    small = "" if most is None else f" AND coalesce({amount} <= {bind(float(most))}, true)"
    sample = Sample(
        sql=f"WITH calls AS ({_calls(ask, bind)}), told AS (SELECT *, {explored} AS explored, {held} AS held"
        " FROM calls) SELECT unit, trace_id AS trace, start_time AS began, sim, explored::DOUBLE AS x"
        f" FROM told WHERE (explored OR coalesce(held, false)){small}",
        parameters=bind.values,
        noun="case",
    )
    found = _whole(share(ask.scene.query, sample, level=ask.claim.confidence, bad=0))
    if found.interval is not None and not found.interval.value:
        return nothing(
            ask,
            f"none of {found.records:,} cases is of the slice explore, and one that was let through says so",
            noun="case",
            release=False,
        )
    return evidence_of(ask, found, release=False) or nothing(
        ask, "no call was answered with an action that holds it", noun="case", release=False
    )


def _blind(ask: Ask) -> Evidence | None:
    """Labels whose rater saw what the contract hides from raters."""
    events, hidden = _events(ask), tuple(map(str, ask.claim.options.get("blind_to") or ()))
    if not events:
        return nothing(ask, "the contract names no source that people label for", noun="label", release=False)
    bind = Bind()
    saw = "CASE WHEN json_valid(attributes) THEN json_extract(attributes, '$.saw') END"
    names = " OR ".join(f"json_contains(saw, to_json({bind(name)}::VARCHAR))" for name in hidden)
    sample = Sample(
        sql=f"SELECT coalesce(rater, 'l' || place) AS unit, trace_id AS trace, time AS began, sim,"
        f" CASE WHEN json_type(saw) = 'ARRAY' THEN ({names})::DOUBLE END AS x, 0.0 AS y"
        f" FROM (SELECT trace_id, time, coalesce(simulated, false) AS sim, {saw} AS saw,"
        f" {_attribute('rater')} AS rater, row_number() OVER () AS place"
        f" FROM ({_labels(ask, bind, events)}) WHERE time >= {bind(ask.since_ns)})",
        parameters=bind.values,
        noun="label",
        missing="the label does not say what its rater saw before (attribute saw, a list)",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample), release=False) or nothing(
        ask, f"no label was recorded: no outcome {' or '.join(events)}", noun="label", release=False
    )


def _agreement(ask: Ask) -> Evidence | None:
    """How far raters of the same call agree beyond chance, by what each said of it last."""
    events = _events(ask)
    if not events:
        return nothing(ask, "the contract names no source that people label for", noun="item", release=False)
    bind = Bind()
    rows = ask.scene.query(
        f"SELECT lower(hex(trace_id)) AS trace, event, {_attribute('rater')} AS rater,"
        " arg_max(coalesce(value, 1.0), time) AS value, bool_or(coalesce(simulated, false)) AS sim"
        f" FROM ({_labels(ask, bind, events)}) WHERE time >= {bind(ask.since_ns)} AND rater IS NOT NULL"
        f" GROUP BY ALL ORDER BY trace, event, rater LIMIT {_MOST}",
        bind.values,
    )
    if not rows:
        return nothing(ask, "no label says who gave it (attribute rater)", noun="item", release=False)
    items: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        items[row["trace"], row["event"]].append(float(row["value"]))
    both = [values for values in items.values() if len(values) > 1]
    return _agreed(
        ask,
        both,
        noun="items were labelled by two raters or more",
        release=False,
        simulated=any(row["sim"] for row in rows),
        detail={
            "raters": len({row["rater"] for row in rows}),
            "labelled_once": len(items) - len(both),
        },
    )


def _agreed(
    ask: Ask,
    ratings: Sequence[Sequence[float]],
    *,
    noun: str,
    release: bool = True,
    simulated: bool,
    detail: Mapping[str, Any],
) -> Evidence | None:
    """Agreement beyond chance on what was labelled twice or more; ``noun`` says what that is, by how many."""
    if len(ratings) < _LEAST:
        reason = f"{len(ratings):,} {noun}; {_LEAST - len(ratings):,} more are needed"
        return nothing(ask, reason, noun="item", release=release)
    alpha = krippendorff_alpha(ratings, level=ask.claim.confidence, sides=1)
    if alpha is None:
        return nothing(ask, "every label is the same, so agreement is no news", noun="item", release=release)
    return piece(
        ask,
        release=release,
        value=alpha.value,
        low=alpha.low,
        high=alpha.high,
        n=len(ratings),
        unit=ask.unit,
        unit_of_analysis="item",
        method=alpha.method,
        sample={"n": len(ratings)},
        simulated=simulated,
        detail=detail,
    )


def sources_agree(ask: Ask) -> Evidence | None:
    """How far an early source of labels agrees beyond chance with the late one, call by call.

    Where the late one is the truth and has matured in silence, a call that was let through was a no.
    """
    early = str(ask.claim.options.get("of")).removeprefix("labels/")
    predicting = {claim.workflow for claim in ask.scene.claims.values() if claim.family == "predicts"}
    ask = replace(ask, workflow=predicting.pop()) if len(predicting) == 1 else ask
    labels = labels_of(ask, ask.claim.options.get("label_sources") or ())
    if not labels.events or not any_event(labels.ask, labels.events):
        return nothing(ask, f"no label was recorded: no outcome {ask.claim.options.get('for')}", noun="item")
    known = ask.scene.option(None, f"labels/sources/{early}").get("event")
    rows, values = rows_of(labels)
    bind = Bind()
    bind.values.extend(values)
    said = _labels(labels.ask, bind, [str(known or early)])
    found = ask.scene.query(
        "SELECT e.label AS early, r.truth AS late, r.sim FROM (SELECT trace_id,"
        f" arg_max(coalesce(value, 1.0) > 0, time) AS label FROM ({said}) GROUP BY trace_id) AS e"
        f" JOIN ({rows}) AS r ON r.trace = e.trace_id"
        f" WHERE r.truth IS NOT NULL ORDER BY r.trace LIMIT {_MOST}",
        bind.values,
    )
    return _agreed(
        labels.ask,
        [[float(row["early"]), float(row["late"])] for row in found],
        noun="calls have a label of both",
        simulated=any(row["sim"] for row in found),
        detail={"of": early, "sources": list(labels.events), "silence_is_no": labels.settles},
    )


def _settled(ask: Ask) -> Evidence | None:
    """Of predictions that are old enough, those whose label has settled."""
    labels = labels_of(ask, ask.claim.options.get("label_sources") or ())
    if not any_event(labels.ask, labels.events):
        return nothing(ask, f"no label was recorded: no outcome {' or '.join(labels.events)}")
    rows, values = rows_of(labels)
    sample = Sample(
        sql=f"SELECT unit, trace, began, sim, (truth IS NOT NULL)::DOUBLE AS x FROM ({rows})",
        parameters=values,
        noun="prediction",
    )
    found = _whole(share(ask.scene.query, sample, level=ask.claim.confidence, bad=0))
    old = format_value(labels.matures_s * 1e3, unit="ms")
    told = {"sources": list(labels.events), "silence_is_no": labels.settles}
    return evidence_of(labels.ask, found, detail=told) or nothing(ask, f"no prediction is {old} old yet")


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "fresh:labels/*": _waiting,
    "cover:labels/explore": _explored,
    "cover:labels/*": _sampled,
    "never:labels/blind_to": _blind,
    "agree:labels/agreement": _agreement,
    "cover:predicts/predicts": _settled,
}
