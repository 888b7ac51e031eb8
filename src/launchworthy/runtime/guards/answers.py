"""The three answers of a guard, written once. May import ``verdict``."""

from __future__ import annotations

from collections.abc import Sequence

from launchworthy.runtime.guards.verdict import Finding, Guard, GuardVerdict, Outcome

__all__ = ["hit", "passed", "unchecked"]


def passed(guard: Guard, *, score: float | None = None, reason: str = "") -> GuardVerdict:
    """Nothing was found."""
    return GuardVerdict(
        guard=guard.name, version=guard.version, outcome=Outcome.PASS, score=score, reason=reason
    )


def hit(
    guard: Guard,
    category: str,
    *,
    reason: str,
    score: float | None = None,
    spans: Sequence[Finding] = (),
) -> GuardVerdict:
    """Something was found; the reason holds nothing of the text."""
    return GuardVerdict(
        guard=guard.name,
        version=guard.version,
        outcome=Outcome.HIT,
        category=category,
        score=score,
        spans=tuple(spans),
        reason=reason,
    )


def unchecked(guard: Guard, reason: str) -> GuardVerdict:
    """The guard could not tell: never a pass."""
    return GuardVerdict(
        guard=guard.name, version=guard.version, outcome=Outcome.COULD_NOT_CHECK, reason=reason
    )
