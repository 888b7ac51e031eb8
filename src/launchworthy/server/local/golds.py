"""Gold sets: versions, items, looks, and what people review.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

from launchworthy.gold import Canary, GoldItem, GoldVersion, Look, ReviewStatus
from launchworthy.server.local.opened import Opened

__all__ = ["Golds"]


class Golds(Opened):
    """Gold sets: versions, items, looks, and what people review."""

    def add_gold(self, version: GoldVersion, items: Sequence[GoldItem]) -> None:
        """Store one version whole, or nothing. Adding the same version again changes nothing."""
        self._store.gold.add_gold(version, items)

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        """Newest first."""
        return self._store.gold.gold_versions(product=product, name=name)

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        """Items in order of id; reading the holdout does not count by itself."""
        return self._store.gold.gold_items(product=product, name=name, version=version, split=split)

    def gold_page(
        self, *, product: str, name: str, version: str, split: str | None, after: str | None
    ) -> list[GoldItem]:
        """The next few hundred items in order of id, after the one of this id; none where no more are."""
        return self._store.gold.gold_page(
            product=product, name=name, version=version, split=split, after=after
        )

    def iter_gold_items(
        self, *, product: str, name: str, version: str, split: str | None, without: Container[str] = ()
    ) -> Iterator[GoldItem]:
        """Items in order of id but for these, a few hundred held at a time."""
        return self._store.gold.iter_gold_items(
            product=product, name=name, version=version, split=split, without=without
        )

    def add_look(self, look: Look) -> None:
        """Record one reading of a holdout, before it is read."""
        self._store.gold.add_look(look)

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Oldest first."""
        return self._store.gold.looks(product=product, name=name, version=version)

    def gold_canaries(self, *, product: str, name: str) -> list[Canary]:
        """The canaries of a set, oldest first: its own, and those that came with files."""
        return self._store.gold.gold_canaries(product=product, name=name)

    def promote_trace(
        self,
        *,
        product: str,
        name: str,
        trace_id: str,
        by: str,
        expected: Any = None,
        slices: Sequence[str] = (),
    ) -> GoldVersion:
        """Add what a user asked in a trace to a gold set, proposed for review; answers the new version."""
        return self._gold.promote(
            product=product, name=name, trace_id=trace_id, expected=expected, slices=slices, by=by
        )

    def review_item(
        self,
        *,
        product: str,
        name: str,
        item_id: str,
        status: ReviewStatus,
        by: str,
        because: str = "",
        expected: Any = None,
    ) -> GoldVersion:
        """Accept or reject a gold item of the newest version; answers the new version."""
        return self._gold.review(
            product=product,
            name=name,
            item_id=item_id,
            status=ReviewStatus(status),
            because=because,
            expected=expected,
            by=by,
        )

    def waiting_items(self, *, product: str, name: str) -> list[GoldItem]:
        """Gold items of the newest version that nobody has reviewed."""
        return self._gold.waiting(product=product, name=name)
