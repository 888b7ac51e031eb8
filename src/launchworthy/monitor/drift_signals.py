"""Monitors of drift: what users ask, what a model is fed, what it scores, against what it was.

May import ``contract``, ``evidence``, ``stats`` and this room. The claim is a bound: on the area under a
classifier's curve, or on the column that moved most; its low bound is that of all columns at once, its high
bound the highest of any, so that "within" is said of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launchworthy.contract import ClaimKind, Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.drifting.classifier import FEWEST, Separation, separate
from launchworthy.monitor.drifting.comparing import (
    ColumnDrift,
    Comparison,
    DriftState,
    Tolerances,
    compare,
)
from launchworthy.monitor.drifting.parts import Carried, carried_by, causes, parts_of
from launchworthy.monitor.drifting.profile import Categories, Profile
from launchworthy.monitor.drifting.records import (
    Calls,
    Reference,
    calls_of,
    profile_of,
    reference_of,
    value_of,
)
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.scene import Ask
from launchworthy.stats import Divergence, Interval, divergences

__all__ = ["DRIFT_METHODS", "DRIFT_SIGNALS", "drifted"]

DRIFT_METHODS: Mapping[str, Divergence | None] = {
    "classifier": None,
    "psi": Divergence.PSI,
    "ks": Divergence.KS,
    "chi2": Divergence.CRAMER,
    "wasserstein": Divergence.WASSERSTEIN,
    "jensen_shannon": Divergence.JENSEN_SHANNON,
}
DRIFT_SIGNALS = ("input", "features", "output", "score")
_SHOWN = 20
_CLASSIFIED = 3_000
_EXAMPLES = 5
_EARLIER = "earlier"
# Fields by which a change is searched, values of each, and columns: all of these are asked among each other.
_FIELDS, _VALUES, _MOVED = 4, 8, 5


def drifted(ask: Ask, signal: str, method: str) -> Evidence | None:
    """How far the signal is from its reference.

    Args:
        ask: The monitor, its window and workflow.
        signal: As ``drifting.records.calls_of`` reads it.
        method: One of ``DRIFT_METHODS``.
    """
    claim = ask.claim
    if signal.partition("/")[0] not in DRIFT_SIGNALS:
        return nothing(
            ask, f"drift is measured of {', '.join(DRIFT_SIGNALS)} and their fields, not of {signal}"
        )
    if claim.kind is not ClaimKind.BOUND or claim.target is None:
        return nothing(ask, "drift is bounded by at_most")
    if claim.target.direction is not Direction.AT_MOST:
        return nothing(ask, "drift is a distance, which is bounded by at_most")
    measure = DRIFT_METHODS[method]
    if claim.target.unit not in ("", "ratio") or (measure is Divergence.PSI and claim.target.unit):
        return nothing(ask, f"{method} is a plain number, and the target is in {claim.target.unit}")
    now = calls_of(ask, signal)
    if len(now) < FEWEST:
        return nothing(ask, f"{len(now):,} users came in the window, and it takes {FEWEST} to say anything")
    reference = reference_of(ask, signal)
    if reference is None:
        return nothing(
            ask, f"nothing came before the window to compare with: it takes {FEWEST} users of an earlier one"
        )
    limit = claim.target.threshold
    old = reference.profile
    new = profile_of(now, reference=old)
    if not old.columns:
        return nothing(ask, f"no call of the reference tells its {signal}")
    told: dict[str, Any] = {
        "records": len(now),
        "of": "user's call",
        "window_days": round(ask.window_s / 86_400.0, 4),
        "reference": reference.told,
        "reference_records": old.rows,
    }
    if now.simulated or reference.simulated:
        told["simulated_share"] = now.simulated / len(now)
    tolerances = Tolerances(
        measure=measure or Divergence.JENSEN_SHANNON,
        distance=limit if measure is not None else None,
        confidence=claim.confidence,
    )
    found = compare(old, current=new, tolerances=tolerances)
    told["drift"] = _told(found)
    told |= _cause(ask, signal, found, old, new, reference)
    if not reference.is_kept:
        told |= _carried(found, old, reference.calls, now)
    if measure is None:
        return _classified(ask, reference, now, limit, told)
    return _distances(ask, found, old, new, now, told)


def _distances(
    ask: Ask, found: Comparison, old: Profile, new: Profile, now: Calls, told: dict[str, Any]
) -> Evidence | None:
    broken = [
        change.told
        for column in found.columns
        for change in column.changes
        if change.what != "values" and change.state is DriftState.DRIFTED
    ]
    measure = found.tolerances.measure
    named = {
        column.name: column.distances[measure] for column in found.columns if measure in column.distances
    }
    unlike = [column.name for column in found.columns if measure not in column.distances]
    if broken and not named:
        return nothing(ask, f"nothing can be compared: {broken[0]}")
    if not named:
        return nothing(ask, f"{measure.value} compares numbers, and {', '.join(unlike)[:80]} holds none")
    most = max(named, key=lambda name: named[name].value)
    lows = [_low(old, new, name, found, len(named)) for name in named]
    interval = replace(
        named[most],
        low=min(named[most].value, max(lows)),
        high=max(each.high for each in named.values()),
        unit=ask.unit,
    )
    told["column"] = most
    told["worst"] = [{"trace": trace, "value": None} for trace in _examples(found, most, now, old)]
    if broken:
        told["also"] = broken
    return _evidence(ask, interval, now, told)


def _low(old: Profile, new: Profile, name: str, found: Comparison, many: int) -> float:
    """The lower bound of a column, of all columns at once."""
    measure = found.tolerances.measure
    own = next(column for column in found.columns if column.name == name).distances[measure]
    if many == 1:
        return own.low
    error = (1.0 - own.confidence) / many
    if measure is Divergence.KS:
        before, after = (profile.columns[name].counts for profile in (old, new))
        return divergences(before, current=after, measures=[measure], level=1.0 - error, sides=1)[measure].low
    from launchworthy.stats import normal_quantile

    excess = own.sample["excess"] - normal_quantile(1.0 - error) * own.sample["spread"]
    return max(0.0, excess) if measure is Divergence.PSI else math.sqrt(max(0.0, excess))


def _classified(
    ask: Ask, reference: Reference, now: Calls, limit: float, told: dict[str, Any]
) -> Evidence | None:
    then = reference.calls
    if reference.is_kept:
        told |= {"classified_against": reference.told_of_calls, "classified_records": len(then)}
    sides = [(each.rows[:_CLASSIFIED], each.units[:_CLASSIFIED]) for each in (then, now)]
    found: Separation = separate(
        sides[0][0],
        current=sides[1][0],
        tolerance=min(0.99, max(0.5, limit)),
        level=ask.claim.confidence,
        units=(sides[0][1], sides[1][1]),
    )
    if found.auc is None:
        few = "too few users came to tell two periods apart"
        return nothing(
            ask,
            f"{few}: the first calls are past their retention" if reference.is_kept else few,
        )
    told["worst"] = [{"trace": now.traces[at], "value": None} for at in found.top]
    if found.features:
        told["features"] = list(found.features)
    if found.needed:
        told["needed"] = found.needed
    return _evidence(ask, replace(found.auc, unit=ask.unit), now, told)


def _evidence(ask: Ask, interval: Interval, now: Calls, told: dict[str, Any]) -> Evidence:
    return piece(
        ask,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        unit=ask.unit,
        unit_of_analysis="user",
        method=interval.method,
        sample={name: each for name, each in interval.sample.items() if name not in ("n", "successes")},
        simulated=now.simulated > 0,
        detail=told,
    )


def _told(found: Comparison) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "conclusion": found.conclusion,
        "columns": [_column(column) for column in found.columns[:_SHOWN]],
    }


def _column(column: ColumnDrift) -> dict[str, Any]:
    change = column.main
    return {
        "name": column.name,
        "state": column.state.value,
        "told": column.told,
        "value": change.interval.value,
        "low": change.interval.low,
        "high": change.interval.high,
        "tolerance": change.tolerance,
        "needed": column.needed,
        "bars": [[bar.name[:60], round(bar.reference, 6), round(bar.current, 6)] for bar in column.bars],
    }


def _cause(
    ask: Ask,
    signal: str,
    found: Comparison,
    old: Profile,
    new: Profile,
    reference: Reference,
) -> dict[str, Any]:
    """Whether the world or the release moved what drifted."""
    if not found.of(DriftState.DRIFTED):
        return {}
    if not reference.others:
        return {"cause": "the world: the release is the same in both periods"}
    others = calls_of(ask, signal, other_releases=True)
    parts = {("release", _EARLIER): profile_of(others, reference=old)} if len(others) >= FEWEST else {}
    told = causes(
        found,
        reference=replace(old, parts={("release", _EARLIER): old}),
        current=replace(new, parts={**parts, ("release", str(ask.scene.release)): new}),
        by="release",
    )
    return {
        "cause": "; ".join(
            f"{each.column}: {each.cause}{f' ({each.reason})' if each.reason else ''}" for each in told[:5]
        )
    }


def _carried(found: Comparison, old: Profile, then: Calls, now: Calls) -> dict[str, Any]:
    """Which calls carry the change: by the values of the other fields that are names."""
    moved = [column.name for column in found.of(DriftState.DRIFTED)][:_MOVED]
    fields = {
        name: column.names[:_VALUES]
        for name, column in old.columns.items()
        if isinstance(column, Categories) and ": " not in name and len(column.names) > 1
    }
    fields = dict(list(fields.items())[:_FIELDS])
    if not any(name != field for name in moved for field in fields):
        return {}
    sides = []
    for calls in (then, now):
        parts = {
            (field, value): _part(calls, field, value, old, moved)
            for field, values in fields.items()
            for value in values
        }
        sides.append(replace(old, rows=len(calls), parts=parts))
    answers = parts_of(sides[0], current=sides[1], by=fields, tolerances=found.tolerances)
    told = [f"{name}: {_named(carried)}" for name, carried in carried_by(answers).items()]
    asked = {(each.field, each.value) for each in answers}
    if not asked:
        return {}
    return {
        "carried": "; ".join(told) or "no part of the calls alone: who calls has changed, or each a little",
        "parts_asked": len(asked),
    }


def _part(calls: Calls, field: str, value: str, old: Profile, names: list[str]) -> Profile:
    """The moved columns of the calls whose field has this value, over the reference's edges."""
    kept = [at for at, row in enumerate(calls.rows) if row.get(field) == value]
    own = profile_of(replace(calls, rows=[calls.rows[at] for at in kept]), reference=old)
    return replace(own, columns={name: own.columns[name] for name in names if name in own.columns})


def _named(carried: Carried) -> str:
    moved = ", ".join(
        f"{each.field} {each.value[:60]} ({each.column.main.told})" for each in carried.moved[:3]
    )
    still = ", ".join(value[:60] for value in carried.still[:5])
    return f"{moved}; not {still}" if still else moved


def _examples(found: Comparison, name: str, now: Calls, old: Profile) -> list[str]:
    """Calls whose value is in the group that grew most."""
    column = next(each for each in found.columns if each.name == name)
    if column.state is not DriftState.DRIFTED or not column.bars:
        return []
    grown = max(column.bars, key=lambda bar: bar.current - bar.reference)
    traces = [
        trace
        for row, trace in zip(now.rows, now.traces, strict=True)
        if grown.holds(value_of(row, name, reference=old))
    ]
    return traces[:_EXAMPLES]
