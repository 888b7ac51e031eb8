"""The launch gate: the sealed items are asked for one release, and only what they prove is kept.

May import ``contract``, ``evidence``, ``gold``, ``records``. What a single sealed item answered is seen by
nobody: an item that is known is an item that is tuned on. Replies rest in the reply cache alone, under
digests, so that a gate that was interrupted goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.contract import Claim
from launchworthy.contract.model.proof import Gold
from launchworthy.evidence import Evidence
from launchworthy.gold import SEALED, SealedReadings
from launchworthy.records import Run, RunItem

__all__ = ["SealedStore", "sealed_budget", "sealed_evidence"]

_ITEM_BY_ITEM = ("worst", "worse", "better")


def sealed_evidence(
    piece: Evidence, *, readings: SealedReadings, budget: int, remark: str | None
) -> Evidence:
    """A piece measured on sealed items, without a word on any one of them.

    Args:
        piece: The measurement.
        readings: How often these items were read, by any release.
        budget: How often they may be, before the best reading flatters: see ``sealed_looks`` of a contract.
        remark: What a reader must know of them.
    """
    detail = {name: told for name, told in piece.detail.items() if name not in (*_ITEM_BY_ITEM, "remark")}
    detail |= {
        "split": SEALED,
        "sealed_looks": readings.times,
        "sealed_releases": readings.releases,
        "sealed_lineage": readings.lineage,
        "sealed_budget": budget,
    }
    if readings.times > budget:
        detail["next"] = (
            "refresh the sealed part: replace its items by new ones, then launchworthy eval --gate"
        )
    if remark is not None:
        detail["remark"] = f"{remark}; the first complete reading decides"
    return replace(piece, detail=detail)


def sealed_budget(claims: Iterable[Claim], *, gold: str) -> int:
    """How often the sealed items of a set may be read; the default of a contract where none says it.

    Args:
        claims: Claims of the contract.
        gold: Name of the set, as in ``run.gold``.
    """
    address = f"/gold/{gold.partition('@')[0]}/sealed_looks"
    for claim in claims:
        if claim.address.endswith(address) and claim.target is not None:
            return int(claim.target.threshold)
    return Gold().sealed_looks


class SealedStore:
    """A store that keeps the header of a run, and its items only as long as it lives itself."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._items: dict[str, RunItem] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def add_run(self, run: Run) -> None:
        """The header alone is kept."""
        self._store.add_run(run)

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Held in memory."""
        self._items.update({item.item_id: item for item in items})

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """What is held."""
        return iter(list(self._items.values()))

    def run_items(self, run_id: str) -> list[RunItem]:
        """What is held, in order of item id."""
        return [self._items[item_id] for item_id in sorted(self._items)]
