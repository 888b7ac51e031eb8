"""Evidence, and what else the audit chain holds: appended, read, signed, checked.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError, StorageError
from launchworthy.evidence import (
    AuditEntry,
    AuditFilter,
    ChainFault,
    Evidence,
    LedgerEntry,
    Opening,
)
from launchworthy.server.deciding import own_decision
from launchworthy.server.local.opened import Opened
from launchworthy.server.workspace import AuditHeads, AuditWords
from launchworthy.store.plain import to_json

__all__ = ["Chained"]

# What has a meaning of its own in the chain is appended by the operation that it belongs to.
_OWN_KINDS = ("contract", "evidence", "erasure", "decision", "export", "rollout", "incident", "flags")

_log = logging.getLogger("launchworthy.server")


class Chained(Opened):
    """Evidence, and what else the audit chain holds: appended, read, signed, checked."""

    def add_evidence(self, product: str, evidence: Sequence[Evidence]) -> None:
        """Append all or none, chained.

        Raises:
            InputError: A piece contradicts its own sample.
        """
        for piece in evidence:
            if piece.disagreement:
                raise InputError(piece.disagreement, where=piece.claim)
        self._store.ledger.add_evidence(product, evidence)

    def evidence(self, product: str) -> list[Evidence]:
        """Every piece, oldest first."""
        return self._store.ledger.evidence(product)

    def record(self, *, product: str, kind: str, body: Mapping[str, Any]) -> LedgerEntry:
        """Append an entry of another kind than evidence, such as a verdict, to the chain, and sign it."""
        if kind in _OWN_KINDS or not kind.isidentifier() or len(kind) > 40:
            raise InputError(
                f"an entry of kind {kind!r:.60} is not appended this way",
                where="kind",
                hint="a word such as verdict; evidence and erasures have operations of their own",
            )
        [entry] = self._store.ledger.append_ledger(product, kind=kind, bodies=[to_json(dict(body))])
        try:
            self._auditor.sign()
        except StorageError as error:
            _log.warning("an entry of kind %s is not signed yet: %s", kind, error)
        return entry

    def ledger_entries(self, *, product: str, after: int = 0) -> list[LedgerEntry]:
        """Entries of the audit chain, oldest first, from the one that follows number ``after``."""
        return list(self._store.ledger.ledger_entries(product, after=after))

    def audit(self, *, product: str) -> list[ChainFault]:
        """What is wrong with the audit chain, judged by the newest signed head; empty where it is whole."""
        return list(self._auditor.faults(product))

    def ledger_size(self, product: str) -> int:
        """How many entries the audit chain has."""
        last = self._store.ledger.last_entry(product)
        return 0 if last is None else last.seq

    def audit_heads(self, *, product: str) -> AuditHeads:
        """The signed heads of the audit chain, and the public key, as they are kept apart."""
        key = self._auditor.public_key(product)
        return AuditHeads(heads=self._auditor.heads(product), public_key=None if key is None else key.hex())

    def audit_words(self, *, product: str, after: int = 0) -> AuditWords:
        """Whether the records say of the next thousand entries after number ``after`` what the chain
        committed to."""
        return self._auditor.words(product, after=after)

    def audit_trail(
        self,
        *,
        product: str,
        person: str = "",
        tool: str = "",
        case: str = "",
        kind: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditEntry]:
        """The newest entries of the audit chain by person, tool, case, kind and time, each opened as far as
        its detail is still there."""
        where = AuditFilter(
            person=self._pseudonym(person) if person else "",
            tool=tool,
            case=case,
            kind=kind,
            since=since,
            until=until,
        )
        return self._auditor.trail(product, where=where, before=before, limit=limit)

    def audit_openings(self, *, product: str, after: int = 0) -> list[Opening]:
        """Details and salts of the decisions among the next thousand entries after number ``after``."""
        return self._auditor.openings(product, after=after)

    def decide(
        self,
        *,
        product: str,
        kind: str,
        subject: str,
        outcome: str,
        rule: str | None = None,
        reason: str = "",
        by: str | None = None,
        facts: Mapping[str, Any] | None = None,
        user: str | None = None,
        trace_id: str | None = None,
        decision_id: str | None = None,
    ) -> None:
        """Append a decision that was made here and not in an application, such as a drill."""
        row = own_decision(
            product=product,
            kind=kind,
            subject=self.take.redacted(product, subject),
            outcome=outcome,
            rule=rule,
            reason=self.take.redacted(product, reason),
            by=by,
            facts=None if facts is None else self.take.redacted(product, dict(facts)),
            user=self._pseudonym(user) if user else None,
            trace_id=trace_id,
            decision_id=decision_id,
            at=self._clock(),
        )
        self._store.ingest([row], batch_id=f"decision-{row.columns['event_id'][0]}")
