"""Counters in the metadata, raised inside the transaction that they count. Imports SQLAlchemy only."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from launchworthy.store.schema import counters

__all__ = ["raise_counter", "read_counters"]


def raise_counter(connection: Connection, name: str, *, table: str, by: int) -> None:
    """Add ``by`` to a counter of a table of records."""
    if by == 0:
        return
    done = connection.execute(
        update(counters)
        .where(counters.c.name == name, counters.c.table_name == table)
        .values(value=counters.c.value + by)
    )
    if done.rowcount == 0:
        connection.execute(insert(counters).values(name=name, table_name=table, value=by))


def read_counters(connection: Connection, *, table: str) -> dict[str, int]:
    """Counters of a table of records, by name."""
    rows = connection.execute(select(counters.c.name, counters.c.value).where(counters.c.table_name == table))
    return {row.name: row.value for row in rows}
