"""Everything that only SQLite needs; no other module names it. May import ``errors`` and SQLAlchemy.

WAL with ``synchronous=FULL``: a commit is on disk when it returns. ``secure_delete`` overwrites what is
deleted; :func:`scrub` also rewrites free pages and empties the write-ahead log.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from launchworthy.errors import StorageError

__all__ = ["open_engine", "scrub"]

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    "foreign_keys = ON",
    "busy_timeout = 30000",
    "journal_size_limit = 67108864",
    "temp_store = MEMORY",
)


def open_engine(path: Path) -> Engine:
    """An engine on one file, made with mode 0600 if it is not there."""
    path.touch(mode=0o600, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}", pool_size=8, max_overflow=-1, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # SQLAlchemy begins transactions itself; the driver must not open them on its own.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that takes its lock only when it first writes may find that it can no longer get it.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def scrub(engine: Engine) -> None:
    """Leave no deleted byte in the database file or its write-ahead log."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        # A reader of an older moment holds the log back until it ends.
        for _ in range(200):
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if cursor.fetchall()[0][0] == 0:
                break
            time.sleep(0.05)
        else:
            raise StorageError("the write-ahead log could not be emptied while a reader held it")
        cursor.close()
    finally:
        raw.close()
