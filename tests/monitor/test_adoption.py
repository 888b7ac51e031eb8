"""Activation and retention, against counts made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0


def _activation(claim: ClaimOf, *, at_least: float = 0.35, days: float = 7) -> Claim:
    return claim(
        "adoption/activation", at_least=at_least, unit="ratio", workflow=None, within_ms=days * DAY * 1e3
    )


def _retention(claim: ClaimOf, *, days: float = 28) -> Claim:
    return claim("adoption/retention", at_least=0.5, unit="ratio", workflow=None, after_ms=days * DAY * 1e3)


def _success(claim: ClaimOf, **options: Any) -> Claim:
    known = {"event": "settled", **options}
    return claim("success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", **known)


def _kept(claim: ClaimOf, days: float) -> Claim:
    return claim("data/retention/traces", kind=ClaimKind.NEVER, workflow=None, kept_ms=days * DAY * 1e3)


def test_users_who_succeed_soon_after_their_first_call_are_activated(world: World, claim: ClaimOf) -> None:
    for place in range(40):
        trace = world.call(user_id=f"u_{place}", ago=20 * DAY)
        if place < 24:  # 16 of them in time, 8 too late
            world.outcome("settled", trace=trace, ago=(14 if place < 16 else 12) * DAY)
    for place in range(5):  # too young to tell, and known for long
        world.outcome("settled", trace=world.call(user_id=f"u_young_{place}", ago=3 * DAY), ago=2 * DAY)
        world.call(user_id=f"u_old_{place}", ago=50 * DAY)
        world.outcome("settled", trace=world.call(user_id=f"u_old_{place}", ago=20 * DAY), ago=19 * DAY)
    world.call(ago=20 * DAY)  # of nobody who is named
    piece = world.one(_activation(claim), _success(claim))
    exact = stats.binomtest(16, 40)
    assert (piece.value, piece.n, piece.unit_of_analysis) == (16 / 40, 40, "new user")
    assert piece.low == pytest.approx(exact.proportion_ci(0.9, "exact").low)
    assert piece.high == pytest.approx(exact.proportion_ci(0.9, "exact").high)
    assert piece.release is None  # a user comes to the product, not to a release


def test_a_success_that_was_taken_back_activates_nobody(world: World, claim: ClaimOf) -> None:
    success = _success(claim, unless=("reopened",), within_ms=2 * DAY * 1e3)
    for place in range(10):
        trace = world.call(user_id=f"u_{place}", ago=20 * DAY)
        world.outcome("settled", trace=trace, ago=19.5 * DAY)
        if place < 4:
            world.outcome("reopened", trace=trace, ago=19 * DAY)
    # Until it may no longer be taken back, nobody knows.
    world.outcome("settled", trace=world.call(user_id="u_young", ago=8 * DAY), ago=7.9 * DAY)
    piece = world.one(_activation(claim), success)
    assert (piece.value, piece.n) == (0.6, 10)


@pytest.mark.parametrize(("share", "state"), [(0.1, State.MET), (0.9, State.UNMET), (0.55, State.UNPROVEN)])
def test_activation_is_met_unmet_or_needs_so_many_users_more(
    world: World, claim: ClaimOf, share: float, state: State
) -> None:
    for place in range(40):
        trace = world.call(user_id=f"u_{place}", ago=20 * DAY)
        if place % 2:
            world.outcome("settled", trace=trace, ago=19 * DAY)
    asked = _activation(claim, at_least=share)
    found = status(asked, [world.one(asked, _success(claim))], release="r-1", now=world.now)
    assert found.state is state


def test_how_many_users_are_missing_is_told(world: World, claim: ClaimOf) -> None:
    for place in range(40):
        trace = world.call(user_id=f"u_{place}", ago=20 * DAY)
        if place % 2:
            world.outcome("settled", trace=trace, ago=19 * DAY)
    asked = _activation(claim, at_least=0.45)
    found = status(asked, [world.one(asked, _success(claim))], release="r-1", now=world.now)
    assert found.state is State.UNPROVEN
    assert found.plan is not None
    assert found.plan.needed is not None
    assert found.plan.needed > 100
    assert "new user" in found.plan.what


def test_users_are_retained_who_call_in_the_week_after(world: World, claim: ClaimOf) -> None:
    for place in range(30):
        who: dict[str, Any] = {"user_id": f"u_{place}"}
        world.call(ago=50 * DAY, **who)
        if place < 12:
            world.call(ago=(50 - 28 - place / 2) * DAY, **who)  # in the week that begins 28 days later
        elif place < 20:
            world.call(ago=40 * DAY, **who)  # before
        elif place < 25:
            world.call(ago=(50 - 36) * DAY, **who)  # after
    piece = world.one(_retention(claim))
    assert (piece.value, piece.n) == (12 / 30, 30)


def test_retention_under_a_week_is_looked_for_in_a_day(world: World, claim: ClaimOf) -> None:
    for place, later in enumerate((1.0, 1.5, 2.5, 0.5)):
        world.call(ago=10 * DAY, user_id=f"u_{place}")
        world.call(ago=(10 - later) * DAY, user_id=f"u_{place}")
    piece = world.one(_retention(claim, days=1))
    assert (piece.value, piece.n) == (0.5, 4)


def test_records_that_are_not_kept_long_enough_say_so(world: World, claim: ClaimOf) -> None:
    world.call(user_id="u_1", ago=3 * DAY)
    asked = _retention(claim)
    piece = world.one(asked, _kept(claim, 30))
    assert piece.value is None
    assert "kept 30 d" in piece.detail["reason"]
    assert "must be kept 37 d" in piece.detail["reason"]


def test_where_records_are_trimmed_only_users_are_new_who_were_not_there_before(
    world: World, claim: ClaimOf
) -> None:
    # Of 17 days that are kept, 7 pass until a user is known; of the other 10, the first 5 tell who is new.
    for place in range(6):
        world.call(user_id=f"u_before_{place}", ago=15 * DAY)
        trace = world.call(user_id=f"u_{place}", ago=9 * DAY)
        world.outcome("settled", trace=trace, ago=8 * DAY)
    piece = world.one(_activation(claim), _success(claim), _kept(claim, 17))
    assert (piece.value, piece.n) == (1.0, 6)


def test_what_is_missing_is_named(world: World, claim: ClaimOf) -> None:
    world.call(ago=20 * DAY)
    assert "names its success event" in world.one(_activation(claim)).detail["reason"]
    assert "no call names its user" in world.one(_activation(claim), _success(claim)).detail["reason"]
    world.call(user_id="u_1", ago=2 * DAY)
    assert "7 d old yet" in world.one(_activation(claim), _success(claim)).detail["reason"]
