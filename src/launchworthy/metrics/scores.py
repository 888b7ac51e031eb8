"""Scores of many items as columns: what estimators read. May import ``records``; NumPy loads with the first.

A table of counts (each item falls into one cell) is kept as each item's cell, not as a column a cell, so that
a million items and many classes fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scores"]

_BLOCK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """The scores of n items, in order.

    Attributes:
        value: Shape (n,); NaN where an item could not be scored.
        statistics: Additive statistics by name, each of shape (n,); an item without one has 0.
        cells: Names of the cells of a table of counts; where there are any, ``statistics`` is empty.
        cell: Shape (n,): the position in ``cells`` of each item's cell, −1 for none.
        errors: Why an item could not be scored, by its position.
    """

    value: NDArray[np.float64]
    statistics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    cells: tuple[str, ...] = ()
    cell: NDArray[np.int64] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, scores: Scores | Iterable[Score]) -> Scores:
        """The columns of scores, which may be a stream: not more than a block of it is held."""
        if isinstance(scores, Scores):
            return scores
        stream = iter(scores)
        blocks = [_block(list(islice(stream, _BLOCK)))]
        while rest := list(islice(stream, _BLOCK)):
            blocks.append(_block(rest))
        return blocks[0] if len(blocks) == 1 else _joined(blocks)

    def __len__(self) -> int:
        return int(self.value.size)

    @property
    def names(self) -> tuple[str, ...]:
        """The statistics that there are."""
        return self.cells or tuple(self.statistics)

    def column(self, *names: str) -> NDArray[np.float64]:
        """Sum of the named statistics for each item, shape (n,)."""
        import numpy as np

        if self.cell is not None:
            chosen = np.array([name in names for name in self.cells] + [False])  # −1 is the last
            return chosen[self.cell].astype(np.float64)
        there = [self.statistics[name] for name in names if name in self.statistics]
        return sum(there[1:], there[0]) if there else np.zeros(len(self))

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The named statistics side by side, shape (n, len(names))."""
        import numpy as np

        return np.stack([self.column(name) for name in names], axis=1)

    def sums(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Sum over the items of each named statistic, shape (len(names),)."""
        import math

        import numpy as np

        if self.cell is not None:
            counts = dict(zip(self.cells, self.counts().tolist(), strict=True))
            return np.array([float(counts.get(name, 0)) for name in names])
        return np.array([math.fsum(self.statistics.get(name, ())) for name in names])

    def total(self, *names: str) -> float:
        """Sum over the items of all the named statistics."""
        return float(self.sums(names).sum())

    def counts(self) -> NDArray[np.int64]:
        """How many items fall into each of ``cells``."""
        import numpy as np

        if self.cell is None:
            return np.zeros(0, dtype=np.int64)
        kept = self.cell if not self.cell.size or self.cell.min() >= 0 else self.cell[self.cell >= 0]
        return np.bincount(kept, minlength=len(self.cells)).astype(np.int64)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Scores:
        """The chosen items, by mask or by position."""
        import numpy as np

        at = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        value, errors = self.value[at], {}
        if self.errors:
            unscored = np.flatnonzero(value != value)
            errors = {
                new: self.errors.get(old, "")
                for new, old in zip(unscored.tolist(), at[unscored].tolist(), strict=True)
            }
        return Scores(
            value=value,
            statistics={name: column[at] for name, column in self.statistics.items()},
            cells=self.cells,
            cell=None if self.cell is None else self.cell[at],
            errors=errors,
        )


def _block(rows: Sequence[Score]) -> Scores:
    import numpy as np

    nan = float("nan")
    value = np.array([nan if row.value is None else row.value for row in rows], dtype=np.float64)
    errors = {at: row.error or "" for at, row in enumerate(rows) if row.value is None}
    names = dict.fromkeys(name for row in rows for name in row.statistics)
    place = {name: at for at, name in enumerate(names)}
    if all(len(row.statistics) <= 1 and set(row.statistics.values()) <= {1.0} for row in rows):
        codes = (place[next(iter(row.statistics))] if row.statistics else -1 for row in rows)
        cell = np.fromiter(codes, np.int64, len(rows))
        return Scores(value=value, cells=tuple(names), cell=cell, errors=errors)
    columns = {name: np.zeros(len(rows)) for name in names}
    for at, row in enumerate(rows):
        for name, amount in row.statistics.items():
            columns[name][at] = amount
    return Scores(value=value, statistics=columns, errors=errors)


def _joined(blocks: Sequence[Scores]) -> Scores:
    """One after the other; a table of counts if all are."""
    import numpy as np

    starts = np.cumsum([0] + [len(block) for block in blocks]).tolist()
    value = np.concatenate([block.value for block in blocks])
    errors = {
        start + at: why
        for start, block in zip(starts, blocks, strict=False)
        for at, why in block.errors.items()
    }
    names = tuple(dict.fromkeys(name for block in blocks for name in block.names))
    if all(block.cell is not None for block in blocks):
        place = {name: at for at, name in enumerate(names)}
        cells = []
        for block in blocks:
            codes = np.array([place[name] for name in block.cells] + [-1], dtype=np.int64)  # -1 is the last
            cells.append(codes[block.cell])
        return Scores(value=value, cells=names, cell=np.concatenate(cells), errors=errors)
    statistics = {name: np.concatenate([block.column(name) for block in blocks]) for name in names}
    return Scores(value=value, statistics=statistics, errors=errors)
