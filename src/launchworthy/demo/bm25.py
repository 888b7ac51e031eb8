"""BM25 in numpy. Pure; may import numpy only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bm25"]


class Bm25:
    """Ranking by term frequency, saturated, and document length.

    The score of a document is the sum over the question's terms of
    ``idf · f · (k1 + 1) / (f + k1 · (1 - b + b · length / mean length))`` with
    ``idf = ln(1 + (N - n + 0.5) / (n + 0.5))``, f the term's frequency in it, N documents of which n have
    the term. Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009); the 1
    within the logarithm keeps idf positive, as Lucene does.

    Args:
        documents: Term → frequency, one mapping a document; weighted frequencies are allowed, so that a term
            of the name counts more (the field weights of BM25F, section 3.6 there).
        k1: Saturation; 0 ignores frequency.
        b: Share of the length correction, 0 to 1.
    """

    def __init__(self, documents: Sequence[Mapping[str, float]], *, k1: float = 1.2, b: float = 0.75) -> None:
        import numpy as np

        self.k1, self.b, self.size = k1, b, len(documents)
        numbers: dict[str, int] = {}
        rows, columns, frequencies = [], [], []
        for row, document in enumerate(documents):
            for term, frequency in document.items():
                rows.append(row)
                columns.append(numbers.setdefault(term, len(numbers)))
                frequencies.append(frequency)
        row_of = np.asarray(rows, dtype=np.int32)
        term_of = np.asarray(columns, dtype=np.int32)
        frequency_of = np.asarray(frequencies, dtype=np.float64)
        lengths = np.bincount(row_of, weights=frequency_of, minlength=self.size)
        mean = lengths.mean() if self.size and lengths.any() else 1.0
        found_in = np.bincount(term_of, minlength=len(numbers)).astype(np.float64)
        self._idf = np.log1p((self.size - found_in + 0.5) / (found_in + 0.5))
        norm = k1 * (1.0 - b + b * lengths / mean)
        weights = self._idf[term_of] * frequency_of * (k1 + 1.0) / (frequency_of + norm[row_of])
        order = np.argsort(term_of, kind="stable")
        self._numbers = numbers
        self._documents = row_of[order]
        self._weights = weights[order]
        self._starts = np.concatenate(([0], np.cumsum(found_in.astype(np.int64))))

    def __contains__(self, term: object) -> bool:
        return term in self._numbers

    def idf(self, term: str) -> float:
        """Weight of a term; the largest there can be for a term that no document has."""
        import math

        number = self._numbers.get(term)
        return math.log1p((self.size + 0.5) / 0.5) if number is None else float(self._idf[number])

    def scores(self, question: Mapping[str, float] | Sequence[str]) -> NDArray[np.float64]:
        """Score of every document for the question's terms (a term's weight where a mapping is given)."""
        import numpy as np

        weighted = question if isinstance(question, Mapping) else Counter(question)
        total = np.zeros(self.size)
        for term, weight in weighted.items():
            places = self._postings(term)
            if places is not None:
                total[self._documents[places]] += weight * self._weights[places]
        return total

    def having(self, term: str) -> NDArray[np.int32]:
        """Numbers of the documents that have the term, in order."""
        import numpy as np

        places = self._postings(term)
        return np.zeros(0, dtype=np.int32) if places is None else self._documents[places]

    def _postings(self, term: str) -> slice | None:
        number = self._numbers.get(term)
        return None if number is None else slice(int(self._starts[number]), int(self._starts[number + 1]))
