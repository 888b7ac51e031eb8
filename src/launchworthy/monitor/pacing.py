"""What a workflow may spend over many calls, and whether it will last, from the hourly rollups.

May import ``contract``, ``records``, ``stats`` and this room. An allowance is a limit of the contract for a
whole workflow, such as ``cost_per_workflow: 900 USD/month``: calls that pass it are stopped, so that it is
worth knowing before.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.contract import Contract
from launchworthy.contract.units import PERIOD_DAYS
from launchworthy.quantity import Quantity
from launchworthy.records import MARKED_CALL, SEEN, no_evaluation
from launchworthy.stats import Pace, spending_pace

__all__ = ["Pacing", "pacing"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
_HOUR_NS = 3_600_000_000_000
_HISTORY_H = 8 * 168
# What the calls of an hour took. A call that says itself what it cost has said what its parts cost, too.
_AMOUNTS = {
    "cost": f"greatest(coalesce(sum(cost_usd) FILTER ({MARKED_CALL}), 0.0),"
    f" coalesce(sum(cost_usd) FILTER (kind NOT IN ('workflow', 'agent')), 0.0))",
    "tokens": "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))"
    " FILTER (kind IN ('model', 'embedding'))",
    "actions": f"sum(n) FILTER ({MARKED_CALL})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """One allowance.

    Attributes:
        rule: Address of the limit.
        workflow: Whose it is.
        allowed: As the contract writes it.
        unit: Of amounts: ``USD``, or empty for counts.
        window_h: How far back it looks, in hours.
        hours: What was spent in each hour, oldest first; the last one is still going on. Empty where nothing
            was ever spent.
        last_hour: Number of the last hour since 1970.
        pace: How it is spent; None where nothing was.
    """

    rule: str
    workflow: str
    allowed: Quantity
    unit: str
    window_h: int
    hours: tuple[float, ...]
    last_hour: int
    pace: Pace | None


def pacing(contract: Contract, *, query: Query, now: datetime, confidence: float = 0.95) -> list[Pacing]:
    """Every allowance of a contract that spans a day or more, in its order.

    Args:
        contract: The contract.
        query: Answers one SELECT over the records.
        now: The end of the windows (aware).
        confidence: Of the bounds of the projection.
    """
    last_hour = int(now.timestamp()) // 3_600
    found = []
    for name, workflow in contract.workflows.items():
        for limit, value in (workflow.limits.model_extra or {}).items():
            counts, _, whose = limit.partition("_per_")
            base, _, period = value.unit.partition("/")
            window_h = round(PERIOD_DAYS.get(period, 0.0) * 24)
            if whose != "workflow" or counts not in _AMOUNTS or window_h < 24:
                continue
            if counts == "cost" and base != "USD":
                continue  # records hold costs in US dollars
            hours = _hours(query, counts, contract.product, name, last_hour, max(window_h, _HISTORY_H))
            pace = None
            if hours:
                pace = spending_pace(
                    hours, last_hour=last_hour, window_h=window_h, most=value.value, confidence=confidence
                )
            found.append(
                Pacing(
                    rule=f"{contract.product}/{name}/limits/{limit}",
                    workflow=name,
                    allowed=value,
                    unit="USD" if counts == "cost" else "",
                    window_h=window_h,
                    hours=tuple(hours),
                    last_hour=last_hour,
                    pace=pace,
                )
            )
    return found


def _hours(query: Query, counts: str, product: str, workflow: str, last_hour: int, most: int) -> list[float]:
    rows = query(
        f"SELECT hour // {_HOUR_NS} AS began, {_AMOUNTS[counts]} AS amount FROM rollup_hour"
        f" WHERE product = $1 AND workflow = $2 AND hour > $3 AND hour <= $4 AND {SEEN}"
        f" AND {no_evaluation(None, traces=False)} GROUP BY began",
        [product, workflow, (last_hour - most) * _HOUR_NS, last_hour * _HOUR_NS],
    )
    spent = {int(row["began"]): float(row["amount"] or 0.0) for row in rows}
    if not any(spent.values()):
        return []
    return [spent.get(at, 0.0) for at in range(min(spent), last_hour + 1)]
