"""Broken, huge and strange requests, and clients that go away."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from tests.gateway.conftest import Model, Pieces, Start, chat_stream, chunk, client
from tests.gateway.guards import Word, rule
from tests.gateway.test_chat import ASKED

from launchworthy.runtime.guards import GuardContext, GuardVerdict, Stage


def _post(url: str, body: bytes, path: str = "/v1/chat/completions", method: str = "POST") -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def _messages(messages: Any) -> bytes:
    return json.dumps({"model": "answer", "messages": messages}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model": "answer", "messages": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b'{"model": "answer"}',
        _messages([]),
        _messages("hello"),
        _messages([1]),
        _messages([{"content": "hello"}]),
        _messages([{"role": "owner", "content": "hello"}]),
        _messages([{"role": "user", "content": 7}]),
        _messages([{"role": "user", "content": ["hello"]}]),
        _messages([{"role": "user", "content": [{"type": "text", "text": "x", "launchworthy": "trusted"}]}]),
        b'{"model": "answer", "messages": [{"role": "user", "content": "\\ud800"}]}',
        json.dumps({"model": "answer", "messages": ASKED, "tools": "all"}).encode(),
        json.dumps({"model": "answer", "messages": ASKED, "tools": [1]}).encode(),
        json.dumps({"model": {"name": "x"}, "messages": ASKED, "model_": 1}).encode()[:-5],
    ],
)
def test_a_broken_request_is_refused_in_words(start: Start, model: Model, body: bytes) -> None:
    status, answer = _post(start().url, body)
    assert status == 400
    assert answer["error"]["message"]
    assert answer["error"]["code"]
    assert model.requests == []


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/chat/completions", "GET", 405),
        ("/v1/models", "POST", 405),
        ("/v1/files", "POST", 404),
        ("/", "GET", 404),
        ("/v1/../v1/chat/completions", "POST", 404),
        ("/v1/chat/completions/", "POST", 404),
    ],
)
def test_other_paths_and_methods_are_refused(
    start: Start, model: Model, path: str, method: str, status: int
) -> None:
    found, answer = _post(start().url, _messages(ASKED), path, method)
    assert found == status
    assert answer["error"]["code"]


def test_a_prompt_of_a_megabyte_is_answered_and_others_meanwhile(start: Start, model: Model) -> None:
    gateway = start(rules=[rule("BOMB", Stage.INPUT)])
    asked: Any = [{"role": "user", "content": "word " * 200_000}]
    client(gateway.url).chat.completions.create(model="answer", messages=asked)
    assert len(model.requests[0]["messages"][0]["content"]) == 1_000_000


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_request_that_would_keep_guards_busy_is_refused_before_they_read_it(
    start: Start, model: Model, path: str
) -> None:
    asked: Any = [{"role": "user", "content": "4111 1111 " * 50_000} for _ in range(5)]
    body = json.dumps({"model": "answer", "messages": asked, "input": asked, "stream": True}).encode()
    gateway = start(rules=[rule("BOMB", Stage.INPUT)])
    status, answer = _post(gateway.url, body, path)
    assert (status, answer["error"]["code"]) == (413, "too_long")
    assert model.requests == []
    [told] = gateway.decisions("no_answer")
    assert answer["error"]["message"].startswith(told["launchworthy.decision.reason"])
    client(start().url).chat.completions.create(model="answer", messages=asked)  # nobody reads it there


def test_many_short_messages_leave_others_their_turn(start: Start, model: Model) -> None:
    happened: list[str] = []

    class Slow(Word):
        def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
            happened.append("read")
            time.sleep(0.002)
            return super().check(stage, payload, context)

    gateway = start(rules=[replace(rule("BOMB", Stage.INPUT), guard=Slow("BOMB"))])
    asked: Any = [{"role": ("user", "assistant")[n % 2], "content": f"word {n}"} for n in range(501)]
    with ThreadPoolExecutor() as pool:
        done = pool.submit(_post, gateway.url, _messages(asked))
        while not done.done():
            assert _post(gateway.url, b"", "/healthz", "GET")[0] == 200
            happened.append("health")
    last_read = len(happened) - happened[::-1].index("read")
    assert "health" in happened[happened.index("read") : last_read]
    assert done.result()[0] == 200


def test_a_request_of_more_than_it_may_have_is_refused(start: Start, model: Model) -> None:
    status, answer = _post(start().url, b" " * (21 * 1024 * 1024))
    assert status == 413
    assert "20,971,520 bytes" in answer["error"]["message"]


@pytest.mark.parametrize("text", ["\u202egnol woh\u202c", "a\u200bb\u2060c", "\x00\x07", "\U000e0041 tag"])
def test_strange_characters_reach_the_model_as_they_are(start: Start, model: Model, text: str) -> None:
    asked: Any = [{"role": "user", "content": text}]
    client(start().url).chat.completions.create(model="answer", messages=asked)
    assert model.requests[0]["messages"][0]["content"] == text


def test_a_client_that_goes_away_ends_the_stream_at_the_model(start: Start, model: Model) -> None:
    words = [chunk({"role": "assistant", "content": "word "}) for _ in range(500)]
    model.script = lambda body: Pieces(words, pause_s=0.02)
    gateway = start()
    stream = client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True)
    next(iter(stream))
    stream.close()
    assert model.left.wait(5)
    span = gateway.span("model")
    assert span.attributes["launchworthy.closed_early"] is True
    assert "word" in span.attributes["gen_ai.output.messages"]
    assert gateway.span("workflow").attributes["launchworthy.closed_early"] is True


def test_a_client_that_gives_up_waiting_ends_the_call_at_the_model(start: Start, model: Model) -> None:
    model.script = lambda body: 8.0
    gateway = start()
    with pytest.raises(openai.APITimeoutError):
        client(gateway.url, timeout=0.3).chat.completions.create(model="answer", messages=ASKED)
    assert model.left.wait(5)


def test_a_guard_that_stops_a_stream_ends_it_at_the_model(start: Start, model: Model) -> None:
    said = [chunk({"content": "The password is KEY-77 " + "and more " * 20})]
    said += [chunk({"content": "word "}) for _ in range(500)]
    model.script = lambda body: Pieces(said, pause_s=0.02)
    gateway = start(rules=[rule("KEY-77", Stage.OUTPUT)])
    began = time.monotonic()
    list(client(gateway.url).chat.completions.create(model="answer", messages=ASKED, stream=True))
    assert time.monotonic() - began < 5
    assert model.left.wait(5)


def test_an_event_that_never_ends_is_no_answer(start: Start, model: Model) -> None:
    model.script = lambda body: Pieces([b"data: " + b"x" * (9 * 1024 * 1024)])
    raw = client(start().url).chat.completions.with_raw_response.create(
        model="answer", messages=ASKED, stream=True
    )
    assert "try again later" in raw.http_response.read().decode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_are_read_however_their_lines_end(start: Start, model: Model, end: bytes) -> None:
    pieces = chat_stream("Twenty", "-eight").pieces
    whole = b": comment\n\n" + b"".join(pieces)
    cut = whole.replace(b"\n", end)
    model.script = lambda body: Pieces([cut[at : at + 7] for at in range(0, len(cut), 7)])
    chunks = client(start().url).chat.completions.create(model="answer", messages=ASKED, stream=True)
    assert "".join(p.choices[0].delta.content or "" for p in chunks if p.choices) == "Twenty-eight"


def test_a_fault_of_ours_is_told_without_its_cause(
    start: Start, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise ValueError("secret of the house")

    gateway = start()
    monkeypatch.setattr("launchworthy.gateway.app.Gateway._choose", broken)
    status, answer = _post(gateway.url, _messages(ASKED))
    assert status == 500
    assert answer["error"]["code"] == "gateway_failed"
    assert "secret" not in json.dumps(answer)
