"""The store of one data folder: records and metadata, owned by one process.

May import every room below: ``records``, ``gold``, ``evidence``, ``errors``. Layout of the folder::

    lock               held by the process that owns the folder
    metadata.sqlite    metadata and the ingest log
    hot.duckdb         records of the last days, rollups, trace index
    segments/TABLE/    sealed days, Parquet
    secrets/           keys, mode 0600
    erasing/           erasures under way
    tmp/               DuckDB's spill, emptied at start
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from launchworthy.errors import InputError, StorageError
from launchworthy.records import DECISIONS, TABLES, Rows, is_pseudonym, pseudonym
from launchworthy.store.approvals import ApprovalRepository
from launchworthy.store.database import Database
from launchworthy.store.decisions import DecisionLog
from launchworthy.store.erasure import Eraser
from launchworthy.store.export import Learnable, export_table, refused_traces
from launchworthy.store.flags import FlagRepository
from launchworthy.store.flusher import Flusher
from launchworthy.store.gold import GoldRepository
from launchworthy.store.hot import MACHINE_ERRORS, UNUSABLE_ERRORS, Hot
from launchworthy.store.incidents import IncidentRepository
from launchworthy.store.ingest import IngestLog, waiting_rows
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.lock import FolderLock
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock, Receipt, Rejection, StoreOptions, system_clock
from launchworthy.store.preferences import Preferences, preferences, read_in
from launchworthy.store.ramps import RampRepository
from launchworthy.store.reading import check_select, run_select
from launchworthy.store.registry import Registry
from launchworthy.store.rejected import add_rejections, read_rejections
from launchworthy.store.runs import RunRepository
from launchworthy.store.searching import Remnant, find_texts
from launchworthy.store.segments import RetentionRule, Segments
from launchworthy.store.spans import model_stats, newest_spans, newest_traces, trace
from launchworthy.store.spending import SpendingRepository
from launchworthy.store.tally import read_counters

__all__ = ["Store"]

_T = TypeVar("_T")
_WAITS_S = (0.1, 0.3, 1.0)  # before what found no memory is asked again


class Store:
    """Open with :meth:`open`; close when done, or use as a context manager.

    Attributes:
        gold: Gold versions (``GoldStore``).
        runs: Evaluation runs (``RunStore``).
        ledger: Evidence, chained (``Ledger``).
        decisions: What the chain says of decisions.
        registry: Contracts, releases, API keys, settings, secrets.
        approvals: Calls that wait for a person.
        incidents: What went wrong, what was done, and who is told of it.
        ramps: Releases on their way to everybody.
        flags: Flags that are in force, and what sticky units have.
    """

    def __init__(self, folder: Path, *, clock: Clock, options: StoreOptions) -> None:
        self.folder, self._clock, self._options = folder, clock, options
        self._short = threading.Lock()  # of memory
        self._alone = threading.Lock()
        with contextlib.ExitStack() as opened:
            opened.callback(FolderLock(folder).release)
            self._database = Database(folder / "metadata.sqlite")
            opened.callback(self._database.close)
            self._hot = Hot(folder, options=options)
            opened.callback(self._hot.close)
            self._segments = Segments(self._database, hot=self._hot, clock=clock, options=options)
            self._segments.recover()
            state = self._hot.state()
            if ("position", "") not in state:
                state = self._begin_hot()
            position = state["position", ""]
            self.ledger = LedgerRepository(self._database, clock=clock)
            self.decisions = DecisionLog(self._database, ledger=self.ledger)
            self._log = IngestLog(
                self._database,
                folder=folder,
                position=position,
                clock=clock,
                options=options,
                on_commit=lambda: self._flusher.notice(),
                beside=self.decisions.chain,
                beside_tables={DECISIONS.name},
            )
            opened.callback(self._log.close)
            self._flusher = Flusher(self._hot, log=self._log, position=position, clock=clock, options=options)
            opened.callback(self._flusher.close)
            # The log closes before the flusher, which then stores what was acknowledged last.
            opened.callback(self._log.close)
            self.gold = GoldRepository(self._database)
            self.runs = RunRepository(self._database)
            self.registry = Registry(self._database, ledger=self.ledger, folder=folder, clock=clock)
            self.ramps = RampRepository(self._database, ledger=self.ledger, clock=clock)
            self.flags = FlagRepository(
                self._database, ledger=self.ledger, secret=self.registry.secret, clock=clock
            )
            self.approvals = ApprovalRepository(
                self._database,
                decisions=self.decisions,
                record=lambda rows: self._log.submit([rows], batch_id=f"approvals-{uuid.uuid4().hex}"),
                secret=self.registry.secret,
                clock=clock,
            )
            self.incidents = IncidentRepository(self._database, ledger=self.ledger, clock=clock)
            self._eraser = Eraser(
                self._database,
                hot=self._hot,
                segments=self._segments,
                ledger=self.ledger,
                registry=self.registry,
                approvals=self.approvals,
                incidents=self.incidents,
                flags=self.flags,
                flush=self.flush,
                trim=lambda: self._log.trim(self._flusher.position),
                clock=clock,
                options=options,
            )
            self._eraser.resume()
            self.approvals.record_again()
            self._opened = opened.pop_all()

    def _begin_hot(self) -> dict[tuple[str, str], int]:
        """Begin the counts of a new hot file; what an earlier one held and no segment has is lost."""
        with self._database.read() as connection:
            waiting = waiting_rows(connection)
            accepted = {table: read_counters(connection, table=table).get("accepted", 0) for table in TABLES}
        state = {("position", ""): 0}
        for table, count in accepted.items():
            sealed = sum(segment.rows for segment in self._segments.registered(table))
            state["stored", table] = sealed
            state["lost", table] = max(0, count - sealed - waiting.get(table, 0))
        rows = ", ".join(["(?, ?, ?)"] * len(state))
        with self._hot.writing() as cursor:
            cursor.execute(
                f"INSERT INTO raw.state VALUES {rows}",  # noqa: S608
                [part for key, value in state.items() for part in (*key, value)],
            )
        return state

    @classmethod
    def open(cls, folder: Path, *, clock: Clock = system_clock, options: StoreOptions | None = None) -> Store:
        """Own a data folder, making it if it is not there, and finish what a crash interrupted.

        Raises:
            ConflictError: Another process owns the folder; names its pid.
            StorageError: A file is damaged, or newer than this program.
        """
        return cls(folder.absolute(), clock=clock, options=options or StoreOptions())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Store what is acknowledged and let go of every file; a second call does nothing."""
        self._opened.close()

    def ingest(self, rows: Sequence[Rows], *, batch_id: str) -> Receipt:
        """Acknowledge a batch: when this returns it is on disk and will be stored exactly once.

        Args:
            rows: Rows of one or more tables, stored together.
            batch_id: Names the batch; the same id again is acknowledged and not stored twice.

        Raises:
            InputError: The rows do not fit the schema; nothing is taken.
            OverloadedError: No room now; says when to come back.
            StorageError: The disk failed; nothing was acknowledged.
        """
        return self.submit(rows, batch_id=batch_id).result()

    def submit(self, rows: Sequence[Rows], *, batch_id: str) -> Future[Receipt]:
        """As :meth:`ingest`, without waiting for the disk: await it with ``asyncio.wrap_future``."""
        return self._log.submit(rows, batch_id=batch_id)

    def wait_until_stored(self, seq: int, *, timeout_s: float = 30.0) -> bool:
        """True once queries see everything up to ``seq``; false if time runs out."""
        return self._flusher.wait(seq, timeout_s=timeout_s)

    def flush(self, *, timeout_s: float = 30.0) -> None:
        """Wait until queries see everything that is acknowledged now.

        Raises:
            StorageError: It could not be stored in time; it stays in the log.
        """
        if not self.wait_until_stored(self._log.last_seq, timeout_s=timeout_s):
            raise StorageError(
                f"records still wait in the ingest log: {self._flusher.failure or 'the flush is slow'}",
                where=str(self.folder),
            )

    def counters(self, table: str = "spans") -> dict[str, int]:
        """Rows of a table since the folder was made.

        At every moment ``accepted = stored + pending + repeated + quarantined + lost``. ``repeated`` are
        spans that were sent again in another batch; ``lost`` were in a hot file that somebody removed;
        ``duplicate`` counts rows of whole batches sent again, which are in no other line.
        """
        # Stored is read first: what is accepted in between then shows as pending, and the sum holds.
        state = self._hot.state()
        with self._database.read() as connection:
            kept = read_counters(connection, table=table)
        counts = {name: kept.get(name, 0) for name in ("accepted", "rejected", "duplicate")}
        settled = {
            name: state.get((name, table), 0) for name in ("stored", "repeated", "quarantined", "lost")
        }
        return {**counts, **settled, "pending": counts["accepted"] - sum(settled.values())}

    def add_rejections(self, rows: Sequence[Rejection], *, table: str = "spans") -> None:
        """Record and count what ingest refused row by row."""
        add_rejections(self._database, rows, table=table)

    def rejections(self, limit: int = 100) -> list[Rejection]:
        """Newest first; among them the batches that were accepted and could then not be stored."""
        return read_rejections(self._database, limit)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``, ``decisions``,
        ``exposures``, ``rollup_hour``, ``latency_hour`` and ``trace_index``.

        DuckDB's SQL; ``?`` or ``$1`` for parameters; times are nanoseconds since the epoch; identifiers
        are BLOBs in the query (``unhex(?)``) and hexadecimal text in the answer.

        Raises:
            InputError: Not such a query, or it takes too long or answers too much.
            StorageError: A file cannot be read.
        """

        def select(cursor: DuckDBPyConnection) -> list[dict[str, Any]]:
            check_select(cursor, sql)
            return run_select(cursor, sql, parameters, max_rows=self._options.query_rows)

        return self._read(select)

    def query_alone(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """As :meth:`query`, for whoever measures: one at a time, since each may take all the memory."""
        with self._alone:
            return self.query(sql, parameters)

    def newest_spans(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest spans without their long texts.

        Args:
            where: Column, or ``attributes.NAME`` → the value it must have; None: must be null.
            before: Start time (ns) to page from.
            limit: 1 to 10,000.

        Raises:
            InputError: Unknown column, wrong identifier or limit.
        """
        return self._read(lambda cursor: newest_spans(cursor, where=where or {}, before=before, limit=limit))

    def newest_traces(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest root spans, each with ``spans``, ``errors``, tokens and ``cost_usd`` of its whole trace."""
        return self._read(lambda cursor: newest_traces(cursor, where=where or {}, before=before, limit=limit))

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Every span of a trace, all columns, in order of start; empty if there is none."""
        return self._read(lambda cursor: trace(cursor, trace_id))

    def model_stats(
        self, *, since: datetime, until: datetime, product: str | None = None
    ) -> list[dict[str, Any]]:
        """Calls, errors, P50 and P95 latency, tokens and cost for each model; most calls first."""
        low, high = to_ns(since), to_ns(until)
        return self._read(lambda cursor: model_stats(cursor, since=low, until=high, product=product))

    def export(
        self,
        table: str,
        *,
        out: Path,
        where: Mapping[str, Any] | None = None,
        learnable: Learnable | None = None,
    ) -> int:
        """Write a table of records to a Parquet file, identifiers as hexadecimal text; answers its rows.

        Raises:
            InputError: Unknown table or column.
            StorageError: The file cannot be written; ``out`` is then as it was.
        """
        with self._segments.maintenance:  # both may take much memory, one after the other
            return export_table(self._hot, table, out=out, where=where, learnable=learnable)

    def refused_traces(self, learnable: Learnable) -> list[dict[str, Any]]:
        """How many traces read each source that may not be learnt from, as ``{source, traces}``."""
        self.flush()
        return refused_traces(self._hot, learnable)

    def preferences(self, learnable: Learnable, *, workflow: str | None = None) -> Preferences:
        """What people preferred, of what may be learnt from."""
        self.flush()
        return preferences(self._hot, learnable, workflow=workflow)

    def read_in(self, traces: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Trace ids → what their spans say of the documents that they read."""
        return read_in(self._hot, traces)

    def _read(self, work: Callable[[DuckDBPyConnection], _T]) -> _T:
        limit_s = self._options.query_timeout_s

        def once() -> _T:
            with self._hot.reading() as cursor:
                timer = threading.Timer(limit_s, cursor.interrupt)
                timer.start()
                try:
                    return work(cursor)
                finally:
                    timer.cancel()

        try:
            try:
                return once()
            except duckdb.IOException:
                # A segment may have been replaced between planning and reading.
                return once()
            except duckdb.OutOfMemoryException:
                # All who read at a moment share the memory: ask again, one at a time, as they are done.
                with self._short:
                    for wait_s in _WAITS_S:
                        time.sleep(wait_s)
                        with contextlib.suppress(duckdb.OutOfMemoryException):
                            return once()
                    with self._hot.roomy():  # what needs more by itself
                        return once()
        except duckdb.OutOfMemoryException as error:
            raise InputError(
                f"the query needs more memory than queries may take: {_first(error)}",
                where="query",
                hint="narrow it by time or to fewer columns, or read rollup_hour or latency_hour",
            ) from error
        except (*MACHINE_ERRORS, *UNUSABLE_ERRORS) as error:
            raise StorageError(
                f"records could not be read: {_first(error)}", where=str(self.folder)
            ) from error
        except duckdb.InterruptException as error:
            raise InputError(
                f"the query took longer than {limit_s:g} s",
                where="query",
                hint="narrow it by time, or read rollup_hour or latency_hour",
            ) from error
        except duckdb.Error as error:
            raise InputError(_first(error), where="query") from error

    def seal(self, now: datetime | None = None) -> int:
        """Move past days into Parquet segments; answers the rows that moved.

        An erasure that could not be completed is tried again first.
        """
        self._eraser.resume()
        return self._segments.seal(now or self._clock())

    def spending(self, product: str) -> SpendingRepository:
        """What the tools of a product have spent (``runtime.permission.Spending``)."""
        return SpendingRepository(self._database, product=product, clock=self._clock, name=self._pseudonym)

    def _pseudonym(self, user: str) -> str:
        return user if is_pseudonym(user) else pseudonym(user, key=self.registry.secret("pseudonym"))

    def apply_retention(self, now: datetime, policy: Sequence[RetentionRule]) -> Mapping[str, int]:
        """Remove what is older than the rules allow; answers rows removed by table.

        What an ended call said that had waited for a person is kept as long as spans are. Of gold sets, whole
        versions are removed.
        """
        of_records = [rule for rule in policy if rule.table in TABLES]
        removed = dict(self._segments.apply_retention(now, of_records))
        for rule in policy:
            if rule.table == "gold_versions" and rule.product is not None:
                gone = self.gold.forget(rule.product, before=now - rule.keep)
                if gone:
                    removed["gold_versions"] = removed.get("gold_versions", 0) + gone
            if rule.table == "spans" and rule.product is not None:
                gone = self.approvals.forget(rule.product, before=now - rule.keep)
                if gone:
                    removed["approvals"] = removed.get("approvals", 0) + gone
        return removed

    def erase_subject(self, *, product: str, user_id: str, by: str) -> dict[str, Any]:
        """Leave none of a subject's bytes in any file of the folder; answers the audit row.

        Raises:
            InputError: A name is empty.
            StorageError: The disk failed; it is taken up again when the folder is next opened.
        """
        return self._eraser.erase(product=product, user_id=user_id, by=by)

    def find_texts(self, texts: Sequence[str]) -> list[Remnant]:
        """Where any of these texts stands in any file of the folder, compressed ones opened.

        Raises:
            InputError: A text is too short to be told from chance.
        """
        self.flush()
        with self._segments.maintenance:
            return find_texts(
                texts,
                folder=self.folder,
                database=self._database,
                hot=self._hot,
                segments=self._segments,
            )


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
