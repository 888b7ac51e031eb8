"""The boundary of data, for code of an application that looks documents up or learns from records by itself.

May import ``contract`` and what ``runtime`` may. The enforcer keeps it in the calls that it makes; here it
stands alone. Filters are pure: the same documents give the same answer, and each that is left out says why.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.retrieving import Document, LeftOut, SourceRules, read_documents

if TYPE_CHECKING:
    from launchworthy.capture.storage_policy import StoragePolicy
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Data

__all__ = ["Admitted", "Boundary", "storage_policy", "unlearnable"]

CLASSES = ("public", "internal", "confidential", "restricted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Documents that may enter a prompt, in their order, and those that may not."""

    documents: tuple[Document, ...]
    left_out: tuple[LeftOut, ...]


class Boundary:
    """What a contract lets a model see, a record hold and a set teach.

    Example:
        >>> from launchworthy.runtime.boundary import Boundary
        >>> boundary = Boundary.load("launchworthy.yaml")  # doctest: +SKIP
        >>> found = boundary.admit(
        ...     search(question), workflow="answer", scopes={"own_customer": "c-7"}
        ... )  # doctest: +SKIP
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._rules = SourceRules.of(contract)

    @classmethod
    def load(cls, path: str | Path = "launchworthy.yaml") -> Boundary:
        """Read the contract of a file.

        Raises:
            ContractError: It cannot be used.
        """
        from launchworthy.contract import load_contract

        return cls(load_contract(path))

    def admit(
        self,
        documents: Iterable[Any],
        *,
        workflow: str,
        scopes: Mapping[str, str] | None = None,
        source: str = "",
        most: str = "restricted",
    ) -> Admitted:
        """Sort documents into those that a prompt may hold and those that it may not.

        Args:
            documents: What a search answered: texts, mappings, or objects with a text.
            workflow: That asks.
            scopes: Scope of the contract → whose rows the caller may reach.
            source: Where documents come from that do not say so themselves.
            most: The most sensitive class that may go where this prompt goes, such as ``internal`` for the
                model of a vendor.

        Raises:
            InputError: An unknown class.
        """
        if most not in CLASSES:
            raise InputError(
                f"{most!r:.40} is no class of data", where="most", hint=f"one of {', '.join(CLASSES)}"
            )
        kept, out = [], []
        for document in read_documents(documents, source=source, scope_of=self._rules.scope_of):
            reason = self._rules.check(document, scopes=scopes or {}, workflow=workflow)
            reason = reason or self._beyond(document, most)
            if reason is None:
                kept.append(document)
            else:
                out.append(reason)
        return Admitted(documents=tuple(kept), left_out=tuple(out))

    def _beyond(self, document: Document, most: str) -> LeftOut | None:
        declared = self.contract.data.sources.get(document.source)
        if declared is None or CLASSES.index(declared.class_) <= CLASSES.index(most):
            return None
        return LeftOut(
            document=document,
            rule=f"{self.contract.product}/data/sources/{document.source}/class",
            reason=f"{document.source} is {declared.class_}, and this prompt may hold {most} data at most",
        )

    def unlearnable(self, sources: Collection[str]) -> str | None:
        """Why nothing may be learnt from what read these sources; None where it may."""
        return unlearnable(self.contract.data, sources)

    def protect_records(self, *, key: str | bytes | None = None) -> None:
        """Hold the records that the SDK of this process makes to the contract, before they leave it.

        Args:
            key: Of the pseudonyms that stand for personal data in texts; that of the SDK if not given.

        Raises:
            InputError: The contract wants kinds of personal data replaced that nothing here finds.
        """
        from launchworthy.capture.sdk.process import protect

        used = _key_of_the_sdk if key is None else key.encode() if isinstance(key, str) else key
        protect(self.contract.product, storage_policy(self.contract.data, key=used))


def _key_of_the_sdk() -> bytes:
    """The key of this process's pseudonyms; where users are sent as they are, one that nobody has."""
    from launchworthy.capture.sdk.process import client

    return client().pseudonyms.key or _nobodys_key()


@functools.cache
def _nobodys_key() -> bytes:
    return secrets.token_bytes(32)


def unlearnable(data: Data, sources: Collection[str]) -> str | None:
    """Why nothing may be learnt from what read these sources; None where it may."""
    for source in sources:
        declared = data.sources.get(source)
        if declared is None and data.sources:
            return f"it read {source[:80]!r}, which the contract does not name" if source else _UNSAID
        if declared is not None and "learn" not in declared.may:
            return f"it read {source}, which may not be learned from"
    return None


_UNSAID = "it read a document that does not say where it comes from"


def storage_policy(data: Data | None, *, key: bytes | Callable[[], bytes]) -> StoragePolicy:
    """What the ``data`` block of a contract lets records hold; None: there is no contract.

    Args:
        data: The block.
        key: Of the pseudonyms that stand for personal data in texts, or what answers it.

    Raises:
        InputError: It wants kinds of personal data replaced that nothing here finds.
    """
    from launchworthy.capture.storage_policy import StoragePolicy
    from launchworthy.runtime.redaction import redaction_of

    if data is None:
        return StoragePolicy()
    record = data.pii.record if data.pii is not None else "pseudonymise"
    return StoragePolicy(
        user_ids="drop" if record == "redact" else record,
        store_content=record != "drop",
        unstorable_sources=frozenset(
            name for name, source in data.sources.items() if "store" not in source.may
        ),
        redact=redaction_of(data.pii, key=key),
    )
