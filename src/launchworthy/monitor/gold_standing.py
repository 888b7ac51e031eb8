"""Whether a gold set still stands for what it proves: how old its newest items are, and what it covers.

May import ``contract``, ``evidence``, ``gold``, ``records``, ``stats`` and this room. Its items are read by
the machine alone, which is no look, and no text of a user stands in the evidence: calls are named by their
traces.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchworthy.contract import Direction
from launchworthy.evidence import Evidence
from launchworthy.gold import GoldItem, GoldVersion, question_in, strings, uncovered_of
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.sample import WORST
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import Own
from launchworthy.stats import clopper_pearson

__all__ = ["gold_age", "gold_coverage"]

_MOST_CALLS = 500  # users of whom a call is compared: bounds within 5 points, in less than a second
_LONGEST = 20_000  # characters of an input that are read; a longer one is not compared
_SHOWN = 10


def gold_age(ask: Ask, name: str) -> Evidence | None:
    """How long ago the newest items of a set came into it; a version that only edits makes none newer.

    Args:
        ask: The monitor.
        name: Of the set.
    """
    target = ask.claim.target
    if target is None or target.unit != "ms" or target.direction is not Direction.AT_MOST:
        return _nothing(
            ask, "the age of its newest items is a duration: give the monitor at_most, such as 90d"
        )
    versions = _versions(ask, name)
    if not versions:
        return _nothing(ask, _no_set(name))
    at, fresh = _newest(ask, versions)
    age_ms = max(0.0, (ask.scene.now - at).total_seconds() * 1e3)
    newest = versions[0]
    return piece(
        ask,
        release=False,
        value=age_ms,
        low=age_ms,
        high=age_ms,
        n=newest.items,
        unit="ms",
        unit_of_analysis="item",
        method="full count",
        gold=f"{name}@{newest.version}",
        detail={
            "version": newest.version,
            "versions": len(versions),
            "newest_items_at": at.isoformat(),
            "newest_items": fresh,
            "edited_at": newest.created_at.isoformat(),
            "remark": f"{fresh:,} of its {newest.items:,} items came last, on {at.astimezone(UTC):%Y-%m-%d}",
        },
    )


def gold_coverage(ask: Ask, name: str) -> Evidence | None:
    """The share of calls that a set stands for: an item is near what was asked, and of each of its slices.

    Args:
        ask: The monitor and its window; of its workflow, else of the one that is called as the set is.
        name: Of the set.
    """
    target = ask.claim.target
    if target is None or target.unit != "ratio":
        return _nothing(ask, "what a set covers is a share: give the monitor at_least, such as 80 %")
    versions = _versions(ask, name)
    if not versions:
        return _nothing(ask, _no_set(name))
    if ask.workflow is None and name in ask.scene.calls:
        ask = replace(ask, workflow=name)
    calls = _calls(ask)
    told = [each for each in calls if each.text or each.slices]
    if not calls:
        return _nothing(ask, "no call came within the window")
    if not told:
        return _nothing(ask, "no call of the window kept its text or names a slice, so none can be compared")
    newest = versions[0]
    items = [item for item in _items(ask, newest) if item.counts]
    return _covered(ask, newest, items, told, unscored=len(calls) - len(told))


def _covered(
    ask: Ask, version: GoldVersion, items: Sequence[GoldItem], calls: Sequence[_Call], *, unscored: int
) -> Evidence:
    found, without = uncovered_of(items, [each.text for each in calls if each.text])
    have = {slice_ for item in items for slice_ in item.slices}
    far = [each for each in calls if each.text in without]
    lacking = Counter(slice_ for each in calls for slice_ in each.slices if slice_ not in have)
    missed = {each.trace for each in far} | {
        each.trace for each in calls if any(slice_ in lacking for slice_ in each.slices)
    }
    interval = clopper_pearson(len(calls) - len(missed), n=len(calls), level=ask.claim.confidence)
    # Of each kind of question the most typical first, the largest kind first: what to add an item for.
    first = {text: place for place, each in enumerate(found.clusters) for text in each.examples[:1]}
    shown = sorted(far, key=lambda each: (first.get(each.text, len(first)), each.trace))
    shown += [each for each in calls if each.trace in missed and each.text not in without]
    detail: dict[str, Any] = {
        "version": version.version,
        "records": len(calls),
        "of": "user's call",
        "window_days": round((ask.until - ask.since).total_seconds() / 86_400.0, 4),
        "items": found.items,
        "without_item": len(far),
        "kinds_without_item": [each.questions for each in found.clusters[:_SHOWN]],
        "slices_without_item": dict(lacking.most_common(_SHOWN)),
        "worst": [{"trace": each.trace, "value": None} for each in shown[:WORST]],
        "next": f"launchworthy gold coverage {version.name}",
    }
    others = _without_a_set(ask)
    if others:
        detail["workflows_without_a_set"] = others
    simulated = sum(each.simulated for each in calls)
    if simulated:
        detail["simulated_share"] = simulated / len(calls)
    if missed:
        kinds = "1 kind" if len(found.clusters) == 1 else f"{len(found.clusters):,} kinds"
        told = [f"{len(far):,} calls in {kinds} have no item near them"] if far else []
        told += [f"no item of {', '.join(list(detail['slices_without_item'])[:3])}"] if lacking else []
        detail["remark"] = "; ".join(told)
    return piece(
        ask,
        release=False,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        unit="ratio",
        unit_of_analysis="user",
        unscored=unscored,
        method=interval.method,
        sample=dict(interval.sample),
        gold=f"{version.name}@{version.version}",
        simulated=simulated > 0,
        detail=detail,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call of a user: what was asked, with single spaces, and the slices that it says it is of."""

    trace: str
    text: str
    slices: tuple[str, ...]
    simulated: bool


def _calls(ask: Ask) -> list[_Call]:
    """One call of each of at most so many users, whatever release answered."""
    bind = Bind()
    calls = ask.seen_by_people().calls(bind, any_release=True)
    rows = ask.scene.query(
        f"WITH calls AS NOT MATERIALIZED ({calls}),"
        " drawn AS MATERIALIZED (SELECT arg_min(trace_id, hash(trace_id)) AS trace_id, unit FROM calls"
        f" GROUP BY unit ORDER BY min(hash(trace_id)) LIMIT {_MOST_CALLS})"
        " SELECT lower(hex(trace_id)) AS trace, sim,"
        f" CASE WHEN length(input) <= {_LONGEST} THEN input END AS input,"
        f" CASE WHEN contains(attributes, '{Own.SLICE}') AND json_valid(attributes) THEN"
        f" json_extract(attributes, '/{Own.SLICE}')::VARCHAR END AS slices"
        " FROM calls JOIN drawn USING (trace_id)"
        " QUALIFY row_number() OVER (PARTITION BY drawn.unit ORDER BY start_time) = 1 ORDER BY trace",
        bind.values,
    )
    return [
        _Call(
            trace=row["trace"],
            text=_text(row["input"]),
            slices=_slices(row["slices"]),
            simulated=bool(row["sim"]),
        )
        for row in rows
    ]


def _text(stored: str | None) -> str:
    text = " ".join(" ".join(strings(question_in(stored))).split())
    return text if any(map(str.isalnum, text)) else ""  # where nothing is a word, nothing can be near


def _slices(stored: str | None) -> tuple[str, ...]:
    found = None if stored is None else json.loads(stored)
    named = found if isinstance(found, list) else [found]
    return tuple(dict.fromkeys(each for each in named if isinstance(each, str) and each))


def _newest(ask: Ask, versions: Sequence[GoldVersion]) -> tuple[datetime, int]:
    """When the newest items came, and how many came then; versions stand newest first."""
    later = _asked(_items(ask, versions[0]))
    for place, version in enumerate(versions):
        before = _asked(_items(ask, versions[place + 1])) if place + 1 < len(versions) else {}
        asked = set(before.values())
        fresh = sum(id_ not in before and text not in asked for id_, text in later.items())
        if fresh:
            return version.created_at, fresh
        later = before
    return versions[-1].created_at, len(later)


def _asked(items: Sequence[GoldItem]) -> Mapping[str, str]:
    """Ids of the items that count, with what each asks: an item is the same while either is."""
    return {item.id: json.dumps(item.input, sort_keys=True, default=str) for item in items if item.counts}


def _versions(ask: Ask, name: str) -> list[GoldVersion]:
    sets = ask.scene.sets
    if sets is None:
        return []
    known = sets.gold_versions(product=ask.scene.product, name=name)
    return [version for version in known if version.created_at <= ask.scene.now]


def _items(ask: Ask, version: GoldVersion) -> list[GoldItem]:
    sets = ask.scene.sets
    return (
        []
        if sets is None
        else sets.gold_items(product=version.product, name=version.name, version=version.version, split=None)
    )


def _without_a_set(ask: Ask) -> list[str]:
    """Workflows that have calls, and no gold set of their name."""
    sets = ask.scene.sets
    names = set() if sets is None else {each.name for each in sets.gold_versions(product=ask.scene.product)}
    return sorted(each for each, calls in ask.scene.calls.items() if each and calls and each not in names)


def _no_set(name: str) -> str:
    return f"there is no gold set {name}: launchworthy gold import FILE --name {name}"


def _nothing(ask: Ask, reason: str) -> Evidence | None:
    return nothing(ask, reason, release=False)
