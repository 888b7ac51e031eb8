"""Drawings as SVG text: pure functions from values to markup, each with title, description, unit and ticks.

May import ``quantity`` and the words of this room.
"""

from launchworthy.console.charts.allowance import HeldPoint, allowance_plot
from launchworthy.console.charts.before_after import before_after_plot
from launchworthy.console.charts.budget import BudgetLine, budget_plot
from launchworthy.console.charts.calls import calls_plot
from launchworthy.console.charts.correction import correction_plot
from launchworthy.console.charts.coverage import coverage_plot
from launchworthy.console.charts.curve import CurvePoint, risk_plot
from launchworthy.console.charts.distribution import distribution_plot
from launchworthy.console.charts.families import FamilyMark, families_plot
from launchworthy.console.charts.forest import ForestRow, forest_plot
from launchworthy.console.charts.history import HistoryPoint, history_plot
from launchworthy.console.charts.interval import IntervalMark, interval_plot
from launchworthy.console.charts.latency import latency_plot
from launchworthy.console.charts.looks import LookPoint, looks_plot
from launchworthy.console.charts.scale import Scale, scale_over
from launchworthy.console.charts.shift import ShareBar, ShiftRow, shares_plot, shift_plot
from launchworthy.console.charts.spending import spending_plot
from launchworthy.console.charts.waterfall import ruler, span_bar
from launchworthy.console.charts.weeks import weeks_plot

__all__ = [
    "BudgetLine",
    "CurvePoint",
    "FamilyMark",
    "ForestRow",
    "HeldPoint",
    "HistoryPoint",
    "IntervalMark",
    "LookPoint",
    "Scale",
    "ShareBar",
    "ShiftRow",
    "allowance_plot",
    "before_after_plot",
    "budget_plot",
    "calls_plot",
    "correction_plot",
    "coverage_plot",
    "distribution_plot",
    "families_plot",
    "forest_plot",
    "history_plot",
    "interval_plot",
    "latency_plot",
    "looks_plot",
    "risk_plot",
    "ruler",
    "scale_over",
    "shares_plot",
    "shift_plot",
    "span_bar",
    "spending_plot",
    "weeks_plot",
]
