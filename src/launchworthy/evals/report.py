"""What a run measured, as rows of a table: whole and by slice, with what could not be scored beside it. Pure.

May import ``metrics``, ``quantity``, ``records`` and this room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.evals.comparison import Comparison, clusters_of
from launchworthy.evals.judging import judged_again
from launchworthy.evals.scoring import own_scorer
from launchworthy.metrics import Metric, find_metric
from launchworthy.metrics.scores import Scores
from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Measured", "could_not_score", "measure_run", "metrics_of_run", "reasons_of", "table_of"]

_OPERATION = ("latency-p50", "latency-p95", "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric on one slice (None: the whole run): two-sided interval for display, None if not measured.

    ``outside`` counts items whose gold has no truth for the metric, ``unscored`` those that could not be
    scored.
    """

    metric: str
    slice: str | None
    interval: Interval | None
    unit: str
    unscored: int
    outside: int


def metrics_of_run(run: Run) -> list[Metric]:
    """The metrics a run was scored with, from their signatures; own scorers come without their function."""
    found = []
    for signature in run.scorers:
        name, _, options = signature.partition("|")
        if "function:" in options:
            found.append(own_scorer(_gone, name=name))
            continue
        if "judge:" in options:
            found.append(judged_again(name, options))
            continue
        try:
            found.append(find_metric(name))
        except InputError:
            continue  # written by a later version, whose metric this one does not know
    return found


def _gone(row: object) -> None:
    """Stands for a function of the user's that only the run itself had."""


def measure_run(items: Sequence[RunItem], metrics: Sequence[Metric]) -> list[Measured]:
    """Every metric on the whole run, then by slice; latency and cost of the calls last."""
    import numpy as np

    slices: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        for name in item.slices:
            slices.setdefault(name, []).append(place)
    parts = {name: np.array(slices[name]) for name in sorted(slices)}
    clusters = clusters_of(items)
    rows = []
    for metric in metrics:
        columns = _Columns.of(items, metric, clusters)
        rows.append(columns.measured(metric, None, None))
        for name, places in parts.items():
            row = columns.measured(metric, name, places)
            if row.interval is not None or row.unscored:
                rows.append(row)
    answered = [item for item in items if item.error is None]
    for name in _OPERATION:
        metric = find_metric(name)
        interval = metric.estimate(_taken(answered, "cost_usd" if name == "cost" else "latency_ms"))
        if interval is not None:
            rows.append(
                Measured(metric=name, slice=None, interval=interval, unit=metric.unit, unscored=0, outside=0)
            )
    return rows


def _taken(items: Sequence[RunItem], name: str) -> Scores:
    """What calls took, as the metrics of operation score it."""
    import numpy as np

    found = [amount for item in items if (amount := getattr(item, name)) is not None]
    amounts = np.array(found, dtype=np.float64)
    return Scores(value=amounts, statistics={"total": amounts, "items": np.ones(amounts.size)})


@dataclass(frozen=True, slots=True)
class _Columns:
    """The scores of one metric over a run: NaN for what was not scored, and whether there was a truth."""

    scores: Scores
    outside: NDArray[np.bool_]
    clusters: Sequence[str] | None

    @classmethod
    def of(cls, items: Sequence[RunItem], metric: Metric, clusters: Sequence[str] | None) -> _Columns:
        import numpy as np

        found = [None if item.error is not None else item.scores.get(metric.name) for item in items]
        outside = np.array(
            [score is None and item.error is None for item, score in zip(items, found, strict=True)],
            dtype=bool,
        )
        return cls(Scores.of(_UNSCORED if score is None else score for score in found), outside, clusters)

    def measured(self, metric: Metric, slice_: str | None, places: NDArray[np.int64] | None) -> Measured:
        import numpy as np

        scores, outside, clusters = self.scores, self.outside, self.clusters
        if places is not None:
            scores, outside = scores.take(places), outside[places]
            clusters = None if clusters is None else [clusters[place] for place in places.tolist()]
        scored = np.flatnonzero(scores.value == scores.value)
        if clusters is not None:
            names = [clusters[place] for place in scored.tolist()]
            clusters = names if len(set(names)) < len(names) else None
        interval = metric.estimate(scores.take(scored), clusters=clusters)
        without = int(outside.sum())
        return Measured(
            metric=metric.name,
            slice=slice_,
            interval=interval,
            unit=metric.unit if interval is None else interval.unit,
            unscored=len(scores) - int(scored.size) - without,
            outside=without,
        )


_UNSCORED = Score(value=None)


def could_not_score(items: Sequence[RunItem]) -> bool:
    """Whether nothing at all came of a run: every item failed, or no scorer could score any."""
    answered = [item for item in items if item.error is None]
    scores = [score for item in answered for score in item.scores.values()]
    return not answered or (bool(scores) and all(score.value is None for score in scores))


def reasons_of(items: Sequence[RunItem]) -> list[tuple[str, str, int]]:
    """Why items have no score, the commonest first: who failed (a metric, or "target"), why, how often."""
    found: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.error is not None:
            found["target", item.error] += 1
            continue
        for name, score in item.scores.items():
            if score.value is None:
                found[name, score.error or ""] += 1
    return [(who, why, count) for (who, why), count in found.most_common()]


def table_of(rows: Sequence[Measured], comparisons: Sequence[Comparison] = ()) -> list[str]:
    """Lines for a terminal: metric, slice, value with interval and n, what was not scored, the difference."""
    differences = {found.metric: found for found in comparisons}
    names = [row.metric if row.slice is None else f"  {row.slice}" for row in rows]
    width = max((len(name) for name in names), default=0)
    lines = []
    for row, name in zip(rows, names, strict=True):
        notes = [f"{row.unscored:,} could not be scored"] if row.unscored else []
        notes += [f"{row.outside:,} have no truth for it"] if row.outside else []
        shown = "not measured"
        if row.interval is not None:
            found = row.interval
            shown = format_interval(found.value, found.low, found.high, n=found.n, unit=row.unit)
        lines.append(f"{name:<{width}}  {shown}" + (f"; {', '.join(notes)}" if notes else ""))
        if row.slice is None and row.metric in differences:
            lines.append(f"{'':<{width}}  {_difference(differences[row.metric], row.unit)}")
    return lines


def _difference(found: Comparison, unit: str) -> str:
    if found.difference is None:
        return "against the baseline: no item was scored in both runs"
    why = f": {found.too_much_missing}" if found.too_much_missing else ""
    own = found.difference
    unit = difference_unit(own.unit or unit)
    shown = replace(own, unit=unit)
    margin = format_value(found.margin, unit=unit)
    return (
        f"against the baseline: {shown}; {len(found.better):,} better, {len(found.worse):,} worse"
        f"{f', {found.one_sided:,} count on one side only' if found.one_sided else ''}; "
        f"no worse than {margin}: {found.status}{why}"
    )
