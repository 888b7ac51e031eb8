"""Records as one Parquet file that any engine reads: identifiers as hexadecimal text, times as timestamps.

May import ``records`` and ``errors``.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from launchworthy.errors import InputError, StorageError
from launchworthy.records import TABLES, ColumnType, Table
from launchworthy.store.hot import MACHINE_ERRORS, Hot, sync_file, text_literal

__all__ = ["export_table"]

_ROW_GROUP = 10_240


def export_table(hot: Hot, table: str, *, out: Path, where: Mapping[str, Any] | None) -> int:
    """Write the rows of a table to ``out``, in no certain order; answers how many.

    It takes as much memory as sealing does, and so runs while nothing else of the kind does.

    Args:
        where: Column name → the value it must have (None: must be null); identifiers in hexadecimal.

    Raises:
        InputError: Unknown table or column, or a value that the column cannot have.
        StorageError: The file cannot be written; ``out`` is then as it was.
    """
    known = TABLES.get(table)
    if known is None:
        raise InputError(
            f"unknown table {table!r:.80}", where="table", hint=f"tables are {', '.join(TABLES)}"
        )
    condition, parameters = _condition(known, where or {})
    columns = ", ".join(map(_shown, known.columns))
    token = secrets.token_hex(4)
    new, made = out.with_name(f".{out.name}.{token}"), hot.scratch_folder / f"export-{token}.parquet"
    try:
        # DuckDB's readers of Arrow need pyarrow, which a plain install lacks, and its readers without it hold
        # 131,072 rows at a time. So it writes the file itself, in the one place where it may write.
        with hot.roomy(), hot.reading() as cursor:
            cursor.execute(
                f"COPY (SELECT {columns} FROM main.{table}{condition}) TO {text_literal(str(made))}"
                f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})",
                parameters,
            )
            ((written,),) = cursor.fetchall()
            shutil.move(made, new)
        sync_file(new)
        new.replace(out)
    except (OSError, *MACHINE_ERRORS) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(f"the export could not be written: {reason}", where=str(out)) from error
    except duckdb.Error as error:
        raise InputError(str(error).splitlines()[0], where=table) from error
    finally:
        new.unlink(missing_ok=True)
        made.unlink(missing_ok=True)
    return int(written)


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
