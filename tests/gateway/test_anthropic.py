"""Anthropic's Messages behind the gateway: OpenAI's client in front, a local server of Messages behind."""

from __future__ import annotations

import json
import sys
from typing import Any

import openai
import pytest
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from pydantic import TypeAdapter
from tests.gateway.conftest import CONTRACT, Model, Pieces, Start, client, completion
from tests.gateway.guards import rule
from tests.gateway.test_chat import ASKED
from tests.gateway.test_responses import message as said_whole
from tests.gateway.test_responses import response

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.gateway.upstream import Upstreams
from launchworthy.gateway.upstreams.messages import request_of
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Stage

BACKUP = CONTRACT.replace("otherwise: refuse}", "otherwise: refuse}\n    fallbacks: [backup/large]")
TOOLS = CONTRACT + "tools: {search: {effect: read, roles: [customer]}}\n"
SEARCH: Any = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Look something up",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}
USER = {"X-Launchworthy-User": "u-1", "X-Launchworthy-Roles": "customer"}


def message(*blocks: dict[str, Any], reason: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-1",
        "content": list(blocks),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 20, "output_tokens": 3},
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def sse(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def stream(*pieces: bytes, reason: str = "end_turn") -> list[bytes]:
    return [
        sse("message_start", message={**message(), "stop_reason": None}),
        sse("ping"),
        *pieces,
        sse(
            "message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 9}
        ),
        sse("message_stop"),
    ]


def said(*texts: str, index: int = 0) -> list[bytes]:
    return [
        sse("content_block_start", index=index, content_block=text("")),
        *(
            sse("content_block_delta", index=index, delta={"type": "text_delta", "text": each})
            for each in texts
        ),
        sse("content_block_stop", index=index),
    ]


def call(index: int, name: str, *pieces: str) -> list[bytes]:
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    delta = [{"type": "input_json_delta", "partial_json": each} for each in pieces]
    return [
        sse("content_block_start", index=index, content_block=block),
        *(sse("content_block_delta", index=index, delta=each) for each in delta),
        sse("content_block_stop", index=index),
    ]


def as_sent(model: Model) -> dict[str, Any]:
    """The last request, which the SDK's own types must accept."""
    body = model.requests[-1]
    kind = MessageCreateParamsStreaming if body.get("stream") else MessageCreateParamsNonStreaming
    TypeAdapter(kind).dump_python(TypeAdapter(kind).validate_python(body), warnings="error")
    return body


def begin(start: Start, model: Model, contract: str = CONTRACT, **more: Any) -> Any:
    return client(start(contract, upstreams={"": f"anthropic+{model.url}"}, **more).url, default_headers=USER)


def test_an_answer_comes_from_messages_and_is_told_as_a_completion(start: Start, model: Model) -> None:
    model.script = lambda body: message(text("Twenty-"), text("eight days."))
    gateway = start(upstreams={"": f"anthropic+{model.url}"})
    answer = client(gateway.url).chat.completions.create(
        model="answer",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "developer", "content": "Cite."},
            {"role": "user", "content": [{"type": "text", "text": "How long may I return shoes?"}]},
        ],
        max_tokens=50,
        temperature=0.5,
        stop="END",
        seed=4,
    )
    assert answer.choices[0].message.content == "Twenty-eight days."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (27, 20)
    assert answer.usage.completion_tokens == 3
    assert as_sent(model) == {
        "model": "small",
        "max_tokens": 50,
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "system": "Be brief.\n\nCite.",
        "messages": [
            {"role": "user", "content": [text("Hello")]},
            {"role": "assistant", "content": [text("Hi.")]},
            {"role": "user", "content": [text("How long may I return shoes?")]},
        ],
    }
    headers = {name.lower(): value for name, value in model.headers[0].items()}
    assert headers["authorization"] == "Bearer sk-up"
    assert headers["anthropic-version"]
    assert "traceparent" not in headers
    span = gateway.span("model").attributes
    assert (span["gen_ai.usage.input_tokens"], span["gen_ai.usage.cache_read.input_tokens"]) == (27, 20)
    assert span["gen_ai.response.id"] == "msg_1"


def test_tools_are_offered_called_and_answered(start: Start, model: Model) -> None:
    model.script = lambda body: message(
        text("I look."),
        {"type": "tool_use", "id": "toolu_9", "name": "search", "input": {"query": "shoes"}},
        reason="tool_use",
    )
    openai_client = begin(start, model, TOOLS)
    answer = openai_client.chat.completions.create(
        model="answer", messages=ASKED, tools=[SEARCH], tool_choice="required", parallel_tool_calls=False
    )
    first = answer.choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls[0].id == "toolu_9"
    assert json.loads(first.message.tool_calls[0].function.arguments) == {"query": "shoes"}
    sent = as_sent(model)
    assert sent["tools"] == [
        {
            "name": "search",
            "description": "Look something up",
            "input_schema": SEARCH["function"]["parameters"],
        }
    ]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}

    model.script = lambda body: message(text("28 days."))
    openai_client.chat.completions.create(
        model="answer",
        messages=[
            *ASKED,
            first.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": "toolu_9", "content": "Shoes: 28 days"},
        ],
        tools=[SEARCH],
    )
    used, result = as_sent(model)["messages"][1:]
    assert used["content"][1] == {
        "type": "tool_use",
        "id": "toolu_9",
        "name": "search",
        "input": {"query": "shoes"},
    }
    assert result["role"] == "user"
    assert result["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_9", "content": [text("Shoes: 28 days")]}
    ]


def test_a_call_that_the_contract_denies_reaches_no_client(start: Start, model: Model) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "delete_all", "input": {}}
    model.script = lambda body: (
        Pieces(stream(*call(0, "delete_all"), reason="tool_use"))
        if body.get("stream")
        else message(use, reason="tool_use")
    )
    asked = begin(start, model, TOOLS)
    whole = asked.chat.completions.create(model="answer", messages=ASKED)
    assert not whole.choices[0].message.tool_calls
    pieces = list(asked.chat.completions.create(model="answer", messages=ASKED, stream=True))
    assert not any(choice.delta.tool_calls for piece in pieces for choice in piece.choices)


def test_a_stream_arrives_piece_by_piece_with_its_calls_and_tokens(start: Start, model: Model) -> None:
    model.script = lambda body: Pieces(
        stream(
            sse(
                "content_block_start",
                index=0,
                content_block={"type": "thinking", "thinking": "", "signature": ""},
            ),
            sse("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hidden"}),
            sse("content_block_stop", index=0),
            *said("Twenty", "-eight", index=1),
            *call(2, "search", '{"que', 'ry": "shoes"}'),
            *call(3, "search"),
            reason="tool_use",
        )
    )
    gateway = start(TOOLS, upstreams={"": f"anthropic+{model.url}"})
    chunks = list(
        client(gateway.url, default_headers=USER).chat.completions.create(
            model="answer",
            messages=ASKED,
            tools=[SEARCH],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [piece.choices[0].delta for piece in chunks if piece.choices]
    assert [delta.content for delta in deltas if delta.content] == ["Twenty", "-eight"]
    calls = [each for delta in deltas for each in delta.tool_calls or ()]
    assert [(each.id, each.function and json.loads(each.function.arguments or "")) for each in calls] == [
        ("toolu_2", {"query": "shoes"}),
        ("toolu_3", {}),
    ]
    assert "hidden" not in str(chunks)
    assert next(piece.usage for piece in chunks if piece.usage).model_dump()["total_tokens"] == 36
    assert as_sent(model)["stream"] is True
    assert gateway.span("model").attributes["gen_ai.usage.output_tokens"] == 9


@pytest.mark.parametrize("streamed", [False, True])
def test_guards_hold_what_this_model_says_like_any_other(start: Start, model: Model, streamed: bool) -> None:
    model.script = lambda body: (
        Pieces(stream(*said("The key is s", "esa", "me.")))
        if streamed
        else message(text("The key is sesame."))
    )
    asked = begin(start, model, rules=[rule("sesame", Stage.OUTPUT, action=Action.REDACT)])
    raw = asked.chat.completions.with_raw_response.create(model="answer", messages=ASKED, stream=streamed)
    told = raw.http_response.read().decode()
    assert "The key is" in told
    assert "esa" not in told


FAULTS: list[Any] = [
    (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, {"Retry-After": "0"}),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
    (500, b"<html>oops</html>"),
    (401, {"type": "error", "error": {"type": "authentication_error", "message": "bad key sk-up"}}),
    (307, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    (200, b"{ not json"),
    (200, b"[1, 2]"),
    (200, {"type": "message", "content": "no blocks"}),
    (200, {"type": "message", "content": [], "stop_reason": "end_turn"}),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_another_model_answers_where_this_one_does_not(
    start: Start, model: Model, fault: Any, streamed: bool
) -> None:
    def script(body: dict[str, Any]) -> Any:
        if body["path"].endswith("/messages"):
            return fault
        return completion("From the other.") if not streamed else Pieces(_other())

    model.script = script
    gateway = start(BACKUP, upstreams={"vendor": f"anthropic+{model.url}", "backup": model.url})
    raw = client(gateway.url).chat.completions.with_raw_response.create(
        model="answer", messages=ASKED, stream=streamed
    )
    told = raw.http_response.read().decode()
    assert "From the other." in told
    assert '"fallback":"backup/large"' in told
    assert "sk-up" not in told


def _other() -> list[bytes]:
    row: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "large"}
    choice = {"index": 0, "delta": {"content": "From the other."}, "finish_reason": "stop"}
    return [b"data: " + json.dumps({**row, "choices": [choice]}).encode() + b"\n\n", b"data: [DONE]\n\n"]


BROKEN = [
    Pieces([*stream()[:1], *said("Twen")[:2]], cut=True),
    Pieces([*stream()[:1], *said("Twen")[:2]]),
    Pieces(
        [*stream()[:1], *said("Twen")[:2], sse("error", error={"type": "overloaded_error", "message": "x"})]
    ),
    Pieces([*stream()[:1], *said("Twen")[:2], b"event: content_block_delta\ndata: {nonsense\n\n"]),
    Pieces([*stream()[:1], *said("Twen")[:2], sse("content_block_delta", index=0, delta=4)]),
]


@pytest.mark.parametrize("pieces", BROKEN)
def test_a_stream_that_breaks_after_words_went_out_ends_with_an_error(
    start: Start, model: Model, pieces: Pieces
) -> None:
    model.script = lambda body: pieces
    with pytest.raises(openai.APIError):
        list(begin(start, model).chat.completions.create(model="answer", messages=ASKED, stream=True))


def test_a_stream_that_begins_with_nonsense_is_left_for_another_model(start: Start, model: Model) -> None:
    model.script = lambda body: (
        Pieces(said("orphan")) if body["path"].endswith("/messages") else Pieces(_other())
    )
    gateway = start(BACKUP, upstreams={"vendor": f"anthropic+{model.url}", "backup": model.url})
    chunks = client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True)
    assert "From the other." in "".join(
        each.choices[0].delta.content or "" for each in chunks if each.choices
    )


def test_the_model_stops_when_the_client_goes(start: Start, model: Model) -> None:
    model.script = lambda body: Pieces(stream(*said(*["word "] * 500)), pause_s=0.01)
    chunks = begin(start, model).chat.completions.create(model="answer", messages=ASKED, stream=True)
    next(iter(chunks))
    chunks.close()
    assert model.left.wait(5)


def test_what_the_model_refuses_about_the_request_is_told_to_the_client(start: Start, model: Model) -> None:
    error = {"type": "invalid_request_error", "message": "max_tokens: too large for sk-up"}
    model.script = lambda body: (400, {"type": "error", "error": error})
    with pytest.raises(openai.BadRequestError, match="too large for \\[key\\]"):
        begin(start, model).chat.completions.create(model="answer", messages=ASKED)
    assert len(model.requests) == 1  # the SDK tries nothing again by itself


STRANGE: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "one answer at a time"),
    ({"logprobs": True}, "no probabilities"),
    ({"modalities": ["text", "audio"]}, "text only"),
    ({"response_format": {"type": "json_object"}}, "json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "no schema"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "functions"),
    ({"tools": [SEARCH], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
    ({"messages": [{"role": "system", "content": "x"}]}, "nothing but system"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio"),
    ({"messages": [{"role": "user", "content": 4}]}, "neither text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
        "base64",
    ),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "[1"}}]}]}, "JSON object"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"custom": {}}]}]}, "functions only"),
]


@pytest.mark.parametrize(("given", "why"), STRANGE)
def test_what_has_no_counterpart_is_refused_by_name(given: dict[str, Any], why: str) -> None:
    with pytest.raises(UpstreamError) as refused:
        request_of({"messages": ASKED, **given})
    assert refused.value.refused
    assert why in refused.value.body


def test_pictures_schemas_and_effort_are_carried_over() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    linked = {"type": "image_url", "image_url": {"url": "https://shop.example/a.png"}}
    schema = {"type": "object", "properties": {}}
    made = request_of(
        {
            "messages": [{"role": "user", "content": [picture, linked]}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            "reasoning_effort": "minimal",
        }
    )
    assert made == {
        "max_tokens": 4_096,
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                    },
                    {"type": "image", "source": {"type": "url", "url": "https://shop.example/a.png"}},
                ],
            }
        ],
        "output_config": {"format": {"type": "json_schema", "schema": schema}, "effort": "low"},
    }


def test_answers_of_several_tools_stand_in_one_turn() -> None:
    calls = [{"id": f"c{n}", "function": {"name": "search", "arguments": ""}} for n in (1, 2)]
    made = request_of(
        {
            "messages": [
                *ASKED,
                {"role": "assistant", "content": None, "tool_calls": calls},
                {"role": "tool", "tool_call_id": "c1", "content": "a"},
                {"role": "tool", "tool_call_id": "c2", "content": ""},
            ]
        }
    )
    assert [each["role"] for each in made["messages"]] == ["user", "assistant", "user"]
    assert [each["tool_use_id"] for each in made["messages"][2]["content"]] == ["c1", "c2"]


def test_responses_are_asked_of_a_model_that_speaks_them(start: Start, model: Model) -> None:
    model.script = lambda body: message(text("never"))
    with pytest.raises(openai.BadRequestError, match="chat/completions"):
        begin(start, model).responses.create(model="answer", input="hello")
    assert model.requests == []
    gateway = start(BACKUP, upstreams={"vendor": f"anthropic+{model.url}", "backup": model.url})
    model.script = lambda body: response(said_whole("From the other."))
    answer = client(gateway.url).responses.create(model="answer", input="hello")
    assert answer.output_text == "From the other."
    assert [body["model"] for body in model.requests] == ["large"]


def test_a_protocol_that_nothing_speaks_is_refused_at_start() -> None:
    with pytest.raises(InputError, match="'gopher'") as refused:
        Upstreams({"": "gopher+https://models.example"})
    assert "anthropic" in str(refused.value.hint)
    with pytest.raises(InputError, match="not the address"):
        Upstreams({"": "anthropic+ftp://models.example"})


def test_without_the_sdk_the_gateway_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(MissingExtraError) as missing:
        Upstreams({"": "anthropic+https://models.example"})
    assert "launchworthy[anthropic]" in str(missing.value.hint)


def test_the_vendors_own_key_goes_to_the_vendor_alone() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-ant", "OPENAI_API_KEY": "sk-oai"}
    own = Upstreams({"": "anthropic+https://api.anthropic.com"}, environ=environ)
    assert own.place("vendor/small").key == "sk-ant"
    assert Upstreams({"": "anthropic+https://models.example"}, environ=environ).place("small").key is None
