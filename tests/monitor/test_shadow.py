"""What a candidate did beside the live release is measured where nobody need have seen it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.contract import ClaimKind

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World


@pytest.fixture
def shadowed(world: World) -> World:
    """Ten calls that users met, five of them resolved; ten in their sessions that nobody saw."""
    for user in range(10):
        who: dict[str, Any] = {"user_id": f"u_{user}", "session_id": f"s_{user}"}
        seen = world.call(**who, cost_usd=1.0, duration_ms=100.0)
        world.call(
            **{**who, "session_id": f"s_{user}x"},
            cohort="shadow",
            cost_usd=5.0,
            duration_ms=900.0,
            ago=3500.0,
        )
        if user < 5:
            world.outcome("resolved", trace=seen)
            world.outcome("edited", trace=seen)
    return world


def test_what_people_did_is_of_calls_that_they_saw(shadowed: World, claim: ClaimOf) -> None:
    success = claim(
        "success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", event="resolved", within_ms=1.0
    )
    resolved = claim("outcomes/resolved", at_least=0.5, unit="ratio")
    edited = claim("trust/re_edit", at_most=0.5, unit="ratio")
    known = claim("success/success", kind=ClaimKind.COVER, at_least=0.5, unit="ratio")
    found = shadowed.measure(resolved, edited, known)
    for asked in (resolved, edited):
        assert (found[asked.address].value, found[asked.address].n) == (0.5, 10)
    assert success.options["event"] == "resolved"


def test_a_success_does_not_pay_for_what_nobody_saw(shadowed: World, claim: ClaimOf) -> None:
    success = claim("success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", event="resolved")
    piece = shadowed.one(claim("economics/cost_per_success", at_most=3.0, unit="USD"), success)
    assert piece.value == pytest.approx(2.0)


def test_latency_and_cost_of_a_candidate_are_told_before_anybody_has_it(
    shadowed: World, claim: ClaimOf
) -> None:
    latency = claim("reliability/latency_p95", at_most=1000.0, unit="ms")
    cost = claim("economics/cost", at_most=10.0, unit="USD")
    found = shadowed.measure(latency, cost)
    assert (found[latency.address].value, found[latency.address].n) == (900.0, 10)
    assert found[cost.address].value == pytest.approx(3.0)


def test_two_releases_are_compared_by_what_people_met(world: World, claim: ClaimOf) -> None:
    for user in range(300):
        world.call(user_id=f"u_{user}", release="r-0", duration_ms=100.0)
        # The same users, in shadow: not one of them had both releases.
        world.call(user_id=f"u_{user}", cohort="shadow", duration_ms=9_000.0)
        world.call(user_id=f"v_{user}", duration_ms=100.0 + user / 100)
    latency = claim("reliability/error", at_most=0.5, unit="ratio")
    harm = claim(
        "rollout/harms/answer/reliability/error",
        kind=ClaimKind.DELTA,
        at_most=0.02,
        unit="ratio",
        workflow=None,
        of="answer/reliability/error",
    )
    pieces = world.measure(latency, harm, baseline="r-0", not_before=world.now - timedelta(days=1))
    piece = pieces.get(harm.address)
    assert piece is not None
    assert (piece.detail["users"], piece.detail["switched"]) == (300, 0)


def test_how_often_a_candidate_decides_otherwise_is_told_by_segment(world: World) -> None:
    from scipy import stats

    from launchworthy.monitor import shadowed

    since = world.now - timedelta(days=1)
    assert shadowed(world.store.query, product=world.product, release="r-1", since=since) is None
    for user in range(40):
        told = {
            "launchworthy.shadow_agrees": user % 10 != 0,
            "launchworthy.slice": "DE" if user < 20 else "AT",
        }
        world.call(
            user_id=f"u_{user}", cohort="shadow", attributes=told, status="error" if user == 3 else "ok"
        )
    world.call(user_id="u_99", cohort="shadow")  # of which no decision is known
    world.call(user_id="u_98", attributes={"launchworthy.shadow_agrees": False})  # that a user met
    world.settle()
    found = shadowed(world.store.query, product=world.product, release="r-1", since=since)
    assert found is not None
    assert (found["calls"], found["failed"]) == (41, 1)
    told = found["otherwise"]
    assert (told["value"], told["n"]) == (0.1, 40)
    assert (told["low"], told["high"]) == pytest.approx(
        (stats.beta.ppf(0.025, 4, 37), stats.beta.ppf(0.975, 5, 36))
    )
    assert [each["segment"] for each in found["segments"]] == ["AT", "DE"]
    of_one = found["segments"][0]["otherwise"]
    assert of_one["high"] == pytest.approx(stats.beta.ppf(1 - 0.0125, 3, 18))
    assert found["said"][0] == "41 calls in shadow, 1 of them failed, 95 % within 100 ms"
    assert found["said"][1].startswith("decides otherwise in 10 % (")
