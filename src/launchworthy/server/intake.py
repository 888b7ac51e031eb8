"""From one OTLP request to acknowledged rows: decoded, stripped of what the contract may not store, kept.

May import every room below ``server``.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from launchworthy.contract.model.safeguards import Data
from launchworthy.errors import InputError
from launchworthy.server.contracts import Contracts, Mark, mark_of
from launchworthy.store import Clock, Rejection, Store

if TYPE_CHECKING:
    from launchworthy.capture.receiver import Receiver, StoragePolicy

__all__ = ["PSEUDONYM_SECRET", "RecordIntake", "policy_of"]

_Value = TypeVar("_Value")
PSEUDONYM_SECRET = "pseudonym"  # noqa: S105 (the name of the file, not its content)
_MOST_REASONS = 3
_log = logging.getLogger("launchworthy.server")


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
        self._policies: dict[str, tuple[Data, StoragePolicy]] = {}
        self._made: tuple[Receiver, Mark] | None = None

    def __call__(
        self, signal: str, body: bytes, content_type: str, encoding: str | None, batch_id: str
    ) -> tuple[int, str]:
        """Answers how many were rejected, and why in one line.

        Raises:
            InputError: The body cannot be read at all.
            OverloadedError: No room now.
            StorageError: The disk failed; nothing was acknowledged.
        """
        now = self._clock()
        decoded = self._receiver().decode(
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

    def redacted(self, product: str, value: _Value) -> _Value:
        """What people and applications said to this server itself, as records of the product may hold it."""
        from launchworthy.capture.redaction import Redaction

        redact = self._policy(product).redact
        return value if redact is None else Redaction(redact).value(value)

    def prepare(self) -> None:
        """Read the prices and the key now, so that a server with a broken price table does not start.

        Raises:
            InputError: The file that ``LAUNCHWORTHY_PRICES`` names cannot be used.
        """
        self._receiver()

    def _receiver(self) -> Receiver:
        """With the prices as their file says now; an edit that cannot be read leaves the last good ones."""
        from launchworthy.capture.pricing import PRICES_VARIABLE, default_prices
        from launchworthy.capture.receiver import Receiver

        with self._making:
            named = os.environ.get(PRICES_VARIABLE)
            mark = mark_of(Path(named)) if named else None
            if self._made is not None and self._made[1] == mark:
                return self._made[0]
            try:
                prices = default_prices()
            except InputError as error:
                if self._made is None:
                    raise
                _log.error("calls cost what they did before: %s", error)
                receiver = self._made[0]
            else:
                receiver = Receiver(
                    prices=prices,
                    pseudonym_key=self._store.registry.secret(PSEUDONYM_SECRET),
                    policy=self._policy,
                )
            self._made = receiver, mark
            return receiver

    def _policy(self, product: str) -> StoragePolicy:
        known = self._contracts.in_force(product)
        if known is None:
            return policy_of(None)
        data = known.contract.data
        made = self._policies.get(product)
        if made is None or made[0] is not data:  # else with all that it remembers of texts
            made = data, policy_of(data, key=self._store.registry.secret(PSEUDONYM_SECRET))
            self._policies[product] = made
        return made[1]


def policy_of(data: Data | None, *, key: bytes = b"") -> StoragePolicy:
    """What the ``data`` block of a contract lets the store keep; None: there is no contract.

    Where it wants kinds of personal data replaced that nothing here can find, texts are not stored at all.

    Args:
        data: The block.
        key: Of the pseudonyms that stand for personal data.
    """
    from dataclasses import replace

    from launchworthy.runtime.boundary import storage_policy

    try:
        return storage_policy(data, key=key)
    except InputError as error:
        _log.error("no text is stored, since personal data cannot be found in it: %s", error)
        return replace(storage_policy(None, key=key), user_ids="drop", store_content=False)
