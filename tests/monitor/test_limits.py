"""Rules: how often they were broken, on how many occasions."""

from __future__ import annotations

from dataclasses import replace
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
    assert world.one(_limit(claim, "actions_per_user", 1.0, "1/month")).value == 2.0
    assert world.one(_limit(claim, "actions_per_user", 1.0, "1/visit")).value is None


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


def _budget(world: World, trace: bytes, name: str, **more: Any) -> None:
    world._add(
        "decisions",
        more.pop("ago", 3600.0),
        trace_id=trace,
        event_id=f"e-{name}-{trace.hex()[:8]}",
        kind="budget",
        subject=name,
        rule=world.at(f"limits/{name}"),
        **{"outcome": "overrun", "reason": "too slow", **more},
    )


def test_an_overrun_with_an_incident_is_no_breach_and_is_counted_apart(world: World, claim: ClaimOf) -> None:
    world.call(duration_ms=100.0)
    _budget(world, world.call(duration_ms=9000.0), "timeout")
    _budget(world, world.call(duration_ms=100.0), "timeout")
    asked = _limit(claim, "timeout", 8000.0, "ms")
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.detail["with_incident"]) == (0.0, 3, 1)
    silent = world.call(duration_ms=9000.0)
    _budget(world, silent, "cost_per_action")  # of another limit
    piece = world.one(asked)
    assert (piece.value, world.traces(piece)) == (1.0, [silent.hex()])


def test_calls_that_a_ceiling_stopped_are_not_held_against_it(world: World, claim: ClaimOf) -> None:
    for number in range(5):
        trace = world.call(user_id="u_a", session_id="s_a")
        if number >= 3:
            _budget(world, trace, "actions_per_user", outcome="stopped")
            _budget(world, trace, "turns", outcome="stopped")
    assert world.one(_limit(claim, "actions_per_user", 3.0, "1/d")).value == 0.0
    assert world.one(_limit(claim, "actions_per_user", 2.0, "1/d")).value == 1.0
    assert world.one(_limit(claim, "turns", 3.0)).value == 0.0


def test_steps_are_the_tools_of_a_call(world: World, claim: ClaimOf) -> None:
    for uses in (0, 2, 5):
        trace = world.call()
        for _ in range(uses):
            world.span(kind="tool", trace=trace, tool_name="search", **INNER)
    piece = world.one(_limit(claim, "steps", 4.0))
    assert (piece.value, piece.n) == (1.0, 3)
    assert piece.detail["worst"][0]["value"] == 5.0


def test_cost_and_tokens_are_added_up_for_a_user_a_session_and_a_workflow(
    world: World, claim: ClaimOf
) -> None:
    for user in ("u_a", "u_a", "u_b"):
        trace = world.call(user_id=user, session_id=f"s_{user}")
        who: dict[str, Any] = {"user_id": user, "session_id": f"s_{user}"}
        world.span(kind="model", trace=trace, cost_usd=0.5, input_tokens=80, output_tokens=20, **who, **INNER)
    for name, limit, unit, breached, occasions in (
        ("cost_per_user", 0.9, "USD/d", 1.0, 2),
        ("cost_per_user", 1.0, "USD/month", 0.0, 2),
        ("cost_per_workflow", 1.4, "USD/d", 1.0, 1),
        ("tokens_per_session", 150.0, "1/d", 1.0, 2),
        ("tokens_per_workflow", 300.0, "1/week", 0.0, 1),
        ("actions_per_session", 1.0, "1/d", 1.0, 2),
    ):
        piece = world.one(_limit(claim, name, limit, unit))
        assert (name, piece.value, piece.n) == (name, breached, occasions)
    assert world.one(_limit(claim, "cost_per_user", 1.0, "EUR/d")).value is None


def test_ways_that_guards_and_fallbacks_declare_are_declared(world: World, claim: ClaimOf) -> None:
    for way in ("refuse", "route", "defer", "ask"):
        world.call(no_answer=way)
    asked = claim("no_answer", kind=NEVER, conditions={"not_in_sources": "refuse"})
    asked = replace(asked, family="no_answer", metric="no_answer")
    guard = claim("guards/moderation", kind=ClaimKind.DRILL, workflow=None, action="route")
    end = claim("fallbacks/defer", kind=ClaimKind.DRILL)
    assert world.one(asked).value == 3.0
    assert world.one(asked, guard).value == 2.0
    piece = world.one(asked, guard, end)
    assert (piece.value, piece.detail["declared"]) == (1.0, ["defer", "refuse", "route"])
