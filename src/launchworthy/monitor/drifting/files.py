"""A period from a Parquet file: one column at a time, so that what is held is one column. Reads files.

May import DuckDB, ``errors``, ``metrics`` and this room. Numbers are counted with NumPy, names in SQL. A
column of texts becomes columns about them: length, words, language, topic. Times always move on, and are left
out.
"""

# ruff: noqa: S608 (names of columns are quoted; values are parameters)
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.profile import Column, Numbers, Profile, categories_of, numbers_of
from launchworthy.monitor.drifting.texts import (
    TEXT_COLUMNS,
    Known,
    are_ids,
    described,
    known_of,
    text_values,
)

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "current_of",
    "numbers_in",
    "opened",
    "reference_of",
    "rows_of",
    "seconds_in",
    "vectors_of",
]

_NUMBERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT"
    " DOUBLE".split()
)
_WHOLE = _NUMBERS - {"FLOAT", "DOUBLE"}
_FEWEST = 50  # rows of which each is above the one before, that this is no chance
_MOST_NAMES = 2_000  # a column of text with more values, most of them rare, is one of texts, not of names
_MOST_PARTS = 20
_TEXTS = 5_000  # rows whose texts are read
_PARQUET = b"PAR1"
_EMPTY = '"NULL"'  # the type of a column in which nothing stands


@contextmanager
def opened(path: Path, *, unit: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the file as ``file``.

    Args:
        path: Of the file.
        unit: Column that names who is behind a row: of each one row is kept, whichever its content chooses,
            and a row without one stays.

    Raises:
        InputError: It cannot be read, is no Parquet file, or has no such column.
    """
    import duckdb

    try:
        with path.open("rb") as file:
            start = file.read(len(_PARQUET))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    if start != _PARQUET:
        raise InputError("this is not a Parquet file", where=str(path), hint="drift reads Parquet")
    if any(character in str(path) for character in "*?["):
        raise InputError("a path that holds *, ? or [ is not read", where=str(path), hint="rename it")
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "true",
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET enable_progress_bar = false")  # which would stand in front of what is printed
        try:
            connection.read_parquet(str(path), hive_partitioning=False).create_view("file")
            if unit:
                _kinds(connection, wanted=[unit])
                name = _quoted(unit)
                connection.execute(
                    f"CREATE TABLE once AS SELECT * FROM file QUALIFY {name} IS NULL OR row_number() OVER"
                    f" (PARTITION BY {name} ORDER BY hash(file)) = 1"
                )
                connection.execute("CREATE OR REPLACE VIEW file AS SELECT * FROM once")
            yield connection
        except duckdb.Error as error:
            raise InputError(
                f"not a Parquet file that can be read: {str(error).splitlines()[0][:300]}", where=str(path)
            ) from error


def reference_of(
    table: duckdb.DuckDBPyConnection, *, by: Sequence[str] = (), ignore: Sequence[str] = ()
) -> Profile:
    """What the reference's columns are, over the edges that they choose.

    Args:
        table: From :func:`opened`.
        by: Columns whose values make parts, such as a country or the release.
        ignore: Columns that are not compared.

    Raises:
        InputError: No rows, or no column of a name in ``by`` or ``ignore``.
    """
    kinds = _kinds(table, wanted=[*by, *ignore])
    parts = _Parts(table, by)
    columns: dict[str, Column] = {}
    left_out: dict[str, str] = {}
    split: dict[tuple[str, str], dict[str, Column]] = {part: {} for part in parts.names}
    known: dict[str, Known] = {}
    for name, kind in kinds.items():
        if name in ignore:
            continue
        found = _chosen(table, name, kind, known)
        if isinstance(found, str):
            left_out[name] = found
        for column in [] if isinstance(found, str) else found:
            columns[column.name] = column
            for part, each in (_counted(table, column, parts, {})[1] if by else {}).items():
                split[part][column.name] = each
    return replace(_profile(table, columns, left_out, split), texts=known)


def current_of(
    table: duckdb.DuckDBPyConnection,
    *,
    reference: Profile,
    by: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Profile:
    """The same columns of another period, over the reference's edges.

    Raises:
        InputError: No rows, or no column of a name in ``by``.
    """
    kinds = _kinds(table, wanted=by)
    parts = _Parts(table, by)
    columns: dict[str, Column] = {}
    left_out = dict(reference.left_out)
    split: dict[tuple[str, str], dict[str, Column]] = {part: {} for part in parts.names}
    for name, column in reference.columns.items():
        source, _ = _source(name)
        if source in ignore:
            continue
        if source not in kinds:
            left_out[name] = "the column is gone"
            continue
        if isinstance(column, Numbers) and source == name and not _is_number(kinds[source]):
            left_out[name] = f"it held numbers, and now {kinds[source].lower()[:40]}"
            continue
        whole, own = _counted(table, column, parts, reference.texts)
        columns[name] = whole
        for part, each in own.items():
            split[part][name] = each
    seen = {_source(name)[0] for name in (*reference.columns, *left_out)}
    left_out |= {
        name: "the reference does not have it" for name in kinds if name not in seen and name not in ignore
    }
    return _profile(table, columns, left_out, split)


def rows_of(
    table: duckdb.DuckDBPyConnection, *, most: int, ignore: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Rows spread evenly over the file, at most so many."""
    kinds = _kinds(table, wanted=())
    names = [name for name, kind in kinds.items() if name not in ignore and not _is_time(kind)]
    listed = ", ".join(_quoted(name) for name in names)
    step = max(1, -(-_rows(table) // most))
    cursor = table.execute(
        f"SELECT {listed} FROM (SELECT *, row_number() OVER () AS __at FROM file) WHERE __at % $1 = 0", [step]
    )
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def numbers_in(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    """A column of numbers, or of yes and no; NaN where it is empty.

    Raises:
        InputError: There is no such column, or it holds something else.
    """
    kind = _kinds(table, wanted=[name])[name]
    if not _is_number(kind) and kind not in ("BOOLEAN", _EMPTY):
        raise InputError(f"the column {name!r:.80} holds {kind.lower()[:40]}, and numbers are asked for")
    return _numbers(table, name)


def seconds_in(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    """A column of times, in seconds.

    Raises:
        InputError: There is no such column, it holds something else, or a row has no time.
    """
    import numpy as np

    kind = _kinds(table, wanted=[name])[name]
    if not kind.startswith(("TIMESTAMP", "DATE")):
        raise InputError(f"the column {name!r:.80} holds {kind.lower()[:40]}, and times are asked for")
    found = table.execute(f"SELECT epoch({_quoted(name)})::DOUBLE AS x FROM file").fetchnumpy()["x"]
    if isinstance(found, np.ma.MaskedArray) and found.mask.any():
        raise InputError(f"a row has no {name!r:.80}")
    return np.asarray(found, dtype=np.float64)


def vectors_of(table: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns that hold lists of numbers: embeddings."""
    return [name for name, kind in _kinds(table, wanted=()).items() if _is_vector(kind)]


def _profile(
    table: duckdb.DuckDBPyConnection,
    columns: Mapping[str, Column],
    left_out: Mapping[str, str],
    split: Mapping[tuple[str, str], Mapping[str, Column]],
) -> Profile:
    rows = _rows(table)
    if not rows:
        raise InputError("the file has no rows", hint="nothing can be said of none")
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
                f"SELECT {_quoted(name)}::VARCHAR, count(*) FROM file WHERE {_quoted(name)} IS NOT NULL"
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
                f"SELECT coalesce(list_position($1::VARCHAR[], {_quoted(name)}::VARCHAR), 0)::SMALLINT AS x"
                " FROM file",
                [self.values[name]],
            ).fetchnumpy()
            self._codes[name] = np.asarray(found["x"], dtype=np.int64)
        return self._codes[name]


def _chosen(
    table: duckdb.DuckDBPyConnection, name: str, kind: str, known: dict[str, Known]
) -> list[Column] | str:
    """The reference's column or columns of this name, or why there is none; notes what texts say."""
    if _is_time(kind):
        return "a time always moves on"
    if _is_vector(kind):
        return "a list of numbers: the classifier compares it"
    if kind == _EMPTY:
        return "it has no value"
    if _is_number(kind):
        values = _numbers(table, name)
        if kind in _WHOLE and _rises(values):
            return "it rises from row to row, as an id does"
        numbers = numbers_of(name, values)
        return "it has no value" if numbers is None else [numbers]
    if kind not in ("VARCHAR", "BOOLEAN") and not kind.startswith("ENUM"):
        return f"{kind.lower()[:40]} is not compared"
    if kind == "VARCHAR" and _is_text(table, name):
        texts = _texts(table, name)
        if are_ids(texts):
            return "most of its values are one word that no other row has, as an id is"
        known[name] = known_of(texts)
        return [
            column
            for which in known[name].columns()
            if (column := _of_texts(f"{name}: {which}", which, texts, known[name])) is not None
        ]
    categories = categories_of(name, _names(table, name))
    return "it has no value" if categories is None else [categories]


def _counted(
    table: duckdb.DuckDBPyConnection,
    column: Column,
    parts: _Parts,
    known: Mapping[str, Known],
) -> tuple[Column, dict[tuple[str, str], Column]]:
    """The column counted over its edges, and each part of it. Texts are looked at as a whole."""
    source, which = _source(column.name)
    own: dict[tuple[str, str], Column] = {}
    if which:
        values_of = text_values(which, _texts(table, source), known=known.get(source, Known()), own=False)
        return _over(column, values_of), own
    if isinstance(column, Numbers):
        values = _numbers(table, source)
        for by in parts.by:
            counted = column.count(values, codes=parts.code(by), parts=len(parts.values[by]) + 1)
            own |= {(by, value): counted[at + 1] for at, value in enumerate(parts.values[by])}
        return column.count(values)[0], own
    for by in parts.by:
        found = table.execute(
            f"SELECT {_quoted(by)}::VARCHAR, {_quoted(source)}::VARCHAR, count(*) FROM file"
            f" WHERE {_quoted(by)}::VARCHAR IN (SELECT unnest($1::VARCHAR[])) GROUP BY 1, 2",
            [parts.values[by]],
        ).fetchall()
        split: dict[str, dict[str | None, int]] = {value: {} for value in parts.values[by]}
        for part, value, many in found:
            split[part][value] = many
        own |= {(by, value): column.count(split[value]) for value in parts.values[by]}
    return column.count(_names(table, source)), own


def _over(column: Column, values: Sequence[float | str | None]) -> Column:
    import numpy as np

    if isinstance(column, Numbers):
        return column.count(np.array([np.nan if value is None else value for value in values], dtype=float))[
            0
        ]
    return column.count(described(values))


def _of_texts(name: str, which: str, texts: Sequence[str | None], known: Known) -> Column | None:
    import numpy as np

    values = text_values(which, texts, known=known, own=True)
    if TEXT_COLUMNS[which][0]:
        return numbers_of(
            name, np.array([np.nan if value is None else value for value in values], dtype=float)
        )
    return categories_of(name, described(values))


def _source(name: str) -> tuple[str, str]:
    """The file's column behind a column, and which of its texts' columns it is."""
    source, _, which = name.rpartition(": ")
    return (source, which) if source and which in TEXT_COLUMNS else (name, "")


def _is_text(table: duckdb.DuckDBPyConnection, name: str) -> bool:
    distinct, known = table.execute(
        f"SELECT approx_count_distinct({_quoted(name)}), count({_quoted(name)}) FROM file"
    ).fetchall()[0]
    return bool(distinct > _MOST_NAMES or (distinct > 200 and distinct > 0.5 * known))


def _texts(table: duckdb.DuckDBPyConnection, name: str) -> list[str | None]:
    step = max(1, -(-_rows(table) // _TEXTS))
    found = table.execute(
        f"SELECT x[1:5000] FROM (SELECT {_quoted(name)} AS x, row_number() OVER () AS place FROM file)"
        " WHERE place % $1 = 0",
        [step],
    ).fetchall()
    return [text for (text,) in found]


def _numbers(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    import numpy as np

    values = table.execute(f"SELECT {_quoted(name)}::DOUBLE AS x FROM file").fetchnumpy()["x"]
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(np.nan)
    return np.asarray(values, dtype=np.float64)


def _names(table: duckdb.DuckDBPyConnection, name: str) -> dict[str | None, int]:
    found = table.execute(f"SELECT {_quoted(name)}::VARCHAR, count(*) FROM file GROUP BY 1").fetchall()
    return dict(found)


def _rows(table: duckdb.DuckDBPyConnection) -> int:
    return int(table.execute("SELECT count(*) FROM file").fetchall()[0][0])


def _kinds(table: duckdb.DuckDBPyConnection, *, wanted: Sequence[str]) -> dict[str, str]:
    kinds = {str(name): str(kind) for name, kind, *_ in table.execute("DESCRIBE file").fetchall()}
    for name in wanted:
        if name not in kinds:
            raise InputError(
                f"no column is called {name!r:.80}", hint=f"columns are {', '.join(list(kinds)[:30])}"
            )
    return kinds


def _rises(values: NDArray[np.float64]) -> bool:
    import numpy as np

    return values.size > _FEWEST and bool(
        (np.diff(values[:_FEWEST]) > 0.0).all() and (np.diff(values) > 0.0).all()
    )


def _is_number(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith("DECIMAL")


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE", "TIME"))


def _is_vector(kind: str) -> bool:
    head, bracket, _ = kind.partition("[")
    return bool(bracket) and head in _NUMBERS and kind.count("[") == 1


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
