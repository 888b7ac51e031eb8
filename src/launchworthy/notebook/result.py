"""What an evaluation in a notebook answers: it prints as a table, shows as a page, becomes a frame.

May import ``evals``, ``metrics``, ``records`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.evals import Comparison, Outcome, reasons_of, table_of
from launchworthy.evals.comparison import item_value
from launchworthy.evals.table import arrow_table, run_columns
from launchworthy.metrics import Metric
from launchworthy.quantity import format_interval
from launchworthy.records import RunItem

if TYPE_CHECKING:
    from arro3.core import Table as ArrowTable
    from rich.console import RenderableType

__all__ = ["Evaluation", "Forest"]


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest plot: shows itself in a notebook; ``str()`` is the SVG in a box of its own style."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html

    def __str__(self) -> str:
        return self.html


def _named(found: Comparison) -> str:
    """The metric of a comparison, and what kept it from being settled."""
    return f"{found.metric}, as {found.too_much_missing}" if found.too_much_missing else found.metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Answers with their scores.

    Attributes:
        outcome: Run, items, figures and comparisons.
        metrics: What was measured.
        baseline: Name of what it was compared with; None if nothing.
        inputs, expected: What was asked, and the truth, by id of the item.
    """

    outcome: Outcome
    metrics: tuple[Metric, ...]
    baseline: str | None
    inputs: Mapping[str, Any] = field(repr=False)
    expected: Mapping[str, Any] = field(repr=False)

    @property
    def items(self) -> tuple[RunItem, ...]:
        """Every answer, in order of id."""
        return self.outcome.items

    @property
    def failures(self) -> tuple[RunItem, ...]:
        """Items without an answer, then those that could not be scored, then those short of the best score,
        worst first by the first metric that says so."""
        ranked = [(self._rank(item), item) for item in self.items]
        fallen = [(rank, item) for rank, item in ranked if rank is not None]
        return tuple(item for _, item in sorted(fallen, key=lambda pair: (pair[0], pair[1].item_id)))

    def _rank(self, item: RunItem) -> tuple[int, float] | None:
        if item.error is not None:
            return (0, 0.0)
        if any(score.value is None for score in item.scores.values()):
            return (1, 0.0)
        for metric in self.metrics:
            score = item.scores.get(metric.name)
            own = None if score is None else item_value(metric, score)
            if own is None or metric.unit != "ratio":
                continue
            short = 1.0 - own if metric.higher_is_better else own
            if short > 0.0:
                return (2, -short)
        return None

    @property
    def conclusion(self) -> str:
        """What came of it in one sentence."""
        run = self.outcome.run
        parts = [f"{run.done - run.errors:,} of {run.items:,} items answered by {run.target}"]
        words = {
            "met": f"proven no worse than {self.baseline}",
            "unmet": f"proven worse than {self.baseline}",
            "unproven": f"not proven either way against {self.baseline}",
        }
        for status, word in words.items():
            names = [_named(found) for found in self.outcome.comparisons if found.status == status]
            if names:
                parts.append(f"{word}: {', '.join(names)}")
        return "; ".join(parts)

    def to_frame(self) -> Any:
        """A pandas data frame, a row an item; an Arrow table where pandas is not installed."""
        columns = self._columns()
        try:
            import pandas as pd  # type: ignore[import-untyped,unused-ignore]
        except ImportError:
            return arrow_table(columns)
        return pd.DataFrame(columns)

    def to_arrow(self) -> ArrowTable:
        """An Arrow table, a row an item, as ``pyarrow.table(…)``, Polars and DuckDB take it."""
        return arrow_table(self._columns())

    def _columns(self) -> dict[str, list[Any]]:
        from dataclasses import replace

        return run_columns(
            replace(item, input=self.inputs.get(item.item_id), expected=self.expected.get(item.item_id))
            for item in self.items
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def forest(self) -> Forest:
        """The paired differences from the baseline; without one, a sentence that says so."""
        from launchworthy.notebook.html import forest_html

        return Forest(forest_html(self))

    def _repr_html_(self) -> str:
        from launchworthy.notebook.html import page_html

        return page_html(self)

    def __str__(self) -> str:
        lines = [self.conclusion, *table_of(self.outcome.measured, self.outcome.comparisons)]
        lines += [f"{who}: {count:,} × {why[:200]}" for who, why, count in reasons_of(self.items)[:3]]
        return "\n".join(lines)

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        table.add_column("metric")
        table.add_column("slice")
        table.add_column("value (95 % interval, n)")
        table.add_column("notes")
        for row in self.outcome.measured:
            shown = "not measured"
            if row.interval is not None:
                found = row.interval
                shown = format_interval(found.value, found.low, found.high, n=found.n, unit=row.unit)
            notes = f"{row.unscored:,} could not be scored" if row.unscored else ""
            table.add_row(*map(Text, (row.metric, row.slice or "", shown, notes)))
        return Group(Text(self.conclusion, style="bold"), table)
