"""How old what an answer rests on was: features, the index, the model. May import ``evidence`` and this room.

Ages of features and of the index are what calls say by their attributes: nobody else knows when they read.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT
from launchworthy.monitor.piece import evidence_of, nothing, piece
from launchworthy.monitor.sample import Sample, quantile
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import Own

__all__ = ["MEASURES"]

_PERCENTILE = re.compile(r"feature_staleness_p(?P<percent>[1-9]\d?(\.\d{1,3})?)")
_COLUMNS = "unit, trace_id AS trace, start_time AS began, sim"
_P95 = 0.95


def _number(name: str) -> str:
    """The number of an attribute; a plain text search first, before any JSON is read."""
    return (
        f"CASE WHEN contains(attributes, '{name}') AND json_valid(attributes)"
        f" THEN TRY_CAST(json_extract_string(attributes, '/{name}') AS DOUBLE) END"
    )


def _ages(ask: Ask, *, q: float) -> Evidence | None:
    bind = Bind()
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, {_number(Own.FEATURE_AGE_MS)} AS x FROM ({ask.calls(bind)})",
        parameters=bind.values,
        noun="call",
        missing=f"the call does not say how old its features were ({Own.FEATURE_AGE_MS})",
    )
    return evidence_of(ask, quantile(ask.scene.query, sample, q=q, level=ask.claim.confidence, unit="ms"))


def _staleness(ask: Ask) -> Evidence | None:
    match = _PERCENTILE.fullmatch(ask.metric)
    return None if match is None else _ages(ask, q=float(match["percent"]) / 100.0)


def _features(ask: Ask) -> Evidence | None:
    """Of the workflow that predicts: one that writes texts reads no features."""
    predicting = {claim.workflow for claim in ask.scene.claims.values() if claim.family == "predicts"}
    return _ages(replace(ask, workflow=predicting.pop()) if len(predicting) == 1 else ask, q=_P95)


def _index(ask: Ask) -> Evidence | None:
    """The age of what the newest retrieval searched, by what it said then and the time since."""
    bind = Bind()
    spans = ask.spans(bind, kinds=("retrieval",))
    rows = ask.scene.query(
        f"SELECT lower(hex(trace_id)) AS trace, start_time AS at, age, sim, count(*) OVER () AS n FROM"
        f" (SELECT *, {_number(Own.INDEX_AGE_MS)} AS age FROM ({spans})) WHERE age >= 0 AND isfinite(age)"
        " ORDER BY start_time DESC LIMIT 1",
        bind.values,
    )
    if not rows:
        return nothing(ask, f"no retrieval says how old its index was ({Own.INDEX_AGE_MS})", noun="retrieval")
    [row] = rows
    age_ms = row["age"] + max(0.0, ask.scene.now.timestamp() * 1e3 - row["at"] / 1e6)
    return piece(
        ask,
        value=age_ms,
        low=age_ms,
        high=age_ms,
        n=int(row["n"]),
        unit="ms",
        unit_of_analysis="retrieval",
        method=FULL_COUNT,
        simulated=bool(row["sim"]),
        detail={"worst": [{"trace": row["trace"]}], "remark": "as the newest retrieval said"},
    )


def _model(ask: Ask) -> Evidence | None:
    """The time since the first release with this model was registered: a model is no younger."""
    known = ask.scene.models
    release = ask.scene.release
    if release is None or release not in known:
        return nothing(ask, "no release of that id is registered, so its model is not known", noun="release")
    model, _ = known[release]
    if not model:
        return nothing(
            ask,
            "release/model names no artifact, so a model that was trained again is not told from the last",
            noun="release",
        )
    first, name = min((at, name) for name, (other, at) in known.items() if other == model)
    age_ms = max(0.0, (ask.scene.now - first).total_seconds() * 1e3)
    return piece(
        ask,
        value=age_ms,
        low=age_ms,
        high=age_ms,
        n=1,
        unit="ms",
        unit_of_analysis="model",
        method=FULL_COUNT,
        detail={"remark": f"since {name} was registered, the first release with this model"},
    )


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:reliability/feature_staleness_p*": _staleness,
    "bound:release/features": _features,
    "fresh:release/retrieval": _index,
    "fresh:release/retrain": _model,
}
