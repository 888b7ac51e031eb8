"""What changed between two versions, item by item. Pure; imports this room only.

Of items in the dev split it says what a field was and is; of those that are kept back it names the fields
alone, so that a difference can be shown without reading a holdout. Where a review stands is never secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.gold.item import GoldItem, ReviewStatus
from launchworthy.gold.version import canonical_json, content_row

__all__ = ["FieldChange", "GoldDiff", "ItemChange", "diff"]

_OPEN = frozenset({"split", "slices", "review"})  # fields that give no answer away


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs; ``name`` is its path, such as ``expected/list.sort``.

    ``old`` and ``new`` are JSON texts, None where there was or is none; both are None where the item is kept
    back, and ``shown`` says so.
    """

    name: str
    old: str | None
    new: str | None
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """One item that is in both versions but not the same.

    ``fields`` are the names that differ, sorted; ``left`` and ``joined`` the slices it moved between;
    ``review`` where its review stood and stands, if that changed; ``changes`` tells field by field.
    """

    id: str
    fields: tuple[str, ...]
    left: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    review: tuple[str, str] | None = None
    changes: tuple[FieldChange, ...] = ()


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
        change = _change(before[item_id], after[item_id])
        if change is not None:
            changed.append(change)
    return GoldDiff(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(changed),
        same=len(before.keys() & after.keys()) - len(changed),
    )


def _change(old: GoldItem, new: GoldItem) -> ItemChange | None:
    was, now = content_row(old), content_row(new)
    fields = tuple(name for name in sorted(was.keys() | now.keys()) if _differ(was, now, name))
    if not fields:
        return None
    reviews = (_status(old), _status(new))
    in_dev = old.split == new.split == "dev"
    return ItemChange(
        id=new.id,
        fields=fields,
        left=tuple(sorted(set(old.slices) - set(new.slices))),
        joined=tuple(sorted(set(new.slices) - set(old.slices))),
        review=None if reviews[0] == reviews[1] else reviews,
        changes=tuple(
            each
            for name in fields
            for each in _paths(name, was.get(name), now.get(name), shown=in_dev or name in _OPEN)
        ),
    )


def _status(item: GoldItem) -> str:
    return (ReviewStatus.REVIEWED if item.review is None else item.review.status).value


def _differ(was: Mapping[str, Any], now: Mapping[str, Any], name: str) -> bool:
    # Compared as written: to Python 1, 1.0 and True are equal, to a version they are three contents.
    if name not in was or name not in now:
        return True
    return canonical_json(was[name]) != canonical_json(now[name])


def _paths(name: str, old: Any, new: Any, *, shown: bool) -> Iterator[FieldChange]:
    """The field, or of an object those of its fields that differ."""
    if shown and isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            if _differ(old, new, key):
                yield from _paths(f"{name}/{key}", old.get(key), new.get(key), shown=shown)
        return
    if not shown:
        yield FieldChange(name=name, old=None, new=None, shown=False)
        return
    texts = [None if value is None else canonical_json(value) for value in (old, new)]
    yield FieldChange(name=name, old=texts[0], new=texts[1])
