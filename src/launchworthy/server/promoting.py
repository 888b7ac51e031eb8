"""Changes to single items of a gold set: a trace promoted, an item reviewed; each makes a new version.

May import every room below ``server``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from launchworthy.contract import Contract
from launchworthy.errors import InputError, NotFoundError
from launchworthy.gold import (
    DEFAULT_HOLDOUT,
    GoldItem,
    GoldVersion,
    ReviewStatus,
    freeze,
    promoted,
    reviewed,
    sources_in,
    with_item,
)
from launchworthy.runtime.boundary import unlearnable
from launchworthy.store import Clock, Store

__all__ = ["GoldEditor"]


class GoldEditor:
    """Edits the newest version of a set, one edit at a time, so that none is lost.

    Args:
        store: Where sets and traces rest.
        contract: The contract in force of a product, or None.
        clock: When it happens.
    """

    def __init__(self, store: Store, *, contract: Callable[[str], Contract | None], clock: Clock) -> None:
        self._store, self._contract, self._clock = store, contract, clock
        self._lock = threading.Lock()

    def promote(
        self, *, product: str, name: str, trace_id: str, expected: Any, slices: Sequence[str], by: str
    ) -> GoldVersion:
        """Add what a user asked in a trace.

        Raises:
            NotFoundError: No such trace of this product.
            InputError: Its text is not there, or it may not be learnt from.
            ConflictError: The set has it already.
        """
        trace = [span for span in self._store.trace(trace_id) if span["product"] == product]
        contract = self._contract(product)
        if contract is not None:
            _refuse_unlearnable(contract, name, sources_in(trace), where=trace_id)
        holdout, sealed = _shares(contract, name)
        item = promoted(
            trace,
            trace_id=trace_id.lower(),
            workflow=name,
            expected=expected,
            by=by,
            now=self._clock(),
            slices=slices,
            holdout=holdout,
            sealed=sealed,
        )
        with self._lock:
            known = self._items(product, name, missing_ok=True)
            return self._add(product, name, with_item(known, item), note=f"{item.id} promoted by {by}")

    def review(
        self,
        *,
        product: str,
        name: str,
        item_id: str,
        status: ReviewStatus,
        because: str,
        expected: Any,
        by: str,
    ) -> GoldVersion:
        """Say where the review of an item stands.

        Raises:
            NotFoundError: No such set or item.
            InputError: Rejected without a reason.
        """
        with self._lock:
            items = reviewed(
                self._items(product, name),
                item_id,
                status=status,
                by=by,
                now=self._clock(),
                because=because,
                expected=expected,
            )
            return self._add(product, name, items, note=f"{item_id} {status.value} by {by}")

    def waiting(self, *, product: str, name: str) -> list[GoldItem]:
        """Items of the newest version that nobody has reviewed.

        Raises:
            NotFoundError: No such set.
        """
        return [
            item
            for item in self._items(product, name)
            if item.review is not None and item.review.status is ReviewStatus.PROPOSED
        ]

    def _items(self, product: str, name: str, *, missing_ok: bool = False) -> list[GoldItem]:
        versions = self._store.gold.gold_versions(product=product, name=name)
        if not versions:
            if missing_ok:
                return []
            raise NotFoundError(f"no gold set {name!r:.80} of product {product!r:.80}", where=name)
        return self._store.gold.gold_items(
            product=product, name=name, version=versions[0].version, split=None
        )

    def _add(self, product: str, name: str, items: Sequence[GoldItem], *, note: str) -> GoldVersion:
        version, ordered = freeze(items, product=product, name=name, created_at=self._clock(), note=note)
        self._store.gold.add_gold(version, ordered)
        return version


def _shares(contract: Contract | None, name: str) -> tuple[float, float]:
    if contract is None or name not in contract.workflows:
        return DEFAULT_HOLDOUT, 0.0
    gold = contract.gold_of(name)
    # Of a set that is split by time, what is new belongs to the newest stretch.
    return (
        gold.holdout.value if gold.holdout.unit == "ratio" else 1.0 - gold.sealed.value
    ), gold.sealed.value


def _refuse_unlearnable(contract: Contract, name: str, sources: Sequence[str], *, where: str) -> None:
    """Whatever the trace read shapes what its answer should be, and the set teaches whoever reads it."""
    drawn = contract.gold_of(name).from_ if name in contract.workflows else None
    declared = contract.data.sources.get(drawn) if drawn else None
    if declared is not None and "learn" not in declared.may:
        raise InputError(
            f"the set is drawn from {drawn}, which may not be learned from",
            where=where,
            hint=f"data/sources/{drawn} says may: [{', '.join(declared.may)}]",
        )
    reason = unlearnable(contract.data, sources)
    if reason is not None:
        raise InputError(
            f"nothing may be learnt from this trace: {reason}",
            where=where,
            hint="data/sources says under may what each source may be used for",
        )
