"""What came of uses: matured, undone, late, handed over; and how long it took."""

from __future__ import annotations

import random
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


def _success(claim: ClaimOf, **options: Any) -> Claim:
    known = {"event": "settled", "unless": ("reopened_ticket", "handed"), "within_ms": DAY * 1e3, **options}
    return claim("success", kind=ClaimKind.COVER, at_least=0.95, unit="ratio", **known)


def test_a_use_is_resolved_if_success_came_in_time_and_stood(world: World, claim: ClaimOf) -> None:
    lost = []
    for place in range(6):
        trace = world.call(session_id=f"s_{place}", user_id=f"u_{place}", ago=3 * DAY)
        if place == 0:
            world.outcome("settled", trace=trace, ago=2.5 * DAY)
        elif place == 1:  # known by the session only
            world.outcome("settled", session_id="s_1", workflow=None, ago=2.1 * DAY)
        elif place == 2:  # taken back
            world.outcome("settled", trace=trace, ago=2.9 * DAY)
            world.outcome("reopened_ticket", trace=trace, ago=2.5 * DAY)
        elif place == 3:  # too late
            world.outcome("settled", trace=trace, ago=1.5 * DAY)
        elif place == 4:  # of another workflow
            world.outcome("settled", session_id="s_4", workflow="refund", ago=2.5 * DAY)
        if place > 1:
            lost.append(trace.hex())
    young = world.call(session_id="s_young", ago=0.9 * DAY)
    world.outcome("settled", trace=young, ago=0.8 * DAY)
    asked = claim("outcomes/resolved", at_least=0.65, unit="ratio", before=0.54)
    piece = world.one(asked, _success(claim))
    assert (piece.value, piece.n, piece.unit_of_analysis) == (2 / 6, 6, "use")
    assert piece.low == pytest.approx(stats.beta.ppf(0.05, 2, 5))
    assert sorted(world.traces(piece)) == sorted(lost)
    assert piece.source == "records:2026-10-24T12:00:00Z/2026-11-23T12:00:00Z"
    known = world.one(_success(claim))
    # Two of the six uses have no outcome of any name.
    assert known.value == pytest.approx(4 / 6)


def test_calls_of_one_session_are_one_use(world: World, claim: ClaimOf) -> None:
    for place in range(4):
        world.call(session_id="s_long", ago=3 * DAY - place)
    last = world.call(session_id="s_long", ago=2.9 * DAY)
    world.outcome("settled", trace=last, ago=2.8 * DAY)
    world.call(ago=3 * DAY)
    piece = world.one(claim("outcomes/resolved", at_least=0.65, unit="ratio"), _success(claim))
    assert (piece.value, piece.n) == (0.5, 2)


def test_what_changed_against_the_old_workflow_is_a_difference(world: World, claim: ClaimOf) -> None:
    rng = random.Random(13)
    won = 0
    for _ in range(300):
        trace = world.call(ago=3 * DAY)
        if rng.random() < 0.7:
            won += 1
            world.outcome("settled", trace=trace, ago=2.9 * DAY)
    asked = claim(
        "outcomes/resolved/change",
        kind=ClaimKind.DELTA,
        at_least=0.54,
        unit="ratio",
        before=0.54,
        against="before",
    )
    piece = world.one(asked, _success(claim))
    low = stats.beta.ppf(0.05, won, 300 - won + 1)
    assert piece.value == pytest.approx(won / 300 - 0.54)
    assert piece.low == pytest.approx(low - 0.54)
    assert (piece.detail["candidate"], piece.detail["baseline"]) == (won / 300, 0.54)
    found = status(asked, [piece], release="r-1", now=world.now)
    assert found.state is State.MET
    assert "successes" not in piece.sample
    waited = claim(
        "outcomes/time_to_resolution/change",
        kind=ClaimKind.DELTA,
        at_most=1e5,
        unit="ms",
        before=1e5,
        against="before",
    )
    slower = world.one(waited, _success(claim))
    assert slower.value == pytest.approx(0.1 * DAY * 1e3 - 1e5)
    assert status(waited, [slower], release="r-1", now=world.now).state is State.UNMET
    other = claim(
        "outcomes/resolved/change", kind=ClaimKind.DELTA, at_least=0.54, unit="ratio", against="launched"
    )
    assert world.measure(other, _success(claim)).get(other.address) is None


def test_the_time_to_an_outcome_is_that_of_the_uses_that_came_to_it(world: World, claim: ClaimOf) -> None:
    minutes = [3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0]
    for each in minutes:
        trace = world.call(ago=3 * DAY)
        world.outcome("settled", trace=trace, ago=3 * DAY - each * 60)
        world.outcome("settled", trace=trace, ago=3 * DAY - 3600)  # told twice
    world.call(ago=3 * DAY)
    asked = claim("outcomes/time_to_resolution", at_most=1.2e6, unit="ms", statistic="median", before=3.24e7)
    piece = world.one(asked, _success(claim))
    assert piece.value == pytest.approx(11.0 * 60e3)
    # Order statistics of 8 values: P(Binomial(8, 1/2) ≥ 7) = 3.5 %.
    assert (piece.low, piece.high) == pytest.approx((5.0 * 60e3, 19.0 * 60e3))
    assert (piece.unit, piece.n) == ("ms", 8)
    mean = world.one(
        claim("outcomes/time_to_resolution", at_most=1.0, unit="ms", statistic="mean"), _success(claim)
    )
    assert mean.value == pytest.approx(sum(minutes) / 8 * 60e3)
    late = world.one(
        claim("outcomes/time_to_resolution", at_most=1.0, unit="ms", statistic="p90"), _success(claim)
    )
    assert late.value == pytest.approx(23.0 * 60e3)


def test_a_time_to_an_event_of_ones_own_reads_that_event(world: World, claim: ClaimOf) -> None:
    trace = world.call(ago=3 * DAY)
    asked = claim("outcomes/time_to_verdict", at_most=6e5, unit="ms", statistic="p95")
    assert "no outcome verdict" in world.one(asked).detail["reason"]
    world.outcome("verdict", trace=trace, ago=3 * DAY - 90)
    assert world.one(asked).value == pytest.approx(90e3)


def test_an_outcome_that_no_event_tells_is_not_measured(world: World, claim: ClaimOf) -> None:
    world.call(ago=3 * DAY)
    for name in ("resolved", "escalation", "deflection", "conversion", "task_completion", "reopened"):
        piece = world.one(claim(f"outcomes/{name}", at_least=0.5, unit="ratio"))
        assert (piece.value, piece.n) == (None, 0)
        assert "no outcome" in piece.detail["reason"]


def test_handing_over_is_told_by_an_event_or_by_the_route_a_call_took(world: World, claim: ClaimOf) -> None:
    for place in range(10):
        trace = world.call(ago=3 * DAY, session_id=f"s_{place}", no_answer="route" if place == 0 else None)
        if place in (1, 2):
            world.outcome("escalated", trace=trace, ago=2.9 * DAY)
    escalation = claim("outcomes/escalation", at_most=0.2, unit="ratio")
    deflection = claim("outcomes/deflection", at_least=0.4, unit="ratio")
    found = world.measure(escalation, deflection)
    assert found[escalation.address].value == 0.3
    assert found[deflection.address].value == 0.7
    assert len(world.traces(found[escalation.address])) == 3
    world.outcome("deflected", session_id="s_5", ago=2.9 * DAY)
    assert world.one(deflection).value == 0.1


def test_named_events_are_shares_of_uses(world: World, claim: ClaimOf) -> None:
    for place in range(8):
        trace = world.call(ago=3 * DAY)
        if place < 2:
            world.outcome("conversion", trace=trace, ago=2.9 * DAY)
        if place < 6:
            world.outcome("task_completed", trace=trace, ago=2.9 * DAY)
    assert world.one(claim("outcomes/conversion", at_least=0.1, unit="ratio")).value == 0.25
    completion = world.one(claim("outcomes/task_completion", at_least=0.9, unit="ratio"))
    assert completion.value == 0.75
    assert len(world.traces(completion)) == 2
    weighed = world.one(claim("outcomes/conversion", at_least=0.1, unit="ratio", of="volume"))
    assert weighed.value is None


def test_labels_that_settle_later_than_evidence_lives_are_read_where_they_are(
    world: World, claim: ClaimOf
) -> None:
    trace = world.call(ago=100 * DAY)
    world.outcome("settled", trace=trace, ago=20 * DAY)
    world.call(ago=95 * DAY)
    world.call(ago=50 * DAY)
    success = _success(claim, within_ms=None, matures_ms=90 * DAY * 1e3)
    piece = world.one(claim("outcomes/resolved", at_least=0.65, unit="ratio"), success)
    assert (piece.value, piece.n) == (0.5, 2)
    assert piece.source.startswith("records:2026-07-27T")


def test_a_label_that_comes_twice_counts_once_and_one_that_contradicts_it_takes_it_back(
    world: World, claim: ClaimOf
) -> None:
    twice = world.call(user_id="u_twice", ago=3 * DAY)
    for ago in (2.9, 2.9, 2.5):
        world.outcome("settled", trace=twice, ago=ago * DAY)
    for first, then in (("settled", "handed"), ("handed", "settled")):  # in whichever order they come
        trace = world.call(user_id=f"u_{first}", ago=3 * DAY)
        world.outcome(first, trace=trace, ago=2.9 * DAY)
        world.outcome(then, trace=trace, ago=2.8 * DAY)
        world.outcome(then, trace=trace, ago=2.8 * DAY)
    late = world.call(user_id="u_late", ago=3 * DAY)
    world.outcome("settled", trace=late, ago=2.9 * DAY)
    world.outcome("handed", trace=late, ago=1.0 * DAY)  # when the matter was settled for a day
    piece = world.one(claim("outcomes/resolved", at_least=0.65, unit="ratio"), _success(claim))
    assert (piece.value, piece.n) == (0.5, 4)


def test_an_outcome_of_a_simulated_user_is_named_as_such(world: World, claim: ClaimOf) -> None:
    trace = world.call(ago=3 * DAY, simulated=True)
    world.outcome("settled", trace=trace, ago=2.9 * DAY, simulated=True)
    assert world.one(claim("outcomes/resolved", at_least=0.65, unit="ratio"), _success(claim)).simulated


def test_before_any_use_is_old_enough_the_reason_says_how_old_it_must_be(
    world: World, claim: ClaimOf
) -> None:
    trace = world.call(ago=3600.0)
    world.outcome("settled", trace=trace, ago=3000.0)
    piece = world.one(claim("outcomes/resolved", at_least=0.65, unit="ratio"), _success(claim))
    assert piece.value is None
    assert piece.detail["reason"] == "no use is 1 d old yet, when its outcome is known"


def test_an_outcome_of_the_products_own_is_the_event_of_its_name(world: World, claim: ClaimOf) -> None:
    own = claim("outcomes/honest_blocked", at_most=0.1, unit="ratio")
    for number in range(40):
        trace = world.call(session_id=f"s-{number}")
        if number < 10:
            world.outcome("honest_blocked", trace=trace)
    piece = world.one(own)
    assert (piece.value, piece.n) == (0.25, 40)
    assert len(world.traces(piece)) == 10  # those to which it came, since it is bad that it did
    money = world.one(claim("outcomes/net_benefit", at_least=5_000.0, unit="EUR/d"))
    assert money.value is None
    assert "no outcome net_benefit was recorded" in money.detail["reason"]
