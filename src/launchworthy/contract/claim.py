"""One checkable sentence of a contract. May import ``quantity`` and the standard library only.

A claim is what every other room speaks about: provers take claims and return evidence, the verdict
judges evidence against claims, and a claim's address is its name in errors, diffs and URLs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Claim", "ClaimKind", "Direction", "Place", "Target"]


class ClaimKind(StrEnum):
    """The nine kinds of claim."""

    BOUND = "bound"  # a value against a limit
    DELTA = "delta"  # a value against a baseline or the old workflow
    NEVER = "never"  # counted breaches of an enforced rule
    COVER = "cover"  # the share or number that has something
    FRESH = "fresh"  # the age of something
    AGREE = "agree"  # people, judges or proxies agree
    DRILL = "drill"  # a fault is injected and the answer observed
    HOLDS = "holds"  # a decision whose trigger to revisit has not fired
    ATTEST = "attest"  # what only a person can vouch for


class Direction(StrEnum):
    """Which side of the threshold is good."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a line stands: file, and line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A threshold and its good side, in a canonical unit (see ``launchworthy.quantity``)."""

    direction: Direction
    threshold: float
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One checkable sentence from the contract.

    Attributes:
        address: Path in the contract after the product: ``support/answer/quality/groundedness``;
            a slice's floor adds ``/every_slice``.
        kind: Which of the nine kinds.
        family: The contract block it stands in: ``quality``, ``reliability``, ``tools``, ``attest`` …
        workflow: Workflow it belongs to, or None for the whole product.
        metric: What is measured, as the contract names it: ``hit@5``, ``latency_p95``, ``dpia``.
        sentence: The claim in words, with its threshold.
        target: Threshold and direction; None for kinds that have none (attest, never, drill, holds).
        confidence: Level at which each one-sided bound must hold.
        margin: Non-inferiority margin for ``delta``, in the target's unit.
        slice: Slice it speaks of; None for all items; ``"*"`` for the worst of every slice.
        valid_for_s: Seconds for which evidence counts.
        due: Name of the first rollout stage that needs it; None if no stage needs it.
        prover: Name of the prover that can measure it, or None: nothing measures this yet.
        place: Line of the contract; None for claims that come from a default.
        options: What else the line says (``statistic``, ``weight``, ``before``, ``attempts`` …).
    """

    address: str
    kind: ClaimKind
    family: str
    metric: str
    sentence: str
    workflow: str | None = None
    target: Target | None = None
    confidence: float = 0.95
    margin: float | None = None
    slice: str | None = None
    valid_for_s: float = 30 * 86_400.0
    due: str | None = None
    prover: str | None = None
    place: Place | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
