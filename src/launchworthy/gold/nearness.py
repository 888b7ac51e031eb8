"""How near two texts are: the cosine of their weighted words and parts of words. Pure; may import NumPy.

Features are words (units, as for shingles) and the runs of four characters in them, so that a misspelt word
and another ending still meet. Each is hashed to one of 4,096 columns with a sign (Weinberger et al.,
"Feature hashing for large scale multitask learning", ICML 2009) and weighted by how rare it is (inverse
document frequency). It sees words, not meanings: a question asked in entirely other words is not near.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from launchworthy.gold.shingles import Units, split_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

__all__ = ["Space", "nearest"]

_COLUMNS = 4_096
_PART = 4
_PART_WEIGHT = 0.4  # a word has several parts, and together they weigh about as much as it does
_BLOCK = 1_024
_MOST_ROWS = 4_096  # vectors in memory at once: 64 MB


class Space:
    """Vectors of texts, by weights learnt from all of them.

    Args:
        texts: Everything that will be compared.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        self._known = Units()
        self._found: dict[str, tuple[NDArray[np.int64], Matrix]] = {}
        seen = np.zeros(_COLUMNS, np.float64)
        for text in texts:
            seen[np.unique(self._features(text)[0])] += 1
        self._rare = np.log((1 + len(texts)) / (1 + seen)).astype(np.float32) + 1

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """One row of length 1 for each text; a row of zeros where a text has no words."""
        import numpy as np

        rows = np.zeros((len(texts), _COLUMNS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            columns, weights = self._features(text)
            np.add.at(row, columns, weights * self._rare[columns])
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(length > 0, length, 1)
        return rows

    def _features(self, text: str) -> tuple[NDArray[np.int64], Matrix]:
        """Columns and weights of a text; remembered, since each is needed twice."""
        if text not in self._found:
            self._found[text] = self._made(text)
        return self._found[text]

    def _made(self, text: str) -> tuple[NDArray[np.int64], Matrix]:
        import numpy as np

        found: dict[str, float] = {}
        for word in split_units(text):
            found[word] = 1.0
            padded = f"_{word}_"
            for begin in range(len(padded) - _PART + 1):
                found.setdefault(padded[begin : begin + _PART], _PART_WEIGHT)
        hashes = np.fromiter(map(self._known.__getitem__, found), dtype=np.uint64, count=len(found))
        signs = np.where(hashes >> np.uint64(63), 1.0, -1.0)
        weights = np.fromiter(found.values(), dtype=np.float32, count=len(found))
        return (hashes % np.uint64(_COLUMNS)).astype(np.int64), (weights * signs).astype(np.float32)


def nearest(
    space: Space, texts: Sequence[str], *, among: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each text the place of the one it is nearest to, and how near; 0 where there is none."""
    import numpy as np

    places, scores = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.float32)
    for start in range(0, len(among), _MOST_ROWS):
        known = space.vectors(among[start : start + _MOST_ROWS])
        for begin in range(0, len(texts), _BLOCK):
            block = space.vectors(texts[begin : begin + _BLOCK]) @ known.T
            own = slice(begin, begin + len(block))
            best = block.max(axis=1)
            nearer = best > scores[own]
            places[own] = np.where(nearer, start + block.argmax(axis=1), places[own])
            scores[own] = np.where(nearer, best, scores[own])
    return places, scores
