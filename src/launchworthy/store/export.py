"""Records as one Parquet file that any engine reads: identifiers as hexadecimal text, times as timestamps.

May import ``records`` and ``errors``.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from launchworthy.errors import InputError, StorageError
from launchworthy.records import TABLES, ColumnType, Table, documents_read
from launchworthy.store.hot import MACHINE_ERRORS, Hot, sync_file, text_literal

__all__ = ["Learnable", "export_table", "refused_traces"]

_ROW_GROUP = 10_240


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnable:
    """What of a product's records may be learnt from.

    Attributes:
        product: Whose records.
        sources: Sources that may be learnt from; None: any, as where a contract names none.
        since_ns: Table → time before which its rows should be gone already.
    """

    product: str
    sources: Sequence[str] | None
    since_ns: Mapping[str, int]

    def condition(self, table: Table) -> tuple[str, list[Any]]:
        """SQL for the rows that may be; a row without a trace rests on nobody knows what."""
        parts = ["product = ?", "trace_id IS NOT NULL", f"{table.time} >= ?"]
        parameters: list[Any] = [self.product, self.since_ns.get(table.name, 0)]
        if self.sources is not None:
            refused, more = self.refused()
            parts.append(f"trace_id NOT IN (SELECT trace_id FROM ({refused}))")
            parameters += more
        return " AND ".join(parts), parameters

    def refused(self) -> tuple[str, list[Any]]:
        """SELECT of traces and sources of documents that may not be learnt from."""
        sources = list(self.sources or ())
        among = f"source NOT IN ({', '.join('?' for _ in sources)})" if sources else "true"
        read = documents_read("trace_id", where="product = ?", spans="main.spans")
        return (
            f"SELECT DISTINCT trace_id, source FROM ({read}) WHERE source IS NULL OR {among}",
            [self.product, *sources],
        )


def refused_traces(hot: Hot, learnable: Learnable) -> list[dict[str, Any]]:
    """How many traces read each source that may not be learnt from, as ``{source, traces}``, most first."""
    if learnable.sources is None:
        return []
    refused, parameters = learnable.refused()
    with hot.roomy(), hot.reading() as cursor:
        rows = cursor.execute(
            f"SELECT source, count(*) AS traces FROM ({refused}) GROUP BY source"
            " ORDER BY traces DESC, source",
            parameters,
        ).fetchall()
    return [{"source": source, "traces": traces} for source, traces in rows]


def export_table(
    hot: Hot,
    table: str,
    *,
    out: Path,
    where: Mapping[str, Any] | None,
    learnable: Learnable | None = None,
) -> int:
    """Write the rows of a table to ``out``, in no certain order; answers how many.

    It takes as much memory as sealing does, and so runs while nothing else of the kind does.

    Args:
        where: Column name → the value it must have (None: must be null); identifiers in hexadecimal.
        learnable: Only what may be learnt from.

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
    if learnable is not None:
        more, values = learnable.condition(known)
        condition = f"{condition} AND {more}" if condition else f" WHERE {more}"
        parameters += values
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
