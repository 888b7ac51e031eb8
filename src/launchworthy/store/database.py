"""The metadata database: one engine, one writer at a time, migrated when it is opened.

May import ``errors`` and SQLAlchemy; alembic is imported only when a migration is due.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from launchworthy.errors import DiskFullError, InputError, StorageError
from launchworthy.store import sqlite
from launchworthy.store.schema import HEAD, metadata

__all__ = ["Database"]

_VERSION = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True, nullable=False)
)


class Database:
    """Connections to the metadata, for readers and for one writer at a time.

    Raises:
        StorageError: The file is damaged, or was written by a newer version of this program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = threading.RLock()
        self._engine: Engine = sqlite.open_engine(path)
        try:
            with self._mapped():
                self._migrate()
        except BaseException:
            self._engine.dispose()
            raise

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment."""
        with self._mapped(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: on disk when the block ends, nothing of it if the block raises."""
        with (
            self._writer,
            self._mapped(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def scrub(self) -> None:
        """Leave no deleted byte on disk."""
        with self._writer, self._mapped():
            self._engine.dispose()
            sqlite.scrub(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OverflowError as error:
            raise InputError(
                "a number or time is beyond what can be kept", hint="at most 64 bits; a time before 2262"
            ) from error
        except SQLAlchemyError as error:
            detail = str(getattr(error, "orig", None) or error).splitlines()[0]
            if "full" in detail or "No space" in detail:
                raise DiskFullError(
                    "the disk is full; nothing was acknowledged",
                    retry_after_s=30,
                    where=str(self.path),
                    hint="free some space, or shorten retention",
                ) from error
            damaged = isinstance(error, DatabaseError) and (
                "not a database" in detail or "malformed" in detail
            )
            raise StorageError(
                f"the metadata file is damaged: {detail}" if damaged else f"the metadata failed: {detail}",
                where=str(self.path),
                hint="restore it from a copy; the records beside it are not touched" if damaged else "",
            ) from error

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            known = inspect(connection).has_table("alembic_version")
            at = (
                connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                if known
                else None
            )
        if at == HEAD:
            return
        # The hot file is made after the metadata: beside it there was metadata once.
        if at is None and self.path.with_name("hot.duckdb").exists():
            raise StorageError(
                "the metadata file is missing or empty, beside records that it should describe",
                where=str(self.path),
                hint="restore it from a copy; it says which segments and which evidence there are",
            )
        if not known:
            # A new file is made from the schema itself: the tool that migrates old ones is slow to load.
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                metadata.create_all(connection, checkfirst=False)
                _VERSION.create(connection, checkfirst=False)
                connection.execute(_VERSION.insert().values(version_num=HEAD))
            return
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if at is not None and at not in revisions:
            raise StorageError(
                f"this folder was written by a newer version (schema {at}; this one knows {HEAD})",
                where=str(self.path),
                hint="upgrade launchworthy, or give another --data",
            )
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
