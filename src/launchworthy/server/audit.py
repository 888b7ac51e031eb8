"""The signed heads of the ledger, kept apart from it, and what an audit finds.

May import every room below ``server``. Heads rest in ``heads/PRODUCT`` of the data folder, or in the folder
that ``LAUNCHWORTHY_HEADS`` names: put it on another disk or copy it to another machine, and nobody who can
write the data folder can cut the ledger's tail unseen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from launchworthy.errors import StorageError
from launchworthy.evidence import (
    ChainFault,
    LedgerEntry,
    SignedHead,
    append_head,
    load_signing_key,
    read_heads,
    read_public_key,
    sign_head,
    verify,
)
from launchworthy.store import Clock, Store

__all__ = ["Auditor"]

_KEY = "ledger-signing"
_SIGNED = "ledger-signed/"  # setting: how many entries of a product's chain were signed


class Auditor:
    """Signs the head of every product's chain, and verifies chains against the newest of them.

    Args:
        store: Holds the ledger.
        clock: Dates the heads.
    """

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store, self._clock = store, clock
        elsewhere = os.environ.get("LAUNCHWORTHY_HEADS")
        self._heads = Path(elsewhere) if elsewhere else store.folder / "heads"

    def sign(self) -> int:
        """Sign the heads that moved since they were last signed; answers how many.

        Raises:
            StorageError: A head cannot be kept.
        """
        signed = 0
        for product in self._store.ledger.ledger_products():
            last = self._store.ledger.last_entry(product)
            folder = self._folder(product)
            heads = read_heads(folder)
            if last is None or not self._continues(product, heads, last):
                continue
            secrets = self._store.folder / "secrets"
            try:
                secrets.mkdir(exist_ok=True, mode=0o700)
                key = load_signing_key(secrets / _KEY)
                append_head(sign_head(last, at=self._clock(), key=key), folder=folder, key=key)
                self._store.registry.set_setting(_SIGNED + product, str(last.seq))
            except OSError as error:
                raise StorageError(
                    f"the signed head cannot be kept: {error.strerror}", where=str(folder)
                ) from error
            signed += 1
        return signed

    def _continues(self, product: str, heads: Sequence[SignedHead], last: LedgerEntry) -> bool:
        """Whether the chain has grown from the newest head.

        What does not follow from it is never signed: a new head over a cut chain, or in place of heads that
        were taken away, would make it look whole.
        """
        if not heads:
            return self._store.registry.setting(_SIGNED + product) is None
        newest = heads[-1]
        if newest.size >= last.seq:
            return False
        entries = self._store.ledger.ledger_entries(product, after=newest.size - 1)
        sealed = next(iter(entries), None)
        return sealed is not None and (sealed.seq, sealed.hash) == (newest.size, newest.hash)

    def faults(self, product: str) -> tuple[ChainFault, ...]:
        """Everything that is wrong with a product's chain; empty where it is whole.

        Raises:
            InputError: The file of heads, or of the key, is damaged.
        """
        folder = self._folder(product)
        heads = read_heads(folder)
        return verify(
            self._store.ledger.ledger_entries(product),
            head=heads[-1] if heads else None,
            public_key=read_public_key(folder),
        )

    def _folder(self, product: str) -> Path:
        # A product may have any name; as a folder it has neither a slash nor only dots.
        return self._heads / quote(product, safe="").replace(".", "%2E")
