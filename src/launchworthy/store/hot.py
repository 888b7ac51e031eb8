"""The hot file: recent records in DuckDB, owned by this process, and the views that queries see.

The instance is an empty one in memory with ``hot.duckdb`` attached; after that it may open no file but
those of ``segments/``. Physical tables live in the schema ``raw``, which queries cannot name; the views in
``main`` are the hot rows and the registered segments, less those of subjects that are being erased.
May import ``records`` and ``errors``.
"""

# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)
from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from launchworthy.errors import DiskFullError, StorageError
from launchworthy.records import TABLES, Table
from launchworthy.store import rollup
from launchworthy.store.arrow import SQL_TYPES
from launchworthy.store.options import StoreOptions

__all__ = ["MACHINE_ERRORS", "UNUSABLE_ERRORS", "Hot", "refuse_full", "subject_of", "text_literal"]

# What DuckDB raises when the machine is to blame, not the query or the batch …
MACHINE_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException)
# … and when its instance must be opened again before anything else can work.
UNUSABLE_ERRORS = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException)

_log = logging.getLogger("launchworthy.store")

_LONG_LOG = 16 * 2**20
_ROW_GROUP = 10_240  # what is not yet whole rests in memory: 25 MB of spans with their texts
# Long texts that are read one at a time; the rest keeps DuckDB's lighter compressions, which scan faster.
_LONG = frozenset({"input", "context", "output", "events", "links", "status_message", "explanation"})


def text_literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def refuse_full(error: Exception, *, path: Path) -> None:
    """Raise where there was no room to write: then nothing is damaged, and nothing to be restored.

    Raises:
        DiskFullError: That is so.
    """
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
        raise DiskFullError(
            "the disk is full, so the data folder cannot be opened",
            retry_after_s=30,
            where=str(path),
            hint="free some space; what was stored is there",
        ) from error


def subject_of(table: Table) -> str:
    """SQL that is true of a row that belongs to a subject who is being erased, else false, never null.

    Rows that carry the subject's id do, and rows that carry no user at all but belong to one of the
    subject's traces or sessions; another user's row in a shared trace does not.
    """

    def among(column: str) -> str:
        return (
            f"coalesce(({table.name}.product, {table.name}.{column}) IN"
            f" (SELECT (product, {column}) FROM hot.raw.subject_{column}), false)"
        )

    return (
        f"({among('user_id')} OR ({table.name}.user_id IS NULL"
        f" AND ({among('trace_id')} OR {among('session_id')})))"
    )


class Hot:
    """Opens the file, hands out readers, and lets one writer at a time work in a transaction.

    Raises:
        StorageError: The file is damaged or was written by a DuckDB that this one cannot read.
    """

    def __init__(self, folder: Path, *, options: StoreOptions) -> None:
        self.folder, self._options = folder, options
        self.path = folder / "hot.duckdb"
        self.segments_folder = folder / "segments"
        self.segments_folder.mkdir(exist_ok=True, mode=0o700)
        self.scratch_folder = folder / "tmp"
        self._clear_tmp()
        self.writer = threading.RLock()
        self._readers = threading.Condition()
        self._rooms, self._roomy = threading.Lock(), 0
        self._times = 1  # what the options allow
        self._reading = 0
        self._rebuilding = False
        self._segments: Mapping[str, Sequence[Path]] = {}
        self._instance = self._open()

    def _clear_tmp(self) -> None:
        shutil.rmtree(self.scratch_folder, ignore_errors=True)
        self.scratch_folder.mkdir(mode=0o700)
        (self.folder / "hot.new.duckdb").unlink(missing_ok=True)

    def _bare(self, memory_bytes: int) -> DuckDBPyConnection:
        return duckdb.connect(
            ":memory:",
            config={
                "memory_limit": self._limit(memory_bytes),
                "temp_directory": str(self.scratch_folder),
                "threads": max(1, min(4, os.cpu_count() or 1)),
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
            },
        )

    def _open(self) -> DuckDBPyConnection:
        instance = self._bare(self._options.memory_bytes)
        try:
            instance.execute(
                f"ATTACH {text_literal(str(self.path))} AS hot (ROW_GROUP_SIZE {_ROW_GROUP}); USE hot"
            )
            self.path.chmod(0o600)
            instance.execute(f"SET allowed_directories = [{text_literal(str(self.segments_folder))}]")
            # A page of the newest rows reads its wide columns only for the rows that it shows.
            instance.execute("SET GLOBAL late_materialization_max_rows = 1000")
            # No name of a segment is ever used again, so what its footer says stays true; without it every
            # query opens and reads those of all segments before it begins.
            instance.execute("SET GLOBAL parquet_metadata_cache = true")
            # The log is written out by itself, after a transaction: if that fails, the transaction has not.
            instance.execute("SET GLOBAL checkpoint_threshold = '1TB'")
            instance.execute("SET enable_external_access = false")
            instance.execute("BEGIN")
            instance.execute("CREATE SCHEMA IF NOT EXISTS raw")
            for table in TABLES.values():
                self._match(instance, table)
            instance.execute(rollup.TABLES)
            if "latency_bucket" in {name for name, *_ in instance.execute("DESCRIBE raw.rollup").fetchall()}:
                instance.execute(rollup.FROM_OCTAVES)
            instance.execute(
                "CREATE TABLE IF NOT EXISTS raw.state (name VARCHAR, table_name VARCHAR, value BIGINT);"
                "CREATE TABLE IF NOT EXISTS raw.subject_user_id (product VARCHAR, user_id VARCHAR);"
                "CREATE TABLE IF NOT EXISTS raw.subject_trace_id (product VARCHAR, trace_id BLOB);"
                "CREATE TABLE IF NOT EXISTS raw.subject_session_id (product VARCHAR, session_id VARCHAR)"
            )
            instance.execute("COMMIT")
        except (duckdb.Error, OSError) as error:
            instance.close()
            if self.takes_more(error):
                return self._open()
            refuse_full(error, path=self.path)
            raise StorageError(
                f"the hot file cannot be opened: {str(error).splitlines()[0]}",
                where=str(self.path),
                hint="restore it from a copy, or move it away: sealed days and the ingest log are not in it",
            ) from error
        return instance

    @staticmethod
    def _match(instance: DuckDBPyConnection, table: Table) -> None:
        """Make the table, or add the columns that this version knows and the file does not."""
        columns = ", ".join(
            f"{column.name} {SQL_TYPES[column.type]}"
            + (" USING COMPRESSION zstd" if column.name in _LONG else "")
            for column in table.columns
        )
        instance.execute(f"CREATE TABLE IF NOT EXISTS raw.{table.name} ({columns})")
        described = instance.execute(f"DESCRIBE raw.{table.name}").fetchall()
        known = {name for name, *_ in described}
        for column in table.columns:
            if column.name not in known:
                instance.execute(
                    f"ALTER TABLE raw.{table.name} ADD COLUMN {column.name} {SQL_TYPES[column.type]}"
                )

    @contextlib.contextmanager
    def reading(self) -> Iterator[DuckDBPyConnection]:
        """A cursor in a read-only transaction; waits while the file is being rebuilt."""
        with self._readers:
            self._readers.wait_for(lambda: not self._rebuilding)
            self._reading += 1
        try:
            cursor = self._instance.cursor()
            try:
                cursor.execute("USE hot")
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield cursor
            finally:
                cursor.close()
        finally:
            with self._readers:
                self._reading -= 1
                self._readers.notify_all()

    @contextlib.contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """A cursor in a transaction, committed when the block ends and rolled back if it raises."""
        with self.writer:
            cursor = self._instance.cursor()
            try:
                cursor.execute("USE hot")
                cursor.execute("BEGIN TRANSACTION")
                yield cursor
                cursor.execute("COMMIT")
            finally:
                # Closing rolls back whatever was not committed.
                cursor.close()
            self._write_out()

    def _write_out(self) -> None:
        """Move what DuckDB's log holds into the file, once it is long."""
        log = Path(f"{self.path}.wal")
        if not log.exists() or log.stat().st_size < _LONG_LOG:
            return
        try:
            self._instance.cursor().execute("CHECKPOINT hot")
        except duckdb.Error as error:
            _log.warning("the hot file could not be written: %s", str(error).splitlines()[0])
            if self.takes_more(error):
                self.reopen()

    def takes_more(self, error: Exception) -> bool:
        """Whether an error is of memory, and DuckDB may take twice as much from now on.

        It works through 2,048 rows at once: with 40 KB of text in each, that takes 80 MB for every copy, and
        without them it can neither write the file nor open it, nor seal a day.
        """
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        twice = 2 * self._times
        if " used)" not in str(error) or twice * self._options.maintenance_memory_bytes > machine // 2:
            return False
        _log.warning("the records hold long texts: DuckDB takes %d times the usual memory from now on", twice)
        self._times = twice
        return True

    @contextlib.contextmanager
    def roomy(self) -> Iterator[None]:
        """Let DuckDB take the memory that sorting and rewriting whole days needs, until nobody needs it."""
        with self._rooms:
            self._roomy += 1
            self._let_take(self._options.maintenance_memory_bytes)
        try:
            yield
        finally:
            with self._rooms:
                self._roomy -= 1
                # Where a reader holds more than that still, it stays so until this is done again.
                if not self._roomy:
                    with contextlib.suppress(duckdb.OutOfMemoryException):
                        self._let_take(self._options.memory_bytes)

    def _let_take(self, memory_bytes: int) -> None:
        self._instance.cursor().execute(f"SET memory_limit = '{self._limit(memory_bytes)}'")

    def _limit(self, memory_bytes: int) -> str:
        return f"{memory_bytes * self._times // 2**20}MiB"

    def state(self) -> dict[tuple[str, str], int]:
        """Counters and the log position by (name, table), as of the last flush."""
        with self.reading() as cursor:
            return {(n, t): v for n, t, v in cursor.execute("FROM raw.state").fetchall()}

    def show(self, cursor: DuckDBPyConnection, segments: Mapping[str, Sequence[Path]]) -> None:
        """Let the views read these segments, as part of the transaction of ``cursor``."""
        self._segments = segments
        hidden = cursor.execute("SELECT count(*) FROM raw.subject_user_id").fetchall()[0][0] > 0
        for table in TABLES.values():
            names = ", ".join(table.names)
            where = f" WHERE NOT {subject_of(table)}" if hidden else ""
            body = f"SELECT {names} FROM hot.raw.{table.name} AS {table.name}{where}"
            if paths := segments.get(table.name):
                body += f" UNION ALL SELECT {names} FROM {self.parquet(paths)} AS {table.name}{where}"
            cursor.execute(f"CREATE OR REPLACE VIEW main.{table.name} AS {body}")
        cursor.execute(rollup.VIEWS)

    def show_again(self, cursor: DuckDBPyConnection) -> None:
        """Make the views anew with the segments of last time, after subjects were hidden or removed."""
        self.show(cursor, self._segments)

    @staticmethod
    def parquet(paths: Sequence[Path]) -> str:
        """SQL that reads these files; columns that an older file lacks are null."""
        listed = ", ".join(text_literal(str(path)) for path in paths)
        return f"read_parquet([{listed}], union_by_name = true)"

    def rebuild(self) -> None:
        """Copy everything into a new file and put it in place of the old one.

        DuckDB leaves deleted text in its file until then. The caller holds ``writer``; readers wait.
        """
        new = self.folder / "hot.new.duckdb"
        with self.writer:
            with self._readers:
                self._rebuilding = True
                self._readers.wait_for(lambda: self._reading == 0)
            try:
                self._instance.close()
                self._clear_tmp()
                self._copy(new)
                self._options.step("rebuild.rename")
                Path(f"{self.path}.wal").unlink(missing_ok=True)
                new.rename(self.path)
                sync_folder(self.folder)
                self._clear_tmp()
            finally:
                self._instance = self._open()
                with self._readers:
                    self._rebuilding = False
                    self._readers.notify_all()
            with self.writing() as cursor:
                self.show_again(cursor)

    def _copy(self, new: Path) -> None:
        try:
            self._copy_once(new)
        except duckdb.Error as error:
            if not self.takes_more(error):
                raise
            self._copy(new)

    def _copy_once(self, new: Path) -> None:
        for path in (new, Path(f"{new}.wal")):
            path.unlink(missing_ok=True)
        with contextlib.closing(self._bare(self._options.maintenance_memory_bytes)) as instance:
            instance.execute(f"ATTACH {text_literal(str(self.path))} AS hot")
            instance.execute("CHECKPOINT hot")
            instance.execute(f"ATTACH {text_literal(str(new))} AS fresh (ROW_GROUP_SIZE {_ROW_GROUP})")
            instance.execute("COPY FROM DATABASE hot TO fresh")
            instance.execute("DETACH hot")
            instance.execute("CHECKPOINT fresh")
            instance.execute("DETACH fresh")
        new.chmod(0o600)
        sync_file(new)

    def reopen(self) -> None:
        """Close and open again, after DuckDB has declared its instance unusable."""
        with self.writer:
            with self._readers:
                self._rebuilding = True
                self._readers.wait_for(lambda: self._reading == 0)
            try:
                self._instance.close()
                self._instance = self._open()
            finally:
                with self._readers:
                    self._rebuilding = False
                    self._readers.notify_all()
            with self.writing() as cursor:
                self.show_again(cursor)

    def close(self) -> None:
        """Write everything into the file and let go of it."""
        with self.writer:
            self._instance.close()


def sync_file(path: Path) -> None:
    """Flush a file to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Flush a folder's list of names to disk."""
    sync_file(path)
