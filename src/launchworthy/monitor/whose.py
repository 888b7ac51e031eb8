"""Whose calls a reading covers: those of real users, or of simulated ones; those of evaluations never.

May import ``records``. The two are never added up: what simulated users do says nothing of real ones.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from launchworthy.records import EVALUATION_ROOT, ROOT, no_evaluation
from launchworthy.records.calls import EVALUATION, SEEN, SHADOW

__all__ = ["calls_seen", "decided_for", "of_users"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]


def of_users(*, simulated: bool) -> str:
    """A condition on records of any table."""
    return f"coalesce(simulated, false) = {'true' if simulated else 'false'}"


def decided_for(*, product: str, simulated: bool) -> str:
    """A condition on decisions: made for such users and not in shadow; ``product`` is a placeholder."""
    evaluated = f"cohort IN ('{EVALUATION}', '{SHADOW}') OR ({EVALUATION_ROOT})"
    return (
        f"{of_users(simulated=simulated)} AND (trace_id IS NULL OR trace_id NOT IN"
        f" (SELECT trace_id FROM spans WHERE product = {product} AND ({evaluated})))"
    )


def calls_seen(query: Query, *, product: str, since: datetime, until: datetime) -> tuple[int, int]:
    """How many traces real users began in a time, and how many simulated ones did."""
    [row] = query(
        f"SELECT count(*) FILTER ({of_users(simulated=False)}) AS real,"
        f" count(*) FILTER ({of_users(simulated=True)}) AS simulated FROM spans WHERE product = $1"
        f" AND start_time >= $2 AND start_time < $3 AND {ROOT} AND {SEEN}"
        f" AND {no_evaluation(None, traces=False)}",
        [product, *(int(moment.timestamp()) * 1_000_000_000 for moment in (since, until))],
    )
    return int(row["real"]), int(row["simulated"])
