"""Shares of many workflows, counted in one query: the same signal over the same window is read once for all.

May import ``errors``, ``evidence`` and this room. Hourly rollups cannot take the place of these queries: they
hold no users, and the bounds of a share count independent users, not records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.errors import LaunchworthyError
from launchworthy.evidence import Evidence
from launchworthy.monitor.sample import Counted, Sample, Taken, Taking, counted_by_workflow
from launchworthy.monitor.scene import Ask
from launchworthy.monitor.signals import signal_of

__all__ = ["counted_together"]

_Measure = Callable[[Ask], Evidence | None]
_AT_ONCE = 400_000  # calls of all time: their users and traces fit into the memory of a query
_ANY = ("",)  # stands for whichever workflow it is, so that samples of two can be told to be the same


class _AsksFirst(Exception):
    """The measure looks something up before it has its rows, so it is asked by itself."""


class _Alone(Taking):
    def __call__(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        raise _AsksFirst


def counted_together(asks: Sequence[Ask], measures: Sequence[_Measure]) -> list[Ask]:
    """The same claims; of those whose shares differ by nothing but their workflow, the counts are known."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    workflows: dict[int, str] = {}
    for at, (ask, measure) in enumerate(zip(asks, measures, strict=True)):
        workflow = _workflow(ask)
        if workflow is None or (taken := _taken(ask, measure, _ANY)) is None:
            continue
        sample, high_is_bad = taken
        alike[sample.sql, *sample.parameters, high_is_bad].append(at)
        workflows[at] = workflow
    found = list(asks)
    for places in alike.values():
        ask, measure = asks[places[0]], measures[places[0]]
        rows: dict[str, dict[str, Any]] = {}
        for names in _batches(sorted({workflows[at] for at in places}), ask.scene.calls):
            rows |= _rows(ask, measure, names)
        for at in places:
            ask = asks[at]
            if (row := rows.get(workflows[at])) is not None:
                found[at] = replace(ask, scene=replace(ask.scene, query=Counted(ask.scene.query, row)))
    return found


def _batches(names: Sequence[str], calls: Mapping[str | None, int]) -> Iterator[tuple[str, ...]]:
    """Workflows that are counted at once, two or more; a large one is left to itself."""
    batch: list[str] = []
    rows = 0
    for name in names:
        if batch and rows + calls.get(name, 0) > _AT_ONCE:
            if len(batch) > 1:
                yield tuple(batch)
            batch, rows = [], 0
        batch.append(name)
        rows += calls.get(name, 0)
    if len(batch) > 1:
        yield tuple(batch)


def _workflow(ask: Ask) -> str | None:
    """Workflow whose share is asked for; None where it is no plain share of one."""
    if ask.family == "reliability":
        return ask.workflow
    if ask.family == "monitors" and not ask.claim.options.get("method"):
        return signal_of(ask)[0].workflow
    return None


def _taken(ask: Ask, measure: _Measure, names: tuple[str, ...]) -> tuple[Sample, bool] | None:
    """The rows of a share of these workflows, and whether a high one is bad."""
    asking = replace(ask, together=names, scene=replace(ask.scene, query=_Alone(ask.scene.query)))
    try:
        measure(asking)
    except Taken as taken:
        if taken.statistic == "share" and taken.sample.names_workflow:
            return taken.sample, taken.high_is_bad
    except Exception:
        # Whatever else it has to say, it says when it is asked by itself.
        return None
    return None


def _rows(ask: Ask, measure: _Measure, names: tuple[str, ...]) -> Mapping[str, dict[str, Any]]:
    taken = _taken(ask, measure, names)
    if taken is None:
        return {}
    sample, high_is_bad = taken
    try:
        return counted_by_workflow(ask.scene.query, sample, bad=int(high_is_bad))
    except LaunchworthyError:
        # Too slow or too much for the memory that queries have: then one by one.
        return {}
