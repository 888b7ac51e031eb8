"""A Parquet file as a table: what its columns hold, read one at a time. Reads files.

May import DuckDB and ``errors``.
"""

# ruff: noqa: S608 (names of columns are quoted; values are parameters)
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from launchworthy.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "EMPTY",
    "MOST_TEXTS",
    "WHOLE",
    "count_of",
    "file_of",
    "is_number",
    "is_time",
    "is_vector",
    "kinds_of",
    "names_in",
    "numbers_in",
    "opened",
    "plain_numbers",
    "quoted",
    "seconds_in",
    "step_of",
    "texts_in",
    "vectors_of",
]

_NUMBERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT"
    " DOUBLE".split()
)
WHOLE = _NUMBERS - {"FLOAT", "DOUBLE"}
MOST_TEXTS = 5_000  # rows whose texts are read
EMPTY = '"NULL"'  # the type of a column in which nothing stands
_PARQUET = b"PAR1"


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
            connection.execute("SET VARIABLE path = $1", [str(path)])
            if unit:
                kinds_of(connection, wanted=[unit])
                name = quoted(unit)
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


def numbers_in(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    """A column of numbers, or of yes and no; NaN where it is empty.

    Raises:
        InputError: There is no such column, or it holds something else.
    """
    kind = kinds_of(table, wanted=[name])[name]
    if not is_number(kind) and kind not in ("BOOLEAN", EMPTY):
        raise InputError(f"the column {name!r:.80} holds {kind.lower()[:40]}, and numbers are asked for")
    return plain_numbers(table, name)


def seconds_in(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    """A column of times, in seconds.

    Raises:
        InputError: There is no such column, it holds something else, or a row has no time.
    """
    import numpy as np

    kind = kinds_of(table, wanted=[name])[name]
    if not kind.startswith(("TIMESTAMP", "DATE")):
        raise InputError(f"the column {name!r:.80} holds {kind.lower()[:40]}, and times are asked for")
    found = table.execute(f"SELECT epoch({quoted(name)})::DOUBLE AS x FROM file").fetchnumpy()["x"]
    if isinstance(found, np.ma.MaskedArray) and found.mask.any():
        raise InputError(f"a row has no {name!r:.80}")
    return np.asarray(found, dtype=np.float64)


def vectors_of(table: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns that hold lists of numbers: embeddings."""
    return [name for name, kind in kinds_of(table, wanted=()).items() if is_vector(kind)]


def texts_in(table: duckdb.DuckDBPyConnection, name: str) -> list[str | None]:
    step = step_of(table, MOST_TEXTS)
    found = table.execute(
        f"SELECT x[1:5000] FROM (SELECT {quoted(name)} AS x, row_number() OVER () AS place FROM file)"
        " WHERE place % $1 = 0",
        [step],
    ).fetchall()
    return [text for (text,) in found]


def plain_numbers(table: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.float64]:
    import numpy as np

    values = table.execute(f"SELECT {quoted(name)}::DOUBLE AS x FROM file").fetchnumpy()["x"]
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(np.nan)
    return np.asarray(values, dtype=np.float64)


def names_in(table: duckdb.DuckDBPyConnection, name: str) -> dict[str | None, int]:
    found = table.execute(f"SELECT {quoted(name)}::VARCHAR, count(*) FROM file GROUP BY 1").fetchall()
    return dict(found)


def count_of(table: duckdb.DuckDBPyConnection) -> int:
    return int(table.execute("SELECT count(*) FROM file").fetchall()[0][0])


def file_of(table: duckdb.DuckDBPyConnection) -> str:
    """The path that was opened."""
    return str(table.execute("SELECT getvariable('path')").fetchall()[0][0])


def kinds_of(table: duckdb.DuckDBPyConnection, *, wanted: Sequence[str]) -> dict[str, str]:
    kinds = {str(name): str(kind) for name, kind, *_ in table.execute("DESCRIBE file").fetchall()}
    for name in wanted:
        if name not in kinds:
            raise InputError(
                f"no column is called {name!r:.80}", hint=f"columns are {', '.join(list(kinds)[:30])}"
            )
    return kinds


def is_number(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith("DECIMAL")


def is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE", "TIME"))


def is_vector(kind: str) -> bool:
    head, bracket, _ = kind.partition("[")
    return bool(bracket) and head in _NUMBERS and kind.count("[") == 1


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def step_of(table: duckdb.DuckDBPyConnection, most: int) -> int:
    """Every how manyth row is read, so that at most so many are."""
    return max(1, -(-count_of(table) // most))
