"""Chat Completions through the gateway, asked by OpenAI's own client."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from tests.gateway.conftest import CONTRACT, Model, Start, chat_stream, client, completion

ASKED: Any = [{"role": "user", "content": "How long may I return shoes?"}]


def test_an_answer_arrives_as_the_model_gave_it(start: Start, model: Model) -> None:
    gateway = start()
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED)
    assert answer.choices[0].message.content == "Twenty-eight days."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10
    assert model.requests[0]["model"] == "small"
    assert model.headers[0]["Authorization"] == "Bearer sk-up"


def test_a_stream_arrives_piece_by_piece(start: Start, model: Model) -> None:
    model.script = lambda body: chat_stream("Twenty", "-eight", " days.")
    gateway = start()
    chunks = list(client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True))
    said = [piece.choices[0].delta.content for piece in chunks if piece.choices]
    assert [text for text in said if text] == ["Twenty", "-eight", " days."]
    assert all(piece.usage is None for piece in chunks)


def test_the_tokens_of_a_stream_are_told_to_who_asked_and_recorded_for_all(
    start: Start, model: Model
) -> None:
    model.script = lambda body: chat_stream("Yes.")
    gateway = start()
    chunks = list(
        client(gateway.url).chat.completions.create(
            model="answer", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3
    assert gateway.span("model").attributes["gen_ai.usage.output_tokens"] == 3


def test_a_call_is_on_record_with_its_workflow_release_and_texts(start: Start, model: Model) -> None:
    gateway = start()
    raw = client(gateway.url).chat.completions.with_raw_response.create(
        model="answer",
        messages=ASKED,
        extra_headers={"X-Launchworthy-User": "u-4", "X-Launchworthy-Session": "s-9"},
    )
    span = gateway.span("workflow")
    assert span.attributes["launchworthy.workflow"] == "answer"
    assert span.attributes["launchworthy.release"] == raw.headers["x-launchworthy-release"]
    assert span.attributes["user.id"] == "u-4"
    assert span.attributes["session.id"] == "s-9"
    assert span.trace_id == raw.headers["x-launchworthy-trace"]
    inner = gateway.span("model")
    assert inner.parent_id == span.span_id
    assert inner.attributes["gen_ai.request.model"] == "vendor/small"
    assert inner.attributes["gen_ai.response.model"] == "small-2026"
    assert "How long may I return shoes?" in inner.attributes["gen_ai.input.messages"]
    assert "Twenty-eight days." in inner.attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("name", ["small", "vendor/small", "answer", "support/answer"])
def test_a_model_is_named_by_the_contract_or_by_its_workflow(start: Start, model: Model, name: str) -> None:
    gateway = start()
    client(gateway.url).chat.completions.create(model=name, messages=ASKED)
    assert model.requests[0]["model"] == "small"


def test_a_model_that_the_contract_does_not_name_is_refused(start: Start, model: Model) -> None:
    gateway = start()
    with pytest.raises(openai.NotFoundError) as caught:
        client(gateway.url).chat.completions.create(model="answr", messages=ASKED)
    assert caught.value.code == "model_not_found"
    assert "did you mean answer?" in caught.value.message
    assert model.requests == []


def test_models_are_listed(start: Start, model: Model) -> None:
    gateway = start()
    found = [each.id for each in client(gateway.url).models.list()]
    assert found == ["answer", "vendor/small"]
    assert client(gateway.url).models.retrieve("answer").owned_by == "launchworthy"
    with pytest.raises(openai.NotFoundError):
        client(gateway.url).models.retrieve("other")


def test_embeddings_are_of_the_model_that_the_contract_names(start: Start, model: Model) -> None:
    model.script = lambda body: {
        "object": "list",
        "model": body["model"],
        "data": [
            {"object": "embedding", "index": n, "embedding": [0.5]} for n, _ in enumerate(body["input"])
        ],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    declared = CONTRACT.replace(
        "  model: {name: vendor/small}",
        "  model: {name: vendor/small}\n  retrieval: {embedding: vendor/vectors}",
    )
    gateway = start(declared)
    found = client(gateway.url).embeddings.create(
        model="vectors", input=["one", "two"], encoding_format="float"
    )
    assert [row.embedding for row in found.data] == [[0.5], [0.5]]
    assert model.requests[0]["input"] == ["one", "two"]
    assert gateway.span("embedding").attributes["gen_ai.request.model"] == "vendor/vectors"
    with pytest.raises(openai.NotFoundError):
        client(gateway.url).embeddings.create(model="small", input="one", encoding_format="float")
    model.script = lambda body: (500, {"error": {"message": "down"}})
    with pytest.raises(openai.InternalServerError, match="no vectors: failed"):
        client(gateway.url).embeddings.create(model="vectors", input="one", encoding_format="float")
    assert [row["launchworthy.decision.outcome"] for row in gateway.decisions("fallback")] == ["no answer"]


def test_several_choices_are_each_looked_at(start: Start, model: Model) -> None:
    two = completion("One.")
    two["choices"].append({**completion("Two.")["choices"][0], "index": 1})
    model.script = lambda body: two
    gateway = start()
    answer = client(gateway.url).chat.completions.create(model="answer", messages=ASKED, n=2)
    assert [choice.message.content for choice in answer.choices] == ["One.", "Two."]


def test_langchain_asks_through_the_gateway(start: Start, model: Model) -> None:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    gateway = start()
    chat = ChatOpenAI(model="answer", base_url=f"{gateway.url}/v1", api_key=SecretStr("none"), max_retries=0)
    assert chat.invoke("How long may I return shoes?").content == "Twenty-eight days."
    model.script = lambda body: chat_stream("Twenty", "-eight")
    assert "".join(str(piece.content) for piece in chat.stream("How long?")) == "Twenty-eight"


def test_what_is_for_the_gateway_does_not_reach_the_model(start: Start, model: Model) -> None:
    gateway = start()
    client(gateway.url).chat.completions.create(
        model="answer",
        messages=ASKED,
        user="u-4",
        store=True,
        metadata={"case": "7"},
        extra_headers={"X-Trace": "mine", "OpenAI-Organization": "org-1", "Cookie": "a=b"},
    )
    assert not {"user", "metadata", "launchworthy"} & set(model.requests[0])
    assert model.requests[0]["store"] is False
    assert not {"x-trace", "openai-organization", "cookie"} & {name.lower() for name in model.headers[0]}
    assert gateway.span("workflow").attributes["user.id"] == "u-4"


def test_the_answer_is_in_the_trace_of_a_trusted_client(start: Start, model: Model) -> None:
    gateway = start()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    client(gateway.url).chat.completions.create(
        model="answer", messages=ASKED, extra_headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    assert gateway.span("workflow").trace_id == trace


def test_arguments_arrive_as_they_were_checked_and_not_as_they_were_written(
    start: Start, model: Model
) -> None:
    tools = CONTRACT + "tools: {search: {effect: read, roles: [customer]}}\n"
    model.script = lambda body: completion(None, calls=[("search", '{"q": "hidden", "q": "shoes"}')])
    gateway = start(tools)
    answer = client(gateway.url).chat.completions.create(
        model="answer", messages=ASKED, extra_headers={"X-Launchworthy-Roles": "customer"}
    )
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.arguments == json.dumps({"q": "shoes"})
