"""The audit chain on open files: heads are signed and kept apart, and entries are opened by the records.

May import every room below ``server``. Heads rest in ``heads/`` of the data folder, or in the folders that
``LAUNCHWORTHY_HEADS`` names (several, divided as in ``PATH``): put one on another disk or copy it to another
machine, and nobody who can write the data folder can cut the ledger's tail unseen.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from launchworthy.errors import InputError, StorageError
from launchworthy.evidence import (
    AuditEntry,
    AuditFilter,
    ChainFault,
    LedgerEntry,
    Opening,
    Openness,
    SignedHead,
    append_head,
    audit_entry,
    detail_of,
    has_heads,
    load_signing_key,
    read_heads,
    read_public_key,
    sign_head,
    verify,
)
from launchworthy.evidence.chain import entry_leaf
from launchworthy.evidence.tree import Frontier
from launchworthy.server.workspace import AuditWords
from launchworthy.store import Clock, Store

__all__ = ["Auditor"]

_log = logging.getLogger("launchworthy.server")
_KEY = "ledger-signing"
_SIGNED = "ledger-signed/"  # setting: how many entries of a product's chain were signed
_MOST = 1_000  # entries of one answer
_AT_ONCE = 1_000


class Auditor:
    """Signs the head of every product's chain, verifies chains against the heads, and reads entries.

    Args:
        store: Holds the ledger.
        clock: Dates the heads.
    """

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store, self._clock = store, clock
        elsewhere = [
            Path(each) for each in os.environ.get("LAUNCHWORTHY_HEADS", "").split(os.pathsep) if each
        ]
        self._heads = elsewhere or [store.folder / "heads"]
        self._lock = threading.Lock()
        self._trees: dict[str, Frontier] = {}
        self._newest: dict[str, SignedHead] = {}

    def sign(self) -> int:
        """Sign the heads that moved since they were last signed; answers how many.

        Raises:
            StorageError: A head cannot be kept in any folder.
        """
        with self._lock:
            return sum(self._sign(product) for product in self._store.ledger.ledger_products())

    def _sign(self, product: str) -> bool:
        last = self._store.ledger.last_entry(product)
        newest = self._newest.get(product)
        if newest is not None and last is not None and newest.size == last.seq:
            return False
        # There may be a head for every minute of years: they are read once, unless they were taken away.
        kept = newest is not None and any(map(has_heads, self._folders(product)))
        heads = [newest] if newest is not None and kept else self.heads(product)
        if last is None or not self._continues(product, heads, last):
            return False
        secrets = self._store.folder / "secrets"
        try:
            secrets.mkdir(exist_ok=True, mode=0o700)
            key = load_signing_key(secrets / _KEY)
        except OSError as error:
            raise StorageError(
                f"the signing key cannot be read: {error.strerror}", where=str(secrets / _KEY)
            ) from error
        head = sign_head(last, at=self._clock(), key=key, root=self._root(product, last.seq))
        failures = []
        for folder in self._folders(product):
            try:
                append_head(head, folder=folder, key=key)
            except OSError as error:
                failures.append(StorageError(f"the signed head cannot be kept: {error}", where=str(folder)))
        if len(failures) == len(self._heads):
            raise failures[0]
        for failure in failures:
            _log.warning("%s", failure)
        self._store.registry.set_setting(_SIGNED + product, str(last.seq))
        self._newest[product] = head
        return True

    def _root(self, product: str, size: int) -> bytes:
        """The root over the first ``size`` entries; the tree is kept, so that each is hashed once."""
        tree = self._trees.get(product)
        if tree is None or tree.size > size:
            tree = self._trees[product] = Frontier()
        for seq, each in self._store.ledger.entry_hashes(product, after=tree.size):
            if seq > size:
                break
            tree.append(entry_leaf(each))
        return tree.root()

    def _continues(self, product: str, heads: Sequence[SignedHead], last: LedgerEntry) -> bool:
        """Whether the chain has grown from the newest head.

        What does not follow from it is never signed: a new head over a cut chain, or in place of heads that
        were taken away, would make it look whole.
        """
        if not heads:
            return self._store.registry.setting(_SIGNED + product) is None
        newest = heads[-1]
        if newest.size >= last.seq:
            self._newest[product] = newest
            return False
        entries = self._store.ledger.ledger_entries(product, after=newest.size - 1)
        sealed = next(iter(entries), None)
        if sealed is None or (sealed.seq, sealed.hash) != (newest.size, newest.hash):
            return False
        return not newest.root or self._root(product, newest.size).hex() == newest.root

    def heads(self, product: str) -> list[SignedHead]:
        """Every head of every folder, the one of the longest chain last.

        Raises:
            InputError: A file of heads is damaged.
        """
        found: dict[str, SignedHead] = {}
        for folder in self._folders(product):
            found.update((head.signature, head) for head in read_heads(folder))
        return sorted(found.values(), key=lambda head: (head.size, head.at))

    def public_key(self, product: str) -> bytes | None:
        """The key that signs heads, from the first folder that has it.

        Raises:
            InputError: A file of the key is damaged.
        """
        return next(
            (key for folder in self._folders(product) if (key := read_public_key(folder)) is not None), None
        )

    def faults(self, product: str) -> tuple[ChainFault, ...]:
        """Everything that is wrong with a product's chain; empty where it is whole.

        Raises:
            InputError: The file of heads, or of the key, is damaged.
        """
        heads = self.heads(product)
        return verify(
            self._store.ledger.ledger_entries(product),
            head=heads[-1] if heads else None,
            public_key=self.public_key(product),
            earlier=heads[:-1],
        )

    def trail(
        self, product: str, *, where: AuditFilter, before: int | None = None, limit: int = 50
    ) -> list[AuditEntry]:
        """The newest entries that a filter lets through, newest first, opened as far as they can be.

        Raises:
            InputError: A limit that is none.
        """
        if not 1 <= limit <= _MOST:
            raise InputError(f"{limit} entries cannot be read at once", where="limit", hint=f"1 to {_MOST:,}")
        who = None
        if where.person:
            who = self._store.decisions.who(product, where.person)
            if who is None:
                return []
        found = self._store.ledger.newest_entries(product, where=where, who=who, before=before, limit=limit)
        openings = {each.seq: each for each in self.openings_of(product, found)}
        return [audit_entry(entry, openings.get(entry.seq)) for entry in found]

    def openings(self, product: str, *, after: int) -> list[Opening]:
        """What opens the decisions among the next thousand entries after number ``after``."""
        return self.openings_of(product, self._next(product, after))

    def words(self, product: str, *, after: int) -> AuditWords:
        """Whether the records say of the next thousand entries what the chain committed to."""
        entries = self._next(product, after)
        openings = {each.seq: each for each in self.openings_of(product, entries)}
        found = [audit_entry(each, openings.get(each.seq)) for each in entries if each.kind == "decision"]
        states = [each.openness for each in found]
        return AuditWords(
            entries=len(entries),
            opened=states.count(Openness.OPEN),
            closed=states.count(Openness.CLOSED),
            altered=[each.seq for each in found if each.openness is Openness.ALTERED],
        )

    def _next(self, product: str, after: int) -> list[LedgerEntry]:
        return list(islice(self._store.ledger.ledger_entries(product, after=after), _MOST))

    def openings_of(self, product: str, entries: Iterable[LedgerEntry]) -> list[Opening]:
        """What opens these entries, in order, where record and salt are both still there."""
        import orjson

        wanted = {
            str(orjson.loads(entry.body).get("event")): entry.seq
            for entry in entries
            if entry.kind == "decision"
        }
        if not wanted:
            return []
        self._store.flush()
        rows: list[dict[str, Any]] = []
        events = list(wanted)
        for start in range(0, len(events), _AT_ONCE):
            some = events[start : start + _AT_ONCE]
            rows += self._store.query(
                "SELECT event_id, trace_id, user_id, session_id, reason, decided_by, facts FROM decisions"
                " WHERE product = ? AND event_id IN (SELECT unnest(?::VARCHAR[]))",
                [product, some],
            )
        salts = self._store.decisions.salts(product, rows)
        found = [
            Opening(seq=wanted[row["event_id"]], detail=detail_of(row), salt=salt.hex())
            for row, salt in zip(rows, salts, strict=True)
            if salt is not None
        ]
        return sorted(found, key=lambda opening: opening.seq)

    def _folders(self, product: str) -> list[Path]:
        # A product may have any name; as a folder it has neither a slash nor only dots.
        name = quote(product, safe="").replace(".", "%2E")
        return [folder / name for folder in self._heads]
