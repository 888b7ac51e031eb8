"""Reading a holdout, and what it costs. May import ``errors`` and this room.

A holdout is spent by looking: what is learnt from each reading finds its way into the product, until it
measures memory. So a reading is recorded before anything is read, and the readings are counted.
"""

from __future__ import annotations

from datetime import datetime

from launchworthy.errors import InputError
from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion, Look

__all__ = ["SPLITS", "looks_spent", "read_items"]

SPLITS = ("dev", "holdout", "all")
_SAME_HOLDOUT = 0.5  # share of today's holdout that an earlier version must have shown


def read_items(
    store: GoldStore, version: GoldVersion, *, split: str, by: str, purpose: str, now: datetime
) -> list[GoldItem]:
    """Items of one split, or of ``all``; a reading that shows holdout items is recorded first.

    The same ``purpose`` counts once, so that a run that is resumed does not pay twice.

    Raises:
        InputError: Unknown split.
        NotFoundError: No such version.
    """
    if split not in SPLITS:
        raise InputError(f"split is {split!r:.80}", hint=f"one of {', '.join(SPLITS)}")
    if split != "dev" and version.splits.get("holdout"):
        known = store.looks(product=version.product, name=version.name, version=version.version)
        if all(look.purpose != purpose for look in known):
            store.add_look(
                Look(
                    product=version.product,
                    name=version.name,
                    version=version.version,
                    at=now,
                    by=by,
                    purpose=purpose,
                )
            )
    return store.gold_items(
        product=version.product,
        name=version.name,
        version=version.version,
        split=None if split == "all" else split,
    )


def looks_spent(store: GoldStore, version: GoldVersion) -> list[Look]:
    """Readings that count against this version's holdout, oldest first.

    A reading of an earlier version counts while that version holds at least half of this holdout: a
    corrected typo does not make a holdout new, a refreshed one is.
    """
    looks = store.looks(product=version.product, name=version.name)
    counts: dict[str, bool] = {version.version: True}
    own: set[str] | None = None
    for look in looks:
        if look.version not in counts:
            own = _holdout_ids(store, version, version.version) if own is None else own
            shared = len(own & _holdout_ids(store, version, look.version))
            counts[look.version] = bool(own) and shared >= _SAME_HOLDOUT * len(own)
    return [look for look in looks if counts[look.version]]


def _holdout_ids(store: GoldStore, version: GoldVersion, which: str) -> set[str]:
    items = store.gold_items(product=version.product, name=version.name, version=which, split="holdout")
    return {item.id for item in items}
