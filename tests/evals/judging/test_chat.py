from __future__ import annotations

import asyncio
from typing import Any

import pytest

from launchworthy.capture.pricing import Price, PriceTable, Rates
from launchworthy.errors import InputError
from launchworthy.evals.chat import ChatClient, ChatModel, ChatReply
from launchworthy.evals.target import TargetFailure
from launchworthy.testing import FakeModel

ASKED = [{"role": "user", "content": "How long?"}]
SCHEMA = {"type": "object", "properties": {"verdict": {"type": "boolean"}}, "required": ["verdict"]}
PRICES = PriceTable(
    version="2026-11-24",
    prices=(
        Price(
            providers=frozenset({"test"}),
            models=("judge-1",),
            rates=Rates(input=2.0, output=10.0),
            source="test",
            seen="2026-11-24",
            version="2026-11-24",
        ),
    ),
)


def _model(url: str, **changes: Any) -> ChatModel:
    return ChatModel(**({"model": "judge-1", "base_url": url} | changes))


def _complete(model: ChatModel, *, schema: Any = None, times: int = 1) -> list[ChatReply]:
    async def ask() -> list[ChatReply]:
        client = ChatClient(model, prices=PRICES)
        await client.open(concurrency=1)
        try:
            return [await client.complete(ASKED, schema=schema) for _ in range(times)]
        finally:
            await client.close()

    return asyncio.run(ask())


def test_a_model_answers_with_its_tokens_and_what_they_cost(chat_server: Any) -> None:
    server = chat_server(lambda body: "30 days.")
    (reply,) = _complete(_model(server.url, seed=7, max_tokens=50))
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("30 days.", 100, 10)
    assert reply.cost_usd == pytest.approx((100 * 2.0 + 10 * 10.0) / 1e6)
    assert server.calls == [
        {"model": "judge-1", "messages": ASKED, "temperature": 0.0, "seed": 7, "max_tokens": 50}
    ]


def test_the_official_client_reads_the_same_server_so_the_test_server_is_honest(chat_server: Any) -> None:
    import openai

    server = chat_server(lambda body: "30 days.")
    with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        found = client.chat.completions.create(model="judge-1", messages=[{"role": "user", "content": "?"}])
    assert found.choices[0].message.content == "30 days."
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (100, 10)


def test_the_fake_model_that_users_get_is_read_too() -> None:
    with FakeModel("So it is.") as fake:
        (reply,) = _complete(_model(fake.url))
    assert (reply.text, reply.output_tokens) == ("So it is.", 3)


def test_a_model_without_a_price_has_no_cost_rather_than_none_to_pay(chat_server: Any) -> None:
    server = chat_server(lambda body: "Yes.")
    (reply,) = _complete(_model(server.url, model="home-grown"))
    assert reply.cost_usd is None


def test_a_schema_is_sent_as_structured_output(chat_server: Any) -> None:
    server = chat_server(lambda body: '{"verdict": true}')
    _complete(_model(server.url), schema=SCHEMA)
    form = server.calls[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"] == SCHEMA
    assert form["json_schema"]["strict"] is True


def test_an_endpoint_that_refuses_a_schema_is_asked_with_less_structure_and_once_only(
    chat_server: Any,
) -> None:
    def answer(body: dict[str, Any]) -> Any:
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is not supported"}}
        return '{"verdict": true}'

    server = chat_server(answer)
    replies = _complete(_model(server.url), schema=SCHEMA, times=2)
    assert [reply.text for reply in replies] == ['{"verdict": true}'] * 2
    forms = [call.get("response_format", {}).get("type") for call in server.calls]
    assert forms == ["json_schema", "json_object", None, None]
    assert '"verdict"' in server.calls[-1]["messages"][-1]["content"]


def test_a_parameter_that_the_model_refuses_is_left_out_and_named(chat_server: Any) -> None:
    def answer(body: dict[str, Any]) -> Any:
        if "temperature" in body:
            return 400, {"error": {"message": "unsupported value", "param": "temperature"}}
        if "max_tokens" in body:
            return 400, {"error": {"message": "max_tokens: use max_completion_tokens instead"}}
        return "Yes."

    server = chat_server(answer)
    replies = _complete(_model(server.url, max_tokens=20), times=2)
    assert [reply.dropped for reply in replies] == [("temperature",)] * 2
    assert server.calls[-1]["max_completion_tokens"] == 20
    assert len(server.calls) == 4


def test_a_request_that_is_wrong_for_another_reason_fails_with_the_first_reason(chat_server: Any) -> None:
    reasons = iter(["too long", "no JSON", "no schema"])
    server = chat_server(lambda body: (400, {"error": {"message": next(reasons)}}))
    with pytest.raises(TargetFailure, match="too long") as caught:
        _complete(_model(server.url), schema=SCHEMA)
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("reply", "transient", "wait_s", "told"),
    [
        ((429, {"error": {"message": "slow down"}}, {"Retry-After": "3"}), True, 3.0, "slow down"),
        ((503, "busy"), True, None, "503"),
        ((401, {"error": {"message": "no"}}), False, None, "401"),
        ((404, {"error": {"message": "no such model"}}), False, None, "no such model"),
        ((302, "", {"Location": "http://127.0.0.1:1/"}), False, None, "302"),
        ((200, "<html>hello</html>"), False, None, "not JSON"),
        ((200, [1, 2]), False, None, "not a JSON object"),
        ((200, {"choices": []}), False, None, "no message"),
        ((200, {"choices": [{"message": "text"}]}), False, None, "no message"),
        ((200, {"error": {"message": "upstream is busy", "code": 429}}), True, None, "upstream is busy"),
    ],
)
def test_what_is_no_answer_is_a_failure_that_says_whether_to_try_again(
    chat_server: Any, reply: Any, transient: bool, wait_s: float | None, told: str
) -> None:
    server = chat_server(lambda body: reply)
    with pytest.raises(TargetFailure, match=told) as caught:
        _complete(_model(server.url))
    assert (caught.value.transient, caught.value.retry_after_s) == (transient, wait_s)


def test_an_endpoint_that_is_not_there_may_come_back() -> None:
    with pytest.raises(TargetFailure) as caught:
        _complete(_model("http://127.0.0.1:9/v1"))
    assert caught.value.transient


def test_a_reply_that_never_ends_is_cut(chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchworthy.evals.chat.MAX_BYTES", 1_000)
    server = chat_server(lambda body: "x" * 2_000)
    with pytest.raises(TargetFailure, match="larger than 1,000 bytes"):
        _complete(_model(server.url))


def test_parts_of_a_message_are_joined_and_a_refusal_is_no_answer(chat_server: Any) -> None:
    parts = [{"type": "text", "text": "30 "}, {"type": "text", "text": "days"}, {"type": "image"}]
    (joined,) = _complete(_model(chat_server(lambda body: {"content": parts}).url))
    (refused,) = _complete(_model(chat_server(lambda body: {"refusal": "I may not."}).url))
    assert joined.text == "30 days"
    assert (refused.text, refused.refusal) == (None, "I may not.")


def test_the_key_goes_into_one_header_and_nowhere_else(
    chat_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "s3cret-key")
    server = chat_server(lambda body: (401, {"error": {"message": "wrong key s3cret-key"}}))
    model = _model(server.url, key_env="JUDGE_KEY")
    with pytest.raises(TargetFailure) as caught:
        _complete(model)
    assert server.headers[0]["Authorization"] == "Bearer s3cret-key"
    shown = f"{caught.value.message} {caught.value!r} {model!r} {model.parameters()}"
    assert "s3cret-key" not in shown
    assert "wrong key" in shown


def test_a_key_for_one_vendor_is_not_sent_to_another_address(
    chat_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret-key")
    server = chat_server(lambda body: "Yes.")
    _complete(_model(server.url))
    assert "Authorization" not in server.headers[0]


def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY is not set"):
        _complete(ChatModel(model="judge-1"))


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://host/v1", "https://host/v1?key=abc", "https://ana:pw@host/v1"]
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        ChatModel(model="judge-1", base_url=url)
    assert "pw@" not in str(caught.value)
    assert "abc" not in str(caught.value)
