from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import launchworthy as lw
from launchworthy.testing import Recording, recording


def test_everything_that_can_be_said_of_a_model_call(recorded: Recording) -> None:
    with lw.model_call() as span:
        span.set_model("chat-large", provider="vendor", response_model="chat-large-2026")
        span.set_prompt("answer", version="7")
        span.set_messages([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}])
        span.set_usage(
            input_tokens=100, output_tokens=20, cache_read_tokens=80, cache_write_tokens=5, reasoning_tokens=7
        )
        span.set_cost(0.0012)
        span.first_token()
        span.first_token()
        span.set_safety_flags("pii")
        span.set_safety_flags("pii", "tone")
        span.no_answer("route")
        span.set_attributes({"team": "support", "where": {"shelf": 3}, "gone": None})
        span.set_output("Hello")
    found = recorded.span("chat chat-large").attributes
    assert json.loads(found["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
    ]
    for name, value in {
        "gen_ai.response.model": "chat-large-2026",
        "gen_ai.provider.name": "vendor",
        "gen_ai.prompt.version": "7",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "gen_ai.usage.cache_write.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "launchworthy.cost_usd": 0.0012,
        "launchworthy.safety_flags": ("pii", "tone"),
        "launchworthy.no_answer": "route",
        "launchworthy.first_token_ms": 1.0,
        "gen_ai.response.time_to_first_chunk": 0.001,
        "team": "support",
        "where": '{"shelf":3}',
    }.items():
        assert found[name] == value, name
    assert "gone" not in found


OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-5-2026",
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 10},
    },
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Yes."}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 20,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 16,
        "output_tokens": 30,
    },
}
RESPONSES = {
    "id": "resp_1",
    "object": "response",
    "model": "gpt-5-2026",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
    ],
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
    },
}


@pytest.mark.parametrize(
    ("response", "written", "reasoning"),
    [(OPENAI, None, 10), (ANTHROPIC, 16, None), (RESPONSES, None, 10)],
    ids=["openai", "anthropic", "responses"],
)
@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
def test_cached_tokens_are_within_the_input_whoever_answers(
    recorded: Recording, response: dict[str, Any], written: int | None, reasoning: int | None, as_object: bool
) -> None:
    @lw.model_call("asked")
    def call() -> Any:
        return json.loads(
            json.dumps(response), object_hook=lambda o: SimpleNamespace(**o) if as_object else o
        )

    call()
    found = recorded.span("chat asked").attributes
    assert found["gen_ai.usage.input_tokens"] == 100
    assert found["gen_ai.usage.output_tokens"] == 30
    assert found["gen_ai.usage.cache_read.input_tokens"] == 64
    assert found.get("gen_ai.usage.cache_write.input_tokens") == written
    assert found.get("gen_ai.usage.reasoning.output_tokens") == reasoning
    assert found["gen_ai.response.model"] == response["model"]
    assert found["gen_ai.response.id"] == response["id"]
    message = json.loads(found["gen_ai.output.messages"])[0]
    assert (message["role"], message["parts"][0]["content"]) == ("assistant", "Yes.")


def test_messages_of_a_call_with_tools_keep_their_calls(recorded: Recording) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
    with lw.model_call("m") as span:
        span.set_messages(
            [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ]
        )
    said = json.loads(recorded.span("chat m").attributes["gen_ai.input.messages"])
    assert said[0]["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "refund", "arguments": '{"order": 7}'}
    ]
    assert said[1]["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "done"}]


def test_messages_of_langchain_are_messages(recorded: Recording) -> None:
    @lw.model_call("m")
    def call(messages: list[Any]) -> str:
        return "ok"

    call([SystemMessage("Be kind."), HumanMessage("Hi"), AIMessage("Hello")])
    said = json.loads(recorded.span("chat m").attributes["gen_ai.input.messages"])
    assert [(m["role"], m["parts"][0]["content"]) for m in said] == [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello"),
    ]


def test_a_list_that_is_no_conversation_is_kept_as_it_is(recorded: Recording) -> None:
    with lw.model_call("m") as span:
        span.set_messages([{"type": "image", "url": "x"}, 3])
    assert json.loads(recorded.span("chat m").attributes["launchworthy.input"]) == [
        {"type": "image", "url": "x"},
        3,
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["plain"], [{"content": "plain"}]),
        (["a", ("b", 0.5)], [{"content": "a"}, {"id": "b", "score": 0.5}]),
        (
            [Document("text", id="d1", metadata={"source": "faq.md", "score": 0.7})],
            [{"id": "d1", "score": 0.7, "content": "text", "source": "faq.md"}],
        ),
        ([(Document("text", id="d1"), 0.3)], [{"id": "d1", "content": "text", "score": 0.3}]),
        ([{"id": 3, "text": "t", "more": 1}], [{"id": 3, "content": "t"}]),
        ([], []),
    ],
)
def test_documents_in_the_forms_that_retrievers_have(
    recorded: Recording, given: Any, expected: list[dict[str, Any]]
) -> None:
    @lw.retrieval("index")
    def search(query: str) -> Any:
        return given

    search("q")
    assert json.loads(recorded.span("retrieval index").attributes["gen_ai.retrieval.documents"]) == expected


def test_an_answer_that_is_no_list_of_documents_is_an_output(recorded: Recording) -> None:
    with lw.retrieval("index") as span:
        span.set_output({"hits": 3})
    found = recorded.span("retrieval index").attributes
    assert json.loads(found["launchworthy.output"]) == {"hits": 3}
    assert "gen_ai.retrieval.documents" not in found


def test_without_content_only_measurements_are_recorded() -> None:
    with recording(content=False) as recorded:

        @lw.model_call("m")
        def call(messages: list[dict[str, str]]) -> Any:
            return OPENAI

        @lw.retrieval("index")
        def search(query: str) -> list[dict[str, Any]]:
            return [{"id": "doc-1", "score": 1, "content": "a secret"}]

        @lw.tool("pay")
        def pay(card: str) -> None:
            raise ValueError(card)

        with lw.workflow("answer") as span:
            call([{"role": "user", "content": "a secret"}])
            search("a secret")
            span.set_output("a secret")
            with pytest.raises(ValueError):
                pay("a secret")
        lw.feedback(trace_id=span.trace_id, rating=1, comment="a secret", correction="a secret")
    everything = str([span.attributes for span in recorded.spans]) + str(recorded.events)
    assert "a secret" not in everything + str([span.message for span in recorded.spans])
    assert "Yes." not in everything
    assert recorded.span("chat m").attributes["gen_ai.usage.input_tokens"] == 100
    assert json.loads(recorded.span("retrieval index").attributes["gen_ai.retrieval.documents"]) == [
        {"id": "doc-1", "score": 1}
    ]


def test_what_is_said_wrongly_is_logged_once_and_never_raised(
    recorded: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "launchworthy"), lw.step("s") as span:
        for _ in range(3):
            span.no_answer("maybe")
            span.set_cost("free")  # type: ignore[arg-type]
            span.set_attributes(7)  # type: ignore[arg-type]
            span.set_messages(7)  # type: ignore[arg-type]
        span.set_output("kept")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert any("'maybe' is no way to give no answer" in text for text in said)
    found = recorded.span("s").attributes
    assert found["launchworthy.output"] == '"kept"'
    assert "launchworthy.no_answer" not in found


def test_after_its_end_a_span_takes_nothing_more(
    recorded: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    with lw.step("s") as span:
        pass
    span.set_output("late")
    span.end()
    assert len(recorded.spans) == 1
    assert "launchworthy.output" not in recorded.span("s").attributes
    assert "after its end" in caplog.text


def test_a_call_that_is_not_sampled_costs_nothing_and_still_runs() -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    with recording(provider=provider) as recorded:

        @lw.workflow("answer")
        def answer(text: str) -> str:
            assert not lw.current_span().recording
            lw.current_span().set_output("x")
            return text

        assert answer("q") == "q"
        assert list(lw.stream(iter("ab"))) == ["a", "b"]
        lw.outcome("resolved", session="s")
    assert recorded.spans == []
    assert len(recorded.events) == 1


def test_an_iterator_is_the_applications_to_read(recorded: Recording) -> None:
    @lw.retrieval("index")
    def search(query: str) -> Any:
        return iter(["a", "b"])

    @lw.model_call("m")
    def call(messages: Any) -> Any:
        return list(messages)

    assert list(search("q")) == ["a", "b"]
    assert call(iter([1, 2])) == [1, 2]
    given = iter([{"role": "user", "content": "Hi"}])
    with lw.model_call("m") as span:
        span.set_messages(given)  # type: ignore[arg-type]
        span.set_documents(given)  # type: ignore[arg-type]
        span.set_output(given)
    assert len(list(given)) == 1
