"""Sealed segments: past days as Parquet files, and the registered list that queries read.

A segment is written beside its place, flushed to disk, renamed, registered, and only then are its rows
deleted from the hot file, in the transaction that lets the views read it. A crash anywhere leaves either
the hot rows or the segment, never both and never neither. May import ``records`` and ``errors``.
"""

# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)
from __future__ import annotations

import hashlib
import itertools
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import delete, insert, select, update

from launchworthy.errors import StorageError
from launchworthy.records import TABLES, Table
from launchworthy.store.database import Database
from launchworthy.store.hot import Hot, refuse_full, sync_file, sync_folder, text_literal
from launchworthy.store.moments import DAY_NS, day_start, from_ns, to_ns
from launchworthy.store.options import Clock, StoreOptions
from launchworthy.store.schema import segments as registry

__all__ = ["RetentionRule", "Segment", "Segments"]

# Days before the hot window that get a file of their own; what arrives later still shares one file, so
# that a sender with a wrong clock cannot make a file for every day since 1970.
_OWN_DAYS = 7
_ROW_GROUP = 10_000
# More rows of a day go into several files, each of a part of the day: what is sorted at once, and for how
# long the flusher waits, stays bounded.
_SEGMENT_ROWS = 250_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One sealed file; times in nanoseconds, ``path`` relative to the data folder."""

    path: str
    table: str
    rows: int
    bytes: int
    min_time: int
    max_time: int
    from_time: int
    to_time: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """Rows of ``table`` (of one product; None: of all that have no rule of their own) live this long.

    The limit moves once a day: a row goes on the day after it turns ``keep`` old.
    """

    table: str
    keep: timedelta
    product: str | None = None


class Segments:
    """The registry of segments, and what makes, rewrites and removes them."""

    def __init__(self, database: Database, *, hot: Hot, clock: Clock, options: StoreOptions) -> None:
        self._database, self._hot, self._clock, self._options = database, hot, clock, options
        self._folder = hot.folder
        self.maintenance = threading.RLock()  # one of sealing, retention and erasure at a time

    def recover(self) -> None:
        """Finish what a crash interrupted; runs before anything is flushed."""
        with self._database.read() as connection:
            rows = connection.execute(select(registry)).mappings().all()
        known = {self._folder / row["path"] for row in rows}
        for path in self._hot.segments_folder.glob("*/*"):
            if path not in known:
                path.unlink()
        for path in sorted(known):
            if not path.exists():
                raise StorageError(
                    "a registered segment is missing",
                    where=str(path),
                    hint="restore the file from a copy of the data folder",
                )
        try:
            with self._hot.writing() as cursor:
                for row in rows:
                    if not row["hot_cleared"]:
                        self._clear(cursor, row["table_name"], row["from_time"], row["to_time"])
                self._hot.show(cursor, self._paths(rows))
        except duckdb.Error as error:
            refuse_full(error, path=self._folder)
            raise StorageError(
                f"a segment is damaged: {str(error).splitlines()[0]}",
                where=str(self._hot.segments_folder),
                hint="restore the file from a copy of the data folder",
            ) from error
        self._mark_cleared()

    def registered(self, table: str | None = None) -> list[Segment]:
        """Oldest first."""
        query = select(registry).order_by(registry.c.min_time, registry.c.path)
        if table is not None:
            query = query.where(registry.c.table_name == table)
        with self._database.read() as connection:
            return [_segment(row) for row in connection.execute(query).mappings()]

    def path(self, segment: Segment) -> Path:
        """Where the file is."""
        return self._folder / segment.path

    def seal(self, now: datetime) -> int:
        """Move days before the hot window into segments; answers the rows that moved."""
        limit = day_start(to_ns(now)) - self._options.hot_days * DAY_NS
        moved = 0
        with self.maintenance:
            for table in TABLES.values():
                for start, end in self._due(table, limit):
                    moved += self._seal(table, start, end)
        return moved

    def _due(self, table: Table, limit: int) -> list[tuple[int, int]]:
        """Ranges of time to seal, oldest first, each for one file."""
        with self._hot.reading() as cursor:
            days = cursor.execute(
                f"SELECT {table.time} - {table.time} % {DAY_NS} AS day, count(*) FROM raw.{table.name}"
                f" WHERE {table.time} < ? GROUP BY day ORDER BY day",
                [limit],
            ).fetchall()
            own = limit - _OWN_DAYS * DAY_NS
            late = sum(count for day, count in days if day < own)
            spans = [(days[0][0], own, late)] if late else []
            spans += [(day, day + DAY_NS, count) for day, count in days if day >= own]
            ranges: list[tuple[int, int]] = []
            for start, end, count in spans:
                parts = -(-count // _SEGMENT_ROWS)
                cuts = cursor.execute(
                    f"SELECT quantile_disc({table.time}, ?::DOUBLE[]) FROM raw.{table.name}"
                    f" WHERE {table.time} >= ? AND {table.time} < ?",
                    [[part / parts for part in range(1, parts)], start, end],
                ).fetchall()[0][0]
                bounds = sorted({start, *(cuts if parts > 1 else ()), end})
                ranges += itertools.pairwise(bounds)
        return ranges

    def _seal(self, table: Table, start: int, end: int) -> int:
        step = self._options.step
        # The writer's lock keeps the flusher from adding to this range until it is cleared.
        with self._hot.writer:
            where = f"WHERE {table.time} >= {start} AND {table.time} < {end}"
            name = f"{from_ns(start):%Y-%m-%d}-{secrets.token_hex(6)}.parquet"
            segment = self._write(
                table,
                f"FROM hot.raw.{table.name} {where}",
                name=name,
                span=(start, end),
                order=f"ORDER BY product, workflow, {table.time}",
            )
            if segment is None:
                return 0
            step("seal.register")
            with self._database.write() as connection:
                connection.execute(insert(registry).values(**self._values(segment, hot_cleared=False)))
            step("seal.clear")
            with self._hot.writing() as cursor:
                self._clear(cursor, table.name, start, end)
                self._hot.show(cursor, self.paths())
            step("seal.cleared")
            self._mark_cleared()
        return segment.rows

    @staticmethod
    def _clear(cursor: duckdb.DuckDBPyConnection, table: str, start: int, end: int) -> None:
        time = TABLES[table].time
        cursor.execute(f"DELETE FROM raw.{table} WHERE {time} >= ? AND {time} < ?", [start, end])
        if table == "spans":
            inside = "FROM hot.raw.traces WHERE min_time >= $start AND min_time < $end"
            span = {"start": start, "end": end}
            cursor.execute(
                "CREATE OR REPLACE TEMP TABLE compacted AS SELECT trace_id, min(min_time) AS min_time,"
                f" max(max_time) AS max_time {inside} GROUP BY trace_id",
                span,
            )
            cursor.execute(f"DELETE {inside}", span)
            cursor.execute("INSERT INTO raw.traces FROM temp.compacted")
            cursor.execute("DROP TABLE temp.compacted")

    def _write(
        self, table: Table, rows: str, *, name: str, span: tuple[int, int], order: str = ""
    ) -> Segment | None:
        """A new file, on disk under its own name and not yet registered; None if there are no rows."""
        step = self._options.step
        folder = self._hot.segments_folder / table.name
        folder.mkdir(exist_ok=True, mode=0o700)
        path, new = folder / name, folder / f"{name}.new"
        names = ", ".join(table.names)
        try:
            with self._hot.roomy(), self._hot.writing() as cursor:
                count, first, last = cursor.execute(
                    f"SELECT count(*), min({table.time}), max({table.time}) {rows}"
                ).fetchall()[0]
                if not count:
                    return None
                step("segment.write")
                cursor.execute(
                    f"COPY (SELECT {names} {rows} {order})"
                    f" TO {text_literal(str(new))}"
                    f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
                )
                cursor.fetchall()
            step("segment.sync")
            new.chmod(0o600)
            sync_file(new)
            step("segment.rename")
            new.rename(path)
            sync_folder(folder)
            sync_folder(self._hot.segments_folder)
        except (duckdb.Error, OSError) as error:
            new.unlink(missing_ok=True)
            if self._hot.takes_more(error):
                return self._write(table, rows, name=name, span=span, order=order)
            raise StorageError(
                f"a segment could not be written: {str(error).splitlines()[0]}",
                where=str(new),
                hint="its rows are still where they were",
            ) from error
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Segment(
            path=str(path.relative_to(self._folder)),
            table=table.name,
            rows=count,
            bytes=path.stat().st_size,
            min_time=first,
            max_time=last,
            from_time=span[0],
            to_time=span[1],
            sha256=digest,
        )

    def rewrite(self, segment: Segment, *, keep: str) -> int:
        """Replace a segment by one that holds only the rows of which ``keep`` is true; answers rows gone.

        ``keep`` is SQL over the columns of the segment's table, named as the table.
        """
        table = TABLES[segment.table]
        source = f"FROM {Hot.parquet([self.path(segment)])} AS {table.name}"
        try:
            with self._hot.reading() as cursor:
                left = cursor.execute(f"SELECT count(*) {source} WHERE {keep}").fetchall()[0][0]
        except duckdb.Error as error:
            raise StorageError(
                f"a segment cannot be read: {str(error).splitlines()[0]}",
                where=segment.path,
                hint="restore the file from a copy of the data folder",
            ) from error
        if left == segment.rows:
            return 0
        name = f"{from_ns(segment.from_time):%Y-%m-%d}-{secrets.token_hex(6)}.parquet"
        new = self._write(
            table, f"{source} WHERE {keep}", name=name, span=(segment.from_time, segment.to_time)
        )
        self._options.step("rewrite.register")
        with self._database.write() as connection:
            connection.execute(delete(registry).where(registry.c.path == segment.path))
            if new is not None:
                connection.execute(insert(registry).values(**self._values(new, hot_cleared=True)))
        self._options.step("rewrite.show")
        self.show()
        self._options.step("rewrite.unlink")
        self.path(segment).unlink(missing_ok=True)
        sync_folder(self.path(segment).parent)
        return segment.rows - (new.rows if new is not None else 0)

    def apply_retention(self, now: datetime, policy: Sequence[RetentionRule]) -> dict[str, int]:
        """Remove what is older than the rules allow; answers rows removed by table."""
        removed: dict[str, int] = {}
        with self.maintenance:
            for table in TABLES.values():
                old = _expired(table, [rule for rule in policy if rule.table == table.name], to_ns(now))
                if old is None:
                    continue
                condition, newest_limit = old
                gone = 0
                for segment in self.registered(table.name):
                    if segment.min_time < newest_limit:
                        gone += self.rewrite(segment, keep=f"NOT ({condition})")
                with self._hot.writing() as cursor:
                    gone += cursor.execute(f"DELETE FROM raw.{table.name} WHERE {condition}").fetchall()[0][0]
                    if table.name == "spans":
                        cursor.execute(
                            "DELETE FROM raw.traces WHERE max_time < ?"
                            " AND NOT EXISTS (SELECT 1 FROM main.spans s WHERE s.trace_id = traces.trace_id"
                            " AND s.start_time < ?)",
                            [newest_limit, newest_limit],
                        )
                removed[table.name] = gone
        return removed

    def show(self) -> None:
        """Let queries read the registered list as it is now."""
        with self._hot.writing() as cursor:
            self._hot.show(cursor, self.paths())

    def paths(self) -> Mapping[str, Sequence[Path]]:
        """Registered files by table, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(registry).order_by(registry.c.min_time)).mappings().all()
        return self._paths(rows)

    def _paths(self, rows: Iterable[Any]) -> Mapping[str, Sequence[Path]]:
        found: dict[str, list[Path]] = {}
        for row in sorted(rows, key=lambda row: (row["min_time"], row["path"])):
            found.setdefault(row["table_name"], []).append(self._folder / row["path"])
        return found

    def _mark_cleared(self) -> None:
        with self._database.write() as connection:
            connection.execute(update(registry).where(~registry.c.hot_cleared).values(hot_cleared=True))

    def _values(self, segment: Segment, *, hot_cleared: bool) -> dict[str, Any]:
        return {
            "path": segment.path,
            "table_name": segment.table,
            "rows": segment.rows,
            "bytes": segment.bytes,
            "min_time": segment.min_time,
            "max_time": segment.max_time,
            "from_time": segment.from_time,
            "to_time": segment.to_time,
            "sha256": segment.sha256,
            "sealed_at": to_ns(self._clock()),
            "hot_cleared": hot_cleared,
        }


def _expired(table: Table, rules: Sequence[RetentionRule], now: int) -> tuple[str, int] | None:
    """SQL that is true of an expired row, and the newest time that any rule removes."""
    if not rules:
        return None
    limits = {
        rule.product: day_start(now - int(rule.keep / timedelta(microseconds=1)) * 1000) for rule in rules
    }
    named = [product for product in limits if product is not None]
    parts = [
        f"({table.name}.product = {text_literal(product)} AND {table.name}.{table.time} < {limits[product]})"
        for product in named
    ]
    if None in limits:
        others = f"{table.name}.product NOT IN ({', '.join(map(text_literal, named))}) AND " if named else ""
        parts.append(f"({others}{table.name}.{table.time} < {limits[None]})")
    return " OR ".join(parts), max(limits.values())


def _segment(row: Any) -> Segment:
    return Segment(
        path=row["path"],
        table=row["table_name"],
        rows=row["rows"],
        bytes=row["bytes"],
        min_time=row["min_time"],
        max_time=row["max_time"],
        from_time=row["from_time"],
        to_time=row["to_time"],
        sha256=row["sha256"],
    )
