from __future__ import annotations

from collections.abc import Sequence

import pytest

from launchworthy.errors import NotFoundError
from launchworthy.gold import Canary, GoldItem, GoldVersion, Look


class MemoryGoldStore:
    """Gold versions and looks in lists; what the real store must also do."""

    def __init__(self) -> None:
        self.versions: list[tuple[GoldVersion, tuple[GoldItem, ...]]] = []
        self.seen: list[Look] = []
        self.log: list[str] = []

    def add_gold(self, version: GoldVersion, items: Sequence[GoldItem]) -> None:
        if all((old.name, old.version) != (version.name, version.version) for old, _ in self.versions):
            self.versions.insert(0, (version, tuple(items)))

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        return [v for v, _ in self.versions if v.product == product and name in (None, v.name)]

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        self.log.append(f"read {split}")
        for known, items in self.versions:
            if (known.product, known.name, known.version) == (product, name, version):
                return [item for item in items if split in (None, item.split)]
        raise NotFoundError("no such version")

    def add_look(self, look: Look) -> None:
        self.log.append("look")
        self.seen.append(look)

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        return [
            x for x in self.seen if (x.product, x.name) == (product, name) and version in (None, x.version)
        ]

    def gold_canaries(self, *, product: str, name: str) -> list[Canary]:
        text = f"launchworthy-gold-canary:{'0' * 32}"
        return [Canary(product=product, name=name, text=text, created_at=self.versions[-1][0].created_at)]

    def products(self) -> list[str]:
        return sorted({version.product for version, _ in self.versions})

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def store() -> MemoryGoldStore:
    return MemoryGoldStore()
