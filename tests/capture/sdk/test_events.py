from __future__ import annotations

import logging
from typing import Any

import pytest

import launchworthy as lw
from launchworthy.testing import Recording

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_inside_a_call_late_facts_belong_to_its_span(recorded: Recording) -> None:
    with lw.workflow("answer", user="ana", session="s", cohort="canary") as span:
        lw.outcome("resolved", value=3, attributes={"channel": "chat", "tags": {"a": 1}})
        lw.feedback(
            rating=True, reason="outdated_policy", comment="old", correction={"days": 30}, confidence=4
        )
        lw.evaluation("groundedness", value=0.9, label="good", explanation="quoted")
    outcome, feedback, score = recorded.events
    for event in recorded.events:
        assert f"{event.trace_id:032x}" == span.trace_id
        assert f"{event.span_id:016x}" == span.span_id
        assert event.attributes["launchworthy.workflow"] == "answer"
        assert event.attributes["launchworthy.cohort"] == "canary"
        assert event.attributes["user.id"].startswith("u_")
        assert event.attributes["launchworthy.release"] == "r-1"
    assert outcome.name == "launchworthy.outcome"
    assert outcome.attributes["launchworthy.outcome.event"] == "resolved"
    assert outcome.attributes["launchworthy.outcome.value"] == 3.0
    assert (outcome.attributes["channel"], outcome.attributes["tags"]) == ("chat", '{"a":1}')
    assert feedback.name == "launchworthy.feedback"
    assert feedback.attributes["launchworthy.feedback.rating"] == 1.0
    assert feedback.attributes["launchworthy.feedback.correction"] == '{"days":30}'
    assert feedback.attributes["launchworthy.feedback.confidence"] == 4.0
    assert score.name == "gen_ai.evaluation.result"
    assert score.attributes["gen_ai.evaluation.score.value"] == 0.9
    assert score.attributes["gen_ai.evaluation.score.label"] == "good"


def test_a_later_process_names_the_trace_and_claims_no_release(recorded: Recording) -> None:
    lw.outcome("resolved", trace_id=TRACE)
    (event,) = recorded.events
    assert (event.trace_id, event.span_id) == (int(TRACE, 16), 0)
    assert event.attributes == {"launchworthy.product": "shop", "launchworthy.outcome.event": "resolved"}


def test_an_outcome_of_a_session_is_not_pinned_on_the_trace_around_it(recorded: Recording) -> None:
    with lw.workflow("nightly_job"):
        lw.outcome("reopened", session="s-9", workflow="answer", simulated=True)
        lw.evaluation("tone", error="Timeout", response_id="resp_1")
    outcome, score = recorded.events
    assert outcome.trace_id == score.trace_id == 0
    assert outcome.attributes["session.id"].startswith("s_")
    assert outcome.attributes["launchworthy.workflow"] == "answer"
    assert outcome.attributes["launchworthy.simulated"] is True
    assert score.attributes["gen_ai.response.id"] == "resp_1"
    assert score.attributes["error.type"] == "Timeout"
    assert "gen_ai.evaluation.score.value" not in score.attributes


@pytest.mark.parametrize("given", ["", "xyz", "0" * 32, TRACE[:-1], "é" * 32, 7, b"x" * 32])
def test_what_belongs_nowhere_is_said_and_not_recorded(
    recorded: Recording, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    lw.outcome("resolved", trace_id=given)
    assert recorded.events == []
    assert "no trace id" in caplog.text


def test_outside_any_trace_something_must_say_what_it_belongs_to(
    recorded: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    lw.outcome("resolved")
    lw.feedback(rating=1)
    lw.evaluation("tone", value=1)
    assert recorded.events == []
    assert "needs a trace_id, session or user" in caplog.text


@pytest.mark.parametrize("rating", [1.5, -2, float("nan"), float("inf"), "five", 10**400])
def test_a_rating_that_is_none_is_left_out_and_the_rest_is_kept(
    recorded: Recording, caplog: pytest.LogCaptureFixture, rating: Any
) -> None:
    with caplog.at_level(logging.WARNING, "launchworthy"):
        lw.feedback(rating=rating, reason="wrong", trace_id=TRACE)
    (event,) = recorded.events
    assert event.attributes["launchworthy.feedback.reason"] == "wrong"
    assert "launchworthy.feedback.rating" not in event.attributes
    assert "left out" in caplog.text


def test_thumbs_are_the_ends_of_the_scale(recorded: Recording) -> None:
    lw.feedback(rating=False, trace_id=TRACE)
    lw.feedback(rating=0, trace_id=TRACE)
    ratings = [event.attributes["launchworthy.feedback.rating"] for event in recorded.events]
    assert ratings == [-1.0, 0.0]


def test_an_exposure_names_the_unit_as_every_other_record_of_that_user_does(recorded: Recording) -> None:
    lw.exposure("refunds", variant="cautious", unit="ana", algorithm="growthbook@2", reason="split")
    with lw.workflow("answer", user="ana") as span:
        lw.exposure("refunds", variant="cautious", source="unleash")
        lw.exposure("plan", variant="b", unit="acme", unit_kind="account")
    alone, inside, account = recorded.events
    assert alone.trace_id == 0
    assert f"{inside.trace_id:032x}" == f"{account.trace_id:032x}" == span.trace_id
    person = inside.attributes["user.id"]
    assert alone.attributes["launchworthy.exposure.unit"] == alone.attributes["user.id"] == person
    assert account.attributes["launchworthy.exposure.unit"] not in (person, "acme")
    assert "launchworthy.exposure.unit" not in inside.attributes  # the user stands there already


def test_an_exposure_of_nobody_is_not_recorded(recorded: Recording) -> None:
    lw.exposure("refunds", variant="cautious")
    assert recorded.events == []


def test_what_happens_in_a_block_of_simulated_users_says_so_without_any_trace(recorded: Recording) -> None:
    with lw.identify(user="ana", simulated=True):
        lw.exposure("tone", variant="warm", unit="ana")
        lw.outcome("resolved", user="ana")
        lw.outcome("resolved", user="ben", simulated=False)
    lw.exposure("tone", variant="warm", unit="cleo")
    told = [event.attributes.get("launchworthy.simulated") for event in recorded.events]
    assert told == [True, True, False, None]
