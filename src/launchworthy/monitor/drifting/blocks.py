"""Rows that hang together, such as those of a day or of a user, as the counts of each such block. Pure.

May import ``stats`` and NumPy. What is counted of a column as a whole is counted of each block besides: so
is seen how far blocks differ by chance, and how many independent rows the whole is worth (design effect;
Kish, 1965). Of a share so rare that few blocks have a hit, its own effect is a guess, and leans on that of
the column's values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.stats import FEWEST_BLOCKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from launchworthy.monitor.drifting.profile import Column

__all__ = ["MOST_BLOCKS", "Blocks", "in_blocks"]

MOST_BLOCKS = 200
"""Of more values than that, such as users, several share a block: blocks stay independent, and enough."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """The blocks of one column.

    Attributes:
        counts: Rows of each bin: one row for each block.
        rows: All rows of each.
        missing: Of them, those without a value.
        outside: Of them, those out of range, or with a new value.
    """

    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    missing: NDArray[np.int64]
    outside: NDArray[np.int64]

    @property
    def are_enough(self) -> bool:
        """Whether values stand in enough of them to say how far blocks differ by chance."""
        return int((self.counts.sum(axis=1) > 0).sum()) >= FEWEST_BLOCKS

    @property
    def effect(self) -> float:
        """How many rows are worth one independent one, on average over the bins (Rao and Scott, 1981)."""
        import numpy as np

        of = self.counts.sum(axis=1)
        total = int(of.sum())
        shares = self.counts.sum(axis=0) / max(1, total)
        free = float((shares * (1.0 - shares)).sum())
        many = int((of > 0).sum())
        if many < 2 or not free > 0.0:
            return 1.0
        moved = float(np.square(self.counts - np.outer(of, shares)).sum())
        return max(1.0, many / (many - 1) * moved / (total * free))

    def effect_of(self, hits: NDArray[np.int64], of: NDArray[np.int64]) -> float:
        """The same of a share: ``hits`` of the rows ``of`` each block."""
        import numpy as np

        total, many = int(of.sum()), int((of > 0).sum())
        share = int(hits.sum()) / max(1, total)
        if many < 2 or not 0.0 < share < 1.0:
            return self.effect
        moved = float(np.square(hits - share * of).sum())
        own = max(1.0, many / (many - 1) * moved / (total * share * (1.0 - share)))
        telling = int((hits > 0).sum())
        return (telling * own + self.effect) / (telling + 1)


def in_blocks(whole: Column, each: Sequence[Column]) -> Column:
    """The column with what was counted of each block of its rows."""
    from dataclasses import replace

    import numpy as np

    blocks = Blocks(
        counts=np.array([one.counts for one in each]),
        rows=np.array([one.rows for one in each]),
        missing=np.array([one.missing for one in each]),
        outside=np.array([one.outside for one in each]),
    )
    return replace(whole, blocks=blocks)
