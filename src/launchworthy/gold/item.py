"""Gold items and their versions as values. May import ``errors`` and the standard library."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Canary", "GoldItem", "GoldStore", "GoldVersion", "Look", "Review", "ReviewStatus"]


class ReviewStatus(StrEnum):
    """Whether people stand behind an item: only a reviewed one proves anything."""

    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Where the review of an item stands; ``by``, ``at`` (aware) and ``because`` tell of the last step."""

    status: ReviewStatus
    by: str = ""
    at: datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldItem:
    """One question with its truth.

    Attributes:
        id: Unique within the set.
        input: What the target is given (text, or any JSON value).
        expected: The truth; its shape is the scorer's (text, list of ids, mapping id → gain …).
        slices: Tags, such as ``paraphrase``.
        split: ``dev``, ``holdout`` or ``sealed``; assigned by hash of the id, so a split never moves between
            versions.
        cluster: Items that share one (a user, a document) are not independent.
        answerable: Whether an answer should be given; None where the set does not say.
        context: Passages that go with the item, where the truth depends on them.
        review: Where its review stands; None where the row says nothing, which counts as reviewed.
        meta: Any further field of the row: provenance, author.
    """

    id: str
    input: Any
    expected: Any = None
    slices: tuple[str, ...] = ()
    split: str = "dev"
    cluster: str | None = None
    answerable: bool | None = None
    context: Any = None
    review: Review | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether the item may be asked and prove something."""
        return self.review is None or self.review.status is ReviewStatus.REVIEWED


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldVersion:
    """An immutable version; ``version`` is ``g-`` and 12 hex digits of the SHA-256 of its items.

    ``slices`` and ``splits`` count the items that prove: those ``waiting`` for review and the rejected ones
    are only among ``items``.
    """

    product: str
    name: str
    version: str
    created_at: datetime
    items: int
    slices: Mapping[str, int]  # items per slice
    splits: Mapping[str, int]  # items per split
    note: str = ""
    waiting: int = 0  # items that nobody has reviewed yet

    @property
    def rejected(self) -> int:
        """Items that a review has thrown out."""
        return self.items - self.waiting - sum(self.splits.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One reading of items that are kept back: who looked, when and what for.

    ``split`` is ``holdout`` or ``sealed``; a reading of the latter by the launch gate names the ``release``
    that it judges.
    """

    product: str
    name: str
    version: str
    at: datetime
    by: str
    purpose: str
    split: str = "holdout"
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A text that travels with a gold set and has no business anywhere else."""

    product: str
    name: str
    text: str
    created_at: datetime


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

    def iter_gold_items(
        self, *, product: str, name: str, version: str, split: str | None, without: Container[str] = ()
    ) -> Iterator[GoldItem]:
        """What :meth:`gold_items` answers, but for these ids, a few hundred held at a time.

        Raises:
            NotFoundError: No such version.
        """

    def add_look(self, look: Look) -> None:
        """Record one reading of a holdout or a sealed split, before it is read."""

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Oldest first."""

    def gold_canaries(self, *, product: str, name: str) -> list[Canary]:
        """The canaries of a set, oldest first: its own, and those that came with files.

        Raises:
            NotFoundError: No such set.
        """
