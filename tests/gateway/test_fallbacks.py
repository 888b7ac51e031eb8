"""What is done when a model does not answer, or costs too much: retries, other models, no answer."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest
from tests.gateway.conftest import (
    CONTRACT,
    Model,
    Pieces,
    Running,
    Start,
    chat_stream,
    chunk,
    client,
    completion,
)
from tests.gateway.test_chat import ASKED

from launchworthy.runtime.budget import BreakerState
from launchworthy.runtime.budget.remote import RemoteSpending

BACKUP = CONTRACT.replace(
    "otherwise: refuse}", "otherwise: refuse}\n    fallbacks: [vendor/backup, search_results, route]"
)
FAULTS: list[Any] = [
    (429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}),
    (500, {"error": {"message": "oops"}}),
    (503, b"<html>busy</html>"),
    (401, {"error": {"message": "bad key sk-up"}}),
    (200, b"{ not json"),
    (200, b"[1, 2]"),
    (200, {"object": "chat.completion"}),
    (200, {"choices": []}),
    (200, {"choices": [{"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}]}),
]


def _say(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def _told(gateway: Running) -> list[tuple[Any, Any, list[str]]]:
    """What the audit chain gets to know of models that did not answer."""
    name = "launchworthy.decision."
    return [
        (
            row[f"{name}subject"],
            row[f"{name}outcome"],
            [each["name"] for each in json.loads(row[f"{name}facts"])["failed"]],
        )
        for row in gateway.decisions("fallback")
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_another_model_answers_where_the_first_does_not(start: Start, model: Model, fault: Any) -> None:
    model.script = lambda body: fault if body["model"] == "small" else completion("From the other.")
    gateway = start(BACKUP)
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED)
    assert _say(answer) == "From the other."
    assert answer.model_extra is not None
    assert answer.model_extra["launchworthy"]["fallback"] == "vendor/backup"
    assert gateway.span("workflow").attributes["launchworthy.fallback"] == "vendor/backup"
    assert gateway.decisions("fallback")[0]["launchworthy.decision.outcome"] == "answered"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_without_any_model_the_contract_says_how_there_is_no_answer(
    start: Start, model: Model, fault: Any, stream: bool
) -> None:
    model.script = lambda body: fault
    raw = client(start().url).chat.completions.with_raw_response.create(
        model="answer", messages=ASKED, stream=stream
    )
    text = raw.http_response.read().decode()
    assert "Please try again later." in text
    assert '"policy":"defer"' in text
    assert "sk-up" not in text


def test_fallbacks_may_end_with_a_person(start: Start, model: Model) -> None:
    model.script = lambda body: (500, {})
    answer = client(start(BACKUP).url).chat.completions.create(model="answer", messages=ASKED)
    assert answer.model_extra is not None
    assert answer.model_extra["launchworthy"]["no_answer"]["policy"] == "route"
    assert [body["model"] for body in model.requests] == ["small", "backup"]


def test_the_same_model_is_asked_again_as_often_as_the_contract_says(start: Start, model: Model) -> None:
    retry = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    fallbacks: [retry_twice]")
    model.script = lambda body: (500, {}) if len(model.requests) < 3 else completion("At last.")
    gateway = start(retry)
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED)
    assert _say(answer) == "At last."
    assert len(model.requests) == 3
    [told] = gateway.decisions("fallback")
    assert told["launchworthy.decision.reason"] == "vendor/small did not answer"


def test_a_request_that_the_model_refuses_is_told_and_not_tried_elsewhere(start: Start, model: Model) -> None:
    model.script = lambda body: (400, {"error": {"message": "max_tokens is too large, says sk-up"}})
    with pytest.raises(openai.BadRequestError) as caught:
        client(start(BACKUP).url).chat.completions.create(model="answer", messages=ASKED)
    assert "max_tokens is too large, says [key]" in caught.value.message
    assert len(model.requests) == 1


def test_a_slow_model_is_overtaken_by_another(start: Start, model: Model) -> None:
    slow = BACKUP.replace(
        "fallbacks", "limits: {timeout: 5s}\n    reliability: {latency_p95: {at_most: 100ms}}\n    fallbacks"
    )
    model.script = lambda body: 4.0 if body["model"] == "small" else completion("From the other.")
    began = time.monotonic()
    answer = client(start(slow).url).chat.completions.create(model="answer", messages=ASKED)
    assert _say(answer) == "From the other."
    assert time.monotonic() - began < 3
    assert model.left.wait(5)  # the slow one is told that nobody waits any more


def test_past_the_timeout_nobody_is_waited_for(start: Start, model: Model) -> None:
    short = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    limits: {timeout: 200ms}")
    model.script = lambda body: 5.0
    gateway = start(short)
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED)
    assert answer.model_extra is not None
    assert answer.model_extra["launchworthy"]["no_answer"]["policy"] == "defer"
    assert gateway.decisions("budget")[0]["launchworthy.decision.rule"] == "support/answer/limits/timeout"


def test_a_stream_that_does_not_end_in_time_is_cut_and_counts_as_passing_the_limit(
    start: Start, model: Model
) -> None:
    short = BACKUP.replace("fallbacks", "limits: {timeout: 400ms}\n    fallbacks")
    model.script = lambda body: Pieces([chunk({"content": "Twenty"})] * 50, pause_s=0.1)
    gateway = start(short)
    with pytest.raises(openai.APIError) as caught:
        list(client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True))
    assert caught.value.code == "upstream_timeout"
    gateway.span("workflow")
    [over] = gateway.decisions("budget")
    assert over["launchworthy.decision.rule"] == "support/answer/limits/timeout"
    assert json.loads(over["launchworthy.decision.facts"])["limit_ms"] == 400
    assert _told(gateway) == [("none", "no answer", ["vendor/small"])]


def test_a_model_that_keeps_failing_is_left_alone(start: Start, model: Model) -> None:
    model.script = lambda body: (500, {})
    gateway = start()
    for _ in range(7):
        client(gateway.url).chat.completions.create(model="answer", messages=ASKED)
    assert len(model.requests) == 5
    assert gateway.asker.breaker("vendor/small").state(time.monotonic()) is BreakerState.OPEN


HALF = Pieces(
    [chunk({"role": "assistant", "content": ""}), chunk({"content": "Twenty"})], pause_s=0.05, cut=True
)
BROKEN: list[Pieces] = [
    Pieces([], cut=True),
    Pieces([b"data: {not json\n\n"]),
    Pieces([b'data: {"error": {"message": "overloaded"}}\n\n']),
    Pieces([b"data: [DONE]\n\n"]),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_stream_that_breaks_before_anything_went_out_begins_anew_elsewhere(
    start: Start, model: Model, broken: Pieces
) -> None:
    model.script = lambda body: broken if body["model"] == "small" else chat_stream("From ", "the other.")
    chunks = client(start(BACKUP).url).chat.completions.create(model="answer", messages=ASKED, stream=True)
    said = "".join(piece.choices[0].delta.content or "" for piece in chunks if piece.choices)
    assert said == "From the other."


def test_a_fallback_whose_stream_breaks_has_answered_nothing(start: Start, model: Model) -> None:
    model.script = lambda body: Pieces([], cut=True)
    gateway = start(BACKUP)
    raw = client(gateway.url).chat.completions.with_raw_response.create(
        model="answer", messages=ASKED, stream=True
    )
    last = raw.http_response.read().decode()
    assert '"policy":"route"' in last
    assert '"fallback"' not in last
    assert gateway.span("workflow").attributes.get("launchworthy.fallback") is None
    assert _told(gateway) == [("route", "no answer", ["vendor/small", "vendor/backup"])]


def test_a_stream_that_breaks_after_words_went_out_ends_with_an_error(start: Start, model: Model) -> None:
    model.script = lambda body: HALF
    gateway = start(BACKUP)
    said: list[str] = []

    def read() -> None:
        for piece in client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True):
            said.append(piece.choices[0].delta.content or "")

    with pytest.raises(openai.APIError) as caught:
        read()
    assert "".join(said) == "Twenty"
    assert caught.value.code == "upstream_half"
    assert [body["model"] for body in model.requests] == ["small"]
    gateway.span("workflow")
    assert _told(gateway) == [("none", "no answer", ["vendor/small"])]


def test_a_stream_that_ends_without_its_last_word_is_no_answer(start: Start, model: Model) -> None:
    model.script = lambda body: Pieces([chunk({"role": "assistant", "content": "Twenty"})])
    with pytest.raises(openai.APIError):
        list(client(start().url).chat.completions.create(model="answer", messages=ASKED, stream=True))


def test_a_model_that_does_not_stream_is_no_answer_to_a_stream(start: Start, model: Model) -> None:
    model.script = lambda body: (
        completion("Whole.") if body["model"] == "small" else chat_stream("In pieces.")
    )
    chunks = client(start(BACKUP).url).chat.completions.create(model="answer", messages=ASKED, stream=True)
    assert "".join(p.choices[0].delta.content or "" for p in chunks if p.choices) == "In pieces."


def test_a_user_has_so_many_actions(start: Start, model: Model) -> None:
    few = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    limits: {actions_per_user: 2/d}")
    gateway = start(few)

    def ask(user: str) -> Any:
        return client(gateway.url).chat.completions.create(
            model="answer", messages=ASKED, extra_headers={"X-Launchworthy-User": user}
        )

    assert [bool((ask("u-1").model_extra or {}).get("launchworthy")) for _ in range(3)] == [
        False,
        False,
        True,
    ]
    assert not (ask("u-2").model_extra or {}).get("launchworthy")
    assert len(model.requests) == 3
    assert gateway.decisions("budget")[0]["launchworthy.decision.rule"] == (
        "support/answer/limits/actions_per_user"
    )


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("actions_per_user: 2/d", "what is left of actions_per_user is not known"),
        ("cost_per_user: 1 USD/d", "no model answered: openai/gpt-4o (ledger)"),
    ],
)
def test_a_ledger_that_does_not_answer_is_no_limit_that_was_passed(
    start: Start, model: Model, limits: str, reason: str
) -> None:
    gone = RemoteSpending("http://127.0.0.1:9", product="support", timeout_s=0.2, patience_s=0.0)
    few = CONTRACT.replace("vendor/small", "openai/gpt-4o")
    gateway = start(
        few.replace("otherwise: refuse}", f"otherwise: refuse}}\n    limits: {{{limits}}}"), spending=gone
    )
    answer = client(gateway.url).chat.completions.create(
        model="answer", messages=ASKED, extra_headers={"X-Launchworthy-User": "u-1"}
    )
    assert answer.model_extra is not None
    told = answer.model_extra["launchworthy"]["no_answer"]
    assert told["condition"] == "model_or_tool_down"
    assert reason in told["reason"]
    assert model.requests == []
    gateway.span("workflow")
    assert gateway.decisions("budget") == []
    assert len(gateway.decisions("no_answer")) == 1


def test_a_call_that_could_cost_more_than_one_may_is_not_made(start: Start, model: Model) -> None:
    cheap = CONTRACT.replace("vendor/small", "openai/gpt-4o").replace(
        "otherwise: refuse}", "otherwise: refuse}\n    limits: {cost_per_action: 0.0001 USD}"
    )
    gateway = start(cheap)
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED, max_tokens=100_000)
    assert model.requests == []
    assert answer.model_extra is not None
    assert answer.model_extra["launchworthy"]["no_answer"]["condition"] == "over_budget"
    client(gateway.url).chat.completions.create(model="answer", messages=ASKED, max_tokens=1)
    assert len(model.requests) == 1


def test_what_embeddings_cost_is_taken_from_the_ceilings_of_their_workflow(
    start: Start, model: Model
) -> None:
    model.script = lambda body: {
        "object": "list",
        "model": body["model"],
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 400, "total_tokens": 400},  # 0.000008 USD
    }
    dear = CONTRACT.replace(
        "vendor/small}", "openai/gpt-4o}\n  retrieval: {embedding: openai/text-embedding-3-small}"
    ).replace("otherwise: refuse}", "otherwise: refuse}\n    limits: {cost_per_workflow: 0.00001 USD/d}")
    gateway = start(dear)

    def embed(text: str) -> Any:
        return client(gateway.url).embeddings.create(
            model="text-embedding-3-small", input=text, encoding_format="float"
        )

    with pytest.raises(openai.BadRequestError, match="cost_per_workflow has 0 USD of"):
        embed("word " * 2_000)  # at worst
    for _ in range(2):
        embed("a word")
    with pytest.raises(openai.BadRequestError, match=r"cost_per_workflow has 1[.]60e"):
        embed("a word")
    assert len(model.requests) == 2
    outcomes = [row["launchworthy.decision.outcome"] for row in gateway.decisions("budget")]
    assert outcomes == ["stopped", "stopped"]


def test_a_conversation_has_so_many_turns(start: Start, model: Model) -> None:
    short = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    limits: {turns: 1}")
    asked: Any = [*ASKED, {"role": "assistant", "content": "28 days."}, *ASKED]
    answer = client(start(short).url).chat.completions.create(model="answer", messages=asked)
    assert answer.model_extra is not None
    assert "more turns" in answer.model_extra["launchworthy"]["no_answer"]["reason"]
    assert model.requests == []
