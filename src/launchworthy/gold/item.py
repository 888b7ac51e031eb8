"""Gold items and their versions as values. May import ``errors`` and the standard library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

__all__ = ["GoldItem", "GoldStore", "GoldVersion", "Look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldItem:
    """One question with its truth.

    Attributes:
        id: Unique within the set.
        input: What the target is given (text, or any JSON value).
        expected: The truth; its shape is the scorer's (text, list of ids, mapping id → gain …).
        slices: Tags, such as ``paraphrase``.
        split: ``dev`` or ``holdout``; assigned by hash of the id, so a split never moves between versions.
        cluster: Items that share one (a user, a document) are not independent.
        answerable: Whether an answer should be given; None where the set does not say.
        context: Passages that go with the item, where the truth depends on them.
        meta: Any further field of the row: provenance, author, review state.
    """

    id: str
    input: Any
    expected: Any = None
    slices: tuple[str, ...] = ()
    split: str = "dev"
    cluster: str | None = None
    answerable: bool | None = None
    context: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldVersion:
    """An immutable version; ``version`` is ``g-`` and 12 hex digits of the SHA-256 of its items."""

    product: str
    name: str
    version: str
    created_at: datetime
    items: int
    slices: Mapping[str, int]  # items per slice
    splits: Mapping[str, int]  # items per split
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One reading of a holdout: who looked, when and what for."""

    product: str
    name: str
    version: str
    at: datetime
    by: str
    purpose: str


class GoldStore(Protocol):
    """Where gold versions rest. Implemented by ``store`` and, over HTTP, by the remote workspace."""

    def add_gold(self, version: GoldVersion, items: Sequence[GoldItem]) -> None:
        """Store one version whole, or nothing. Adding the same version again changes nothing."""

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        """Newest first."""

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        """Items in order of id; reading the holdout does not count by itself (see :meth:`add_look`).

        Raises:
            NotFoundError: No such version.
        """

    def add_look(self, look: Look) -> None:
        """Record one reading of a holdout, before it is read."""

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Oldest first."""
