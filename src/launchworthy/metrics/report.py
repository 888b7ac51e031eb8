"""A metric over rows: the whole, every slice, what could not be scored. May import ``records``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics.metric import Metric
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

__all__ = ["ScoreReport", "SliceReport", "score_rows"]


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
    import numpy as np

    scores: list[Score] = []
    clusters: list[Hashable] = []
    members: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        scores.append(metric.score(row))
        if cluster is not None:
            clusters.append(cluster_of(row, cluster, index))
        if by is not None:
            for name in _slices(row, by, index):
                members.setdefault(name, []).append(index)

    columns = Scores.of(scores)

    def part(chosen: Sequence[int] | None) -> SliceReport:
        mine = columns if chosen is None else columns.take(np.array(chosen, dtype=np.int64))
        names: Sequence[Hashable] | None = None
        if cluster is not None:
            names = clusters if chosen is None else [clusters[index] for index in chosen]
        return SliceReport(
            interval=metric.estimate(mine, level=level, sides=sides, clusters=names),
            rows=len(mine),
            unscored=int((mine.value != mine.value).sum()),
        )

    return ScoreReport(
        metric=metric,
        overall=part(None),
        slices={name: part(members[name]) for name in sorted(members)},
        reasons=dict(Counter(score.error or "" for score in scores if score.value is None).most_common()),
    )


def cluster_of(row: Mapping[str, Any], field: str, index: int) -> str:
    """The name of the row's cluster.

    Raises:
        InputError: The row has none: it cannot be guessed whose it is.
    """
    value = row.get(field)
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InputError(
        f"field {field!r} is missing or no name",
        where=_place(row, index),
        hint="every row needs the field that --cluster names",
    )


def _slices(row: Mapping[str, Any], field: str, index: int) -> list[str]:
    value = row.get(field)
    if value is None:
        return []
    names = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(name, (str, int, float)) for name in names):
        raise InputError(f"field {field!r} is no name of a slice", where=_place(row, index))
    return sorted({str(name) for name in names})


def _place(row: Mapping[str, Any], index: int) -> str:
    name = row.get("id")
    return f"row {index + 1}" if name is None else f"row {index + 1} (id {str(name)[:80]!r})"
