from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals import gold_evidence
from launchworthy.gold import GoldVersion, Look

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OLD = GoldVersion(
    product="docs",
    name="answer",
    version="g-old",
    created_at=NOW - timedelta(days=100),
    items=300,
    slices={"plain": 200},
    splits={"dev": 180, "holdout": 120},
)
NEW = replace(OLD, version="g-new", created_at=NOW - timedelta(days=2), items=400, slices={"plain": 250})


def _claim(metric: str, kind: ClaimKind, **changes: object) -> Claim:
    fields: dict[str, object] = {
        "address": f"docs/gold/answer/{metric}",
        "kind": kind,
        "family": "gold",
        "metric": metric,
        "sentence": metric,
    }
    return Claim(**(fields | changes))  # type: ignore[arg-type]


def test_the_newest_version_counts_its_slices_exactly() -> None:
    target = Target(direction=Direction.AT_LEAST, threshold=240)
    claims = [
        _claim("slices/plain", ClaimKind.COVER, target=target, slice="plain"),
        _claim("odd", ClaimKind.COVER, target=target),
    ]
    plain, odd = gold_evidence(claims, [NEW, OLD], [], NOW)
    assert (plain.value, plain.low, plain.high, plain.slice) == (250, 250, 250, "plain")
    assert (plain.gold, plain.source) == ("answer@g-new", "gold:answer@g-new")
    assert odd.value == 0


def test_age_is_that_of_the_version() -> None:
    (piece,) = gold_evidence([_claim("refresh", ClaimKind.FRESH)], [OLD, NEW], [], NOW)
    assert (piece.value, piece.unit) == (2 * 86_400_000, "ms")


def test_readings_of_the_holdout_are_counted_and_named() -> None:
    looks = [
        Look(product="docs", name="answer", version="g-new", at=NOW, by="ana", purpose=f"run {n}")
        for n in range(3)
    ]
    looks.append(replace(looks[0], name="other"))
    looks.append(replace(looks[0], split="sealed", purpose="gate 9", release="r-1"))
    target = Target(direction=Direction.AT_MOST, threshold=2)
    (piece,) = gold_evidence([_claim("looks", ClaimKind.BOUND, target=target)], [NEW], looks, NOW)
    assert piece.value == 3
    assert [look["for"] for look in piece.detail["looks"]] == ["run 0", "run 1", "run 2"]
    (gate,) = gold_evidence([_claim("sealed_looks", ClaimKind.BOUND, target=target)], [NEW], looks, NOW)
    assert (gate.value, [look["for"] for look in gate.detail["looks"]]) == (1, ["gate 9"])


def test_what_is_not_there_and_other_families_give_nothing() -> None:
    claims = [
        _claim("plain", ClaimKind.COVER, address="docs/gold/refund/slices/plain"),
        _claim("hit@5", ClaimKind.BOUND, family="quality"),
        _claim("scenarios", ClaimKind.ATTEST),
    ]
    assert gold_evidence(claims, [NEW], [], NOW) == []
