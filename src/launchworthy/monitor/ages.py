"""How long records are kept, against how long they may be. May import ``evidence`` and this room."""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of
from launchworthy.monitor.sample import WORST, Measured
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import TABLES
from launchworthy.stats import Interval

__all__ = ["KEPT", "age"]

KEPT: Mapping[str, Sequence[str]] = {
    "traces": ("spans",),
    "feedback": ("feedback", "outcomes", "scores", "exposures"),
    "audit": ("decisions",),
}
"""Tables that each line of ``data/retention`` is about."""

GRACE_NS = (
    86_400_000_000_000  # records fall due at every moment, and are removed when maintenance comes round
)


def age(ask: Ask, line: str) -> Evidence | None:
    """Records more than a day older than they may be; of gold sets, versions."""
    kept_ms = ask.claim.options.get("kept_ms")
    if kept_ms is None:
        return None
    oldest = ask.until_ns - int(kept_ms * 1e6) - GRACE_NS
    if line == "gold":
        return _of_gold(ask, oldest)
    bind = Bind()
    rows = " UNION ALL ".join(
        f"SELECT trace_id, {TABLES[table].time} AS time, simulated FROM {table}"
        f" WHERE product = {bind(ask.scene.product)}"
        for table in KEPT[line]
    )
    due = bind(oldest)
    row = ask.scene.query(
        f"SELECT count(*) AS n, count(*) FILTER (time < {due}) AS hits, min(time) AS first,"
        f" count(*) FILTER (simulated) AS simulated, (arg_min(lower(hex(trace_id)), time, {WORST})"
        f" FILTER (time < {due} AND trace_id IS NOT NULL)) AS worst FROM ({rows})",
        bind.values,
    )[0]
    if not row["n"]:
        return None
    return _counted(
        ask,
        n=row["n"],
        hits=row["hits"],
        first_ns=row["first"],
        simulated=row["simulated"],
        worst=[{"trace": each} for each in row["worst"] or ()],
        noun="record",
    )


def _of_gold(ask: Ask, oldest: int) -> Evidence | None:
    made = {name: int(each.timestamp() * 1e9) for name, each in ask.scene.versions.items()}
    if not made:
        return None
    due = sorted((at, name) for name, at in made.items() if at < oldest)
    return _counted(
        ask,
        n=len(made),
        hits=len(due),
        first_ns=min(made.values()),
        simulated=0,
        worst=[{"version": name} for _, name in due[:WORST]],
        noun="version",
    )


def _counted(
    ask: Ask, *, n: int, hits: int, first_ns: int, simulated: int, worst: list[dict[str, Any]], noun: str
) -> Evidence | None:
    interval = Interval(
        value=float(hits),
        low=float(hits),
        high=float(hits),
        confidence=0.95,
        n=n,
        method="full count",
        sides=1,
        sample={"breaches": hits, "n": n},
    )
    whole = Measured(
        interval=interval,
        records=n,
        unscored=0,
        simulated=simulated,
        units=n,
        noun=noun,
        row=noun,
        first_ns=first_ns,
        worst=worst,
    )
    first = datetime.fromtimestamp(first_ns / 1e9, tz=UTC)
    told = {"remark": f"the oldest of {n:,} {noun}s is of {first:%Y-%m-%d %H:%M}"}
    since_s = ask.scene.now.timestamp() - first_ns / 1e9
    return evidence_of(ask.within(max(0.0, since_s)), whole, detail=told, release=False)
