"""Rules: how often they were broken, on how many occasions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

NEVER = ClaimKind.NEVER
INNER: dict[str, Any] = {"parent_span_id": b"12345678"}


def _limit(claim: ClaimOf, name: str, limit: float, unit: str = "", **more: Any) -> Claim:
    return claim(f"limits/{name}", kind=NEVER, limit=limit, unit=unit, **more)


def test_a_call_beyond_the_time_limit_is_a_breach_unless_the_limit_stopped_it(
    world: World, claim: ClaimOf
) -> None:
    timed_out: dict[str, Any] = {"status": "error", "error_type": "TimeoutError"}
    for took in (7999.0, 8000.0):
        world.call(duration_ms=took)
    world.call(duration_ms=8150.0, **timed_out)
    ran_on = world.call(duration_ms=9000.0, **timed_out)
    slow = world.call(duration_ms=8001.0)
    asked = _limit(claim, "timeout", 8000.0, "ms")
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.kind, piece.low) == (2.0, 5, "never", None)
    assert world.traces(piece) == [ran_on.hex(), slow.hex()]
    found = status(asked, [piece], release="r-1", now=world.now)
    assert (found.state, found.reason) == (State.UNMET, "2 breaches on 5 occasions")


def test_a_rule_that_held_on_every_call_is_met(world: World, claim: ClaimOf) -> None:
    for _ in range(50):
        world.call(duration_ms=10.0)
    asked = _limit(claim, "timeout", 8000.0, "ms")
    found = status(asked, [world.one(asked)], release="r-1", now=world.now)
    assert found.state is State.MET
    assert "no breach on 50 occasions" in found.reason


def test_a_call_beyond_its_cost_is_a_breach_and_one_of_unknown_cost_is_neither(
    world: World, claim: ClaimOf
) -> None:
    for cost in (0.01, 0.03, 0.04, None):
        world.span(kind="model", trace=world.call(), cost_usd=cost, input_tokens=5, **INNER)
    piece = world.one(_limit(claim, "cost_per_action", 0.03, "USD"))
    assert (piece.value, piece.n, piece.unscored) == (1.0, 3, 1)
    assert [each["value"] for each in piece.detail["worst"]] == [0.04]


def test_turns_are_counted_in_each_conversation(world: World, claim: ClaimOf) -> None:
    asked = _limit(claim, "turns", 3.0)
    world.call()
    assert "session" in world.one(asked).detail["reason"]
    for session, turns in (("s_a", 3), ("s_b", 5), ("s_c", 1)):
        for _ in range(turns):
            world.call(session_id=session)
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unit_of_analysis) == (1.0, 3, "session")
    assert piece.detail["worst"][0]["value"] == 5.0


def test_actions_of_a_user_are_counted_by_day(world: World, claim: ClaimOf) -> None:
    for user, ages in (("u_a", [1.0, 2.0, 3.0, 13.0]), ("u_b", [1.0, 2.0, 3.0, 4.0])):
        for hours in ages:  # now is noon: 13 hours ago was yesterday
            world.call(user_id=user, ago=hours * 3600)
    piece = world.one(_limit(claim, "actions_per_user", 3.0, "1/d"))
    assert (piece.value, piece.n) == (1.0, 3)
    hourly = world.one(_limit(claim, "actions_per_user", 1.0, "1/h"))
    assert (hourly.value, hourly.n) == (0.0, 8)
    assert world.one(_limit(claim, "actions_per_user", 1.0, "1/month")).value is None


def test_a_way_of_giving_no_answer_that_nobody_declared_is_a_breach(world: World, claim: ClaimOf) -> None:
    asked = claim("no_answer", kind=NEVER, conditions={"not_in_sources": "refuse", "ambiguous": "ask"})
    world.call()
    assert world.measure(asked) == {}
    for way in ("refuse", "refuse", "ask", "defer"):
        world.call(no_answer=way)
    piece = world.one(asked)
    assert (piece.value, piece.n) == (1.0, 4)
    assert "over_refusal" in piece.detail["remark"]


def test_a_limit_is_that_of_its_own_workflow(world: World, claim: ClaimOf) -> None:
    world.call(duration_ms=500.0)
    world.call(duration_ms=500.0, workflow="refund")
    answer = _limit(claim, "timeout", 400.0, "ms")
    refund = _limit(claim, "timeout", 600.0, "ms", workflow="refund")
    overrun = claim(
        "monitors/overrun",
        at_most=0.1,
        unit="ratio",
        workflow=None,
        signal="limits/timeout",
        window_ms=8.64e7,
    )
    found = world.measure(answer, refund, overrun)
    assert found[answer.address].value == 1.0
    assert found[refund.address].value == 0.0
    assert found[overrun.address].value == 0.5
