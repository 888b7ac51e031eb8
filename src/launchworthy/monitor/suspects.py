"""What changed shortly before something went wrong: releases, prompts, models, prices, as records show them.

May import ``records`` and this room. Only what replaced something is a change: the first prompt of a product
is none. A change is dated by the first call that shows it.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from launchworthy.monitor.scene import Bind, Query
from launchworthy.records import Release, no_evaluation
from launchworthy.records.incident import Suspect

__all__ = ["suspects"]

BEFORE = timedelta(days=7)
_MOST = 8
_LATE = timedelta(minutes=5)  # clocks differ, and a change may be seen first by the call that failed
# Kind of change → what names the thing that changed, and its version.
_SEEN: Mapping[str, tuple[str, str]] = {
    "release": ("''", "release"),
    "prompt": ("coalesce(prompt_name, '')", "prompt_version"),
    "model": ("coalesce(provider, '')", "model"),
    "price": ("coalesce(model, '')", "price_version"),
}


def suspects(
    query: Query,
    *,
    product: str,
    workflow: str | None,
    first_at: datetime,
    releases: Mapping[str, Release],
) -> tuple[Suspect, ...]:
    """What was first seen within a week before the first occurrence, the newest first.

    Args:
        query: Answers one SELECT over the records.
        product: Whose records.
        workflow: Of which workflow; None: of all.
        first_at: The first occurrence.
        releases: Known releases by id, to say which of their parts changed.
    """
    found = []
    for kind, (thing, version) in _SEEN.items():
        bind = Bind()
        of = f" AND workflow = {bind(workflow)}" if workflow else ""
        rows = query(
            f"SELECT {thing} AS thing, {version} AS version, min(start_time) AS first"
            f" FROM spans WHERE product = {bind(product)}{of} AND {version} IS NOT NULL"
            f" AND start_time <= {bind(_ns(first_at + _LATE))}"
            f" AND {no_evaluation(traces=False)} GROUP BY ALL ORDER BY first DESC LIMIT 200",
            bind.values,
        )
        found += [
            Suspect(kind=kind, at=_moment(row["first"]), what=_what(kind, row, before, releases))
            for row, before in _replaced(rows)
            if _moment(row["first"]) >= first_at - BEFORE
        ]
    return tuple(sorted(found, key=lambda each: each.at, reverse=True)[:_MOST])


def _replaced(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each version that another one of the same thing came before, with that one; rows newest first."""
    found = []
    for place, row in enumerate(rows):
        before = next((each for each in rows[place + 1 :] if each["thing"] == row["thing"]), None)
        if before is not None:
            found.append((row, before))
    return found


def _what(kind: str, row: Mapping[str, Any], before: Mapping[str, Any], known: Mapping[str, Release]) -> str:
    told = f"{before['version']} → {row['version']}"
    if kind != "release":
        return f"{row['thing']}: {told}" if row["thing"] and kind != "model" else told
    old, new = known.get(before["version"]), known.get(row["version"])
    if old is None or new is None:
        return told
    parts = sorted(name for name in {*old.parts, *new.parts} if old.parts.get(name) != new.parts.get(name))
    return f"{told} ({', '.join(parts)})" if parts else told


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 1e9, UTC)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1_000
