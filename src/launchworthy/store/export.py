"""Records as one Parquet file that any engine reads: identifiers as hexadecimal text, times as timestamps.

May import ``records`` and ``errors``.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from launchworthy.errors import InputError, StorageError
from launchworthy.records import TABLES, ColumnType, Table
from launchworthy.store.hot import MACHINE_ERRORS, Hot, sync_file

__all__ = ["export_table"]

_CHUNK_ROWS = 10_000
_ROW_GROUP = 30_000


def export_table(hot: Hot, table: str, *, out: Path, where: Mapping[str, Any] | None) -> int:
    """Write the rows of a table to ``out``, in no certain order; answers how many.

    Args:
        where: Column name → the value it must have (None: must be null); identifiers in hexadecimal.

    Raises:
        InputError: Unknown table or column, or a value that the column cannot have.
        StorageError: The file cannot be written; ``out`` is then as it was.
    """
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet

    known = TABLES.get(table)
    if known is None:
        raise InputError(
            f"unknown table {table!r:.80}", where="table", hint=f"tables are {', '.join(TABLES)}"
        )
    condition, parameters = _condition(known, where or {})
    columns = ", ".join(map(_shown, known.columns))
    new = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    written = 0
    try:
        with hot.reading() as cursor:
            found = cursor.sql(f"SELECT {columns} FROM main.{table}{condition}", params=parameters)
            reader = RecordBatchReader.from_arrow(found.to_arrow_reader(_CHUNK_ROWS))

            def counted() -> Iterator[Any]:
                nonlocal written
                for batch in reader:
                    written += batch.num_rows
                    yield batch

            write_parquet(
                RecordBatchReader.from_batches(reader.schema, counted()),
                new,
                compression="zstd(3)",
                max_row_group_size=_ROW_GROUP,
            )
        sync_file(new)
        new.replace(out)
    except (OSError, *MACHINE_ERRORS) as error:
        raise StorageError(f"the export could not be written: {error}", where=str(out)) from error
    except duckdb.Error as error:
        raise InputError(str(error).splitlines()[0], where=table) from error
    finally:
        new.unlink(missing_ok=True)
    return written


def _shown(column: Any) -> str:
    if column.type is ColumnType.ID:
        return f"lower(hex({column.name})) AS {column.name}"
    if column.type is ColumnType.TIME:
        return f"make_timestamp_ns({column.name}) AS {column.name}"
    return str(column.name)


def _condition(table: Table, where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts, parameters = [], []
    for name, value in where.items():
        if name not in table.names:
            raise InputError(
                f"{table.name} has no column {name!r:.80}",
                where=table.name,
                hint=f"columns are {', '.join(table.names)}",
            )
        if value is None:
            parts.append(f"{name} IS NULL")
            continue
        parts.append(f"{name} = unhex(?)" if table.column(name).type is ColumnType.ID else f"{name} = ?")
        parameters.append(value)
    return (" WHERE " + " AND ".join(parts) if parts else ""), parameters
