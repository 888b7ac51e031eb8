"""Contracts in force, the releases that are known, and the verdict about them.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from launchworthy.evidence import (
    verdict_json,
)
from launchworthy.records import Release
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.local.opened import Opened
from launchworthy.server.workspace import ContractVersion

__all__ = ["Declared"]


class Declared(Opened):
    """Contracts in force, the releases that are known, and the verdict about them."""

    def products(self) -> list[str]:
        """Names of the products known from contracts, records, gold sets, runs or evidence, sorted."""
        # Whoever brings flags or outcomes alone has no span. UNION keeps one row of each product.
        tables = ("spans", "exposures", "outcomes", "feedback")
        recorded = self._store.query(" UNION ".join(f"SELECT product FROM {table}" for table in tables))  # noqa: S608
        return sorted(
            {
                *self.contracts.products(),
                *(row["product"] for row in recorded),
                *self._store.gold.gold_products(),
                *self._store.runs.run_products(),
                *self._store.ledger.ledger_products(),
            }
        )

    def follow_contract(self, path: Path) -> str:
        """Register a contract file and read it again whenever it changes; answers its product."""
        return self.contracts.follow(path)

    def register_contract(self, *, product: str, text: str, path: str, caller: Caller = THIS_MACHINE) -> str:
        """Store this version of a contract; answers its content address. The same text changes nothing."""
        by = self._person(caller) or caller.key
        return self.contracts.register(product=product, text=text, path=path, by=by)

    def contract_version(self, *, product: str, version: str = "") -> ContractVersion | None:
        """The version in force: the registered file as it stands now, or the last one that could be read; or
        one that was, by its name ``c-…``."""
        return self.contracts.earlier(product, version) if version else self.contracts.version(product)

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id."""
        self._store.registry.register_release(release, product=product)

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id."""
        return self._store.registry.releases(product=product)

    def verdict(self, *, product: str, stage: str | None = None) -> dict[str, Any] | None:
        """The verdict as of this minute, as ``launchworthy verdict --json``; None without a contract."""
        found = self.judge.verdict(product, stage=stage)
        return None if found is None else verdict_json(found)
