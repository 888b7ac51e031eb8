"""Rows as Arrow and back: the one mapping of record types to Arrow and SQL types.

A batch in the ingest log is one zstd Arrow IPC stream per table, after its CRC-32. May import ``records``
and ``errors``.
"""

from __future__ import annotations

import io
import zlib

from arro3.core import Array, DataType, Field, Schema, Table
from arro3.io import read_ipc_stream, write_ipc_stream

from launchworthy.errors import InputError
from launchworthy.records import TABLES, ColumnType, Rows

__all__ = ["SQL_TYPES", "decode", "encode"]

_CHECK_BYTES = 4

SQL_TYPES: dict[ColumnType, str] = {
    ColumnType.ID: "BLOB",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.JSON: "VARCHAR",
    ColumnType.TIME: "BIGINT",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.FLAG: "BOOLEAN",
}
_ARROW = {
    ColumnType.ID: DataType.binary(),
    ColumnType.TEXT: DataType.string(),
    ColumnType.JSON: DataType.string(),
    ColumnType.TIME: DataType.int64(),
    ColumnType.INTEGER: DataType.int64(),
    ColumnType.FLOAT: DataType.float64(),
    ColumnType.FLAG: DataType.bool(),
}
_SCHEMAS = {
    table.name: Schema([Field(column.name, _ARROW[column.type]) for column in table.columns])
    for table in TABLES.values()
}


def encode(rows: Rows) -> bytes:
    """A checksum and one compressed Arrow IPC stream.

    Raises:
        InputError: Unknown table, missing, unknown or ragged columns, a value of the wrong type, or null
            where the schema requires a value; names the column.
    """
    table = TABLES.get(rows.table)
    if table is None:
        raise InputError(
            f"unknown table {rows.table!r:.80}", where="table", hint=f"tables are {', '.join(TABLES)}"
        )
    if set(rows.columns) != set(table.names):
        missing = sorted(set(table.names) - set(rows.columns))
        unknown = sorted(set(rows.columns) - set(table.names))
        what = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise InputError(f"a batch of {table.name} {what:.400}", where=table.name)
    count = len(rows)
    arrays = []
    for column in table.columns:
        values = rows.columns[column.name]
        where = f"{table.name}.{column.name}"
        if len(values) != count:
            raise InputError(f"{len(values)} values where other columns have {count}", where=where)
        if column.required and None in values:
            raise InputError(f"row {values.index(None)} has no {column.name}", where=where)
        try:
            arrays.append(Array(values, type=_ARROW[column.type]))
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"not a column of type {column.type}: {error}", where=where) from error
    buffer = io.BytesIO()
    write_ipc_stream(Table.from_arrays(arrays, schema=_SCHEMAS[table.name]), buffer, compression="zstd")
    stream = buffer.getvalue()
    return zlib.crc32(stream).to_bytes(_CHECK_BYTES, "big") + stream


def decode(body: bytes) -> Table:
    """What :func:`encode` wrote.

    Raises:
        ValueError: It is not, or the disk has changed a bit of it.
    """
    # The Arrow reader trusts its input: a damaged stream may end the process, and so is not shown to it.
    stream = memoryview(body)[_CHECK_BYTES:]
    if len(body) <= _CHECK_BYTES or zlib.crc32(stream) != int.from_bytes(body[:_CHECK_BYTES], "big"):
        raise ValueError("damaged: the checksum does not agree")
    return read_ipc_stream(io.BytesIO(stream)).read_all()
