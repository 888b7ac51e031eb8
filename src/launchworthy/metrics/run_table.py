"""A ranking as a table, one row for each id retrieved or judged: brought to one row a query, in NumPy.

Columns ``query``, ``id``, ``score`` (missing where the id was not retrieved) and ``gain`` (missing where it
was not judged). Pure; may import this room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.metrics.columns import Column, Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

__all__ = ["FAULT", "FAULTS", "GAINS", "JUDGED", "MISSING", "RANKS", "by_query"]

# What by_query adds: lists of the ranks of the relevant ids retrieved, and of their gains, in order; of the
# gains of everything relevant, from the largest on; whether nothing was retrieved; the position of its fault.
RANKS, GAINS, JUDGED, MISSING, FAULT = (
    f"found: {name}" for name in ("ranks", "gains", "judged", "none", "fault")
)
FAULTS = ("", "a score is not a number", "a gain is not a number", "an id comes twice", "an id is missing")
_TABLE = ("query", "id", "score", "gain")
_LARGEST = 1e15
_BLOCK = 500_000  # cells sorted at once: what a core keeps near
_ABSENT = 2**31 - 1  # sorts after every score


def by_query(columns: Columns) -> dict[str, Column] | None:
    """One row for each query of the table, with what was found of it; None where it is no such table.

    Its ``id`` is the query. Of any other field the query's first row counts. Rows of a query may lie
    apart. Scores are ordered as trec_eval does: as 32-bit floats, equal ones by the id as text, descending.

    Raises:
        InputError: A row has no query.
    """
    import numpy as np

    if any(name not in columns or columns[name].ends is not None for name in _TABLE):
        return None
    if not columns["score"].is_number or not columns["gain"].is_number or not _names(columns["id"]):
        return None
    query = columns["query"]
    if query.missing is not None and query.missing.any():
        at = int(np.flatnonzero(query.missing)[0])
        raise InputError("field 'query' is missing", where=f"row {at + 1}")
    order, starts = _grouped(query.values)
    sizes = np.diff(np.append(starts, len(query)))
    parts = [
        _Cells.of(order, starts[chosen], sizes[chosen]).found(columns, chosen) for chosen in _blocks(sizes)
    ]
    first = starts if order is None else order[starts]
    rest = {name: _take(column, first) for name, column in columns.items() if name not in _TABLE[1:]}
    return rest | {"id": rest["query"]} | _joined(parts, starts.size)


def _names(column: Column) -> bool:
    return column.texts is not None or column.values.dtype.kind in "iu"


def _take(column: Column, at: Whole) -> Column:
    import numpy as np

    missing = None if column.missing is None else column.missing[at]
    if column.ends is None:
        return Column(values=column.values[at], missing=missing, texts=column.texts)
    begins = np.append(0, column.ends[:-1])[at]
    sizes = column.ends[at] - begins
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    values = column.values[np.repeat(begins, sizes) + within]
    return Column(values=values, missing=missing, texts=column.texts, ends=np.cumsum(sizes))


def _grouped(query: NDArray[np.generic]) -> tuple[Whole | None, Whole]:
    """The order that brings the rows of a query together (None if they are), and where each begins."""
    import numpy as np

    def starts_of(values: NDArray[np.generic]) -> Whole:
        return np.flatnonzero(np.append(True, values[1:] != values[:-1])) if values.size else np.zeros(0, int)

    starts = starts_of(query)
    if np.unique(query[starts]).size == starts.size:
        return None, starts
    order = np.argsort(query, kind="stable")
    return order, starts_of(query[order])


def _blocks(sizes: Whole) -> Iterator[Whole]:
    """Queries of about the same size, as many at once as fit a block."""
    import numpy as np

    classes = np.ceil(np.log2(sizes)).astype(np.int64)
    for kind in np.unique(classes).tolist():
        members = np.flatnonzero(classes == kind)
        step = max(1, _BLOCK >> kind)
        for start in range(0, members.size, step):
            yield members[start : start + step]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What was found of some queries.

    Attributes:
        query, rank, gain: Of each relevant id that was retrieved, by query and rank.
        judged_query, judged: The query and gain of each relevant id, by query and from the largest on.
        queries, none, fault: The queries themselves, whether nothing was retrieved, and what is wrong.
    """

    query: Whole
    rank: Whole
    gain: NDArray[np.float64]
    judged_query: Whole
    judged: NDArray[np.float64]
    queries: Whole
    none: NDArray[np.bool_]
    fault: Whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Where the rows of some queries stand in the columns, a row of cells a query.

    Attributes:
        at: Shape (queries, width), or the slice of all if they stand one after the other.
        width: Of the longest query.
        outside: Cells beyond the end of a shorter query; None if there is none.
    """

    at: Whole | slice
    width: int
    outside: NDArray[np.bool_] | None

    @classmethod
    def of(cls, order: Whole | None, starts: Whole, sizes: Whole) -> _Cells:
        import numpy as np

        width = int(sizes.max())
        even = bool((sizes == width).all())
        if even and order is None and int(starts[-1] - starts[0]) == (starts.size - 1) * width:
            return cls(at=slice(int(starts[0]), int(starts[-1]) + width), width=width, outside=None)
        places = np.arange(width)
        at = np.minimum(starts[:, None] + places, (starts + sizes - 1)[:, None])
        outside = None if even else places >= sizes[:, None]
        return cls(at=at if order is None else order[at], width=width, outside=outside)

    def read(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values in their cells; the last row of a query stands in the cells outside."""
        return values[self.at].reshape(-1, self.width)

    def gone(self, column: Column) -> NDArray[np.bool_] | None:
        """The cells outside and those where the column is missing; None if there is none."""
        if column.missing is None:
            return self.outside
        missing = self.read(column.missing)
        return missing if self.outside is None else missing | self.outside

    def found(self, columns: Columns, queries: Whole) -> _Found:
        import numpy as np

        fault = np.zeros(queries.size, dtype=np.int64)
        score, absent = self.read(columns["score"].values), self.gone(columns["score"])
        key = _descending(score)
        wrong = ~np.isfinite(score)
        if absent is not None:
            key[absent] = _ABSENT
            wrong &= ~absent
        fault[wrong.any(axis=1)] = 1
        gain, unjudged = self.read(columns["gain"].values), self.gone(columns["gain"])
        if unjudged is not None:
            gain = np.where(unjudged, 0.0, gain)
        fault[~(np.abs(gain) <= _LARGEST).all(axis=1)] = 2
        ids = columns["id"]
        fault[_repeats(self.read(ids.values), self.outside)] = 3
        if ids.missing is not None:
            fault[self.read(ids.missing).any(axis=1)] = 4
        relevant = gain > 0
        # In the lower half: where the id stands, and whether it is relevant.
        packed = (key.astype(np.int64) << 32) | (np.arange(self.width) << 1) | relevant
        packed.sort(axis=1)
        tied = _tied(packed)
        if tied.any():
            packed[tied] = self._by_name(ids, tied, key, relevant)
        hits = np.flatnonzero((packed & 1).astype(bool) & (packed < _ABSENT << 32))
        row, before = np.divmod(hits, self.width)
        ideal = np.where(relevant, -gain, 0.0)
        ideal.sort(axis=1)
        judged = np.flatnonzero(ideal)
        return _Found(
            query=queries[row],
            rank=before + 1,
            gain=gain[row, (packed.ravel()[hits] & 0xFFFFFFFF) >> 1].astype(np.float64),
            judged_query=queries[judged // self.width],
            judged=-ideal.ravel()[judged].astype(np.float64),
            queries=queries,
            none=np.zeros(queries.size, dtype=np.bool_) if absent is None else np.asarray(absent.all(axis=1)),
            fault=fault,
        )

    def _by_name(
        self, ids: Column, tied: NDArray[np.bool_], key: NDArray[np.int32], relevant: NDArray[np.bool_]
    ) -> Whole:
        """The packed rows that hold ties, equal scores in the order of their names, the last name first."""
        import numpy as np

        different, place = np.unique(self.read(ids.values)[tied], return_inverse=True)
        names = different.tolist()
        texts = list(map(str, names)) if ids.texts is None else [ids.texts[code] for code in names]
        descending = np.empty(len(texts), dtype=np.int64)
        descending[sorted(range(len(texts)), key=texts.__getitem__, reverse=True)] = np.arange(len(texts))
        order = np.argsort(
            (key[tied].astype(np.int64) << 32) | descending[place.reshape(-1, self.width)], axis=1
        )
        lower = (np.arange(self.width) << 1) | relevant[tied]
        packed = (key[tied].astype(np.int64) << 32) | lower
        return np.take_along_axis(packed, order, axis=1)


def _tied(packed: Whole) -> NDArray[np.bool_]:
    """Which rows hold equal scores of ids that were retrieved."""
    upper = packed >> 32
    tied: NDArray[np.bool_] = ((upper[:, 1:] == upper[:, :-1]) & (upper[:, 1:] != _ABSENT)).any(axis=1)
    return tied


def _joined(parts: Sequence[_Found], queries: int) -> dict[str, Column]:
    import numpy as np

    def merged(owner: str, *lists: str) -> list[Column]:
        query = np.concatenate([getattr(part, owner) for part in parts]) if parts else np.zeros(0, int)
        ends = np.cumsum(np.bincount(query, minlength=queries))
        order = slice(None) if len(parts) < 2 else np.argsort(query, kind="stable")
        found = []
        for name in lists:
            values = np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0)
            found.append(Column(values=values[order], ends=ends))
        return found

    ranks, gains = merged("query", "rank", "gain")
    (judged,) = merged("judged_query", "judged")
    none, fault = merged("queries", "none", "fault")
    return {
        RANKS: ranks,
        GAINS: gains,
        JUDGED: judged,
        MISSING: Column(values=none.values),
        FAULT: Column(values=fault.values),
    }


def _descending(score: NDArray[np.generic]) -> NDArray[np.int32]:
    """Whole numbers that ascend as the scores, taken as 32-bit floats, descend."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        bits = (score.astype(np.float32) + np.float32(0.0)).view(np.int32)  # −0 becomes 0
    return ~(bits ^ (bits >> 31 & 0x7FFFFFFF))


def _repeats(names: NDArray[Any], outside: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which rows hold a name twice."""
    import numpy as np

    # A cell outside holds the name of the query's last row once more, which is no repetition of its own.
    ordered = np.sort(names, axis=1)
    repeated = ordered[:, 1:] == ordered[:, :-1]
    if outside is None:
        return np.asarray(repeated.any(axis=1))
    return np.asarray(repeated.sum(axis=1) > outside.sum(axis=1))
