"""The durable ingest log: a batch is acknowledged when the transaction that holds it is on disk.

One thread commits whatever has queued since its last commit, so that a flush to disk is shared by all
who wait for it. May import ``records`` and ``errors``.
"""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Row, delete, func, insert, select

from launchworthy.errors import InputError, LaunchworthyError, OverloadedError, StorageError
from launchworthy.records import Rows
from launchworthy.store.arrow import encode
from launchworthy.store.database import Database
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock, Receipt, StoreOptions
from launchworthy.store.schema import batches, ingest_log, quarantine
from launchworthy.store.tally import raise_counter

__all__ = ["IngestLog", "waiting_rows"]

_GROUP = 64
_CHECK_DISK_S = 1.0
_FORGET_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    batch_id: str
    parts: tuple[tuple[str, int, bytes], ...]  # table, rows, body
    rows: tuple[Rows, ...]  # what is written elsewhere in the same transaction
    bytes: int
    answer: Future[Receipt]


def waiting_rows(connection: Connection) -> dict[str, int]:
    """Rows in the log, by table."""
    found = connection.execute(
        select(ingest_log.c.table_name, func.sum(ingest_log.c.rows)).group_by(ingest_log.c.table_name)
    )
    return {table: int(rows) for table, rows in found}


class IngestLog:
    """Appends batches, hands them to the flusher in order, and forgets them once they are stored.

    Args:
        database: Holds the log.
        folder: Its free space is watched.
        position: Last sequence number that the hot file holds; nothing at or below it is handed out.
        on_commit: Called after each commit.
        beside: Writes within the transaction what else the tables of ``beside_tables`` call for.
    """

    def __init__(
        self,
        database: Database,
        *,
        folder: Path,
        position: int,
        clock: Clock,
        options: StoreOptions,
        on_commit: Callable[[], None],
        beside: Callable[[Connection, Iterable[Rows]], None],
        beside_tables: Container[str],
    ) -> None:
        self._database, self._folder, self._clock, self._options = database, folder, clock, options
        self._on_commit, self._beside, self._beside_tables = on_commit, beside, beside_tables
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._in_flight_bytes = 0
        self._closed = False
        self._disk_checked_at = self._forgot_at = -1e9
        self._free_bytes = self._log_bytes = 0
        self.trim(position)
        with database.read() as connection:
            last = connection.execute(select(func.max(batches.c.last_seq))).scalar() or 0
            self._log_bytes = (
                connection.execute(select(func.sum(func.length(ingest_log.c.body)))).scalar() or 0
            )
        self.last_seq: int = max(last, position)
        self._thread = threading.Thread(target=self._commit_forever, name="store-ingest", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Acknowledged and not yet stored."""
        return self._log_bytes

    def submit(self, rows: Sequence[Rows], *, batch_id: str) -> Future[Receipt]:
        """Queue a batch; the future resolves when it is on disk.

        Raises:
            InputError: A batch that does not fit the schema; nothing of it is taken.
            OverloadedError: No room now.
            StorageError: The store is closed.
        """
        if not 0 < len(batch_id) <= 200:
            raise InputError("a batch id is text of 1 to 200 characters", where="batch_id")
        self._admit()
        parts = tuple((part.table, len(part), encode(part)) for part in rows if len(part))
        size = sum(len(body) for _, _, body in parts)
        answer: Future[Receipt] = Future()
        with self._lock:
            if self._closed:
                raise StorageError("the store is closed")
            # One batch alone is always let in, however large, or it could never be.
            if self._in_flight_bytes and self._in_flight_bytes + size > self._options.max_in_flight_bytes:
                raise OverloadedError(
                    "too many batches wait to be written", retry_after_s=1, hint="send it again in a second"
                )
            self._in_flight_bytes += size
            also = tuple(part for part in rows if part.table in self._beside_tables and len(part))
            self._queue.put(_Waiting(batch_id, parts, also, size, answer))
        return answer

    def _admit(self) -> None:
        if self._log_bytes >= self._options.max_log_bytes:
            raise OverloadedError(
                "the ingest log is full; it drains as records are stored",
                retry_after_s=5,
                hint="send it again after the time in Retry-After",
            )
        now = time.monotonic()
        if now - self._disk_checked_at > _CHECK_DISK_S:
            self._free_bytes, self._disk_checked_at = shutil.disk_usage(self._folder).free, now
        if self._free_bytes < self._options.min_free_bytes:
            raise OverloadedError(
                "the disk is nearly full, so nothing more is taken",
                retry_after_s=30,
                where=str(self._folder),
                hint="free some space, or shorten retention",
            )

    def _commit_forever(self) -> None:
        while True:
            first = self._queue.get()
            group: list[_Waiting] = []
            stop = first is None
            if first is not None:
                group.append(first)
            while not stop and len(group) < _GROUP:
                try:
                    another = self._queue.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    stop = True
                else:
                    group.append(another)
            if group:
                self._commit(group)
            if stop:
                return

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            receipts = self._write(group)
        except Exception as error:
            failure = (
                error
                if isinstance(error, LaunchworthyError)
                else StorageError(f"the batch could not be written: {error}", where=str(self._folder))
            )
            for waiting in group:
                self._settle(waiting, failure)
            return
        for waiting, receipt in zip(group, receipts, strict=True):
            self._settle(waiting, receipt)
        self._on_commit()

    def _settle(self, waiting: _Waiting, result: Receipt | Exception) -> None:
        with self._lock:
            self._in_flight_bytes -= waiting.bytes
        if waiting.answer.set_running_or_notify_cancel():
            if isinstance(result, Exception):
                waiting.answer.set_exception(result)
            else:
                waiting.answer.set_result(result)

    def _write(self, group: list[_Waiting]) -> list[Receipt]:
        now = to_ns(self._clock())
        receipts: list[Receipt] = []
        seq = self.last_seq
        rows: list[dict[str, object]] = []
        beside: list[Rows] = []
        written = 0
        accepted: defaultdict[str, int] = defaultdict(int)
        repeated: defaultdict[str, int] = defaultdict(int)
        heads: dict[str, dict[str, object]] = {}
        self._options.step("ingest.begin")
        with self._database.write() as connection:
            ids = {waiting.batch_id for waiting in group}
            known = {
                row.batch_id: row.last_seq
                for row in connection.execute(
                    select(batches.c.batch_id, batches.c.last_seq).where(batches.c.batch_id.in_(ids))
                )
            }
            for waiting in group:
                count = sum(part[1] for part in waiting.parts)
                if waiting.batch_id in known:
                    for table, n, _ in waiting.parts:
                        repeated[table] += n
                    receipts.append(Receipt(accepted=count, duplicate=True, seq=known[waiting.batch_id]))
                    continue
                for table, n, body in waiting.parts:
                    seq += 1
                    rows.append(
                        {
                            "seq": seq,
                            "batch_id": waiting.batch_id,
                            "table_name": table,
                            "rows": n,
                            "body": body,
                        }
                    )
                    accepted[table] += n
                    written += len(body)
                beside += waiting.rows
                known[waiting.batch_id] = seq
                heads[waiting.batch_id] = {
                    "batch_id": waiting.batch_id,
                    "committed_at": now,
                    "rows": count,
                    "last_seq": seq,
                }
                receipts.append(Receipt(accepted=count, duplicate=False, seq=seq))
            if rows:
                connection.execute(insert(ingest_log), rows)
            if heads:
                connection.execute(insert(batches), list(heads.values()))
            if beside:
                self._beside(connection, beside)
            for name, counts in (("accepted", accepted), ("duplicate", repeated)):
                for table, n in counts.items():
                    raise_counter(connection, name, table=table, by=n)
            if time.monotonic() - self._forgot_at > _FORGET_EVERY_S:
                self._forgot_at = time.monotonic()
                oldest = now - int(self._options.remember_batches_s * 1e9)
                connection.execute(delete(batches).where(batches.c.committed_at < oldest))
            self._options.step("ingest.commit")
        self.last_seq = seq
        with self._lock:
            self._log_bytes += written
        return receipts

    def after(self, position: int) -> list[Row[int, str, str, int, bytes]]:
        """The next log rows (seq, batch_id, table, rows, body), whole batches, at most one flush's worth."""
        with self._database.read() as connection:
            found: list[Row[int, str, str, int, bytes]] = []
            rows = size = 0
            result = connection.execution_options(stream_results=True).execute(
                select(
                    ingest_log.c.seq,
                    ingest_log.c.batch_id,
                    ingest_log.c.table_name,
                    ingest_log.c.rows,
                    ingest_log.c.body,
                )
                .where(ingest_log.c.seq > position)
                .order_by(ingest_log.c.seq)
            )
            for row in result:
                full = rows >= self._options.flush_rows or size >= self._options.flush_bytes
                if full and row.batch_id != found[-1].batch_id:
                    break
                found.append(row)
                rows += row.rows
                size += len(row.body)
            result.close()
        return found

    def trim(self, position: int) -> None:
        """Forget what the hot file holds."""
        with self._database.write() as connection:
            gone = (
                connection.execute(
                    select(func.sum(func.length(ingest_log.c.body))).where(ingest_log.c.seq <= position)
                ).scalar()
                or 0
            )
            connection.execute(delete(ingest_log).where(ingest_log.c.seq <= position))
        with self._lock:
            self._log_bytes = max(0, self._log_bytes - gone)

    def set_aside(self, row: Row[int, str, str, int, bytes], *, reason: str, at: datetime) -> None:
        """Keep a row that cannot be stored, with the reason; a second call changes nothing."""
        with self._database.write() as connection:
            if connection.execute(select(quarantine.c.seq).where(quarantine.c.seq == row.seq)).first():
                return
            connection.execute(
                insert(quarantine).values(
                    seq=row.seq,
                    at=to_ns(at),
                    batch_id=row.batch_id,
                    table_name=row.table_name,
                    rows=row.rows,
                    reason=reason[:1000],
                    body=row.body,
                )
            )

    def close(self) -> None:
        """Commit what is queued, then take nothing more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
