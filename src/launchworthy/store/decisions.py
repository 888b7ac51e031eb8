"""Decisions in the audit chain: each is an entry, appended in the transaction that acknowledges it.

The entry holds a commitment to the reason, the facts and the person; these rest in the records, where
retention and erasure reach them. May import ``evidence``, ``records`` and ``errors``.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from launchworthy.evidence import commitment, decision_body, subject_key
from launchworthy.records import DECISIONS, Rows
from launchworthy.store.database import Database
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.plain import to_json
from launchworthy.store.schema import audit_salts, decision_events

__all__ = ["DecisionLog", "forget_salts"]

_AT_ONCE = 500  # names in one query


class DecisionLog:
    """Appends decisions to the chain of their product, each once, and opens what the chain commits to."""

    def __init__(self, database: Database, *, ledger: LedgerRepository) -> None:
        self._database, self._ledger = database, ledger

    def chain(self, connection: Connection, batches: Iterable[Rows]) -> None:
        """Append the decisions among these rows, within the caller's transaction."""
        by_product: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for rows in batches:
            if rows.table != DECISIONS.name:
                continue
            for values in zip(*rows.columns.values(), strict=True):
                row = dict(zip(rows.columns, values, strict=True))
                for name in ("trace_id", "span_id"):
                    row[name] = row[name].hex() if row[name] else None
                by_product[row["product"]].setdefault(row["event_id"], row)
        for product, found in by_product.items():
            known = _seqs(connection, product, list(found))
            new = [row for event, row in found.items() if event not in known]
            salts = self._salts(connection, product, {_key(row) for row in new})
            bodies = [to_json(decision_body(row, salt=salts[_key(row)])) for row in new]
            entries = self._ledger.append_on(connection, product, kind="decision", bodies=bodies)
            if entries:
                connection.execute(
                    insert(decision_events),
                    [
                        {"product": product, "event_id": row["event_id"], "seq": entry.seq}
                        for row, entry in zip(new, entries, strict=True)
                    ],
                )

    def _salts(self, connection: Connection, product: str, subjects: set[str]) -> dict[str, bytes]:
        found = _read_salts(connection, product, sorted(subjects))
        made = {subject: secrets.token_bytes(32) for subject in sorted(subjects - found.keys())}
        if made:
            connection.execute(
                insert(audit_salts),
                [{"product": product, "subject": subject, "salt": salt} for subject, salt in made.items()],
            )
        return found | made

    def salts(self, product: str, rows: Sequence[Mapping[str, Any]]) -> list[bytes | None]:
        """The salt of each decision, None where it was erased; ids of ``rows`` as hex."""
        with self._database.read() as connection:
            found = _read_salts(connection, product, sorted({_key(row) for row in rows}))
        return [found.get(_key(row)) for row in rows]

    def who(self, product: str, user_id: str) -> str | None:
        """The chain's commitment to a person; None for one whom it never named, or who was erased."""
        subject = subject_key(user_id=user_id, trace_id=None, session_id=None)
        with self._database.read() as connection:
            salt = _read_salts(connection, product, [subject]).get(subject)
        return None if salt is None else commitment(user_id, salt=salt, purpose="who")

    def entry_numbers(self, product: str, events: Sequence[str]) -> dict[str, int]:
        """Entry of the chain by event id."""
        with self._database.read() as connection:
            return _seqs(connection, product, events)


def forget_salts(
    connection: Connection, product: str, *, user_id: str, traces: Iterable[str], sessions: Iterable[str]
) -> int:
    """Make what the chain says of a subject unreadable for good; answers the salts that went."""
    subjects = [
        f"user:{user_id}",
        *(f"trace:{trace}" for trace in traces),
        *(f"session:{session}" for session in sessions),
    ]
    gone = 0
    for start in range(0, len(subjects), _AT_ONCE):
        some = subjects[start : start + _AT_ONCE]
        gone += connection.execute(
            delete(audit_salts).filter_by(product=product).where(audit_salts.c.subject.in_(some))
        ).rowcount
    return gone


def _key(row: Mapping[str, Any]) -> str:
    return subject_key(
        user_id=row.get("user_id"), trace_id=row.get("trace_id"), session_id=row.get("session_id")
    )


def _read_salts(connection: Connection, product: str, subjects: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for start in range(0, len(subjects), _AT_ONCE):
        query = (
            select(audit_salts.c.subject, audit_salts.c.salt)
            .filter_by(product=product)
            .where(audit_salts.c.subject.in_(subjects[start : start + _AT_ONCE]))
        )
        found.update((row.subject, row.salt) for row in connection.execute(query))
    return found


def _seqs(connection: Connection, product: str, events: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(events), _AT_ONCE):
        query = (
            select(decision_events.c.event_id, decision_events.c.seq)
            .filter_by(product=product)
            .where(decision_events.c.event_id.in_(events[start : start + _AT_ONCE]))
        )
        found.update((row.event_id, row.seq) for row in connection.execute(query))
    return found
