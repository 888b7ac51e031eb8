"""A version: items frozen under the address of their content. May import ``errors`` and this room.

Pure; times are aware.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from launchworthy.errors import InputError, NotFoundError
from launchworthy.gold.item import GoldItem, GoldStore, GoldVersion, Review, ReviewStatus

__all__ = [
    "CANARY_FIELD",
    "CANARY_PREFIX",
    "FIELDS",
    "canary_in",
    "canonical_json",
    "content_row",
    "find_version",
    "freeze",
    "gold_jsonl",
    "item_row",
    "review_row",
]

FIELDS = ("id", "input", "expected", "slices", "split", "cluster", "answerable", "context")
CANARY_FIELD = "canary"  # of a row in a file; it is no part of the version
CANARY_PREFIX = "launchworthy-gold-canary:"
_CANARY = re.compile(CANARY_PREFIX + r"[0-9a-f]{32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def item_row(item: GoldItem) -> dict[str, Any]:
    """The item as one flat JSON object, further fields beside the known ones; a file's line.

    A review is written where there is one, so that a set without reviews keeps its name.
    """
    reviewed = {} if item.review is None else {"review": review_row(item.review)}
    taken = sorted(set(item.meta) & {*FIELDS, *reviewed})
    if taken:
        raise InputError(f"meta may not hold {taken[0]!r}, which is a field of the item", where=item.id)
    row = {name: getattr(item, name) for name in FIELDS}
    return row | {"slices": list(item.slices)} | reviewed | dict(item.meta)


def content_row(item: GoldItem) -> dict[str, Any]:
    """The item without its canary, which tells copies of a set apart and not what they hold."""
    row = item_row(item)
    if canary_in(item.meta) is not None:
        del row[CANARY_FIELD]
    return row


def canary_in(row: Mapping[str, Any]) -> str | None:
    """The canary that a row, or the further fields of an item, carry; None of other fields of that name."""
    given = row.get(CANARY_FIELD)
    return given if isinstance(given, str) and _CANARY.fullmatch(given) else None


def review_row(review: Review) -> dict[str, Any]:
    """A review as JSON; what is not known is left out."""
    told = {
        "status": review.status.value,
        "by": review.by,
        "at": None if review.at is None else review.at.isoformat(),
        "because": review.because,
    }
    return {name: value for name, value in told.items() if value}


def freeze(
    items: Iterable[GoldItem], *, product: str, name: str, created_at: datetime, note: str = ""
) -> tuple[GoldVersion, tuple[GoldItem, ...]]:
    """Give items their version: the same items in any order have the same one.

    Raises:
        InputError: No items, an id twice, or a name that cannot stand in ``NAME@VERSION``.
    """
    if not _NAME.match(name):
        raise InputError(
            f"{name!r:.80} cannot name a gold set",
            hint="use letters, digits, dots, dashes and underscores, at most 100",
        )
    ordered = tuple(sorted(items, key=lambda item: item.id))
    if not ordered:
        raise InputError("a gold set needs at least one item", where=name)
    for before, after in pairwise(ordered):
        if before.id == after.id:
            raise InputError(f"the id {after.id!r:.80} stands twice", where=name)
    digest = hashlib.sha256()
    for item in ordered:
        digest.update(_content(item))
    proving = [item for item in ordered if item.counts]
    version = GoldVersion(
        product=product,
        name=name,
        version=f"g-{digest.hexdigest()[:12]}",
        created_at=created_at,
        items=len(ordered),
        slices=dict(sorted(Counter(slice_ for item in proving for slice_ in item.slices).items())),
        splits=dict(sorted(Counter(item.split for item in proving).items())),
        note=note,
        waiting=sum(
            item.review is not None and item.review.status is ReviewStatus.PROPOSED for item in ordered
        ),
    )
    return version, ordered


def gold_jsonl(items: Iterable[GoldItem], *, canary: str | None = None) -> str:
    """JSON Lines that import to the very same version; with a canary, each carries it."""
    carried = {} if canary is None else {CANARY_FIELD: canary}
    rows = (item_row(item) | carried for item in sorted(items, key=lambda item: item.id))
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def find_version(store: GoldStore, reference: str, *, product: str) -> GoldVersion:
    """The version meant by ``NAME`` (the newest) or ``NAME@VERSION`` (in full, or its first characters).

    Raises:
        NotFoundError: No such set or version; says which there are.
        InputError: The first characters fit more than one version.
    """
    name, _, wanted = reference.partition("@")
    versions = store.gold_versions(product=product, name=name)
    if not versions:
        known = sorted({version.name for version in store.gold_versions(product=product)})
        hint = (
            f"there are: {', '.join(known)}"
            if known
            else "import one: launchworthy gold import FILE --name NAME"
        )
        raise NotFoundError(
            f"no gold set {name!r:.80} of product {product!r:.80}", where=reference, hint=hint
        )
    if not wanted:
        return versions[0]
    fitting = [version for version in versions if version.version.startswith(wanted)]
    if not fitting:
        raise NotFoundError(
            f"{name} has no version {wanted!r:.80}",
            where=reference,
            hint=f"the newest is {versions[0].version}; see: launchworthy gold list",
        )
    if len(fitting) > 1:
        raise InputError(f"{wanted!r:.80} fits {len(fitting)} versions of {name}", hint="write more of it")
    return fitting[0]


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: keys sorted, no spaces.

    Raises:
        ValueError, TypeError: JSON cannot hold it.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _content(item: GoldItem) -> bytes:
    try:
        return canonical_json(content_row(item)).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"the item holds what JSON cannot: {error}", where=item.id) from error
