"""What a verdict reads of a contract, as plain values. May import ``contract`` and the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from launchworthy.contract.claim import Claim

__all__ = ["Stage", "Terms", "Waiver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A rollout stage by name and its share of users, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Who lets a claim pass unproven, until when (that day included) and why."""

    claim: str
    by: str
    until: date
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract reduced to what is judged.

    Attributes:
        product: Name of the product.
        claims: Every claim, in the contract's order.
        stages: In order of rollout.
        waivers: As the contract lists them, expired ones included.
        owners: Person or page by role, such as ``security`` → ``noor@shop.example``.
        labels_per_day: What the contract's label sources bring a day; None if it names no volume.
        contract: Where the contract came from and its content address, for the record.
    """

    product: str
    claims: tuple[Claim, ...]
    stages: tuple[Stage, ...]
    waivers: tuple[Waiver, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    labels_per_day: float | None = None
    contract: Mapping[str, str] = field(default_factory=dict)
