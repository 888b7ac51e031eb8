"""A metric over rows: the whole, every slice, what could not be scored. May import this room, ``stats``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.metrics.metric import Metric
from launchworthy.metrics.scored import Scored
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ScoreReport", "SliceReport", "report_scored", "score_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport:
    """The metric on some of the rows; ``interval`` is None where nothing could be measured."""

    interval: Interval | None
    rows: int
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreReport:
    """The metric on all rows, by slice, and why rows could not be scored (reason → how many)."""

    metric: Metric
    overall: SliceReport
    slices: Mapping[str, SliceReport]
    reasons: Mapping[str, int]


def score_rows(
    metric: Metric,
    rows: Iterable[Mapping[str, Any]],
    *,
    by: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
    sides: int = 2,
) -> ScoreReport:
    """Score every row and bound the whole and each slice.

    Args:
        metric: What to measure.
        rows: Rows with the metric's fields; read once.
        by: Field that names a row's slice, or lists its slices; a row without it is in none.
        cluster: Field that names a row's user, conversation or other independent unit.
        level, sides: See :meth:`Metric.estimate`.

    Raises:
        InputError: A row has no ``cluster``, or a slice that is no name.
    """
    found = Scored.of_rows(metric, rows, by=by, cluster=cluster)
    return report_scored(metric, found, cluster=cluster, level=level, sides=sides)


def report_scored(
    metric: Metric, found: Scored, *, cluster: str | None = None, level: float = 0.95, sides: int = 2
) -> ScoreReport:
    """Bound the whole and each slice of what was scored; ``cluster`` names the field in errors.

    Raises:
        InputError: An item has no cluster where others have one.
    """
    units = found.units(field=cluster or "cluster")

    def part(chosen: NDArray[np.int64] | None) -> SliceReport:
        mine = found.scores if chosen is None else found.scores.take(chosen)
        names = units if units is None or chosen is None else [units[index] for index in chosen.tolist()]
        return SliceReport(
            interval=metric.estimate(mine, level=level, sides=sides, clusters=names),
            rows=len(mine),
            unscored=int((mine.value != mine.value).sum()),
        )

    return ScoreReport(
        metric=metric,
        overall=part(None),
        slices={name: part(chosen) for name, chosen in found.slices.items()},
        reasons=dict(Counter(found.scores.errors.values()).most_common()),
    )
