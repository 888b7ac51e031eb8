"""Reading what is kept back, and what it costs. May import ``errors`` and this room.

A holdout is spent by looking: what is learnt from each reading finds its way into the product, until it
measures memory. So a reading is recorded before anything is read, and the readings are counted. The sealed
split is read by the launch gate alone, once for each release: the best of many candidates is chosen on the
holdout, and what chose it flatters it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from launchworthy.errors import InputError
from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion, Look
from launchworthy.gold.stream import GoldStream

__all__ = [
    "SEALED",
    "SPLITS",
    "SealedReadings",
    "looks_spent",
    "read_items",
    "record_look",
    "sealed_readings",
    "sealed_remark",
    "stream_items",
]

SPLITS = ("dev", "holdout", "all")  # what an evaluation may ask; ``all`` is dev and holdout
SEALED = "sealed"  # what only the launch gate asks
# Share of today's items that an earlier version must have shown for its readings to count. What the best of
# many readings of one sealed item in ten flatters, it flatters by a tenth.
_SAME = {"holdout": 0.5, SEALED: 0.1}


def read_items(
    store: GoldStore,
    version: GoldVersion,
    *,
    split: str,
    by: str,
    purpose: str,
    now: datetime,
    release: str | None = None,
    unreviewed: bool = False,
) -> list[GoldItem]:
    """Items of one split, or of ``all`` (dev and holdout); a reading of what is kept back is recorded first.

    The same ``purpose`` counts once, so that a run that is resumed does not pay twice.

    Args:
        store: Where the version rests.
        version: Which to read.
        split: ``dev``, ``holdout``, ``all``, or ``sealed``.
        by: Who reads.
        purpose: What for, such as ``run r-12`` or ``gate r-12``.
        now: When (aware).
        release: The release that a reading of the sealed split judges.
        unreviewed: Items that wait for review, or were rejected, too; they are for people to see, and prove
            nothing.

    Raises:
        InputError: Unknown split.
        NotFoundError: No such version.
    """
    _check(split)
    hidden = unreviewed and version.items > sum(version.splits.values())
    _look_at(store, version, split=split, by=by, purpose=purpose, now=now, release=release, hidden=hidden)
    items = store.gold_items(
        product=version.product,
        name=version.name,
        version=version.version,
        split=None if split == "all" else split,
    )
    # What is sealed leaves the store only when it is asked for by name.
    return [
        item for item in items if (split == SEALED or item.split != SEALED) and (unreviewed or item.counts)
    ]


def stream_items(
    store: GoldStore,
    version: GoldVersion,
    *,
    split: str,
    by: str,
    purpose: str,
    now: datetime,
    release: str | None = None,
) -> GoldStream:
    """What :func:`read_items` answers, read as it is gone through: a set of any size takes no room.

    Raises:
        InputError: Unknown split.
    """
    _check(split)
    _look_at(store, version, split=split, by=by, purpose=purpose, now=now, release=release)
    return GoldStream(store, version, split=None if split == "all" else split)


def _check(split: str) -> None:
    if split not in (*SPLITS, SEALED):
        raise InputError(f"split is {split!r:.80}", hint=f"one of {', '.join((*SPLITS, SEALED))}")


def _look_at(
    store: GoldStore,
    version: GoldVersion,
    *,
    split: str,
    by: str,
    purpose: str,
    now: datetime,
    release: str | None,
    hidden: bool = False,
) -> None:
    kept_back = {"all": "holdout"}.get(split, split)
    if kept_back != "dev" and (version.splits.get(kept_back) or hidden):
        record_look(store, version, split=kept_back, by=by, purpose=purpose, now=now, release=release)


def record_look(
    store: GoldStore,
    version: GoldVersion,
    *,
    by: str,
    purpose: str,
    now: datetime,
    split: str = "holdout",
    release: str | None = None,
    each_reader: bool = False,
) -> None:
    """Record one reading of what is kept back; for one purpose it counts once. See :func:`read_items`.

    Args:
        each_reader: Count it once for everybody who reads, where people read and not machines.
    """
    known = store.looks(product=version.product, name=version.name, version=version.version)
    same = [look for look in known if (look.split, look.purpose) == (split, purpose)]
    if not any(not each_reader or look.by == by for look in same):
        store.add_look(
            Look(
                product=version.product,
                name=version.name,
                version=version.version,
                at=now,
                by=by,
                purpose=purpose,
                split=split,
                release=release,
            )
        )


def looks_spent(store: GoldStore, version: GoldVersion, *, split: str = "holdout") -> list[Look]:
    """Readings that count against this version's holdout (or sealed split), oldest first.

    A reading of an earlier version counts while that version shows at least half of this holdout, or a tenth
    of these sealed items: a corrected typo does not make a holdout new, a refreshed one is. An item is the
    same while its id is, or what it asks.
    """
    looks = [look for look in store.looks(product=version.product, name=version.name) if look.split == split]
    counts: dict[str, bool] = {version.version: True}
    own: list[GoldItem] | None = None
    for look in looks:
        if look.version not in counts:
            own = _items(store, version, version.version, split) if own is None else own
            known = set(_marks(_items(store, version, look.version, split)))
            shared = sum(not known.isdisjoint(_marks([item])) for item in own)
            counts[look.version] = shared > 0 and shared >= _SAME[split] * len(own)
    return [look for look in looks if counts[look.version]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReadings:
    """How often today's sealed items were read, by any release.

    Attributes:
        times: Readings of them, in this version of the set or an earlier one.
        releases: Releases that the launch gate judged on them.
        lineage: Version in which the first of these readings took place; of items that nobody has read, the
            version itself. Readings of one lineage read the same items.
    """

    times: int
    releases: int
    lineage: str


def sealed_readings(store: GoldStore, version: GoldVersion) -> SealedReadings:
    """Count the readings of a version's sealed items: an unchanged one stays seen in an edited set."""
    looks = looks_spent(store, version, split=SEALED)
    known = {each.version: each for each in store.gold_versions(product=version.product, name=version.name)}
    first, lineage = looks, version.version
    while first and first[0].version != lineage and first[0].version in known:
        lineage = first[0].version
        first = looks_spent(store, known[lineage], split=SEALED)
    return SealedReadings(
        times=len(looks),
        releases=len({look.release for look in looks if look.release is not None}),
        lineage=lineage,
    )


def sealed_remark(store: GoldStore, version: GoldVersion, *, release: str) -> str | None:
    """What a reader of the gate's result must know of its sealed split; None where nothing spoils it.

    Readings that name no release, such as ``gold show --sealed``, count for every one. An item that anybody
    could see in an earlier version is not sealed by moving it.
    """
    told = []
    looks = [
        look
        for look in looks_spent(store, version, split=SEALED)
        if look.release is None or look.release == release
    ]
    if len(looks) > 1:
        told.append(
            f"the sealed split was read {len(looks)} times for release {release}: after the first, what was "
            "seen may have shaped what is judged"
        )
    moved, all_of_them = _were_open(store, version)
    if moved:
        told.append(
            f"{moved:,} of {all_of_them:,} sealed items stood in an open split of an earlier version, where "
            "anybody could see them: seal new items instead"
        )
    return "; ".join(told) or None


def _were_open(store: GoldStore, version: GoldVersion) -> tuple[int, int]:
    """How many of today's sealed items were in dev or holdout before, and how many there are."""
    own = _items(store, version, version.version, SEALED)
    seen: set[str] = set()
    for earlier in store.gold_versions(product=version.product, name=version.name):
        if own and earlier.created_at < version.created_at:
            for split in ("dev", "holdout"):
                seen.update(_marks(_items(store, version, earlier.version, split)))
    return sum(not seen.isdisjoint(_marks([item])) for item in own), len(own)


def _items(store: GoldStore, version: GoldVersion, which: str, split: str) -> list[GoldItem]:
    return store.gold_items(product=version.product, name=version.name, version=which, split=split)


def _marks(items: Iterable[GoldItem]) -> Iterable[str]:
    """By what an item is known again: its id, and what it asks."""
    for item in items:
        yield f"id:{item.id}"
        asked = json.dumps([item.input, item.context], sort_keys=True, default=str)
        yield hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
