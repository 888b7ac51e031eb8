"""The ledger of evidence in the metadata, one chain for each product. Meets ``evidence.Ledger``.

May import ``evidence`` and ``errors``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from launchworthy.errors import InputError
from launchworthy.evidence import AuditFilter, Evidence, LedgerEntry, link
from launchworthy.store.database import Database
from launchworthy.store.options import Clock
from launchworthy.store.plain import to_json
from launchworthy.store.schema import ledger

__all__ = ["LedgerRepository"]

_PAGE = 5_000  # entries held at a time: a chain with every decision in it may be long


@dataclass(slots=True)
class _Held:
    """Evidence of one product as far as it was read; the ledger only grows, and one process owns it."""

    seq: int = 0
    pieces: list[Evidence] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class LedgerRepository:
    """Entries are appended, never changed; each is linked to the one before it."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def append_ledger(self, product: str, *, kind: str, bodies: Sequence[str]) -> list[LedgerEntry]:
        """Append all or none; bodies are canonical JSON."""
        with self._database.write() as connection:
            return self.append_on(connection, product, kind=kind, bodies=bodies)

    def append_on(
        self, connection: Connection, product: str, *, kind: str, bodies: Sequence[str]
    ) -> list[LedgerEntry]:
        """:meth:`append_ledger` within a transaction of the caller."""
        last = _last(connection, product)
        at = self._clock()
        when = at.isoformat(timespec="microseconds")
        entries = []
        for body in bodies:
            last = link(body, kind=kind, at=at, after=last)
            entries.append(last)
        if entries:
            connection.execute(
                insert(ledger),
                [
                    {
                        "product": product,
                        "seq": entry.seq,
                        "at": when,
                        "kind": entry.kind,
                        "body": entry.body,
                        "previous": entry.previous,
                        "hash": entry.hash,
                    }
                    for entry in entries
                ],
            )
        return entries

    def bodies_on(self, connection: Connection, product: str, seqs: Sequence[int]) -> dict[int, str]:
        """The bodies of these entries by number, as far as there are such."""
        found: dict[int, str] = {}
        for start in range(0, len(seqs), 500):
            query = (
                select(ledger.c.seq, ledger.c.body)
                .filter_by(product=product)
                .where(ledger.c.seq.in_(seqs[start : start + 500]))
            )
            found.update((row.seq, row.body) for row in connection.execute(query))
        return found

    def ledger_entries(self, product: str, *, after: int = 0) -> Iterator[LedgerEntry]:
        """Entries in the order in which they are stored, from the one that follows ``after``."""
        query = select(ledger).filter_by(product=product).order_by(ledger.c.seq).limit(_PAGE)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(ledger.c.seq > after)).mappings().all()
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["seq"]

    def entry_hashes(self, product: str, *, after: int = 0) -> Iterator[tuple[int, str]]:
        """Numbers and hashes alone, from the entry that follows ``after``."""
        query = (
            select(ledger.c.seq, ledger.c.hash).filter_by(product=product).order_by(ledger.c.seq).limit(_PAGE)
        )
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(ledger.c.seq > after)).all()
            yield from ((row.seq, row.hash) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1].seq

    def newest_entries(
        self, product: str, *, where: AuditFilter, who: str | None, before: int | None, limit: int
    ) -> list[LedgerEntry]:
        """The newest entries that a filter lets through, newest first.

        Args:
            product: Whose chain.
            where: The filter; a person is looked for by ``who``.
            who: The chain's commitment to that person.
            before: Number of the entry to page from.
            limit: Most that are answered.
        """
        query = select(ledger).filter_by(product=product).order_by(ledger.c.seq.desc()).limit(limit)
        body = ledger.c.body
        if before is not None:
            query = query.where(ledger.c.seq < before)
        for moment, later in ((where.since, True), (where.until, False)):
            if moment is not None:
                told = _utc(moment)
                query = query.where(ledger.c.at >= told if later else ledger.c.at < told)
        if where.kind:
            decided = and_(ledger.c.kind == "decision", _says(body, "kind", where.kind))
            query = query.where(or_(ledger.c.kind == where.kind, decided))
        if where.tool or where.case or who is not None:
            query = query.where(ledger.c.kind == "decision")
        if where.tool:
            query = query.where(or_(_says(body, "subject", where.tool), _says(body, "tool", where.tool)))
        if where.case:
            names = ("subject", "trace_id", "approval", "event")
            query = query.where(or_(*(_says(body, name, where.case) for name in names)))
        if who is not None:
            query = query.where(_says(body, "who", who))
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def last_entry(self, product: str) -> LedgerEntry | None:
        """The head of the chain, to be signed and kept apart."""
        with self._database.read() as connection:
            return _last(connection, product)

    def ledger_products(self) -> list[str]:
        """Products that have entries, sorted."""
        with self._database.read() as connection:
            return sorted(connection.execute(select(ledger.c.product).distinct()).scalars())

    def add_evidence(self, product: str, evidence: Sequence[Evidence]) -> None:
        """Append all or none, chained; a piece that the ledger already holds is not added again."""
        with self._database.write() as connection:
            with self._lock:
                ids = set(self._read_on(connection, product).ids)
            bodies = []
            for piece in evidence:
                if piece.id not in ids:
                    ids.add(piece.id)
                    bodies.append(to_json(piece.as_json()))
            self.append_on(connection, product, kind="evidence", bodies=bodies)

    def evidence(self, product: str) -> list[Evidence]:
        """Every piece, oldest first."""
        with self._database.read() as connection, self._lock:
            return list(self._read_on(connection, product).pieces)

    def _read_on(self, connection: Connection, product: str) -> _Held:
        """What is held of a product, after reading what was appended since; the caller holds the lock."""
        held = self._held.setdefault(product, _Held())
        rows = connection.execute(
            select(ledger.c.seq, ledger.c.body)
            .filter_by(product=product, kind="evidence")
            .where(ledger.c.seq > held.seq)
            .order_by(ledger.c.seq)
        ).all()
        for row in rows:
            piece = Evidence.from_json(json.loads(row.body))
            held.seq = row.seq
            held.pieces.append(piece)
            held.ids.add(piece.id)
        return held


def _utc(moment: datetime) -> str:
    try:
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError as error:
        raise InputError(f"{moment} is beyond the calendar", where="time") from error


def _says(body: ColumnElement[str], name: str, value: str) -> ColumnElement[bool]:
    """Whether canonical JSON has this value under a name of its own object; LIKE would not mind case."""
    return func.replace(body, f"{json.dumps(name)}:{json.dumps(value)}", "") != body


def _last(connection: Connection, product: str) -> LedgerEntry | None:
    row = (
        connection.execute(select(ledger).filter_by(product=product).order_by(ledger.c.seq.desc()).limit(1))
        .mappings()
        .first()
    )
    return None if row is None else _entry(row)


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        seq=row["seq"],
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        body=row["body"],
        previous=row["previous"],
        hash=row["hash"],
    )
