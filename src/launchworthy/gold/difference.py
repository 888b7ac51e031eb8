"""What changed between two versions, item by item. Pure; imports this room only.

Names items and fields, never their content, so a difference can be shown without reading a holdout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from launchworthy.gold.item import GoldItem
from launchworthy.gold.version import canonical_json, item_row

__all__ = ["GoldDiff", "ItemChange", "diff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """One item that is in both versions but not the same.

    ``fields`` are the names that differ, sorted; ``left`` and ``joined`` the slices it moved between.
    """

    id: str
    fields: tuple[str, ...]
    left: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldDiff:
    """Ids added and removed, items changed, and how many are the same; each in order of id."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ItemChange, ...]
    same: int


def diff(old: Iterable[GoldItem], new: Iterable[GoldItem]) -> GoldDiff:
    """Compare two versions item by item; items are the same item if their ids are."""
    before = {item.id: item for item in old}
    after = {item.id: item for item in new}
    changed = []
    for item_id in sorted(before.keys() & after.keys()):
        fields = _differing(before[item_id], after[item_id])
        if fields:
            was, now = set(before[item_id].slices), set(after[item_id].slices)
            changed.append(
                ItemChange(
                    id=item_id,
                    fields=fields,
                    left=tuple(sorted(was - now)),
                    joined=tuple(sorted(now - was)),
                )
            )
    return GoldDiff(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(changed),
        same=len(before.keys() & after.keys()) - len(changed),
    )


def _differing(old: GoldItem, new: GoldItem) -> tuple[str, ...]:
    # Compared as written: to Python 1, 1.0 and True are equal, to a version they are three contents.
    was = {name: canonical_json(value) for name, value in item_row(old).items()}
    now = {name: canonical_json(value) for name, value in item_row(new).items()}
    return tuple(sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name)))
