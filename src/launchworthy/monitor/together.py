"""Shares and percentiles of many workflows at once: the same signal and window are read once for all.

May import ``errors``, ``evidence``, ``records`` and this room. Hourly rollups cannot take the place of these
queries: they hold no users, and these bounds count independent users, not records.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.errors import LaunchworthyError
from launchworthy.evidence import Evidence
from launchworthy.monitor.sample import Counted, Taken, Taking, known_by_workflow
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.signals import signal_of
from launchworthy.records import MARKED_CALL

__all__ = ["counted_together"]

_Measure = Callable[[Ask], Evidence | None]
_AT_ONCE = 400_000  # calls: their users and latencies fit into the memory of a query
_KNOWN = frozenset({"share", "quantile"})
_HOUR_NS = 3_600_000_000_000
_ANY = ("",)  # stands for whichever workflow it is, so that samples of two can be told to be the same


class _AsksFirst(Exception):
    """The measure looks something up before it has its rows, so it is asked by itself."""


class _Alone(Taking):
    def __call__(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        raise _AsksFirst


def counted_together(asks: Sequence[Ask], measures: Sequence[_Measure]) -> list[Ask]:
    """The same claims; those that differ by nothing but their workflow know what they are computed from."""
    alike: dict[tuple[Any, ...], dict[int, Ask]] = defaultdict(dict)
    for at, (ask, measure) in enumerate(zip(asks, measures, strict=True)):
        of = _of_one_workflow(ask)
        if of is None or (taken := _taken(ask, measure, _ANY)) is None:
            continue
        how = (taken.statistic, taken.high_is_bad, taken.q, taken.level)
        alike[taken.sample.sql, *taken.sample.parameters, *how][at] = of
    groups = [group for group in alike.values() if len({of.workflow for of in group.values()}) > 1]
    calls = _calls([next(iter(group.values())) for group in groups])
    found = list(asks)
    for group in groups:
        first, of = next(iter(group.items()))
        rows: dict[str, Mapping[str, Any]] = {}
        for names in _batches({of.workflow or "" for of in group.values()}, calls[of.since_ns]):
            rows |= _rows(asks[first], measures[first], names)
        for at, of in group.items():
            if (row := rows.get(of.workflow or "")) is not None:
                scene = asks[at].scene
                found[at] = replace(asks[at], scene=replace(scene, query=Counted(scene.query, row)))
    return found


def _calls(asks: Sequence[Ask]) -> Mapping[int, Mapping[str | None, int]]:
    """Calls by workflow since each start of a window, or more; where few were ever made, all of them."""
    if not asks:
        return {}
    scene, starts = asks[0].scene, sorted({ask.since_ns for ask in asks})
    if sum(scene.calls.values()) <= _AT_ONCE:
        return dict.fromkeys(starts, scene.calls)
    bind = Bind()
    counts = ", ".join(f"sum(n) FILTER (hour > {bind(start - _HOUR_NS)})::BIGINT" for start in starts)
    rows = scene.query(
        f"SELECT workflow, coalesce({MARKED_CALL}, false) AS marked, [{counts}] AS spans FROM rollup_hour"
        f" WHERE product = {bind(scene.product)} AND hour > {bind(starts[0] - _HOUR_NS)}"
        " GROUP BY workflow, marked",
        bind.values,
    )
    # Of workflows that mark no call, any span may be one.
    known = [row for row in rows if row["marked"] == (row["workflow"] in scene.marked)]
    return {
        start: {row["workflow"]: row["spans"][at] or 0 for row in known} for at, start in enumerate(starts)
    }


def _batches(names: Iterable[str], calls: Mapping[str | None, int]) -> Iterator[tuple[str, ...]]:
    """Workflows that are counted at once, two or more; a large one is left to itself."""
    batch: list[str] = []
    rows = 0
    for name in sorted(names):
        if batch and rows + calls.get(name, 0) > _AT_ONCE:
            if len(batch) > 1:
                yield tuple(batch)
            batch, rows = [], 0
        batch.append(name)
        rows += calls.get(name, 0)
    if len(batch) > 1:
        yield tuple(batch)


def _of_one_workflow(ask: Ask) -> Ask | None:
    """What is asked of which workflow within which window; None where it is of none, or of all."""
    if ask.family == "monitors" and not ask.claim.options.get("method"):
        ask = signal_of(ask)[0]
    elif ask.family != "reliability":
        return None
    return None if ask.workflow is None else ask


def _taken(ask: Ask, measure: _Measure, names: tuple[str, ...]) -> Taken | None:
    """The rows of these workflows, and what would have been made of them; None where that is no use."""
    asking = replace(ask, together=names, scene=replace(ask.scene, query=_Alone(ask.scene.query)))
    try:
        measure(asking)
    except Taken as taken:
        if taken.statistic in _KNOWN and taken.sample.names_workflow:
            return taken
    except Exception:
        # Whatever else it has to say, it says when it is asked by itself.
        return None
    return None


def _rows(ask: Ask, measure: _Measure, names: tuple[str, ...]) -> Mapping[str, Mapping[str, Any]]:
    taken = _taken(ask, measure, names)
    if taken is None:
        return {}
    try:
        return known_by_workflow(ask.scene.query, taken, names)
    except LaunchworthyError:
        # Too slow or too much for the memory that queries have: then one by one.
        return {}
