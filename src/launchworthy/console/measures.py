"""Measured numbers of runs as rows with a small plot, and items' scores.

May import ``evals``, ``metrics``, ``stats`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import IntervalMark, distribution_plot, interval_plot
from launchworthy.console.words import count
from launchworthy.evals import Measured
from launchworthy.metrics import Metric
from launchworthy.quantity import format_interval, format_value
from launchworthy.records import Score
from launchworthy.stats import Interval

__all__ = ["MeasureRow", "goodness", "item_value", "measure_row", "score_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """One metric on one slice; ``plot`` is empty where nothing was measured, ``spread`` where no single item
    has a value."""

    metric: str
    slice: str
    value: str
    n: str
    notes: str
    plot: Markup
    spread: Markup


def measure_row(
    measured: Measured, *, values: Sequence[float] = (), higher_is_better: bool = True
) -> MeasureRow:
    """The display row of one measurement; ``values`` are those of its items."""
    found = measured.interval
    notes = [f"{measured.unscored:,} could not be scored"] if measured.unscored else []
    notes += [f"{count(measured.outside, 'item')} without a truth for it"] if measured.outside else []
    plot = Markup("")
    if found is not None and math.isfinite(found.low + found.high):
        plot = interval_plot(
            IntervalMark(value=found.value, low=found.low, high=found.high, n=found.n, unit=measured.unit),
            title=measured.metric if measured.slice is None else f"{measured.metric} on {measured.slice}",
        )
    return MeasureRow(
        metric=measured.metric,
        slice=measured.slice or "",
        value=_value_text(found, unit=measured.unit),
        n="" if found is None else f"{found.n:,}",
        notes="; ".join(notes),
        plot=plot,
        spread=distribution_plot(
            values,
            unit=measured.unit,
            higher_is_better=higher_is_better,
            title=f"Items by {measured.metric}",
        ),
    )


def _value_text(found: Interval | None, *, unit: str) -> str:
    if found is None:
        return "not measured"
    if math.isinf(found.low) and math.isinf(found.high):
        return f"{format_value(found.value, unit=unit)} (no bounds)"
    return format_interval(found.value, found.low, found.high, unit=unit)


def item_value(metric: Metric, score: Score | None) -> float | None:
    """The metric on one item alone; None where the item does not enter it or could not be scored."""
    if score is None or score.value is None:
        return None
    (own,) = metric.each([score]).tolist()
    return None if math.isnan(own) else own


def goodness(metric: Metric, score: Score | None) -> float | None:
    """:func:`item_value` turned so that more is better: 1 is all that a share can reach."""
    own = item_value(metric, score)
    if own is None or metric.higher_is_better:
        return own
    return 1.0 - own if metric.unit == "ratio" else -own


def score_text(metric: Metric, score: Score | None) -> str:
    """One item's score; a scorer that could not score says so. Empty where the item does not enter."""
    if score is not None and score.value is None:
        return f"could not score: {score.error or 'no value'}"
    own = item_value(metric, score)
    return "" if own is None else format_value(own, unit=metric.unit)
