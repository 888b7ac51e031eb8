"""From one OTLP request to acknowledged rows: decoded, stripped of what the contract may not store, kept.

May import every room below ``server``.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

from launchworthy.contract.model.safeguards import Data
from launchworthy.server.contracts import Contracts
from launchworthy.store import Clock, Rejection, Store

if TYPE_CHECKING:
    from launchworthy.capture.receiver import Receiver, StoragePolicy

__all__ = ["PSEUDONYM_SECRET", "RecordIntake", "policy_of"]

PSEUDONYM_SECRET = "pseudonym"  # noqa: S105 (the name of the file, not its content)
_MOST_REASONS = 3


class RecordIntake:
    """Meets ``otlp.Intake``: answers once the good records are on disk and the bad ones are counted.

    Args:
        store: Where records rest.
        contracts: Say what of them may be stored.
        clock: Stamps their arrival.
    """

    def __init__(self, store: Store, *, contracts: Contracts, clock: Clock) -> None:
        self._store, self._contracts, self._clock = store, contracts, clock
        self._making = threading.Lock()

    def __call__(
        self, signal: str, body: bytes, content_type: str, encoding: str | None, batch_id: str
    ) -> tuple[int, str]:
        """Answers how many were rejected, and why in one line.

        Raises:
            InputError: The body cannot be read at all.
            OverloadedError: No room now.
            StorageError: The disk failed; nothing was acknowledged.
        """
        with self._making:
            receiver = self._receiver
        now = self._clock()
        decoded = receiver.decode(
            cast(Literal["traces", "logs"], signal),
            body,
            content_type=content_type,
            encoding=encoding,
            received_at_ns=int(now.timestamp() * 1e6) * 1000,
        )
        receipt = self._store.ingest(decoded.rows, batch_id=batch_id)
        if decoded.refused and not receipt.duplicate:
            self._store.add_rejections(
                [
                    Rejection(
                        at=now,
                        product=refused.product,
                        reason=refused.reason,
                        count=refused.count,
                        sample=refused.sample,
                    )
                    for refused in decoded.refused
                ],
                table="spans" if signal == "traces" else "logs",
            )
        reasons = list(dict.fromkeys(refused.reason for refused in decoded.refused))
        more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
        return sum(refused.count for refused in decoded.refused), "; ".join(reasons[:_MOST_REASONS]) + more

    def prepare(self) -> None:
        """Read the prices and the key now, so that a server with a broken price table does not start.

        Raises:
            InputError: The file that ``LAUNCHWORTHY_PRICES`` names cannot be used.
        """
        with self._making:
            _ = self._receiver

    @cached_property
    def _receiver(self) -> Receiver:
        from launchworthy.capture.pricing import default_prices
        from launchworthy.capture.receiver import Receiver

        return Receiver(
            prices=default_prices(),
            pseudonym_key=self._store.registry.secret(PSEUDONYM_SECRET),
            policy=self._policy,
        )

    def _policy(self, product: str) -> StoragePolicy:
        known = self._contracts.in_force(product)
        return policy_of(None if known is None else known.contract.data)


def policy_of(data: Data | None) -> StoragePolicy:
    """What the ``data`` block of a contract lets the store keep; None: there is no contract.

    Where personal data may not be stored at all, texts are not: nothing here can tell what in them is
    personal.
    """
    from launchworthy.capture.receiver import StoragePolicy

    if data is None:
        return StoragePolicy()
    record = data.pii.record if data.pii is not None else "pseudonymise"
    return StoragePolicy(
        user_ids="drop" if record == "redact" else record,
        store_content=record in ("pseudonymise", "keep"),
        unstorable_sources=frozenset(
            name for name, source in data.sources.items() if "store" not in source.may
        ),
    )
