"""Rows or whole columns of a file: JSON Lines, Parquet or Arrow. No command of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError

if TYPE_CHECKING:
    import duckdb

    from launchworthy.metrics import Column, Metric, Scored

__all__ = ["rows_of", "score_file", "without_field"]

_ARROW = b"ARROW1"
_PARQUET = b"PAR1"
_BLOCK = 10_000
_CELLS = (".csv", ".tsv", ".xlsx", ".xls")
_RUN_TABLE = {"query", "id", "score", "gain"}  # whose ids are of what was retrieved, once a query
# NaN is how tables write what is missing.
_TWICE = """
    SELECT min(name) FROM (
        SELECT CAST("id" AS VARCHAR) AS name FROM file WHERE name <> 'nan' GROUP BY name HAVING count(*) > 1
    )
"""
# What a column of the type may become; anything else is read by row.
_NUMBERS = frozenset(
    "BOOLEAN TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE".split()
)


def score_file(
    metric: Metric,
    path: Path,
    *,
    by: str | None = None,
    cluster: str | None = None,
    ids: str | None = None,
) -> Scored:
    """Score a file of any of the three kinds, told by its first bytes; whole columns where the metric can.

    Args:
        metric: What to measure.
        path: The file.
        by, cluster: Fields that name slices and independent units.
        ids: What to call the side of a comparison, whose rows need ids.

    Raises:
        InputError: The file cannot be read, a row of it is wrong, or an id stands twice.
    """
    from launchworthy.jsonl import read_jsonl
    from launchworthy.metrics import Scored

    if path.suffix.lower() in _CELLS:
        raise InputError(
            f"{path.suffix.lower()} is not read", where=str(path), hint="give JSON Lines, Parquet or Arrow"
        )
    kind = _kind(path)
    if kind is None:
        rows = (row for _, row in read_jsonl(path, unique="id"))
        return Scored.of_rows(metric, rows, by=by, cluster=cluster, ids=ids)
    with _opened(path, kind) as table:
        _refuse_twice(table, path)
        fields = [field.name for field in metric.fields]
        wanted = [*fields, *(name for name in (by, cluster, "id" if ids else None) if name is not None)]
        columns = _columns(table, wanted) if metric.columns is not None else None
        found = None
        if columns is not None:
            found = Scored.of_columns(metric, columns, by=by, cluster=cluster, ids=ids)
        return found or Scored.of_rows(metric, _rows(table), by=by, cluster=cluster, ids=ids)


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a file of any of the three kinds, each with its line or number, from 1.

    Raises:
        InputError: The file cannot be read, or a row of it is wrong.
    """
    from launchworthy.jsonl import read_jsonl

    if path.suffix.lower() in _CELLS:
        raise InputError(
            f"{path.suffix.lower()} is not read", where=str(path), hint="give JSON Lines, Parquet or Arrow"
        )
    kind = _kind(path)
    if kind is None:
        yield from read_jsonl(path)
        return
    with _opened(path, kind) as table:
        yield from enumerate(_rows(table), start=1)


def without_field(by: str, *, where: str, option: str = "--by") -> InputError:
    """What to say where no row has the field that an option names."""
    return InputError(
        f"no row has the field {by[:80]!r}", where=where, hint=f"{option} names a field of the rows"
    )


def _kind(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_ARROW))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    if start.startswith(_PARQUET):
        return "Parquet"
    return "Arrow" if start == _ARROW else None


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the file as its view ``file``."""
    import duckdb

    if any(character in str(path) for character in "*?[") and kind == "Parquet":
        raise InputError(
            "a Parquet file whose path holds *, ? or [ is not read", where=str(path), hint="rename it"
        )
    # A file we are handed must not make the engine load code or look at anything but itself.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with TemporaryDirectory() as folder, duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET enable_progress_bar = false")  # it goes to standard output
        if kind == "Arrow":
            path = _as_parquet(path, Path(folder) / "file.parquet")
        try:
            connection.read_parquet(str(path), hive_partitioning=False).create_view("file")
            yield connection
        except duckdb.Error as error:
            raise InputError(
                f"not a Parquet file that can be read: {str(error).splitlines()[0][:300]}", where=str(path)
            ) from error


# The Arrow reader trusts its input: a damaged file may end the process, and so another one reads it.
_CONVERT = """
import sys, duckdb
from arro3.io import read_ipc
with duckdb.connect(":memory:") as connection:
    connection.register("file", read_ipc(sys.argv[1]).read_all())
    connection.view("file").write_parquet(sys.argv[2])
"""


def _as_parquet(path: Path, converted: Path) -> Path:
    done = subprocess.run(  # noqa: S603 (our own Python, on a path that is an argument)
        [sys.executable, "-c", _CONVERT, str(path), str(converted)], capture_output=True, check=False
    )
    if done.returncode:
        raise InputError(
            "not an Arrow file that can be read: it is damaged, or holds a type that Parquet has not",
            where=str(path),
            hint="write it again, or as Parquet",
        )
    return converted


def _refuse_twice(table: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse an id that stands twice: who scores a file written twice would count everything double."""
    names = {str(name) for name, *_ in table.execute("DESCRIBE file").fetchall()}
    if "id" not in names or names >= _RUN_TABLE:
        return
    twice = table.execute(_TWICE).fetchall()[0][0]
    if twice is not None:
        raise InputError(f"id {twice[:80]!r} comes twice", where=str(path), hint="no two rows share one id")


def _columns(table: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> Mapping[str, Column] | None:
    """The wanted fields that the file has; None if one holds what no column is."""
    from launchworthy.metrics import columns_of

    types = {name: str(kind) for name, kind, *_ in table.execute("DESCRIBE file").fetchall()}
    names = [name for name in dict.fromkeys(wanted) if name in types]
    if not names or any(types[name] not in _NUMBERS and types[name] != "VARCHAR" for name in names):
        return None
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    return columns_of(table.view("file").project(listed).fetchnumpy())


def _rows(table: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    cursor = table.execute("SELECT * FROM file")
    names = [column[0] for column in cursor.description or []]
    while block := cursor.fetchmany(_BLOCK):
        for values in block:
            row = {name: _value(value) for name, value in zip(names, values, strict=True)}
            yield {name: value for name, value in row.items() if value is not None}


def _value(value: Any) -> Any:
    """The JSON value; None of what has none: bytes, and NaN, which is how tables write what is missing."""
    from launchworthy.gold.tables import plain

    try:
        return plain(value)
    except ValueError:
        return None
