"""Budgets of promises in words and as drawings: how much is used up, how fast, and when it ends.

May import ``monitor``, ``stats`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import BudgetLine, budget_plot
from launchworthy.console.claims import claim_url
from launchworthy.console.words import Link, page_url
from launchworthy.monitor.burning import PERIOD_S, Burning
from launchworthy.quantity import format_number, format_value
from launchworthy.stats import Burn

__all__ = [
    "WINDOW_HEADS",
    "BurnRow",
    "budget_picture",
    "burn_rows",
    "burn_told",
    "rates_told",
    "window_cells",
]

WINDOW_HEADS = ("Windows", "Used up", "Fires from", "Chance", "Now")
_TRACES = 3
_MAY_BE_CHANCE = "too few came to tell what is used up from chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRow:
    """One promise as a budget; ``windows`` are cells under :data:`WINDOW_HEADS`."""

    name: Link
    promise: str
    state: str
    mark: str
    told: str
    plot: Markup
    windows: tuple[tuple[str, ...], ...]
    traces: tuple[Link, ...]


def burn_rows(found: Iterable[Burning], *, product: str) -> tuple[BurnRow, ...]:
    """Those that fire first, then by how much is used up; those that nothing was heard of last."""

    def urgency(each: Burning) -> tuple[bool, bool, float]:
        return each.worst is None, each.silent, -each.used

    return tuple(_row(each, product) for each in sorted(found, key=urgency))


def _row(each: Burning, product: str) -> BurnRow:
    state, mark = ("unmet", "✕") if each.worst is not None else ("met", "●")
    if each.silent or (each.worst is None and any(burn.may_be_chance for burn in each.burns)):
        state, mark = "unproven", "◌"
    name = each.claim.address.partition("/")[2]
    return BurnRow(
        name=Link(text=name, url=claim_url(product, each.claim.address)),
        promise=f"{format_value(each.budget, unit='ratio')} of {each.noun}s may be bad",
        state=state,
        mark=mark,
        told=_whole(each),
        plot=budget_picture(each.counts, each.budget, period_s=PERIOD_S, name=name),
        windows=tuple(window_cells(burn) for burn in each.burns),
        traces=tuple(Link(text=trace[:8], url=page_url("traces", trace)) for trace in each.traces[:_TRACES]),
    )


def _whole(each: Burning) -> str:
    told = burn_told(each.burns)
    if not any(events for _, events, _ in each.counts):
        return told
    return f"{format_value(each.used, unit='ratio')} of the budget is used; {told}"


def burn_told(burns: Sequence[Burn]) -> str:
    """What is being lost, and when the budget ends."""
    firing = next((burn for burn in burns if burn.fires), None)
    if firing is None:
        if all(burn.silent for burn in burns):
            return "nothing was heard"
        return _MAY_BE_CHANCE if any(burn.may_be_chance for burn in burns) else "it lasts"
    when = "now" if firing.ends_s <= 0.0 else f"in {format_value(firing.ends_s * 1e3, unit='ms')}"
    return f"it is used up {format_number(firing.long_rate)} times as fast as allowed, and ends {when}"


def window_cells(burn: Burn) -> tuple[str, ...]:
    """What one pair of windows says, under :data:`WINDOW_HEADS`."""
    windows = " and ".join(
        format_value(each * 1e3, unit="ms") for each in (burn.window.long_s, burn.window.short_s)
    )
    factor = f"{burn.window.factor:g} {'time' if burn.window.factor == 1.0 else 'times'}"
    if burn.silent:
        return windows, "nothing was heard", factor, "", "silent"
    left = format_value(burn.ends_s * 1e3, unit="ms")
    end = (
        "" if not math.isfinite(burn.ends_s) else f", ends in {left}" if burn.ends_s > 0.0 else ", has ended"
    )
    return (
        windows,
        rates_told(burn),
        factor,
        f"{burn.chance:.2g}",
        f"{burn.window.severity}{end}" if burn.fires else "may be chance" if burn.may_be_chance else "calm",
    )


def rates_told(burn: Burn) -> str:
    """How fast the budget is used up over the long window and the short one."""
    if burn.silent:
        return "nothing heard"
    fast = format_number(burn.long_rate)
    if math.isnan(burn.short_rate):
        return f"{fast} times, then silence"
    return f"{fast} and {format_number(burn.short_rate)} times"


def budget_picture(
    counts: Sequence[tuple[float, int, int]], budget: float, *, period_s: float, name: str
) -> Markup:
    """The part that was used up over the period; empty where nothing was heard."""
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
