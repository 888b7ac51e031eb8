"""Whether records say what they must and how long they are kept; frequency; plain monitors."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.stats import mean_interval

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0
INNER: dict[str, Any] = {"parent_span_id": b"12345678", "session_id": "s_1", "duration_ms": 5.0}
MODEL: dict[str, Any] = {
    "kind": "model",
    "input": '["q"]',
    "output": '["a"]',
    "model": "m",
    "prompt_version": "3",
    "input_tokens": 5,
    "output_tokens": 5,
    "cost_usd": 0.1,
    "safety_flags": "[]",
    **INNER,
}


def _required(claim: ClaimOf) -> Claim:
    return claim("records/required_fields", kind=ClaimKind.COVER, at_least=0.99, unit="ratio", workflow=None)


def _whole_call(world: World, **columns: Any) -> bytes:
    return world.call(**{"session_id": "s_1", "input": '"q"', "output": '"a"', **columns})


def test_a_span_is_whole_when_it_tells_what_its_kind_must(world: World, claim: ClaimOf) -> None:
    trace = _whole_call(world)
    world.span(trace=trace, **MODEL)
    world.span(trace=trace, kind="retrieval", context='[{"id": "d"}]', **INNER)
    world.span(trace=trace, kind="tool", tool_name="search", **INNER)
    world.span(trace=trace, kind="guard", safety_flags="[]", **INNER)
    world.span(trace=trace, kind="embedding", model="e", input_tokens=3, cost_usd=0.0, **INNER)
    piece = world.one(_required(claim))
    assert (piece.value, piece.detail["missing"]) == (1.0, {})
    poor = world.call(session_id="s_1", output='"a"')
    for field in ("output", "prompt_version", "cost_usd", "input_tokens"):
        world.span(trace=poor, **{**MODEL, field: None})
    world.span(trace=poor, kind="retrieval", **INNER)
    piece = world.one(_required(claim))
    assert piece.value == pytest.approx(6 / 12)
    assert (piece.n, piece.unit_of_analysis) == (2, "trace")
    assert piece.detail["missing"] == {
        "model cost": 1,
        "model prompt version": 1,
        "model response": 1,
        "model tokens": 1,
        "retrieval context": 1,
        "workflow prompt": 1,
    }
    assert set(world.traces(piece)) == {poor.hex()}
    assert "model cost (1)" in piece.detail["remark"]


def test_what_failed_or_declined_owes_no_answer_and_a_guard_speaks_for_its_trace(
    world: World, claim: ClaimOf
) -> None:
    trace = _whole_call(world, output=None, no_answer="refuse")
    world.span(trace=trace, kind="guard", safety_flags='["off_topic"]', **INNER)
    world.span(trace=trace, **{**MODEL, "safety_flags": None})
    failed = {
        "status": "error",
        "output": None,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
    }
    world.span(trace=trace, **{**MODEL, **failed})
    assert world.one(_required(claim)).value == 1.0
    world.span(trace=_whole_call(world), **{**MODEL, "safety_flags": None})
    assert world.one(_required(claim)).detail["missing"] == {"model safety flags": 1}


def test_a_span_that_names_no_release_is_missed_and_one_of_another_tool_owes_nothing(
    world: World, claim: ClaimOf
) -> None:
    _whole_call(world)
    _whole_call(world, release="r-2", session_id=None)
    world.span(kind="other")
    assert world.one(_required(claim)).value == 1.0
    _whole_call(world, release=None)
    assert world.one(_required(claim)).detail["missing"] == {"release": 1}


def test_texts_that_may_not_be_stored_are_not_missed(world: World, claim: ClaimOf) -> None:
    trace = world.call(session_id="s_1")
    world.span(trace=trace, **{**MODEL, "input": None, "output": None})
    world.span(trace=trace, kind="retrieval", **INNER)
    assert world.one(_required(claim)).value == 0.0
    forbidden = claim("data/pii/record", kind=ClaimKind.NEVER, workflow=None, action="drop")
    assert world.one(_required(claim), forbidden).value == 1.0


def test_feedback_covers_the_sessions_that_gave_any(world: World, claim: ClaimOf) -> None:
    for session in ("s_a", "s_a", "s_b", "s_c"):
        world.call(session_id=session)
    world.feedback(trace=world.call(), rating=-1.0)
    world.feedback(trace=None, session_id="s_a", rating=1.0)
    world.feedback(trace=None, session_id="s_elsewhere", rating=1.0)
    world.feedback(trace=None, session_id="s_b", rating=1.0, product="other")
    piece = world.one(
        claim("feedback/coverage", kind=ClaimKind.COVER, at_least=0.03, unit="ratio", workflow=None)
    )
    assert (piece.value, piece.n, piece.unit_of_analysis) == (0.5, 4, "session")


@pytest.mark.parametrize("table", ["traces", "feedback"])
def test_a_record_kept_for_too_long_is_a_breach_whatever_its_release(
    world: World, claim: ClaimOf, table: str
) -> None:
    asked = claim(f"data/retention/{table}", kind=ClaimKind.NEVER, workflow=None, kept_ms=30 * DAY * 1e3)

    def add(ago: float, **columns: Any) -> bytes:
        if table == "traces":
            return world.call(ago=ago, **columns)
        world.feedback(ago=ago, trace=bytes(16), rating=1.0, **columns)
        return bytes(16)

    assert world.measure(asked) == {}
    add(30.5 * DAY)  # fell due today
    add(DAY, release="r-9")
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.release) == (0.0, 2, None)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET
    old = add(32 * DAY, release="r-9")
    piece = world.one(asked)
    assert (piece.value, piece.n) == (1.0, 3)
    assert world.traces(piece) == [old.hex()]
    assert piece.source.startswith("records:2026-10-23T12:00")
    assert world.one(asked, release="r-2").id == piece.id


def test_frequency_is_counted_over_whole_days_of_any_release(world: World, claim: ClaimOf) -> None:
    # Noon: 0.4 days ago is today, 0.6 to 1.5 days ago yesterday. The first day, five days ago, is not whole.
    for days, calls in ((0.4, 9), (1.0, 4), (2.0, 6), (4.0, 5), (5.0, 1)):
        for place in range(calls):
            world.call(ago=days * DAY, release=f"r-{place}")
    asked = claim("frequency", at_least=4.0, unit="1/d")
    piece = world.one(asked)
    own = mean_interval([4.0, 6.0, 0.0, 5.0], level=0.95, sides=1)
    assert (piece.value, piece.low, piece.high) == (own.value, own.low, own.high)
    assert (piece.n, piece.unit_of_analysis, piece.unit, piece.release) == (4, "day", "1/d", None)
    weekly = world.one(claim("frequency", at_least=4.0, unit="1/week"))
    assert weekly.value == pytest.approx(7 * own.value)


def test_a_first_day_is_no_frequency(world: World, claim: ClaimOf) -> None:
    world.call()
    piece = world.one(claim("frequency", at_least=4.0, unit="1/d"))
    assert "no whole day" in piece.detail["reason"]


def test_a_plain_monitor_is_its_signal_within_its_window(world: World, claim: ClaimOf) -> None:
    for place in range(10):
        for workflow in ("answer", "refund"):
            no_answer = "refuse" if place == 9 and workflow == "refund" else None
            trace = world.call(workflow=workflow, ago=600.0 if place < 4 else 7200.0, no_answer=no_answer)
            world.span(
                kind="retrieval",
                trace=trace,
                workflow=workflow,
                context="[]" if place in (0, 5, 6) and workflow == "answer" else '["d"]',
                ago=600.0 if place < 4 else 7200.0,
            )
            if place == 1 and workflow == "refund":
                world.outcome("hold", trace=trace, workflow="refund", ago=500.0)
    monitor: dict[str, Any] = {"at_most": 0.05, "unit": "ratio", "workflow": None}
    for signal, window, value in (
        ("empty_retrieval", 3.6e6, 1 / 8),
        ("reliability/empty_retrieval", 8.64e7, 3 / 20),
        ("answer/reliability/empty_retrieval", 8.64e7, 3 / 10),
        ("error", 3.6e6, 0.0),
        ("hold", 3.6e6, 1 / 8),
        ("no_answer", 8.64e7, 1 / 20),
    ):
        asked = claim("monitors/watched", signal=signal, window_ms=window, **monitor)
        piece = world.one(asked)
        assert (signal, piece.value) == (signal, value)
        assert piece.claim == asked.address
        assert piece.valid_until == world.now + timedelta(milliseconds=window)


def test_a_monitor_that_records_cannot_answer_says_why(world: World, claim: ClaimOf) -> None:
    common: dict[str, Any] = {"at_most": 0.1, "workflow": None, "window_ms": 8.64e7}
    cases = (
        ({"signal": "error", "method": "psi", "unit": "ratio"}, "drift"),
        ({"signal": "error", "labels": ("analyst",), "unit": "ratio"}, "labels"),
        ({"signal": "training_serving_skew", "unit": "ratio"}, "called training_serving_skew"),
        ({"signal": "chargeback_delay_p50", "unit": "ms"}, "no outcome chargeback was recorded"),
        ({"signal": "latency_p95", "unit": "ratio"}, "another unit"),
    )
    for options, _ in cases:
        asked = claim("monitors/watched", **common, **options)
        assert world.measure(asked) == {}
    world.call()
    for options, reason in cases:
        piece = world.one(claim("monitors/watched", **common, **options))
        assert piece.value is None
        assert reason in piece.detail["reason"]
