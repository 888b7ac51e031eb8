from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI, OpenAI

import launchworthy as lw
from launchworthy.testing import FakeModel, Recording


def _answer(span: Any) -> str:
    return str(json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"])


def test_a_real_client_streams_through_and_its_tokens_are_read(recorded: Recording) -> None:
    @lw.model_call("chat-small", provider="openai")
    def complete(messages: list[Any]) -> Any:
        return lw.stream(
            client.chat.completions.create(
                model="chat-small", messages=messages, stream=True, stream_options={"include_usage": True}
            )
        )

    with (
        FakeModel("You have 30 days.", cached_tokens=2, reasoning_tokens=5) as model,
        OpenAI(base_url=model.url, api_key="none", max_retries=0) as client,
    ):
        stream = complete([{"role": "user", "content": "How long may I wait?"}])
        assert recorded.spans == []
        chunks = list(stream)
    assert len(chunks) > 4
    found = recorded.span("chat chat-small")
    assert _answer(found) == "You have 30 days."
    assert found.attributes["launchworthy.first_token_ms"] > 0
    assert found.attributes["gen_ai.usage.input_tokens"] == 5
    assert found.attributes["gen_ai.usage.cache_read.input_tokens"] == 2
    assert found.attributes["gen_ai.usage.reasoning.output_tokens"] == 5
    assert found.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert "launchworthy.closed_early" not in found.attributes


def test_an_async_client_likewise_and_its_own_methods_stay_reachable(recorded: Recording) -> None:
    @lw.model_call("chat-small")
    async def complete() -> Any:
        return lw.stream(
            await client.chat.completions.create(
                model="chat-small", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
        )

    async def main() -> None:
        async with client, await complete() as stream:
            assert stream.response.status_code == 200
            async for _ in stream:
                pass

    with FakeModel("Hello there") as model:
        client = AsyncOpenAI(base_url=model.url, api_key="none", max_retries=0)
        asyncio.run(main())
    assert _answer(recorded.span("chat chat-small")) == "Hello there"


def test_inside_a_block_the_block_ends_the_span(recorded: Recording) -> None:
    with lw.model_call("m") as span:
        for part in lw.stream(iter(["a", "b"])):
            assert part
        assert span.recording
    assert _answer(recorded.span("chat m")) == "ab"


def test_a_stream_left_early_ends_the_span_and_closes_the_source(recorded: Recording) -> None:
    closed = []

    def source() -> Iterator[str]:
        try:
            yield from ("one ", "two ", "three")
        finally:
            closed.append(True)

    @lw.model_call("m")
    def call() -> Any:
        return lw.stream(source())

    with call() as stream:
        next(stream)
    assert closed == [True]
    found = recorded.span("chat m")
    assert (_answer(found), found.status) == ("one ", "ok")
    assert found.attributes["launchworthy.closed_early"] is True


def test_a_stream_that_is_dropped_ends_its_span(recorded: Recording) -> None:
    @lw.model_call("m")
    def call() -> Any:
        return lw.stream(iter("abc"))

    next(call())
    gc.collect()
    assert recorded.span("chat m").attributes["launchworthy.closed_early"] is True


def test_a_stream_that_breaks_is_an_error_with_what_came_before(recorded: Recording) -> None:
    def source() -> Iterator[str]:
        yield "half"
        raise ConnectionResetError("gone")

    @lw.model_call("m")
    def call() -> Any:
        return lw.stream(source())

    with pytest.raises(ConnectionResetError):
        list(call())
    found = recorded.span("chat m")
    assert (found.attributes["error.type"], _answer(found)) == ("ConnectionResetError", "half")


def test_an_async_stream_that_is_cancelled_is_an_error(recorded: Recording) -> None:
    async def source() -> AsyncIterator[str]:
        yield "half"
        await asyncio.sleep(10)

    @lw.model_call("m")
    async def call() -> Any:
        return lw.stream(source())

    async def main() -> None:
        stream = await call()
        await anext(stream)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)

    asyncio.run(main())
    assert recorded.span("chat m").attributes["error.type"].endswith("CancelledError")


def test_the_tokens_of_anthropics_events_are_put_together(recorded: Recording) -> None:
    usage = {"input_tokens": 20, "cache_read_input_tokens": 80, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"type": "message", "id": "m1", "model": "c", "usage": usage}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Yes"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    with lw.model_call("m"):
        list(lw.stream(iter(events)))
    found = recorded.span("chat m")
    assert _answer(found) == "Yes."
    assert found.attributes["gen_ai.usage.input_tokens"] == 100
    assert found.attributes["gen_ai.usage.output_tokens"] == 9
    assert found.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)


def test_the_events_of_openais_responses_are_put_together(recorded: Recording) -> None:
    done = {
        "object": "response",
        "id": "r1",
        "model": "gpt",
        "output": [],
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created"},
        {"type": "response.output_text.delta", "delta": "Yes"},
        {"type": "response.output_text.delta", "delta": "!"},
        {"type": "response.completed", "response": done},
    ]
    with lw.model_call("m"):
        list(lw.stream([SimpleNamespace(**event) for event in events]))
    found = recorded.span("chat m")
    assert _answer(found) == "Yes!"
    assert found.attributes["gen_ai.usage.input_tokens"] == 7


def test_parts_of_another_kind_are_listed_and_the_text_of_them_can_be_named(recorded: Recording) -> None:
    with lw.step("parts"):
        list(lw.stream([{"page": 1}, {"page": 2}]))
    with lw.step("texts"):
        list(lw.stream([{"t": "a"}, {"t": "b"}], text=lambda part: part["t"]))
    with lw.step("hostile"):
        assert list(lw.stream(["x", "y"], text=lambda part: 1 / 0)) == ["x", "y"]  # type: ignore[arg-type,return-value]
    assert json.loads(recorded.span("parts").attributes["launchworthy.output"]) == [{"page": 1}, {"page": 2}]
    assert json.loads(recorded.span("texts").attributes["launchworthy.output"]) == "ab"
    assert "launchworthy.output" not in recorded.span("hostile").attributes


def test_embeddings_are_a_kind_of_their_own_and_their_vectors_are_not_recorded(recorded: Recording) -> None:
    with FakeModel() as model, OpenAI(base_url=model.url, api_key="none", max_retries=0) as client:

        @lw.model_call("embed-small", provider="openai", operation="embeddings")
        def embed(texts: list[str]) -> Any:
            return client.embeddings.create(model="embed-small", input=texts, encoding_format="float")

        @lw.model_call("local", operation="embeddings")
        def local(text: str) -> list[float]:
            return [0.125, 0.25]

        assert len(embed(["two words", "three more words"]).data) == 2
        assert local("x") == [0.125, 0.25]
    remote, own = (
        recorded.span("embeddings embed-small").attributes,
        recorded.span("embeddings local").attributes,
    )
    assert remote["launchworthy.kind"] == own["launchworthy.kind"] == "embedding"
    assert remote["gen_ai.usage.input_tokens"] == 5
    assert json.loads(remote["launchworthy.input"]) == ["two words", "three more words"]
    assert "0.125" not in str(own)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_client_that_fails_is_an_error_named_by_its_class(recorded: Recording, status: int) -> None:
    @lw.model_call("m")
    def call() -> Any:
        return client.chat.completions.create(model="m", messages=[])

    with (
        FakeModel(fail=status) as model,
        OpenAI(base_url=model.url, api_key="none", max_retries=0) as client,
        pytest.raises(APIStatusError),
    ):
        call()
    found = recorded.span("chat m")
    assert found.status == "error"
    assert found.attributes["error.type"].startswith("openai.")
    assert f"Error code: {status}" in found.message
