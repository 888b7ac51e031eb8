"""The three states of a claim and the verdict as values. May import ``contract`` and the standard library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from launchworthy.contract.claim import Claim
from launchworthy.evidence.evidence import Evidence

__all__ = ["ClaimStatus", "Ledger", "LedgerEntry", "Plan", "State"]


class State(StrEnum):
    """Where a claim stands. Unproven never counts as met; waived and attested are shown as what they are."""

    MET = "met"
    UNMET = "unmet"
    UNPROVEN = "unproven"
    WAIVED = "waived"
    ATTESTED = "attested"

    @property
    def admits(self) -> bool:
        """Whether a stage that needs the claim may be entered."""
        return self in (State.MET, State.WAIVED, State.ATTESTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cheapest way to settle an unproven claim, from the observed rates.

    ``needed`` counts further units (``unit`` = ``item``, ``label``, ``call``, ``user`` …); ``odds`` is the
    probability that they show it met if the observed rate is the true one (where nothing bad was seen yet,
    that none of them will be bad, under Jeffreys' prior); None where it cannot be known.
    """

    what: str
    needed: int | None = None
    unit: str = "item"
    labels: int | None = None
    days: float | None = None
    cost_usd: float | None = None
    odds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimStatus:
    """A claim, its state, the reason in a sentence, and what it rests on.

    ``evidence`` is the piece that decided; ``contradicting`` are valid pieces that say otherwise.
    """

    claim: Claim
    state: State
    reason: str
    evidence: Evidence | None = None
    contradicting: Sequence[Evidence] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One link of the audit chain: a body, hashed together with the link before it."""

    seq: int
    at: datetime
    kind: str  # evidence, attestation, waiver, verdict, erasure, …
    body: str  # canonical JSON
    previous: str  # hash of the entry before, 64 hex digits
    hash: str  # SHA-256 over seq, at, kind, body and previous


class Ledger(Protocol):
    """The append-only ledger of evidence. Implemented by ``store`` and by the remote workspace."""

    def add_evidence(self, product: str, evidence: Sequence[Evidence]) -> None:
        """Append all or none, chained."""

    def evidence(self, product: str) -> list[Evidence]:
        """Every piece, oldest first."""
