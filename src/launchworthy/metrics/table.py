"""Metrics of a table of truth by decision: macro F1, balanced accuracy, the table itself.

May import this room, ``records`` and ``stats``. Each item falls into one cell, so that the whole, a slice and
a resample are sums of the same counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from launchworthy import stats
from launchworthy.metrics.estimators import as_f1
from launchworthy.metrics.scores import Scores
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]

__all__ = ["ClassRow", "ConfusionTable", "TableEstimator", "cell_of", "confusion_table"]

Clusters = Sequence[Hashable] | None
_SQUARE = 60  # classes up to which cells that nothing fell into are looked at as well


def cell_of(truth: str, said: str) -> str:
    """The name of a cell."""
    return json.dumps([truth, said], ensure_ascii=False)


def _ratio(over: Counts, under: Counts) -> Counts:
    import numpy as np

    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


# By class: hits times the first, by how often it was true and was said times the others.
_BY_CLASS: Mapping[str, tuple[float, float, float]] = {
    "precision": (1.0, 0.0, 1.0),
    "recall": (1.0, 1.0, 0.0),
    "f1": (2.0, 1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class TableEstimator:
    """An average over the classes seen of each class's ``by_class`` (precision, recall, f1).

    ``average`` is macro (every class alike), weighted (by how often it is true) or balanced (every class that
    is true, alike). A difference is linearised.
    """

    by_class: str
    average: str

    def interval(self, scores: Scores, *, level: float, sides: int, clusters: Clusters) -> Interval | None:
        layout = self._layout(scores)
        if layout is None:
            return None
        if clusters is None:
            return stats.table_interval(
                layout.value,
                rows=layout.rows,
                counts=layout.counts,
                level=level,
                sides=sides,
                bounds=(0.0, 1.0),
                unit="ratio",
            )
        return stats.sums_interval(
            layout.value,
            rows=layout.by_unit(scores, clusters),
            level=level,
            sides=sides,
            clusters=list(dict.fromkeys(clusters)),
            bounds=(0.0, 1.0),
            unit="ratio",
        )

    def difference(
        self, baseline: Scores, candidate: Scores, *, level: float, sides: int, clusters: Clusters
    ) -> Interval | None:
        old, new = self._layout(baseline), self._layout(candidate)
        if old is None or new is None:
            return None
        one, other = old.steps(), new.steps()
        return stats.influence_interval(
            new.whole() - old.whole(),
            influences=new.effects()[new.places(candidate)],
            baseline=old.effects()[old.places(baseline)],
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
            largest_effect=max(other.max() - one.min(), one.max() - other.min()) or 1.0,
            unit="ratio",
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value

    def _layout(self, scores: Scores) -> _Layout | None:
        counted = _counted(scores)
        if not counted:
            return None
        classes = sorted({truth for truth, _ in counted} if self.average == "balanced" else _classes(counted))
        return _Layout(classes, counted, partial(_averaged, self.by_class, self.average))


def _averaged(by_class: str, average: str, sums: Counts) -> Counts:
    import numpy as np

    hit, true, said = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    hits, trues, saids = _BY_CLASS[by_class]
    ratio = _ratio(hits * hit, trues * true + saids * said)
    if average == "weighted":
        weight = true
    else:
        weight = np.asarray((true if average == "balanced" else true + said) > 0, dtype=np.float64)
    return np.asarray((weight * ratio).sum(axis=-1) / weight.sum(axis=-1))


class _Layout:
    """The cells of one table as rows of sums: hits, truths and decisions by class, side by side."""

    def __init__(
        self, classes: list[str], counted: Mapping[tuple[str, str], int], value: Callable[[Counts], Counts]
    ) -> None:
        import numpy as np

        cells = dict(counted)
        if len(classes) <= _SQUARE:
            # With one class alone, items that another is true or said of stand for what would be wrong.
            others = classes if len(classes) > 1 else [*classes, f"not {classes[0]}"]
            pairs = [(t, s) for t in others for s in others if t in classes or s in classes]
            cells = {pair: counted.get(pair, 0) for pair in pairs} | cells
        self.value = value
        self.counts = np.array(list(cells.values()), dtype=np.int64)
        self.rows = np.zeros((len(cells), 3 * len(classes)))
        self._place = {cell: at for at, cell in enumerate(cells)}
        place = {name: at for at, name in enumerate(classes)}
        for row, (truth, said) in zip(self.rows, cells, strict=True):
            if truth == said:
                row[place[truth]] = 1.0
            for name, block in ((truth, 1), (said, 2)):
                if name in place:
                    row[block * len(classes) + place[name]] = 1.0

    def whole(self) -> float:
        return float(self.value(self.counts @ self.rows))

    def effects(self) -> NDArray[np.float64]:
        """What an item in each cell adds to the error, to first order."""
        return stats.sums_influences(self.value, self.rows, counts=self.counts)[1]

    def steps(self) -> NDArray[np.float64]:
        """By how much one further item in each cell moves the statistic."""
        import numpy as np

        moved = self.value(self.counts @ self.rows + self.rows) - self.whole()
        return np.asarray(moved[np.isfinite(moved)])

    def places(self, scores: Scores) -> NDArray[np.int64]:
        """The cell of each item."""
        import numpy as np

        place = np.array([self._place.get(_parsed(name), -1) for name in scores.names] + [-1])
        if scores.cell is not None:
            return np.asarray(place[scores.cell])
        return np.asarray(place[scores.matrix(scores.names).argmax(axis=1)])

    def by_unit(self, scores: Scores, clusters: Sequence[Hashable]) -> NDArray[np.float64]:
        """Sums of each cluster's items, in order of first appearance."""
        import numpy as np

        codes: dict[Hashable, int] = {}
        unit = np.fromiter((codes.setdefault(c, len(codes)) for c in clusters), np.int64, len(clusters))
        width, places = self.rows.shape[1], self.places(scores)
        sums = np.zeros((len(codes), width))
        for at in range(width):
            sums[:, at] = np.bincount(unit, weights=self.rows[places, at], minlength=len(codes))
        return sums


def _parsed(name: str) -> tuple[str, str]:
    truth, said = json.loads(name)
    return truth, said


def _counted(scores: Scores) -> dict[tuple[str, str], int]:
    """How many items fell into each cell that any did."""
    names = scores.names
    totals = zip(names, scores.sums(names).tolist(), strict=True)
    return {_parsed(name): round(count) for name, count in totals if count}


def _classes(cells: Mapping[tuple[str, str], int]) -> set[str]:
    return {name for cell in cells for name in cell}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class of a table: how often it was true and was said, and how well; None where undetermined."""

    name: str
    true: int
    said: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionTable:
    """Truth by decision.

    Attributes:
        classes: Every class that was true or said, in order of name.
        cells: For each truth (row), how often each class was said, and that as share of the row with its
            interval; None for a truth that never was.
        by_class: Each class's precision, recall and F1.
        n: Items in the table.
    """

    classes: tuple[str, ...]
    cells: tuple[tuple[tuple[int, Interval | None], ...], ...]
    by_class: tuple[ClassRow, ...]
    n: int


def confusion_table(scores: Scores, *, level: float = 0.95) -> ConfusionTable:
    """The table of scores of a metric of this module; each interval holds by itself (Wilson)."""
    counted = _counted(scores)
    classes = sorted(_classes(counted))
    true, said = dict.fromkeys(classes, 0), dict.fromkeys(classes, 0)
    for (truth, decision), count in counted.items():
        true[truth] += count
        said[decision] += count

    def share(part: int, whole: int) -> Interval | None:
        return stats.wilson(part, n=whole, level=level) if whole else None

    def row(name: str) -> ClassRow:
        hit = counted.get((name, name), 0)
        either = share(hit, true[name] + said[name] - hit)
        return ClassRow(
            name=name,
            true=true[name],
            said=said[name],
            precision=share(hit, said[name]),
            recall=share(hit, true[name]),
            f1=None if either is None else as_f1(either),
        )

    return ConfusionTable(
        classes=tuple(classes),
        cells=tuple(
            tuple(
                (count := counted.get((truth, decision), 0), share(count, true[truth]))
                for decision in classes
            )
            for truth in classes
        ),
        by_class=tuple(row(name) for name in classes),
        n=sum(counted.values()),
    )
