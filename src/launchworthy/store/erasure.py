"""Erasing a subject: none of the subject's bytes stays in any file of the data folder.

In order: the request is kept in a file of its own; the subject's rows are hidden from every query at once;
segments that hold them are rewritten; what the metadata copied from records is cleaned; the hot file is
cleaned and copied into a new one (DuckDB keeps deleted text until then); the metadata file is rewritten;
an audit row is chained to the ledger; the request file goes. Every step may be repeated, so an erasure
that a crash interrupted is done again from the start when the folder is next opened.

May import ``records`` and ``errors``.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import delete, select, update

from launchworthy.errors import InputError, LaunchworthyError, StorageError
from launchworthy.records import TABLES
from launchworthy.store.approvals import ApprovalRepository
from launchworthy.store.arrow import decode
from launchworthy.store.database import Database
from launchworthy.store.decisions import forget_salts
from launchworthy.store.flags import FlagRepository
from launchworthy.store.hot import Hot, subject_of, sync_folder
from launchworthy.store.incidents import IncidentRepository
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock, StoreOptions
from launchworthy.store.plain import to_json
from launchworthy.store.registry import Registry
from launchworthy.store.runs import pack_items, unpack_items
from launchworthy.store.schema import gold_items, quarantine, rejections, run_chunks, runs
from launchworthy.store.segments import Segments
from launchworthy.store.spending import forget_spending

__all__ = ["Eraser", "about_subject"]

_log = logging.getLogger("launchworthy.store")

_TELLING_CHARS = 8
_TRACE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class _Request:
    id: str
    product: str
    user_id: str
    by: str
    requested_at: int


class Eraser:
    """Erases subjects one at a time."""

    def __init__(
        self,
        database: Database,
        *,
        hot: Hot,
        segments: Segments,
        ledger: LedgerRepository,
        registry: Registry,
        approvals: ApprovalRepository,
        incidents: IncidentRepository,
        flags: FlagRepository,
        flush: Callable[[], None],
        trim: Callable[[], None],
        clock: Clock,
        options: StoreOptions,
    ) -> None:
        self._database, self._hot, self._segments = database, hot, segments
        self._ledger, self._registry, self._flush, self._trim = ledger, registry, flush, trim
        self._approvals, self._incidents, self._flags = approvals, incidents, flags
        self._clock, self._step = clock, options.step
        self._folder = hot.folder / "erasing"
        self._folder.mkdir(exist_ok=True, mode=0o700)

    def erase(self, *, product: str, user_id: str, by: str) -> dict[str, Any]:
        """Erase every record of one user of one product; answers the audit row.

        Raises:
            InputError: A name is empty.
            StorageError: The disk failed; the erasure is taken up again when the folder is next opened.
        """
        for name, value in (("product", product), ("user_id", user_id), ("by", by)):
            if not value.strip():
                raise InputError(f"{name} is empty", where=name)
        request = _Request(
            id=f"x-{secrets.token_hex(6)}",
            product=product,
            user_id=user_id,
            by=by,
            requested_at=to_ns(self._clock()),
        )
        with self._segments.maintenance:
            self._keep(request)
            return self._carry_out(request)

    def resume(self) -> None:
        """Carry out what was interrupted; what cannot be done now stays hidden and is tried again later."""
        with self._segments.maintenance:
            for path in self._folder.glob("*.new"):
                path.unlink()
            for path in sorted(self._folder.glob("*.json")):
                try:
                    self._carry_out(_read(path))
                except LaunchworthyError as error:
                    _log.error("an erasure is not complete: %s", error)

    def _path(self, request: _Request) -> Path:
        return self._folder / f"{request.id}.json"

    def _keep(self, request: _Request) -> None:
        path = self._path(request)
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(to_json({name: getattr(request, name) for name in request.__slots__}))
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        sync_folder(self._folder)

    def _carry_out(self, request: _Request) -> dict[str, Any]:
        removed: defaultdict[str, int] = defaultdict(int)
        try:
            with self._segments.maintenance:
                self._step("erase.hide")
                self._flush()
                self._hide(request)
                self._step("erase.segments")
                for segment in self._segments.registered():
                    condition = f"NOT {subject_of(TABLES[segment.table])}"
                    removed[segment.table] += self._segments.rewrite(segment, keep=condition)
                self._step("erase.metadata")
                self._clean_metadata(request, removed)
                self._step("erase.hot")
                self._flush()
                with self._hot.writer:
                    self._hide(request)
                    self._clean_hot(removed)
                    self._step("erase.rebuild")
                    self._hot.rebuild()
                self._step("erase.scrub")
                self._trim()
                self._database.scrub()
                self._step("erase.audit")
                audit = self._audit(request, removed)
                self._step("erase.forget")
                self._path(request).unlink()
                sync_folder(self._folder)
        except (duckdb.Error, OSError) as error:
            raise StorageError(
                f"the erasure is not complete: {str(error).splitlines()[0]}",
                where=str(self._hot.folder),
                hint="the rows are hidden; it is taken up again when the folder is next opened",
            ) from error
        return audit

    def _hide(self, request: _Request) -> None:
        who = {"product": request.product, "user": request.user_id}
        own = "WHERE product = $product AND user_id = $user"
        with self._hot.writing() as cursor:
            cursor.execute(
                f"INSERT INTO raw.subject_user_id SELECT $product, $user"
                f" WHERE NOT EXISTS (FROM raw.subject_user_id {own})",
                who,
            )
            # Looking through the views would miss what is hidden already, as when this is repeated.
            for table in TABLES.values():
                sources = [f"hot.raw.{table.name}"]
                if paths := self._segments.paths().get(table.name):
                    sources.append(Hot.parquet(paths))
                for source in sources:
                    for column in ("trace_id", "session_id"):
                        cursor.execute(
                            f"INSERT INTO raw.subject_{column} SELECT DISTINCT $product, {column}"
                            f" FROM {source} {own} AND {column} IS NOT NULL",
                            who,
                        )
            self._hot.show_again(cursor)

    def _clean_hot(self, removed: defaultdict[str, int]) -> None:
        with self._hot.writing() as cursor:
            for table in TABLES.values():
                removed[table.name] += cursor.execute(
                    f"DELETE FROM raw.{table.name} WHERE {subject_of(table)}"
                ).fetchall()[0][0]
            # A trace that another user shares keeps its rows, and so its place in the index.
            cursor.execute(
                "DELETE FROM raw.traces WHERE trace_id IN (SELECT trace_id FROM hot.raw.subject_trace_id)"
                " AND trace_id NOT IN (SELECT trace_id FROM main.spans)"
            )
            for column in ("user_id", "trace_id", "session_id"):
                cursor.execute(f"DELETE FROM raw.subject_{column}")
            self._hot.show_again(cursor)

    def _clean_metadata(self, request: _Request, removed: defaultdict[str, int]) -> None:
        with self._hot.reading() as cursor:
            traces = {
                trace.hex()
                for (trace,) in cursor.execute(
                    "SELECT trace_id FROM raw.subject_trace_id WHERE product = ?", [request.product]
                ).fetchall()
            }
            sessions = [
                session
                for (session,) in cursor.execute(
                    "SELECT session_id FROM raw.subject_session_id WHERE product = ?", [request.product]
                ).fetchall()
            ]
        about = about_subject(request.user_id, traces=traces)
        with self._database.write() as connection:
            key = (gold_items.c.name, gold_items.c.version, gold_items.c.id)
            found = [
                row
                for row in connection.execute(
                    select(*key, gold_items.c.body).where(gold_items.c.product == request.product)
                )
                if about(row.body)
            ]
            for row in found:
                connection.execute(
                    delete(gold_items).filter_by(
                        product=request.product, name=row.name, version=row.version, id=row.id
                    )
                )
            removed["gold_items"] += len(found)
            chunks = connection.execute(
                select(run_chunks.c.run_id, run_chunks.c.chunk, run_chunks.c.body)
                .join(runs, runs.c.id == run_chunks.c.run_id)
                .where(runs.c.product == request.product)
            ).all()
            for chunk in chunks:
                items = unpack_items(chunk.body)
                kept = [item for item in items if not about(to_json(item))]
                if len(kept) < len(items):
                    removed["run_items"] += len(items) - len(kept)
                    connection.execute(
                        update(run_chunks)
                        .filter_by(run_id=chunk.run_id, chunk=chunk.chunk)
                        .values(items=len(kept), body=pack_items(kept))
                    )
            # Without its salt, what the audit chain commits to can no longer be told from any other text.
            removed["audit_salts"] += forget_salts(
                connection, request.product, user_id=request.user_id, traces=traces, sessions=sessions
            )
            removed["approvals"] += self._approvals.erase(
                connection, request.product, user_id=request.user_id, about=about
            )
            removed["spending"] += forget_spending(connection, request.product, user_id=request.user_id)
            removed["incidents"] += self._incidents.erase(connection, request.product, about=about)
            removed["flags"] += self._flags.erase(connection, request.product, user_id=request.user_id)
            # A sample is cut text in which the subject may stand in any form; the count stays.
            connection.execute(
                update(rejections).where(rejections.c.product.in_([request.product, ""])).values(sample="")
            )
            for batch in connection.execute(select(quarantine.c.seq, quarantine.c.body)).all():
                if _may_hold(batch.body, request.user_id):
                    connection.execute(delete(quarantine).where(quarantine.c.seq == batch.seq))
                    removed["quarantined_batches"] += 1

    def _audit(self, request: _Request, removed: Mapping[str, int]) -> dict[str, Any]:
        subject = hmac.new(
            self._registry.secret("erasure"), f"{request.product}\0{request.user_id}".encode(), hashlib.sha256
        ).hexdigest()
        audit = {
            "id": request.id,
            "subject_hmac": subject,
            "by": request.by,
            "requested_at_ns": request.requested_at,
            "completed_at_ns": to_ns(self._clock()),
            "removed": {name: count for name, count in sorted(removed.items()) if count},
        }
        # A crash after this and before the request file goes repeats the erasure: one row more, no harm.
        self._ledger.append_ledger(request.product, kind="erasure", bodies=[to_json(audit)])
        return audit


def about_subject(user_id: str, *, traces: Set[str]) -> Callable[[str], bool]:
    """Whether a JSON text, ASCII only, names a user, or a trace that is theirs."""
    named = _naming(user_id)
    return lambda text: named.search(text) is not None or not traces.isdisjoint(_TRACE.findall(text))


def _naming(user_id: str) -> re.Pattern[str]:
    """What in JSON text names a user: the whole word, or, where that says little, the whole string."""
    quoted = json.dumps(user_id)
    if len(user_id) < _TELLING_CHARS:
        return re.compile(re.escape(quoted))
    return re.compile(rf"(?<![\w-]){re.escape(quoted[1:-1])}(?![\w-])")


def _read(path: Path) -> _Request:
    try:
        return _Request(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"an erasure request cannot be read: {error}",
            where=str(path),
            hint="ask for the erasure again, then remove this file",
        ) from error


def _may_hold(body: bytes, user_id: str) -> bool:
    """Whether a batch that was set aside may hold the subject; one that cannot be read may."""
    try:
        table = decode(body)
        return user_id in table.column("user_id").to_pylist()
    except Exception:
        return True
