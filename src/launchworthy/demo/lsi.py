"""Latent semantic indexing: words that keep the same company point the same way. numpy only.

What takes its time is a function of the documents, and can be kept in a folder under the hash of its input.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Lsi"]

_RULES = 1  # raised when the same matrix would give other directions


class Lsi:
    """Cosine of question and document in the space of the largest singular vectors of log-tf times idf.

    Deerwester et al., *Indexing by Latent Semantic Analysis* (1990). The truncated SVD is found by random
    projection with power iterations: Halko, Martinsson and Tropp (2011), algorithm 4.4; seeded.

    Args:
        documents: Term → frequency, one mapping a document.
        rank: Number of dimensions.
        at_least: Documents that a term must be in.
        kept: Folder in which the directions are kept from one start to the next; None to find them anew.
    """

    def __init__(
        self,
        documents: Sequence[Mapping[str, float]],
        *,
        rank: int = 128,
        at_least: int = 2,
        seed: int = 7,
        kept: Path | None = None,
    ) -> None:
        import numpy as np

        found_in = Counter(term for document in documents for term in document)
        terms = sorted(term for term, n in found_in.items() if n >= at_least)
        self._numbers = {term: number for number, term in enumerate(terms)}
        size = len(documents)
        self._idf = np.asarray([np.log(size / found_in[term]) for term in terms])
        rows, columns, frequencies = [], [], []
        for row, document in enumerate(documents):
            for term, frequency in document.items():
                column = self._numbers.get(term)
                if column is not None:
                    rows.append(row)
                    columns.append(column)
                    frequencies.append(frequency)
        values = np.asarray(frequencies, dtype=np.float64)
        values = np.where(values >= 1.0, 1.0 + np.log(np.maximum(values, 1.0)), values) * self._idf[columns]
        matrix = _Sparse(rows, columns, values, shape=(size, len(terms)))
        matrix.unit_rows()
        rank = max(1, min(rank, size, len(terms)))
        self._terms = _kept_directions(matrix, rank=rank, seed=seed, folder=kept)
        self._documents = _unit(matrix.times(self._terms)).astype(np.float32)

    def scores(self, question: Mapping[str, float] | Sequence[str]) -> NDArray[np.float64]:
        """Cosine of every document with the question; 0 where no term is known."""
        import numpy as np

        weighted = question if isinstance(question, Mapping) else Counter(question)
        known = [(self._numbers[term], weight) for term, weight in weighted.items() if term in self._numbers]
        if not known:
            return np.zeros(len(self._documents))
        numbers = [number for number, _ in known]
        weights = np.asarray([weight for _, weight in known]) * self._idf[numbers]
        point = _unit((weights @ self._terms[numbers])[None, :])[0]
        # Not by BLAS: its threads spin while they wait for one another, and cost five times the product.
        return np.asarray(np.einsum("ij,j->i", self._documents, point.astype(np.float32)), dtype=np.float64)


def _kept_directions(matrix: _Sparse, *, rank: int, seed: int, folder: Path | None) -> NDArray[np.float64]:
    """The directions of a matrix, from the folder where they are there and whole."""
    import numpy as np

    if folder is None:
        return _directions(matrix, rank=rank, seed=seed)
    file = folder / f"lsi-{matrix.digest(f'{rank} {seed} {_RULES}')}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError, MemoryError), file.open("rb") as kept:
        read = np.lib.format.read_array(kept, allow_pickle=False)
        if read.shape == (matrix.shape[1], rank) and read.dtype == np.float64 and np.isfinite(read).all():
            return np.asarray(read)
    found = _directions(matrix, rank=rank, seed=seed)
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):  # where it cannot be kept it is found again
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as output:
            np.save(output, found, allow_pickle=False)
        partial.replace(file)
    return found


def _directions(matrix: _Sparse, *, rank: int, seed: int) -> NDArray[np.float64]:
    """The right singular vectors of the largest singular values, one row a term."""
    import numpy as np

    generator = np.random.default_rng(seed)
    basis = _orthonormal(matrix.times(generator.standard_normal((matrix.shape[1], rank + 16))))
    for _ in range(2):
        basis = _orthonormal(matrix.transposed_times(basis))
        basis = _orthonormal(matrix.times(basis))
    left = _orthonormal(matrix.transposed_times(basis))
    return np.ascontiguousarray(left[:, :rank])


class _Sparse:
    """Rows of few entries, enough for products with dense matrices."""

    def __init__(
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        values: NDArray[np.float64],
        *,
        shape: tuple[int, int],
    ) -> None:
        import numpy as np

        self.shape = shape
        self.rows = np.asarray(rows, dtype=np.int64)
        self.columns = np.asarray(columns, dtype=np.int64)
        self.values = values

    def unit_rows(self) -> None:
        """Scale each row to length 1."""
        import numpy as np

        lengths = np.sqrt(np.bincount(self.rows, weights=self.values**2, minlength=self.shape[0]))
        self.values = self.values / np.where(lengths > 0, lengths, 1.0)[self.rows]

    def digest(self, salt: str) -> str:
        """Sixteen hex digits of all its entries."""
        found = hashlib.sha256(f"{self.shape} {salt}".encode())
        for part in (self.rows, self.columns, self.values):
            found.update(part.tobytes())
        return found.hexdigest()[:16]

    def times(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product with a matrix of one row a column of this."""
        return _accumulate(self.rows, self.values, self.columns, dense, self.shape[0])

    def transposed_times(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product of the transpose with a matrix of one row a row of this."""
        return _accumulate(self.columns, self.values, self.rows, dense, self.shape[1])


def _accumulate(
    into: NDArray[np.int64],
    values: NDArray[np.float64],
    taken: NDArray[np.int64],
    dense: NDArray[np.float64],
    size: int,
) -> NDArray[np.float64]:
    """Sum of ``values · dense[taken]`` by ``into``: one small product a row, which beats one large sum."""
    import numpy as np

    order = np.argsort(into, kind="stable")
    values, taken = values[order], taken[order]
    total = np.zeros((size, dense.shape[1]))
    start = 0
    for row, end in enumerate(np.cumsum(np.bincount(into, minlength=size)).tolist()):
        total[row] = values[start:end] @ dense[taken[start:end]]
        start = end
    return total


def _orthonormal(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal columns with the same span, those of the largest singular values first.

    By the eigenvectors of the Gram matrix, twice: for tall matrices many times faster than QR, and threads
    that wait for one another cost nothing. Columns without length of their own become zero.
    """
    import numpy as np

    values, vectors = np.linalg.eigh(columns.T @ columns)
    values, vectors = values[::-1], vectors[:, ::-1]
    lengths = np.sqrt(np.maximum(values, 0.0))
    columns = (columns @ vectors) / np.where(lengths > lengths[0] * 1e-7, lengths, np.inf)
    values, vectors = np.linalg.eigh(columns.T @ columns)  # near 1; this time the order is kept
    scale = np.where(values > 0.5, 1.0 / np.sqrt(np.maximum(values, 0.5)), 0.0)
    return np.asarray(columns @ ((vectors * scale) @ vectors.T))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
