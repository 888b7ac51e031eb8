"""Whether a metric tells what came of it: its scores of recorded calls beside the outcomes of their uses.

May import ``evidence``, ``records``, ``stats`` and this room. The unit is a use (a session, or a call that
names none) of one release that is old enough for its outcome to be known: mixed releases would let a better
release carry both up. A use with several scored calls has their mean. The statistic is Spearman's rank
correlation, users being the independent units, each side turned so that more is better; the target is the
contract's, 0 where it names none: a metric whose correlation may be 0 or less deserves no target.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.evidence import Evidence
from launchworthy.monitor.labelling import sources_agree
from launchworthy.monitor.outcomes import Came, came_of, outcome_claim
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.use_rows import USE, UseRow, measured_on, use_rows
from launchworthy.quantity import format_value
from launchworthy.stats import Interval, rank_correlation

__all__ = ["MEASURES"]

_LEAST = 30  # units below which the interval of a correlation covers too little
_LEAST_EACH = 10  # uses that came to the outcome, and that did not


def _predicts(ask: Ask) -> Evidence | None:
    of, outcome = (str(ask.claim.options[name]) for name in ("of", "for"))
    if outcome.startswith("labels/"):
        return sources_agree(ask)
    own = outcome_claim(ask, outcome)
    if own is None:
        return nothing(ask, f"{outcome} is no outcome of the contract that is told of a single use")
    ask = replace(ask, workflow=own.workflow)
    of_outcome = replace(ask, claim=own, family="outcomes", metric=own.metric)
    came = came_of(of_outcome)
    if isinstance(came, str):
        return nothing(ask, came, noun="use")
    scores = ask.scene.scores.get(ask.claim.address)
    name = of.rpartition("/")[2].replace("_", "-")
    again = f"launchworthy score-traffic --workflow {own.workflow} --scorer {name} (or --judges)"
    if scores is None or not scores.values:
        return nothing(
            ask,
            f"no recorded call was scored with {name} in the last "
            f"{format_value(ask.window_s * 1e3, unit='ms')}: {again}; what compares with a truth cannot be, "
            "since a call does not say what would have been right",
            noun="use",
        )
    ask, of_outcome = (each.matured(came.success.horizon_s) for each in (ask, of_outcome))
    found = _scored_uses(of_outcome, came, scores.values)
    interval, reason = _correlated(found, came, level=ask.claim.confidence, again=again)
    sides = {side: [value for row, value in found if row.came is side] for side in (True, False)}
    told: dict[str, Any] = {
        "metric": scores.metric,
        "outcome": outcome,
        "events": list(came.success.events),
        "runs": list(scores.runs),
        "scored_calls": len(scores.values),
        "came": len(sides[True]),
        "mean_where_it_came": _mean(sides[True]) if sides[True] else None,
        "mean_where_not": _mean(sides[False]) if sides[False] else None,
    }
    if reason:
        told["reason"] = reason
    measured = measured_on([row for row, _ in found], interval)
    return evidence_of(ask, measured, detail=told) or nothing(
        ask,
        f"none of {len(scores.values):,} scored calls is of this release and old enough: {again}",
        noun="use",
    )


def _scored_uses(ask: Ask, came: Came, values: Mapping[str, float]) -> list[tuple[UseRow, float]]:
    """The uses of scored calls, each with the mean of their scores."""
    bind = Bind()
    calls = ask.calls(bind)
    of_use: dict[str, list[float]] = {}
    for row in ask.scene.query(
        f"SELECT DISTINCT lower(hex(trace_id)) AS trace, {USE} AS use FROM ({calls})"
        f" WHERE lower(hex(trace_id)) IN (SELECT unnest({bind(list(values))}::VARCHAR[]))",
        bind.values,
    ):
        of_use.setdefault(row["use"], []).append(values[row["trace"]])
    return [(row, _mean(of_use[row.use])) for row in use_rows(ask, came, among=of_use)]


def _correlated(
    found: Sequence[tuple[UseRow, float]], came: Came, *, level: float, again: str
) -> tuple[Interval | None, str]:
    """The correlation, or why there is none; of few uses, how many more it takes."""
    units, hits = len({row.unit for row, _ in found}), sum(row.came for row, _ in found)
    fewest = min(hits, len(found) - hits)
    if units < _LEAST or fewest < _LEAST_EACH:
        more = max(1, _LEAST - units)
        if fewest:
            more = max(more, math.ceil((_LEAST_EACH - fewest) * len(found) / fewest))
        return None, (
            f"{len(found):,} scored uses are old enough, and the outcome came to {hits:,}: it takes {_LEAST} "
            f"users, and {_LEAST_EACH} uses each to which it came and did not; needs "
            f"{'about' if fewest else 'at least'} {more:,} more: {again}"
        )
    sign = -1.0 if came.bad else 1.0
    clusters = [row.unit for row, _ in found]
    interval = rank_correlation(
        [value for _, value in found],
        second=[sign * row.came for row, _ in found],
        level=level,
        sides=1,
        clusters=clusters if units < len(found) else None,
    )
    if interval is not None:
        return interval, ""
    if len({value for _, value in found}) == 1:
        return None, f"the metric says the same of all {len(found):,} uses, so it tells none apart"
    return None, (
        f"the metric and the outcome never disagree on {len(found):,} uses, so nothing bounds how often"
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {"agree:proof/proxies": _predicts}
