"""Columns as counts over fixed edges, so that two periods are compared and many hours added. Pure.

May import ``errors``, NumPy and this room. The reference chooses the edges (quantiles of its numbers, its
most frequent values) and is counted once; what comes later is counted over the same edges. A number's bins
keep how many rows and their sum; what lies outside of the reference's range is counted besides. A value that
stands only once in the reference says how often the next one is new: so often must new values be expected
(Good, 1953).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.blocks import Blocks
from launchworthy.monitor.drifting.texts import NEW_WORDS, TOPIC, Known
from launchworthy.monitor.drifting.topics import Topics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Categories", "Column", "Numbers", "Profile", "categories_of", "numbers_of"]

_BINS = 128
_ROWS_A_BIN = 8  # of a small reference, that a bin is not one row
_NAMES = 50
_CELLS = 8_192
_MOST = 1e100  # a larger number is as good as infinite, and its sum would be
_BLOCK = 65_536
_SAMPLE = 40_000  # rows that the quantiles are taken from: their own error is small beside a bin


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A column of numbers over edges.

    Attributes:
        name: Of the column.
        rows: All of them.
        missing: Null or NaN.
        beyond: Outside of the reference's range; infinite ones, which are in no bin, too.
        edges: Between the bins, ascending; a value at an edge is above it.
        counts, sums: Rows and sum of the finite values in each bin.
        low, high: The reference's range.
        spread: The reference's standard deviation.
        alone: Rows of the reference that alone are its smallest or its largest.
        blocks: Where rows hang together, the same of each block.
    """

    name: str
    rows: int
    missing: int
    beyond: int
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    low: float
    high: float
    spread: float
    alone: int
    blocks: Blocks | None = None

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def outside(self) -> int:
        """Rows with a value that the reference does not lead to expect."""
        return self.beyond

    def __add__(self, other: Numbers) -> Numbers:
        _check_same(self, other, self.edges.tolist() == other.edges.tolist())
        return self._with(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            beyond=self.beyond + other.beyond,
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
        )

    def _with(self, **changed: Any) -> Numbers:
        from dataclasses import replace

        return replace(self, **{"blocks": None, **changed})

    def count(
        self, values: NDArray[np.float64], *, codes: NDArray[np.int64] | None = None, parts: int = 1
    ) -> list[Numbers]:
        """These values over the same edges: one column for each part, by the code of each row."""
        import numpy as np

        bins = len(self.edges) + 1
        codes = np.zeros(values.size, dtype=np.int64) if codes is None else codes
        rows = np.bincount(codes, minlength=parts)
        missing, beyond = np.zeros(parts, dtype=np.int64), np.zeros(parts, dtype=np.int64)
        counts = np.zeros(parts * bins, dtype=np.int64)
        sums = np.zeros(parts * bins)
        place_of = _Places(self.edges)
        for at in range(0, values.size, _BLOCK):
            x, own = values[at : at + _BLOCK], codes[at : at + _BLOCK]
            known = x == x
            if not known.all():
                missing += np.bincount(own[~known], minlength=parts)
                x, own = x[known], own[known]
            out = (x < self.low) | (x > self.high)
            if out.any():
                beyond += np.bincount(own[out], minlength=parts)
                finite = np.abs(x) < _MOST
                if not finite.all():
                    x, own = x[finite], own[finite]
            place = place_of(x)
            if parts > 1:
                place += own * bins
            counts += np.bincount(place, minlength=parts * bins)
            sums += np.bincount(place, weights=x, minlength=parts * bins)
        return [
            self._with(
                rows=int(rows[part]),
                missing=int(missing[part]),
                beyond=int(beyond[part]),
                counts=counts[part * bins : (part + 1) * bins],
                sums=sums[part * bins : (part + 1) * bins],
            )
            for part in range(parts)
        ]

    def means(self) -> NDArray[np.float64]:
        """Mean of each bin; of an empty one a value that lies in it."""
        import numpy as np

        if not self.edges.size:
            fallback = np.array([0.5 * (self.low + self.high)])
        else:
            ends = np.concatenate([[min(self.low, self.edges[0])], self.edges, [self.high]])
            fallback = 0.5 * (ends[:-1] + ends[1:])
        return np.asarray(np.divide(self.sums, self.counts, out=fallback, where=self.counts > 0))

    def groups(self, most: int) -> NDArray[np.int64]:
        """Number of the group of each bin: groups of about equal mass in this column."""
        import numpy as np

        total = max(1, int(self.counts.sum()))
        middle = np.cumsum(self.counts) - 0.5 * self.counts
        return np.minimum(most - 1, (most * middle / total).astype(np.int64))

    def as_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return {
            "kind": "number",
            **{name: getattr(self, name) for name in ("name", "rows", "missing", "beyond", "alone")},
            **{name: float(getattr(self, name)) for name in ("low", "high", "spread")},
            **{name: getattr(self, name).tolist() for name in ("edges", "counts", "sums")},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A column of values that are names.

    Attributes:
        name: Of the column.
        rows: All of them.
        missing: Null.
        names: The reference's most frequent values.
        counts: Rows of each, and last those of all others.
        known_names: Every value of the reference.
        new: Rows with a value that the reference does not have.
        singles: Values that stand in the reference once.
        newest: The most frequent new values.
        blocks: Where rows hang together, the same of each block.
    """

    name: str
    rows: int
    missing: int
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    known_names: frozenset[str]
    new: int
    singles: int
    newest: tuple[str, ...] = ()
    blocks: Blocks | None = None

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def outside(self) -> int:
        """Rows with a value that the reference does not lead to expect."""
        return self.new

    @property
    def unseen(self) -> float:
        """Share of the rows that have none of ``names``, beyond those of the reference that have none.

        Source: Good, Biometrika 40 (1953): as many as names stand in it once.
        """
        return int((self.counts[:-1] == 1).sum()) / (self.known + 1)

    def __add__(self, other: Categories) -> Categories:
        from dataclasses import replace

        _check_same(self, other, self.names == other.names and self.known_names == other.known_names)
        return replace(
            self,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            counts=self.counts + other.counts,
            new=self.new + other.new,
            newest=tuple(dict.fromkeys((*self.newest, *other.newest)))[:5],
            blocks=None,
        )

    def count(self, values: Mapping[str | None, int]) -> Categories:
        """Counts of other values, over the same names."""
        from dataclasses import replace

        import numpy as np

        missing = values.get(None, 0)
        rows = sum(values.values())
        named = [values.get(name, 0) for name in self.names]
        fresh = {
            name: many for name, many in values.items() if name is not None and name not in self.known_names
        }
        newest = sorted(fresh, key=lambda name: (-fresh[name], name))[:5]
        return replace(
            self,
            rows=rows,
            missing=missing,
            counts=np.array([*named, rows - missing - sum(named)], dtype=np.int64),
            new=sum(fresh.values()),
            newest=tuple(newest),
            blocks=None,
        )

    def as_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return {
            "kind": "category",
            **{name: getattr(self, name) for name in ("name", "rows", "missing", "new", "singles")},
            "names": list(self.names),
            "counts": self.counts.tolist(),
            "known_names": sorted(self.known_names),
        }


Column = Numbers | Categories


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A period: its columns by name, what was left out and why, and the same of parts of it.

    ``parts`` has, by field and value, the profile of the rows with that value; ``texts`` what the
    reference says of each field of texts, of which its topics are kept in a file.
    """

    rows: int
    columns: Mapping[str, Column]
    left_out: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[tuple[str, str], Profile] = field(default_factory=dict)
    texts: Mapping[str, Known] = field(default_factory=dict)

    def __add__(self, other: Profile) -> Profile:
        """Two periods over the same edges as one; a column that one of them lacks is left out."""
        left_out = {**other.left_out, **self.left_out}
        lacking = self.columns.keys() ^ other.columns.keys()
        left_out |= dict.fromkeys(lacking, "one of the files does not have it")
        parts = dict(other.parts)
        for part, own in self.parts.items():
            parts[part] = own + parts[part] if part in parts else own
        return Profile(
            rows=self.rows + other.rows,
            columns={
                name: _added(column, other.columns[name])
                for name, column in self.columns.items()
                if name in other.columns
            },
            left_out=left_out,
            parts=parts,
            texts=self.texts,
        )

    def as_json(self) -> dict[str, Any]:
        """A plain mapping, from which :meth:`from_json` reads a reference again."""
        return {
            "format": "launchworthy-drift-reference/1",
            "rows": self.rows,
            "columns": [
                column.as_json()
                for name, column in self.columns.items()
                if not name.endswith(f": {NEW_WORDS}")
            ],
            "left_out": dict(self.left_out),
            "topics": {
                name: known.topics.as_json() for name, known in self.texts.items() if known.topics is not None
            },
        }

    @classmethod
    def from_json(cls, plain: Any, *, where: str) -> Profile:
        """Read what :meth:`as_json` wrote.

        Raises:
            InputError: It is something else, or was damaged.
        """
        if not isinstance(plain, dict) or plain.get("format") != "launchworthy-drift-reference/1":
            raise InputError(
                "this is not a reference that drift has written", where=where, hint="write one with --keep"
            )
        try:
            columns = [_column(each) for each in plain["columns"]]
            rows = int(plain["rows"])
            left_out = {str(name): str(why) for name, why in plain["left_out"].items()}
            if any(each.name.rpartition(": ")[2] == TOPIC for each in columns) and "topics" not in plain:
                raise ValueError("its topics are gone")
            topics = {
                str(name): Known(topics=Topics.from_json(each))
                for name, each in plain.get("topics", {}).items()
            }
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"the reference is damaged: {error!s:.120}", where=where) from error
        return cls(rows=rows, columns={each.name: each for each in columns}, left_out=left_out, texts=topics)


def numbers_of(name: str, values: NDArray[np.float64]) -> Numbers | None:
    """A reference's column of numbers, with the edges that its values choose; None where it has no value."""
    import numpy as np

    known = np.abs(values) < _MOST
    finite = values if known.all() else values[known]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    bins = max(8, min(_BINS, finite.size // _ROWS_A_BIN))
    some = finite[:: max(1, finite.size // _SAMPLE)]
    edges = np.unique(np.quantile(some, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="higher"))
    spread = float(finite.std())
    alone = int((finite == low).sum() == 1) + int(high > low and (finite == high).sum() == 1)
    empty = Numbers(
        name=name,
        rows=0,
        missing=0,
        beyond=0,
        edges=edges,
        counts=np.zeros(edges.size + 1, dtype=np.int64),
        sums=np.zeros(edges.size + 1),
        low=low,
        high=high,
        spread=spread,
        alone=alone,
    )
    return empty.count(values)[0]


def categories_of(name: str, values: Mapping[str | None, int]) -> Categories | None:
    """A reference's column of names; None where it has no value."""
    import numpy as np

    named = {value: many for value, many in values.items() if value is not None}
    if not named:
        return None
    names = sorted(named, key=lambda value: (-named[value], value))[:_NAMES]
    empty = Categories(
        name=name,
        rows=0,
        missing=0,
        names=tuple(names),
        counts=np.zeros(len(names) + 1, dtype=np.int64),
        known_names=frozenset(named),
        new=0,
        singles=sum(many == 1 for many in named.values()),
    )
    return empty.count(values)


class _Places:
    """Bins of values, as ``searchsorted`` finds them: four times faster, by a grid of even cells.

    The cell of a value never falls as the value grows, so that a cell without an edge lies in one bin.
    """

    def __init__(self, edges: NDArray[np.float64]) -> None:
        import numpy as np

        self._edges = edges
        width = float(edges[-1] - edges[0]) if edges.size else 0.0
        self._grid = 0.0 < width < math.inf and (_CELLS - 3) / width < math.inf
        if self._grid:
            self._scale = (_CELLS - 3) / width
            cells = self._cells(edges)
            self._bins = np.searchsorted(cells, np.arange(_CELLS), side="left").astype(np.int64)
            self._bins[cells] = -1  # holds an edge

    def _cells(self, values: NDArray[np.float64]) -> NDArray[np.int32]:
        import numpy as np

        with np.errstate(over="ignore"):
            cells = (values - self._edges[0]) * self._scale
        np.clip(cells, -1.0, _CELLS - 2, out=cells)
        cells += 1.0
        return np.asarray(cells, dtype=np.int32)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        import numpy as np

        if not self._grid:
            return np.searchsorted(self._edges, values, side="right")
        places = self._bins[self._cells(values)]
        unsure = np.flatnonzero(places < 0)
        places[unsure] = np.searchsorted(self._edges, values[unsure], side="right")
        return places


def _column(plain: Mapping[str, Any]) -> Column:
    import numpy as np

    name, rows, missing = str(plain["name"]), _counted(plain["rows"]), _counted(plain["missing"])
    counts = np.array([_counted(each) for each in plain["counts"]], dtype=np.int64)
    if plain["kind"] == "category":
        names = tuple(str(each) for each in plain["names"])
        _check_size(counts, names)
        return Categories(
            name=name,
            rows=rows,
            missing=missing,
            names=names,
            counts=counts,
            known_names=frozenset(str(each) for each in plain["known_names"]),
            new=_counted(plain["new"]),
            singles=_counted(plain["singles"]),
        )
    edges, sums = (np.array(plain[each], dtype=np.float64) for each in ("edges", "sums"))
    _check_size(counts, edges.tolist())
    low, high, spread = (float(plain[each]) for each in ("low", "high", "spread"))
    if sums.shape != counts.shape or not (np.isfinite(edges).all() and np.isfinite(sums).all()):
        raise ValueError(f"the sums of {name:.60} are not those of its bins")
    if (np.diff(edges) <= 0).any() or not -math.inf < low <= high < math.inf or not spread >= 0.0:
        raise ValueError(f"the edges of {name:.60} are out of order")
    return Numbers(
        name=name,
        rows=rows,
        missing=missing,
        beyond=_counted(plain["beyond"]),
        edges=edges,
        counts=counts,
        sums=sums,
        low=low,
        high=high,
        spread=spread,
        alone=_counted(plain["alone"]),
    )


def _counted(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r:.40} is not a count")
    return value


def _check_size(counts: NDArray[np.int64], edges: Sequence[Any]) -> None:
    if counts.size != len(edges) + 1:
        raise ValueError(f"{counts.size} counts for {len(edges)} edges")


def _added(one: Column, other: Column) -> Column:
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        return one + other
    if isinstance(one, Categories) and isinstance(other, Categories):
        return one + other
    raise InputError(f"{one.name:.60} holds numbers on one side and names on the other")


def _check_same(own: Column, other: Column, same: bool) -> None:
    if own.name != other.name or not same:
        raise InputError(
            f"{own.name:.60} and {other.name:.60} are counted over other edges, and cannot be added"
        )
