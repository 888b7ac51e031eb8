"""A period from a Parquet file: one column at a time, so that what is held is one column. Reads files.

May import DuckDB, ``errors``, ``metrics`` and this room. Numbers are counted with NumPy, names in SQL. A
column of texts becomes columns about them: length, words, language, topic. Times always move on, and are
left out.
"""

# ruff: noqa: S608 (names of columns are quoted; values are parameters)
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.hanging import Together, over
from launchworthy.monitor.drifting.profile import Column, Numbers, Profile, categories_of, numbers_of
from launchworthy.monitor.drifting.table import (
    EMPTY,
    WHOLE,
    count_of,
    file_of,
    is_number,
    is_time,
    is_vector,
    kinds_of,
    names_in,
    plain_numbers,
    quoted,
    step_of,
    texts_in,
)
from launchworthy.monitor.drifting.texts import (
    TEXT_COLUMNS,
    Known,
    are_ids,
    described,
    known_of,
    text_places,
    text_values,
)

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["current_of", "reference_of", "rows_of"]

_FEWEST = 50  # rows of which each is above the one before, that this is no chance
_MOST_NAMES = 2_000  # a column of text with more values, most of them rare, is one of texts, not of names
_MOST_PARTS = 20


def reference_of(
    table: duckdb.DuckDBPyConnection, *, by: Sequence[str] = (), ignore: Sequence[str] = (), blocks: str = ""
) -> Profile:
    """What the reference's columns are, over the edges that they choose.

    Args:
        table: From :func:`opened`.
        by: Columns whose values make parts, such as a country or the release.
        ignore: Columns that are not compared.
        blocks: Column of whose values the rows hang together; of a time its day.

    Raises:
        InputError: No rows, no column of such a name, or too few blocks.
    """
    kinds = kinds_of(table, wanted=[*by, *ignore])
    parts, together = _Parts(table, by), Together(table, blocks) if blocks else None
    columns: dict[str, Column] = {}
    left_out: dict[str, str] = {}
    split: dict[tuple[str, str], dict[str, Column]] = {part: {} for part in parts.names}
    known: dict[str, Known] = {}
    for name, kind in kinds.items():
        if name in ignore:
            continue
        found = _chosen(table, name, kind, known, together)
        if isinstance(found, str):
            left_out[name] = found
        for column in [] if isinstance(found, str) else found:
            columns[column.name] = column
            # What texts say of themselves is told: here they would be read as later ones.
            if (by or together is not None) and not _source(column.name)[1]:
                columns[column.name], own = _counted(table, column, parts, known, together)
                for part, each in own.items():
                    split[part][column.name] = each
    return replace(_profile(table, columns, left_out, split), texts=known)


def current_of(
    table: duckdb.DuckDBPyConnection,
    *,
    reference: Profile,
    by: Sequence[str] = (),
    ignore: Sequence[str] = (),
    blocks: str = "",
) -> Profile:
    """The same columns of another period, over the reference's edges; what a row lacks of them is missing.

    Raises:
        InputError: No rows, no column of a name in ``by`` or ``blocks``, or too few blocks.
    """
    kinds = kinds_of(table, wanted=by)
    parts, together = _Parts(table, by), Together(table, blocks) if blocks else None
    columns: dict[str, Column] = {}
    left_out = dict(reference.left_out)
    split: dict[tuple[str, str], dict[str, Column]] = {part: {} for part in parts.names}
    with _as_before(table, reference.columns, kinds):
        for name, column in reference.columns.items():
            if _source(name)[0] in ignore:
                continue
            whole, own = _counted(table, column, parts, reference.texts, together)
            columns[name] = whole
            for part, each in own.items():
                split[part][name] = each
    seen = {_source(name)[0] for name in (*reference.columns, *left_out)}
    left_out |= {
        name: "the reference does not have it" for name in kinds if name not in seen and name not in ignore
    }
    return _profile(table, columns, left_out, split)


@contextmanager
def _as_before(
    table: duckdb.DuckDBPyConnection, columns: Mapping[str, Column], kinds: Mapping[str, str]
) -> Iterator[None]:
    """Read the table with every column of before: one that is gone has no value, nor has what is no number
    any more.
    """
    added, changed = [], []
    for name, column in columns.items():
        source, which = _source(name)
        number = isinstance(column, Numbers) and not which
        if source not in kinds:
            added.append(f"NULL::{'DOUBLE' if number else 'VARCHAR'} AS {quoted(source)}")
        elif number and not is_number(kinds[source]):
            written = kinds[source] == "VARCHAR" or kinds[source].startswith("ENUM")
            value = f"TRY_CAST({quoted(source)}::VARCHAR AS DOUBLE)" if written else "NULL::DOUBLE"
            changed.append(f"{value} AS {quoted(source)}")
    if not added and not changed:
        yield
        return
    listed = ", ".join([f"* REPLACE ({', '.join(changed)})" if changed else "*", *dict.fromkeys(added)])
    table.execute("ALTER VIEW file RENAME TO given")
    table.execute(f"CREATE VIEW file AS SELECT {listed} FROM given")
    try:
        yield
    finally:
        table.execute("DROP VIEW file")
        table.execute("ALTER VIEW given RENAME TO file")


def rows_of(
    table: duckdb.DuckDBPyConnection, *, most: int, ignore: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Rows spread evenly over the file, at most so many."""
    kinds = kinds_of(table, wanted=())
    names = [name for name, kind in kinds.items() if name not in ignore and not is_time(kind)]
    listed = ", ".join(quoted(name) for name in names)
    step = step_of(table, most)
    cursor = table.execute(
        f"SELECT {listed} FROM (SELECT *, row_number() OVER () AS __at FROM file) WHERE __at % $1 = 0", [step]
    )
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _profile(
    table: duckdb.DuckDBPyConnection,
    columns: Mapping[str, Column],
    left_out: Mapping[str, str],
    split: Mapping[tuple[str, str], Mapping[str, Column]],
) -> Profile:
    rows = count_of(table)
    if not rows:
        raise InputError("the file has no rows", where=file_of(table), hint="nothing can be said of none")
    return Profile(
        rows=rows,
        columns=columns,
        left_out=left_out,
        parts={
            part: Profile(rows=next(iter(own.values())).rows, columns=own)
            for part, own in split.items()
            if own
        },
    )


class _Parts:
    """The most frequent values of the fields that make parts, and the code of each row's."""

    def __init__(self, table: duckdb.DuckDBPyConnection, by: Sequence[str]) -> None:
        self._table, self.by = table, by
        self.values: dict[str, list[str]] = {}
        for name in by:
            found = table.execute(
                f"SELECT {quoted(name)}::VARCHAR, count(*) FROM file WHERE {quoted(name)} IS NOT NULL"
                f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_PARTS}"
            ).fetchall()
            self.values[name] = [value for value, _ in found]
        self._codes: dict[str, NDArray[np.int64]] = {}

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(name, value) for name in self.by for value in self.values[name]]

    def code(self, name: str) -> NDArray[np.int64]:
        """Number of each row's part, from 1; 0 of the others."""
        import numpy as np

        if name not in self._codes:
            found = self._table.execute(
                f"SELECT coalesce(list_position($1::VARCHAR[], {quoted(name)}::VARCHAR), 0)::SMALLINT AS x"
                " FROM file",
                [self.values[name]],
            ).fetchnumpy()
            self._codes[name] = np.asarray(found["x"], dtype=np.int64)
        return self._codes[name]


def _chosen(
    table: duckdb.DuckDBPyConnection,
    name: str,
    kind: str,
    known: dict[str, Known],
    together: Together | None,
) -> list[Column] | str:
    """The reference's column or columns of this name, or why there is none; notes what texts say."""
    if is_time(kind):
        return "a time always moves on"
    if is_vector(kind):
        return "a list of numbers: the classifier compares it"
    if kind == EMPTY:
        return "the reference has no value of it"
    if is_number(kind):
        values = plain_numbers(table, name)
        if kind in WHOLE and rises(values):
            return "it rises from row to row, as an id does"
        numbers = numbers_of(name, values)
        return "the reference has no value of it" if numbers is None else [numbers]
    if kind not in ("VARCHAR", "BOOLEAN") and not kind.startswith("ENUM"):
        return f"{kind.lower()[:40]} is not compared"
    if kind == "VARCHAR" and _is_text(table, name):
        texts = texts_in(table, name)
        if are_ids(texts):
            return "most of its values are one word that no other row has, as an id is"
        known[name] = known_of(texts)
        return [
            column
            for which in known[name].columns()
            if (column := _of_texts(f"{name}: {which}", which, texts, known[name], together)) is not None
        ]
    categories = categories_of(name, names_in(table, name))
    return "the reference has no value of it" if categories is None else [categories]


def _counted(
    table: duckdb.DuckDBPyConnection,
    column: Column,
    parts: _Parts,
    known: Mapping[str, Known],
    together: Together | None,
) -> tuple[Column, dict[tuple[str, str], Column]]:
    """The column counted over its edges, and each part of it. Texts are looked at as a whole."""
    source, which = _source(column.name)
    own: dict[tuple[str, str], Column] = {}
    if which:
        texts, says = texts_in(table, source), known.get(source, Known())
        told = text_values(which, texts, known=says, own=False)
        if together is None:
            return over(column, told), own
        places = text_places(which, len(texts), known=says, own=False)
        return together.of_texts(column, told, places), own
    if isinstance(column, Numbers):
        values = plain_numbers(table, source)
        for by in parts.by:
            if together is not None:
                codes = parts.code(by)
                own |= {
                    (by, value): together.of_numbers(column, values, codes == at + 1)
                    for at, value in enumerate(parts.values[by])
                }
                continue
            counted = column.count(values, codes=parts.code(by), parts=len(parts.values[by]) + 1)
            own |= {(by, value): counted[at + 1] for at, value in enumerate(parts.values[by])}
        if together is not None:
            return together.of_numbers(column, values), own
        return column.count(values)[0], own
    if together is not None:
        for by in parts.by:
            own |= {(by, value): together.of_names(column, source, by, value) for value in parts.values[by]}
        return together.of_names(column, source), own
    for by in parts.by:
        found = table.execute(
            f"SELECT {quoted(by)}::VARCHAR, {quoted(source)}::VARCHAR, count(*) FROM file"
            f" WHERE {quoted(by)}::VARCHAR IN (SELECT unnest($1::VARCHAR[])) GROUP BY 1, 2",
            [parts.values[by]],
        ).fetchall()
        split: dict[str, dict[str | None, int]] = {value: {} for value in parts.values[by]}
        for part, value, many in found:
            split[part][value] = many
        own |= {(by, value): column.count(split[value]) for value in parts.values[by]}
    return column.count(names_in(table, source)), own


def _of_texts(
    name: str, which: str, texts: Sequence[str | None], known: Known, together: Together | None
) -> Column | None:
    import numpy as np

    values = text_values(which, texts, known=known, own=True)
    column: Column | None = categories_of(name, described(values)) if not TEXT_COLUMNS[which][0] else None
    if TEXT_COLUMNS[which][0]:
        column = numbers_of(
            name, np.array([np.nan if value is None else value for value in values], dtype=float)
        )
    if column is None or together is None:
        return column
    return together.of_texts(column, values, text_places(which, len(texts), known=known, own=True))


def _source(name: str) -> tuple[str, str]:
    """The file's column behind a column, and which of its texts' columns it is."""
    source, _, which = name.rpartition(": ")
    return (source, which) if source and which in TEXT_COLUMNS else (name, "")


def _is_text(table: duckdb.DuckDBPyConnection, name: str) -> bool:
    distinct, known = table.execute(
        f"SELECT approx_count_distinct({quoted(name)}), count({quoted(name)}) FROM file"
    ).fetchall()[0]
    return bool(distinct > _MOST_NAMES or (distinct > 200 and distinct > 0.5 * known))


def rises(values: NDArray[np.float64]) -> bool:
    import numpy as np

    return values.size > _FEWEST and bool(
        (np.diff(values[:_FEWEST]) > 0.0).all() and (np.diff(values) > 0.0).all()
    )
