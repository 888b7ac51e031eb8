"""Items of a stored version that are read as they are gone through, and held by nobody.

May import ``errors`` and this room.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion

__all__ = ["GoldStream"]


class GoldStream:
    """Items of one split, or of all, in order of id; each time it is gone through the store is read again.

    Args:
        store: Where the version rests.
        version: Which to read.
        split: ``dev``, ``holdout``, ``sealed``, or None: dev and holdout. What is sealed leaves the store
            only when it is asked for by name.
    """

    def __init__(self, store: GoldStore, version: GoldVersion, *, split: str | None) -> None:
        self._store = store
        self._version = version
        self._split = split

    def __iter__(self) -> Iterator[GoldItem]:
        return self.without(())

    def without(self, ids: Container[str]) -> Iterator[GoldItem]:
        """All but these, which are not even read."""
        items = self._store.iter_gold_items(
            product=self._version.product,
            name=self._version.name,
            version=self._version.version,
            split=self._split,
            without=ids,
        )
        return (item for item in items if item.counts and (self._split is not None or item.split != "sealed"))
