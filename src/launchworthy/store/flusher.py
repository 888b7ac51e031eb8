"""Moves acknowledged batches from the ingest log into the hot file, exactly once.

The log position is stored in the transaction that stores the rows, so a crash at any point repeats or
skips nothing. A batch that cannot be stored is set aside with its reason, and the rest goes on.
May import ``records`` and ``errors``.
"""

# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)
from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb
from arro3.core import Table as ArrowTable
from duckdb import DuckDBPyConnection

from launchworthy.errors import LaunchworthyError, OverloadedError, StorageError
from launchworthy.records import DECISIONS, SPANS, TABLES
from launchworthy.store import rollup
from launchworthy.store.arrow import decode
from launchworthy.store.hot import UNUSABLE_ERRORS, Hot
from launchworthy.store.ingest import IngestLog
from launchworthy.store.moments import DAY_NS, to_ns
from launchworthy.store.options import Clock, StoreOptions

__all__ = ["Flusher"]

_log = logging.getLogger("launchworthy.store")

_COMPACT_EVERY = 200
_COMPACT_DAYS = 3
_TRIM_EVERY = 8  # flushes, while more is waiting
_WAIT_AFTER_FAILURE_S = 2.0
# What no batch is to blame for: wait and try the same again.
_NOT_THE_BATCH = (duckdb.IOException, *UNUSABLE_ERRORS, OSError, OverloadedError, StorageError)
# Memory may be short because of a query beside, or because of the batch: then it will be short again.
_TRIES_WITHOUT_MEMORY = 5


class Flusher:
    """One thread; :meth:`flush` waits for it to catch up."""

    def __init__(
        self, hot: Hot, *, log: IngestLog, position: int, clock: Clock, options: StoreOptions
    ) -> None:
        self._hot, self._log, self._clock, self._options = hot, log, clock, options
        self._changed = threading.Condition()
        self._position = self._trimmed = position
        self._asked = False
        self._stop = False
        self._flushes = self._untrimmed = 0
        self._out_of_memory = (-1, 0)  # the row that last found no memory, and how often in a row
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="store-flush", daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """Everything in the log up to here is in the hot file."""
        return self._position

    def notice(self) -> None:
        """Something was committed to the log."""
        if self._log.waiting_bytes >= self._options.flush_bytes:
            with self._changed:
                self._asked = True
                self._changed.notify_all()

    def wait(self, seq: int, *, timeout_s: float) -> bool:
        """Ask for a flush now; true once everything up to ``seq`` is stored, false if time runs out."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._trimmed < seq and not self._stop:
                self._asked = True
                self._changed.notify_all()
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    break
            return self._trimmed >= seq

    def close(self) -> None:
        """Store what is acknowledged, as far as the machine allows, and end."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._asked and not self._stop:
                    self._changed.wait(self._options.flush_interval_s)
                self._asked = False
                stop = self._stop
            try:
                while self._flush_once():
                    pass
                self.failure = None
            except Exception as error:
                # The log still holds everything; the next round tries again.
                self.failure = f"{type(error).__name__}: {error}"
                _log.warning("records wait in the ingest log: %s", self.failure)
                self._recover(error)
                if not stop:
                    with self._changed:
                        self._changed.wait_for(lambda: self._stop, _WAIT_AFTER_FAILURE_S)
            if stop:
                return

    def _recover(self, error: Exception) -> None:
        if isinstance(error, UNUSABLE_ERRORS) or "invalidated" in str(error):
            try:
                self._hot.reopen()
                # Whether the last transaction is on disk only the file knows.
                self._position = self._hot.state()["position", ""]
            except LaunchworthyError as again:
                self.failure = str(again)

    def _flush_once(self) -> bool:
        """Move one transaction's worth; false when nothing was left."""
        with self._hot.writer:
            rows = self._log.after(self._position)
            if not rows:
                self._trim()
                return False
            try:
                self._store(rows)
            except _NOT_THE_BATCH:
                raise
            except Exception as error:
                if isinstance(error, duckdb.OutOfMemoryException):
                    # DuckDB forgets to take back some of what it has added by then.
                    self._hot.reopen()
                # One of them is bad, or all are too much at once: find it by storing each alone.
                for row in rows:
                    try:
                        with self._hot.roomy():
                            self._store([row])
                    except _NOT_THE_BATCH:
                        raise
                    except Exception as error:
                        if isinstance(error, duckdb.OutOfMemoryException) and self._may_try_again(row.seq):
                            raise
                        self._set_aside(row, f"{type(error).__name__}: {error}")
            # Trimming is a commit of its own, which those who send must wait for; what is stored and not yet
            # trimmed is never handed out again.
            self._untrimmed += 1
            if self._untrimmed >= _TRIM_EVERY:
                self._trim()
        return True

    def _may_try_again(self, seq: int) -> bool:
        failed_at, times = self._out_of_memory
        self._out_of_memory = (seq, times + 1 if failed_at == seq else 1)
        return self._out_of_memory[1] < _TRIES_WITHOUT_MEMORY

    def _trim(self) -> None:
        self._untrimmed = 0
        if self._trimmed < self._position:
            self._log.trim(self._position)
            with self._changed:
                self._trimmed = self._position
                self._changed.notify_all()

    def _set_aside(self, row: Any, reason: str) -> None:
        _log.error("batch %s could not be stored and was set aside: %s", row.batch_id, reason)
        self._log.set_aside(row, reason=reason, at=self._clock())
        with self._hot.writing() as cursor:
            self._count(cursor, {("quarantined", row.table_name): row.rows}, position=row.seq)
        self._position = row.seq

    def _store(self, rows: Sequence[Any]) -> None:
        parts: defaultdict[str, list[ArrowTable]] = defaultdict(list)
        acknowledged: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            table = decode(row.body)
            if row.table_name not in TABLES or table.num_rows != row.rows:
                raise ValueError(f"{table.num_rows} rows of {row.table_name!r} where {row.rows} were logged")
            parts[row.table_name].append(table)
            acknowledged[row.table_name] += row.rows
        counts: dict[tuple[str, str], int] = {}
        last = int(rows[-1].seq)
        with self._hot.writing() as cursor:
            for name, tables in parts.items():
                stored = self._insert(cursor, name, tables)
                counts["stored", name] = stored
                counts["repeated", name] = acknowledged[name] - stored
            self._count(cursor, counts, position=last)
            self._flushes += 1
            if self._flushes % _COMPACT_EVERY == 0:
                since = to_ns(self._clock()) - _COMPACT_DAYS * DAY_NS
                cursor.execute(rollup.compact(since))
            self._options.step("flush.commit")
        self._options.step("flush.committed")
        self._position = last

    @staticmethod
    def _insert(cursor: DuckDBPyConnection, name: str, tables: list[ArrowTable]) -> int:
        batches = [batch for table in tables for batch in table.to_batches()]
        incoming = ArrowTable.from_batches(batches, schema=tables[0].schema)
        # It is taken off again where all went well: after an error that would only hide the error, since the
        # transaction takes nothing more, and a batch would be blamed for a full disk. The cursor forgets it.
        cursor.register("incoming", incoming)
        if name == DECISIONS.name:
            stored = _inserted(cursor, _NEW_DECISIONS)
        elif name != SPANS.name:
            stored = _inserted(cursor, f"INSERT INTO raw.{name} BY NAME FROM incoming")
        else:
            source = "incoming"
            if _repeats(cursor):
                cursor.execute(_NEW_SPANS)
                source = "temp.new_spans"
            stored = _inserted(cursor, f"INSERT INTO raw.spans BY NAME FROM {source}")
            for added in rollup.ADD:
                cursor.execute(added.format(source=source))
            if source != "incoming":
                cursor.execute("DROP TABLE temp.new_spans")
        cursor.unregister("incoming")
        return stored

    @staticmethod
    def _count(cursor: DuckDBPyConnection, counts: dict[tuple[str, str], int], *, position: int) -> None:
        held = {(n, t): v for n, t, v in cursor.execute("FROM raw.state").fetchall()}
        for key, by in counts.items():
            held[key] = held.get(key, 0) + by
        held["position", ""] = position
        cursor.execute("DELETE FROM raw.state")
        cursor.execute(
            "INSERT INTO raw.state VALUES " + ", ".join(["(?, ?, ?)"] * len(held)),
            [value for key, n in held.items() for value in (*key, n)],
        )


# A span that is sent again has the ids and the start of the first, which is the one that is kept. Looking
# only between the earliest and latest start of a flush reads few row groups of the hot file.
_SEEN = """
    SELECT 1 FROM hot.raw.spans held
    WHERE held.start_time BETWEEN (SELECT min(start_time) FROM incoming)
            AND (SELECT max(start_time) FROM incoming)
        AND held.trace_id = incoming.trace_id AND held.span_id = incoming.span_id
"""
_NEW_SPANS = f"""
CREATE OR REPLACE TEMP TABLE new_spans AS
SELECT * FROM incoming WHERE NOT EXISTS ({_SEEN})
QUALIFY row_number() OVER (PARTITION BY trace_id, span_id ORDER BY start_time) = 1
"""
# A decision that is told again has the id of the first, and may have another time; the chain holds it once.
_NEW_DECISIONS = """
INSERT INTO raw.decisions BY NAME
SELECT * FROM incoming WHERE NOT EXISTS (
    SELECT 1 FROM hot.raw.decisions held
    WHERE held.product = incoming.product AND held.event_id = incoming.event_id
)
QUALIFY row_number() OVER (PARTITION BY product, event_id ORDER BY time) = 1
"""


def _inserted(cursor: DuckDBPyConnection, sql: str) -> int:
    return int(cursor.execute(sql).fetchall()[0][0])


def _repeats(cursor: DuckDBPyConnection) -> bool:
    within, held = cursor.execute(
        f"""
        SELECT (SELECT count(*) > count(DISTINCT (trace_id, span_id)) FROM incoming),
            EXISTS (SELECT 1 FROM incoming WHERE EXISTS ({_SEEN}))
        """
    ).fetchall()[0]
    return bool(within or held)
