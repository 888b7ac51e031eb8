"""One file scored: columns of scores with each item's id, cluster and slices. May import this room.

From rows or from whole columns, with the same result; what reads a file does not matter from here on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.metrics.columns import Column, Columns
from launchworthy.metrics.metric import Metric
from launchworthy.metrics.run_table import by_query
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scored", "without_cluster"]

# Fields that say what is right for an item: where they differ, it is not the same item on the two sides.
_TRUTH = (
    "label",
    "reference",
    "relevant",
    "gain",
    "should_answer",
    "expected_no_answer",
    "expected_calls",
    "expected_state",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Items in their order.

    Attributes:
        scores: What the metric says of each.
        ids: Name of each; None where it was not asked for.
        clusters: Cluster of each, None for an item that names none; None where it was not asked for.
        slices: Positions of the items in each slice, by name.
        truths: Hash of what is right for each item, in this process, None for an item that does not say;
            None where ids were not asked for.
    """

    scores: Scores
    ids: list[str] | None = None
    truths: list[int | None] | None = None
    clusters: list[str | None] | None = None
    slices: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of_rows(
        cls,
        metric: Metric,
        rows: Iterable[Mapping[str, Any]],
        *,
        by: str | None = None,
        cluster: str | None = None,
        ids: str | None = None,
    ) -> Scored:
        """Score rows, of which only a block is held at a time.

        Args:
            metric: What to measure.
            rows: Rows with the metric's fields; read once.
            by: Field that names a row's slice, or lists its slices; a row without it is in none.
            cluster: Field that names a row's user, conversation or other independent unit.
            ids: Name of the file, if every row must have an ``id`` of its own.

        Raises:
            InputError: A slice or cluster is no name; an id is missing, no name, or stands twice.
        """
        import numpy as np

        names: dict[str, None] = {}
        clusters: list[str | None] = []
        members: dict[str, list[int]] = {}
        truths: list[int | None] = []
        stated = _stated(metric)

        def read() -> Iterator[Score]:
            for index, row in enumerate(rows):
                if ids is not None:
                    _add_id(names, row.get("id"), where=f"{ids}, row {index + 1}")
                    truths.append(_truth([row.get(name) for name in stated]))
                if cluster is not None:
                    clusters.append(_name(row.get(cluster), cluster, "cluster", row, index))
                if by is not None:
                    for name in _slices(row, by, index):
                        members.setdefault(name, []).append(index)
                yield metric.score(row)

        scores = Scores.of(read())
        return cls(
            scores=scores,
            ids=None if ids is None else list(names),
            truths=None if ids is None else truths,
            clusters=None if cluster is None else clusters,
            slices={name: np.array(members[name], dtype=np.int64) for name in sorted(members)},
        )

    @classmethod
    def of_columns(
        cls,
        metric: Metric,
        columns: Columns,
        *,
        by: str | None = None,
        cluster: str | None = None,
        ids: str | None = None,
    ) -> Scored | None:
        """:meth:`of_rows` of whole columns; None where something can be told only row by row.

        A table of ranked ids (see ``run_table``) becomes one item a query.
        """
        if not columns or metric.columns is None:
            return None
        if metric.unit_of_analysis == "query":
            columns = by_query(columns) or columns
        extra = {name: columns.get(name) for name in (by, cluster, "id" if ids else None) if name is not None}
        if any(column is not None and column.ends is not None for column in extra.values()):
            return None
        scores = metric.columns(columns)
        if scores is None:
            return None
        names: dict[str, None] = {}
        if ids is not None:
            for index, name in enumerate(_entries(extra["id"], len(scores))):
                _add_id(names, name, where=f"{ids}, row {index + 1}")
        clusters = None
        if cluster is not None:
            clusters = [None if name is None else str(name) for name in _entries(extra[cluster], len(scores))]
        return cls(
            scores=scores,
            ids=None if ids is None else list(names),
            truths=None if ids is None else _truths(columns, _stated(metric), len(scores)),
            clusters=clusters,
            slices={} if by is None else _members(extra[by]),
        )

    def units(self, *, field: str) -> list[str] | None:
        """The cluster of each item; None where none was asked for.

        Raises:
            InputError: An item has none: it cannot be guessed whose it is.
        """
        if self.clusters is None:
            return None
        found = [name for name in self.clusters if name is not None]
        if len(found) < len(self.clusters):
            index = self.clusters.index(None)
            raise without_cluster(field, f"row {index + 1}")
        return found


def without_cluster(field: str, where: str) -> InputError:
    """What to say of an item that names no cluster."""
    return InputError(
        f"field {field!r} is missing or no name",
        where=where,
        hint="every row needs the field that --cluster names",
    )


def _add_id(names: dict[str, None], name: Any, *, where: str) -> None:
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise InputError(
            "field 'id' is missing or no name", where=where, hint="rows of the two sides are paired by id"
        )
    if str(name) in names:
        raise InputError(f"id {str(name)[:80]!r} comes twice", where=where)
    names[str(name)] = None


def _name(value: Any, field: str, what: str, row: Mapping[str, Any], index: int) -> str | None:
    if value is None:
        return None
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InputError(f"field {field!r} is no name of a {what}", where=_place(row, index))


def _slices(row: Mapping[str, Any], field: str, index: int) -> list[str]:
    value = row.get(field)
    if value is None:
        return []
    names = value if isinstance(value, (list, tuple)) else [value]
    found = {_name(name, field, "slice", row, index) for name in names}
    return sorted(name for name in found if name is not None)


def _place(row: Mapping[str, Any], index: int) -> str:
    name = row.get("id")
    return f"row {index + 1}" if name is None else f"row {index + 1} (id {str(name)[:80]!r})"


def _stated(metric: Metric) -> tuple[str, ...]:
    """The metric's fields that say what is right."""
    fields = {field.name for field in metric.fields}
    return tuple(name for name in _TRUTH if name in fields)


def _truth(values: Iterable[Any]) -> int | None:
    """Hash of what is right for an item; None where nothing is said."""
    found = [_plain(value) for value in values]
    return hash(tuple(found)) if any(text is not None for text in found) else None


def _plain(value: Any) -> str | None:
    """One text for a value, the same for a number however it is written."""
    if isinstance(value, bool):
        value = int(value)
    elif isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    return None if value is None else json.dumps(value, sort_keys=True, default=str)


def _truths(columns: Columns, stated: tuple[str, ...], length: int) -> list[int | None] | None:
    """Of columns with one row an item; None where an item is several rows."""
    found = [columns[name] for name in stated if name in columns]
    if any(column.ends is not None or len(column) != length for column in found):
        return None
    entries = [column.entries() for column in found]
    return [_truth(row) for row in zip(*entries, strict=True)] if entries else None


def _entries(column: Column | None, length: int) -> list[Any]:
    return [None] * length if column is None else column.entries()


def _members(column: Column | None) -> dict[str, NDArray[np.int64]]:
    """Positions of the rows of each name."""
    import numpy as np

    if column is None:
        return {}
    places: dict[str, int] = {}
    codes = np.fromiter(
        (-1 if entry is None else places.setdefault(str(entry), len(places)) for entry in column.entries()),
        np.int64,
        len(column),
    )
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(-1, len(places)), side="right")
    parts = np.split(order, ends)[1:]
    return {name: parts[places[name]] for name in sorted(places)}
