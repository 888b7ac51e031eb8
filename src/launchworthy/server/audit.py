"""The signed heads of the ledger, kept apart from it, and what an audit finds.

May import every room below ``server``. Heads rest in ``heads/PRODUCT`` of the data folder, or in the folder
that ``LAUNCHWORTHY_HEADS`` names: put it on another disk or copy it to another machine, and nobody who can
write the data folder can cut the ledger's tail unseen.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from launchworthy.errors import StorageError
from launchworthy.evidence import (
    ChainFault,
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
            if last is None or (heads and heads[-1].size >= last.seq):
                continue
            secrets = self._store.folder / "secrets"
            try:
                secrets.mkdir(exist_ok=True, mode=0o700)
                key = load_signing_key(secrets / _KEY)
                append_head(sign_head(last, at=self._clock(), key=key), folder=folder, key=key)
            except OSError as error:
                raise StorageError(
                    f"the signed head cannot be kept: {error.strerror}", where=str(folder)
                ) from error
            signed += 1
        return signed

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
