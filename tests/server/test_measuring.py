"""The ledger gets a line when a measurement says something new, not every minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evidence import Evidence
from launchworthy.server.measuring import AT_ONCE, what_is_new

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLAIM = Claim(
    address="shop/answer/reliability/error_rate",
    kind=ClaimKind.BOUND,
    family="reliability",
    metric="error_rate",
    sentence="at most 5 % of calls fail",
    target=Target(direction=Direction.AT_MOST, threshold=0.05, unit="ratio"),
    valid_for_s=40 * 3600.0,
)
HELD = Evidence(
    claim=CLAIM.address,
    kind="bound",
    value=0.02,
    low=0.01,
    high=0.03,
    n=500,
    unit="ratio",
    release="r-1",
    source="records:a/b",
    observed_at=NOW,
)


def _new(piece: Evidence, *held: Evidence) -> list[Evidence]:
    return what_is_new([piece], held=held, claims={CLAIM.address: CLAIM})


@pytest.mark.parametrize(
    ("changed", "after", "expected"),
    [
        ({"source": "records:a/c", "detail": {"worst": ["x"]}}, timedelta(minutes=1), False),
        ({"n": 501}, timedelta(minutes=1), False),
        ({"n": 501}, timedelta(hours=1), True),
        ({}, timedelta(hours=9, minutes=59), False),
        ({}, timedelta(hours=10), True),  # a quarter of its life
        ({"value": 0.09, "low": 0.07, "high": 0.11}, timedelta(minutes=1), True),  # met → unmet
        ({"release": "r-2"}, timedelta(minutes=1), True),
        ({"slice": "long"}, timedelta(minutes=1), True),
    ],
)
def test_a_piece_is_new_when_it_says_something_else_or_the_last_one_ages(
    changed: dict[str, Any], after: timedelta, expected: bool
) -> None:
    piece = replace(HELD, observed_at=NOW + after, **changed)
    assert _new(piece, HELD) == ([piece] if expected else [])


def test_a_person_who_asks_gets_what_moved_at_once_and_nothing_that_did_not() -> None:
    same = replace(HELD, observed_at=NOW + timedelta(minutes=1))
    moved = replace(same, n=501)
    claims = {CLAIM.address: CLAIM}
    assert what_is_new([moved], held=[HELD], claims=claims, often=AT_ONCE) == [moved]
    assert what_is_new([same], held=[HELD], claims=claims, often=AT_ONCE) == []


def test_the_first_piece_is_new_and_its_double_is_not() -> None:
    assert _new(HELD) == [HELD]
    assert what_is_new([HELD, HELD], held=[], claims={CLAIM.address: CLAIM}) == [HELD]


def test_a_piece_is_held_against_the_newest_whatever_the_order() -> None:
    newer = replace(HELD, observed_at=NOW + timedelta(hours=1), n=900)
    piece = replace(HELD, observed_at=NOW + timedelta(hours=1, minutes=1), n=900)
    assert _new(piece, newer, HELD) == _new(piece, HELD, newer) == []


def test_evidence_that_ends_sooner_is_renewed_sooner() -> None:
    short = replace(HELD, valid_until=NOW + timedelta(hours=1))
    piece = replace(HELD, observed_at=NOW + timedelta(minutes=15))
    assert _new(piece, short) == [piece]


def test_a_claim_that_the_contract_no_longer_makes_gets_nothing() -> None:
    assert what_is_new([HELD], held=[], claims={}) == []


def test_a_sample_that_finds_nothing_does_not_answer_a_wider_look_that_found_something() -> None:
    claim = replace(CLAIM, kind=ClaimKind.NEVER, target=None)
    wide = replace(HELD, kind="never", value=3.0, low=None, high=None, unit="", n=50_000)
    detail = {"sampled": 300}
    few = replace(wide, value=0.0, n=300, detail=detail, observed_at=NOW + timedelta(hours=20))

    def new(piece: Evidence) -> list[Evidence]:
        return what_is_new([piece], held=[wide], claims={claim.address: claim})

    assert new(few) == []
    for piece in (
        replace(few, value=1.0),
        replace(few, n=50_000),
        replace(few, observed_at=NOW + timedelta(hours=40)),
        replace(few, detail={}),
    ):
        assert new(piece) == [piece]


def test_an_age_that_only_grew_by_the_time_that_passed_is_nothing_new() -> None:
    claim = replace(CLAIM, kind=ClaimKind.FRESH, target=replace(CLAIM.target, threshold=9e6, unit="ms"))  # type: ignore[type-var]
    held = replace(HELD, kind=ClaimKind.FRESH, value=1e6, low=1e6, high=1e6, unit="ms", n=1)

    def new(value: float, after: timedelta) -> bool:
        later = replace(held, value=value, low=value, high=value, observed_at=NOW + after)
        return bool(what_is_new([later], held=[held], claims={claim.address: claim}, often=AT_ONCE))

    assert not new(1e6 + 7.2e6, timedelta(hours=2))
    assert new(5_000.0, timedelta(hours=2))  # it was renewed
    assert not new(1e6 + 9e6, timedelta(hours=2, minutes=30))  # too old, as the held one says by now
