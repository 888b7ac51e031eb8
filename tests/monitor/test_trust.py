"""What people do with answers, and what they say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scipy import stats

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World


def test_edits_and_undos_are_shares_of_what_was_accepted(world: World, claim: ClaimOf) -> None:
    edited = []
    for place in range(10):
        trace = world.call()
        if place < 6:
            world.outcome("accepted", trace=trace)
        if place in (0, 7):  # one of them without a word of acceptance
            world.outcome("edited", trace=trace)
            edited.append(trace.hex())
        if place == 1:
            world.outcome("undo", trace=trace)
    re_edit = claim("trust/re_edit", at_most=0.15, unit="ratio")
    undo = claim("trust/undo", at_most=0.02, unit="ratio")
    acceptance = claim("trust/acceptance", at_least=0.5, unit="ratio")
    found = world.measure(re_edit, undo, acceptance)
    piece = found[re_edit.address]
    assert (piece.value, piece.n) == (2 / 7, 7)
    assert piece.high == pytest.approx(stats.beta.ppf(0.95, 3, 5))
    assert sorted(world.traces(piece)) == sorted(edited)
    assert (found[undo.address].value, found[undo.address].n) == (1 / 6, 6)
    assert (found[acceptance.address].value, found[acceptance.address].n) == (0.6, 10)
    assert len(world.traces(found[acceptance.address])) == 4


def test_without_acceptances_it_is_a_share_of_the_calls_that_answered(world: World, claim: ClaimOf) -> None:
    world.outcome("overridden", trace=world.call())
    world.call()
    world.call(status="error")
    piece = world.one(claim("trust/override", at_most=0.2, unit="ratio"))
    assert (piece.value, piece.n) == (0.5, 2)
    assert piece.detail["of_calls"] == "that answered"


def test_an_undo_counts_within_its_time_and_only_calls_that_old_are_read(
    world: World, claim: ClaimOf
) -> None:
    for age, after in ((7200.0, 600.0), (7200.0, 4000.0), (7200.0, None), (1800.0, 60.0)):
        trace = world.call(ago=age)
        if after is not None:
            world.outcome("undo", trace=trace, ago=age - after)
    piece = world.one(claim("trust/undo", at_most=0.02, unit="ratio", within_ms=3.6e6))
    assert (piece.value, piece.n) == (1 / 3, 3)


def test_events_of_other_products_and_releases_do_not_count(world: World, claim: ClaimOf) -> None:
    mine, theirs = world.call(), world.call(release="r-2")
    world.outcome("follow_up", trace=theirs)
    world.outcome("follow_up", trace=mine, product="other")
    piece = world.one(claim("trust/follow_up", at_most=0.25, unit="ratio"))
    assert (piece.value, piece.n) == (0.0, 1)


def test_what_no_event_tells_is_not_measured(world: World, claim: ClaimOf) -> None:
    world.call()
    for name in ("follow_up", "re_edit", "undo", "acceptance", "override", "appeal", "regenerate"):
        piece = world.one(claim(f"trust/{name}", at_most=0.25, unit="ratio"))
        assert piece.value is None
        assert "no outcome" in piece.detail["reason"]
    piece = world.one(claim("trust/reported_confidence", at_least=4.0))
    assert piece.detail["reason"] == "no user has reported confidence"


def test_reported_confidence_is_the_mean_of_what_users_said_of_these_calls(
    world: World, claim: ClaimOf
) -> None:
    doubtful = world.call(user_id="u_1")
    world.feedback(trace=doubtful, confidence=1.0, workflow=None, release=None)
    world.feedback(trace=world.call(user_id="u_2"), confidence=5.0)
    world.feedback(trace=world.call(user_id="u_2"), confidence=4.0)
    world.feedback(trace=world.call(user_id="u_3"), rating=1.0)  # says nothing of confidence
    world.feedback(trace=None, confidence=2.0, release="r-1", user_id="u_4")
    world.feedback(trace=None, confidence=3.0, release="r-2")
    world.feedback(trace=world.call(release="r-2"), confidence=3.0, release="r-2")
    world.feedback(trace=world.call(workflow="refund"), confidence=3.0, workflow="refund")
    world.feedback(trace=doubtful, confidence=3.0, ago=40 * 86_400.0)
    piece = world.one(claim("trust/reported_confidence", at_least=4.0))
    assert (piece.value, piece.n, piece.unit, piece.unit_of_analysis) == (3.0, 3, "", "user")
    assert world.traces(piece)[0] == doubtful.hex()
    shared = world.one(claim("trust/reported_confidence", at_least=0.8, unit="ratio"))
    assert "another scale" in shared.detail["reason"]


def test_an_answer_that_was_copied_and_then_undone_is_an_undo(world: World, claim: ClaimOf) -> None:
    for place in range(5):
        trace = world.call()
        if place < 4:
            world.outcome("copied" if place else "accepted", trace=trace)
        if place == 1:
            world.outcome("undone", trace=trace)
    piece = world.one(claim("trust/undo", at_most=0.02, unit="ratio"))
    assert (piece.value, piece.n) == (1 / 4, 4)


def test_a_monitor_watches_how_often_users_give_a_reason(world: World, claim: ClaimOf) -> None:
    watched = claim("monitors/stale", at_most=0.1, unit="ratio", signal="answer/feedback/outdated_policy")
    calls = [world.call() for _ in range(10)]
    silent = world.one(watched)
    assert silent.value is None
    assert silent.detail["reason"] == "no feedback on a call was recorded"
    for trace, reason in zip(calls, ["outdated_policy", "outdated_policy", "slow", None], strict=False):
        world.feedback(trace=trace, reason=reason, rating=-1.0)
    world.feedback(trace=calls[0], reason="outdated_policy")  # said twice of one call
    piece = world.one(watched)
    assert (piece.value, piece.n) == (0.2, 10)
    assert sorted(world.traces(piece)) == sorted(trace.hex() for trace in calls[:2])
