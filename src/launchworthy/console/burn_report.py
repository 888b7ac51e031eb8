"""Budgets of promises as one page: how much is used up, how fast, and when it ends.

May import ``stats`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import BudgetLine, budget_plot
from launchworthy.console.report import ReportPart, ReportTable, report_page
from launchworthy.console.words import count
from launchworthy.quantity import format_value

__all__ = ["burn_report"]


def burn_report(rows: Sequence[Mapping[str, Any]], *, period_s: float) -> str:
    """The budgets, those that fire first."""
    firing = [row for row in rows if any(burn.fires for burn in row["burns"])]
    title = (
        f"{count(len(firing), 'budget')} of {len(rows):,} is burning too fast"
        if len(firing) == 1
        else f"{len(firing):,} of {count(len(rows), 'budget')} are burning too fast"
        if firing
        else "No budget is burning too fast"
    )
    ordered = sorted(rows, key=lambda row: -max((b.long_rate for b in row["burns"] if b.fires), default=0.0))
    period = format_value(period_s * 1e3, unit="ms")
    return report_page(
        title,
        reason=f"A promise allows a share of calls to be bad; that share of {period} is its budget.",
        parts=[_part(row, period_s) for row in ordered],
    )


def _part(row: Mapping[str, Any], period_s: float) -> ReportPart:
    counts, budget = row["counts"], row["budget"]
    allowed = format_value(budget, unit="ratio")
    return ReportPart(
        title=row["name"],
        lead=(f"{row['promise']}: {allowed} of {row['noun']}s may be bad.",),
        picture=_picture(counts, budget, period_s, row["name"]),
        table=ReportTable(
            heads=("Windows", "Used up", "Fires from", "Chance", ""),
            rows=tuple(_window(burn) for burn in row["burns"]),
        ),
        notes=(
            f"{format_value(row['used'], unit='ratio')} of the budget is used up; rates are times as fast as "
            "allowed, and chance is that of so many bad ones were the budget just kept.",
        ),
    )


def _window(burn: Any) -> tuple[str, ...]:
    windows = " and ".join(
        format_value(each * 1e3, unit="ms") for each in (burn.window.long_s, burn.window.short_s)
    )
    if burn.silent:
        return windows, "nothing was heard", f"{burn.window.factor:g}", "", "silent"
    short = "–" if math.isnan(burn.short_rate) else f"{burn.short_rate:.3g}"
    end = "" if not math.isfinite(burn.ends_s) else f", ends in {format_value(burn.ends_s * 1e3, unit='ms')}"
    return (
        windows,
        f"{burn.long_rate:.3g} and {short} times",
        f"{burn.window.factor:g} times",
        f"{burn.chance:.2g}",
        f"{burn.window.severity}{end}" if burn.fires else "calm",
    )


def _picture(counts: Sequence[tuple[float, int, int]], budget: float, period_s: float, name: str) -> Markup:
    if not counts:
        return Markup()
    end = counts[-1][0]
    inside = [each for each in counts if each[0] > end - period_s]
    expected = sum(each[1] for each in inside) * max(1.0, period_s / max(3_600.0, end - inside[0][0]))
    used, line = 0.0, []
    for at, _, bad in inside:
        used += bad / (expected * budget) if expected else 0.0
        line.append((at, used))
    return budget_plot(BudgetLine(points=tuple(line), period_s=period_s), title=f"Budget of {name} used up")
