"""The ledger of evidence in the metadata, one chain for each product. Meets ``evidence.Ledger``.

May import ``evidence`` and ``errors``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from launchworthy.evidence import Evidence, LedgerEntry, link
from launchworthy.store.database import Database
from launchworthy.store.options import Clock
from launchworthy.store.plain import to_json
from launchworthy.store.schema import ledger

__all__ = ["LedgerRepository"]


class LedgerRepository:
    """Entries are appended, never changed; each is linked to the one before it."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def append_ledger(self, product: str, *, kind: str, bodies: Sequence[str]) -> list[LedgerEntry]:
        """Append all or none; bodies are canonical JSON."""
        with self._database.write() as connection:
            return self._append(connection, product, kind=kind, bodies=bodies)

    def _append(
        self, connection: Connection, product: str, *, kind: str, bodies: Sequence[str]
    ) -> list[LedgerEntry]:
        last = _last(connection, product)
        entries = []
        for body in bodies:
            last = link(body, kind=kind, at=self._clock(), after=last)
            entries.append(last)
        if entries:
            connection.execute(
                insert(ledger),
                [
                    {
                        "product": product,
                        "seq": entry.seq,
                        "at": entry.at.isoformat(timespec="microseconds"),
                        "kind": entry.kind,
                        "body": entry.body,
                        "previous": entry.previous,
                        "hash": entry.hash,
                    }
                    for entry in entries
                ],
            )
        return entries

    def ledger_entries(self, product: str, *, after: int = 0) -> Iterator[LedgerEntry]:
        """Entries in the order in which they are stored, from the one that follows ``after``."""
        query = select(ledger).filter_by(product=product).where(ledger.c.seq > after).order_by(ledger.c.seq)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        yield from map(_entry, rows)

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
            held = {piece.id for piece in _evidence(connection, product)} if evidence else set()
            bodies = []
            for piece in evidence:
                if piece.id not in held:
                    held.add(piece.id)
                    bodies.append(to_json(piece.as_json()))
            self._append(connection, product, kind="evidence", bodies=bodies)

    def evidence(self, product: str) -> list[Evidence]:
        """Every piece, oldest first."""
        with self._database.read() as connection:
            return _evidence(connection, product)


def _last(connection: Connection, product: str) -> LedgerEntry | None:
    row = (
        connection.execute(select(ledger).filter_by(product=product).order_by(ledger.c.seq.desc()).limit(1))
        .mappings()
        .first()
    )
    return None if row is None else _entry(row)


def _evidence(connection: Connection, product: str) -> list[Evidence]:
    bodies = connection.execute(
        select(ledger.c.body).filter_by(product=product, kind="evidence").order_by(ledger.c.seq)
    ).scalars()
    return [Evidence.from_json(json.loads(body)) for body in bodies]


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        seq=row["seq"],
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        body=row["body"],
        previous=row["previous"],
        hash=row["hash"],
    )
