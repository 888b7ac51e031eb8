"""Claims, evidence and terms to judge; each test changes the one thing that it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evidence import Evidence, Stage, Terms

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def claim_of() -> Callable[..., Claim]:
    def make(**changes: Any) -> Claim:
        kind = changes.get("kind", ClaimKind.BOUND)
        target = Target(direction=Direction.AT_LEAST, threshold=0.9, unit="ratio")
        plain = Claim(
            address="p/ask/quality/hit@5",
            kind=kind,
            family="quality",
            metric="hit@5",
            sentence="hit@5 of ask is at least 90 %",
            workflow="ask",
            target=None if kind in ("never", "holds", "drill", "attest") else target,
            due="pilot",
            prover="evals",
        )
        return replace(plain, **changes)

    return make


@pytest.fixture
def piece_of() -> Callable[..., Evidence]:
    def make(successes: int | None = None, n: int | None = None, **changes: Any) -> Evidence:
        """A piece; with counts, a share whose bounds are left to the judge."""
        fields: dict[str, Any] = {
            "claim": "p/ask/quality/hit@5",
            "kind": "bound",
            "unit": "ratio",
            "release": "r-1",
            "source": "run:a",
            "producer": "launchworthy.evals 0.1.0",
            "observed_at": NOW,
        }
        if n is not None:
            fields["n"] = n
        if successes is not None and n is not None:
            fields |= {
                "value": successes / n,
                "confidence": 0.5,
                "sample": {"successes": successes, "n": n},
                "method": "Clopper-Pearson",
            }
        return Evidence(**{**fields, **changes})

    return make


@pytest.fixture
def terms_with() -> Callable[..., Terms]:
    def make(*claims: Claim, **changes: Any) -> Terms:
        plain = Terms(
            product="p",
            claims=claims,
            stages=(
                Stage(name="pilot", share=0.05),
                Stage(name="launch", share=1.0),
            ),
            owners={"security": "noor@p.example", "product": "ana@p.example"},
            contract={"file": "launchworthy.yaml", "version": "c-1"},
        )
        return replace(plain, **changes)

    return make
