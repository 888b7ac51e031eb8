"""What must not rest any longer: a person who asks, and what is older than the contract allows.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.cache import forget_replies
from launchworthy.evidence import (
    Evidence,
)
from launchworthy.records import TABLES, is_pseudonym, pseudonym
from launchworthy.server.erasing import drill, what_is_left
from launchworthy.server.intake import PSEUDONYM_SECRET
from launchworthy.server.local.chained import Chained
from launchworthy.server.retention import retention_rules
from launchworthy.store.erasure import about_subject
from launchworthy.store.searching import LEAST

__all__ = ["Erased"]


class Erased(Chained):
    """What must not rest any longer: a person who asks, and what is older than the contract allows."""

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row.

        A user id as the application knows it is erased under its pseudonym, and as it stands: a contract may
        keep ids, and a gold set or a run may name one. Remembered replies are forgotten where they, or what
        was asked, name the subject or a trace of theirs, and where they do not say what was asked, as those
        of judges.
        """
        self._forget_replies(product, user_id)
        if is_pseudonym(user_id) or not user_id.strip():
            return self._store.erase_subject(product=product, user_id=user_id, by=by)
        key = self._store.registry.secret(PSEUDONYM_SECRET)
        hidden = self._store.erase_subject(product=product, user_id=pseudonym(user_id, key=key), by=by)
        plain = self._store.erase_subject(product=product, user_id=user_id, by=by)
        removed = dict(plain["removed"])
        for name, count in hidden["removed"].items():
            removed[name] = removed.get(name, 0) + count
        return {**plain, "requested_at_ns": hidden["requested_at_ns"], "removed": removed}

    def find_texts(self, *, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Where any of these texts stands in any file of the folder, and which of them it is.

        Each is looked for as a user too, who stands under a pseudonym.
        """
        # A user stands under a pseudonym; a short id stands anywhere by chance, and its pseudonym does not.
        wanted = [(place, text) for place, text in enumerate(texts) if len(text) >= LEAST]
        wanted += [(place, self._pseudonym(text)) for place, text in enumerate(texts)]
        left = what_is_left(self._store, [text for _, text in wanted])
        found = dict.fromkeys((each["place"], wanted[each["text"]][0]) for each in left)
        return [{"place": place, "text": text} for place, text in found]

    def drill_erasure(self, *, product: str, by: str) -> Evidence:
        """Erase a made-up person and look for what is left; answers, and keeps, the evidence.

        Raises:
            InputError: The contract in force says nothing of erasure.
        """
        piece = drill(
            self._store,
            product=product,
            within_ms=self._erasure_within(product),
            erase=lambda user: self.erase_subject(product=product, user_id=user, by=by),
            pseudonym=self._pseudonym,
            clock=self._clock,
        )
        self.add_evidence(product, [piece])
        return piece

    def _erasure_within(self, product: str) -> float:
        contract = self._contract(product)
        declared = None if contract is None else contract.data.erasure_within
        if declared is None:
            raise InputError(
                f"the contract in force of {product!r:.80} says nothing of erasure",
                where="data/erasure_within",
                hint="declare how soon a person's data is gone: data: {erasure_within: 72h}",
            )
        return declared.value

    def _forget_replies(self, product: str, user_id: str) -> None:
        if not user_id.strip():
            return  # the store says what is wrong with it
        key = self._store.registry.secret(PSEUDONYM_SECRET)
        names = [user_id] if is_pseudonym(user_id) else [user_id, pseudonym(user_id, key=key)]
        self._store.flush()
        traces = {
            row["trace_id"]
            for table in TABLES
            for name in names
            for row in self.query(
                f"SELECT DISTINCT trace_id FROM {table}"  # noqa: S608 (a name of our own)
                " WHERE product = ? AND user_id = ? AND trace_id IS NOT NULL",
                [product, name],
            )
        }
        told = [about_subject(name, traces=traces) for name in names]
        forget_replies(self._store.folder, about=lambda text: any(about(text) for about in told))

    def apply_retention(self) -> Mapping[str, int]:
        """Unlink what is older than the contracts allow; answers rows removed per table."""
        return self._store.apply_retention(self._clock(), retention_rules(self.contracts))

    def maintain(self) -> None:
        """Seal past days and apply retention."""
        self._store.seal()
        self.apply_retention()
