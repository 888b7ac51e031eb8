"""Budgets of promises as one page: how much is used up, how fast, and when it ends.

May import ``monitor``, ``stats`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.console.allowances import allowance_picture, allowance_state, pace_told
from launchworthy.console.burn import WINDOW_HEADS, budget_picture, window_cells
from launchworthy.console.report import ReportPart, ReportTable, report_page
from launchworthy.console.words import count, joined, sentence
from launchworthy.monitor.pacing import Pacing
from launchworthy.quantity import format_value

__all__ = ["burn_report"]


def burn_report(rows: Sequence[Mapping[str, Any]], allowances: Sequence[Pacing], *, period_s: float) -> str:
    """The budgets, those that fire first, and the allowances."""
    firing = [row for row in rows if any(burn.fires for burn in row["burns"])]
    lost = [each for each in allowances if allowance_state(each.pace)[0] == "unmet"]
    verb = "is" if len(firing) == 1 else "are"
    told = [f"{count(len(firing), 'budget')} of {len(rows):,} {verb} burning too fast"] if firing else []
    told += [f"{count(len(lost), 'allowance')} will not last"] if lost else []
    title = joined(told) or "No budget is burning too fast"
    ordered = sorted(rows, key=lambda row: -max((b.long_rate for b in row["burns"] if b.fires), default=0.0))
    period = format_value(period_s * 1e3, unit="ms")
    return report_page(
        sentence(title),
        reason=f"A promise allows a share of calls to be bad; that share of {period} is its budget.",
        parts=[*(_part(row, period_s) for row in ordered), *map(_allowance, allowances)],
    )


def _allowance(each: Pacing) -> ReportPart:
    return ReportPart(
        title=each.rule.partition("/")[2],
        lead=(f"{pace_told(each)}.",),
        picture=allowance_picture(each),
        notes=(
            "What is to come: as much as at these hours of the week before, at the level of the last week.",
        ),
    )


def _part(row: Mapping[str, Any], period_s: float) -> ReportPart:
    counts, budget = row["counts"], row["budget"]
    allowed = format_value(budget, unit="ratio")
    return ReportPart(
        title=row["name"],
        lead=(f"{row['promise']}: {allowed} of {row['noun']}s may be bad.",),
        picture=budget_picture(counts, budget, period_s=period_s, name=row["name"]),
        table=ReportTable(
            heads=WINDOW_HEADS,
            rows=tuple(window_cells(burn) for burn in row["burns"]),
        ),
        notes=(
            f"{format_value(row['used'], unit='ratio')} of the budget is used up; rates are times as fast as "
            "allowed, and chance is that of so many bad ones were the budget just kept.",
        ),
    )
