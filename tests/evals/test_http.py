from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from launchworthy.errors import InputError
from launchworthy.evals.engine import Limits, evaluate
from launchworthy.evals.http import HttpTarget
from launchworthy.evals.target import retry_after_seconds
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem

ITEM = GoldItem(id="q1", input="How?", context={"page": 1})


@pytest.fixture
def ask(runs: Any, new_run: Callable[..., Run]) -> Callable[..., RunItem]:
    def one(target: HttpTarget, item: GoldItem = ITEM, **limits: Any) -> RunItem:
        options = {"concurrency": 1, "timeout_s": 5.0, "retries": 0} | limits
        run = evaluate([item], target=target, scorers=[], runs=runs, run=new_run(), limits=Limits(**options))
        items: list[RunItem] = runs.run_items(run.id)
        return items[0]

    return one


def test_an_endpoint_is_asked_in_json_and_answers_in_json(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            {"output": "So.", "ranked": [{"id": "a"}, "b"], "cost_usd": 0.25, "extra": 1}
        )

    endpoint = serve(handler)
    item = ask(HttpTarget(url=endpoint.url, trace_seed="run-1"))
    assert endpoint.calls == [{"input": "How?"}]
    assert item.output["extra"] == 1
    assert (item.error, item.cost_usd, item.attempts) == (None, 0.25, 1)
    assert item.latency_ms is not None
    assert item.latency_ms > 0


def test_a_call_carries_its_trace_id_so_that_its_spans_are_found(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response("plain")

    endpoint = serve(handler)
    item = ask(HttpTarget(url=endpoint.url, trace_seed="run-1"))
    version, trace_id, span_id, flags = endpoint.headers[0]["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", item.trace_id, "01")
    assert (len(trace_id), len(span_id)) == (32, 16)
    assert item.output == "plain"


def test_request_and_answer_take_the_shape_of_another_api(serve: Any, ask: Any, monkeypatch: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"choices": [{"message": {"content": "So."}}], "docs/used": [{"id": "d1"}]})

    endpoint = serve(handler)
    monkeypatch.setenv("ASK_TOKEN", "s3cret")
    target = HttpTarget(
        url=endpoint.url,
        request={
            "messages": [{"role": "user", "content": "{input}"}],
            "note": "on {id}: {context}",
            "n": 1,
        },
        response={"output": "/choices/0/message/content", "ranked": "/docs~1used", "citations": "/none"},
        bearer_env="ASK_TOKEN",
    )
    item = ask(target, GoldItem(id="q1", input="{id}?", context={"page": 1}))
    assert endpoint.calls == [
        {"messages": [{"role": "user", "content": "{id}?"}], "note": 'on q1: {"page":1}', "n": 1}
    ]
    assert endpoint.headers[0]["Authorization"] == "Bearer s3cret"
    assert item.output == {"output": "So.", "ranked": [{"id": "d1"}], "citations": None}
    assert "s3cret" not in repr(target)


def test_a_busy_endpoint_is_asked_again_when_it_says(serve: Any, ask: Any) -> None:
    times: list[float] = []

    async def handler(request: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 3:
            return web.Response(status=429 if len(times) == 1 else 503, headers={"Retry-After": "0.2"})
        return web.json_response("done")

    item = ask(HttpTarget(url=serve(handler).url), retries=2)
    assert (item.output, item.attempts) == ("done", 3)
    assert all(later - earlier >= 0.19 for earlier, later in pairwise(times))


def test_an_endpoint_that_asks_for_an_hour_is_given_up(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3600"}, text="slow down")

    item = ask(HttpTarget(url=serve(handler).url), retries=5)
    assert item.attempts == 1
    assert item.error == "HTTP 429 Too Many Requests: slow down"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 500, "text": "<b>boom</b>"}, "HTTP 500 Internal Server Error: <b>boom</b>"),
        ({"status": 404}, "HTTP 404"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "HTTP 302"),
        ({"body": b"{broken", "content_type": "application/json"}, "the answer is not JSON"),
        ({"body": b'{"a": NaN}', "content_type": "application/json"}, "the answer is not JSON"),
        ({"body": b"[" * 5_000, "content_type": "application/json"}, "the answer is not JSON"),
        ({"body": b"", "content_type": "application/json"}, "the answer is not JSON"),
        ({"body": b"\xff\xfe", "content_type": "text/plain"}, "the answer is not UTF-8"),
        ({"body": b"\x00\x01", "content_type": "application/octet-stream"}, "the answer is not JSON"),
        ({"body": b"x" * (17 * 1024 * 1024), "content_type": "text/plain"}, "larger than"),
        (
            {
                "body": gzip.compress(b"0" * (64 * 1024 * 1024), 1),
                "content_type": "text/plain",
                "headers": {"Content-Encoding": "gzip"},
            },
            "larger than",
        ),
    ],
)
def test_what_is_no_answer_is_an_error_of_that_item(serve: Any, ask: Any, answer: Any, reason: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(**answer)

    item = ask(HttpTarget(url=serve(handler).url))
    assert reason in (item.error or "")
    assert item.output is None
    assert not item.scores


def test_plain_text_is_an_answer(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="Ja, schön.")

    assert ask(HttpTarget(url=serve(handler).url)).output == "Ja, schön."


def test_a_connection_that_breaks_or_stalls_is_tried_again(serve: Any, ask: Any) -> None:
    seen: Counter[str] = Counter()

    async def handler(request: web.Request) -> web.StreamResponse:
        seen["calls"] += 1
        if seen["calls"] == 1:
            assert request.transport is not None
            request.transport.abort()
        if seen["calls"] == 2:
            await asyncio.sleep(5)
        return web.json_response("third time")

    item = ask(HttpTarget(url=serve(handler).url), retries=2, timeout_s=0.5)
    assert (item.output, item.attempts) == ("third time", 3)


def test_an_answer_cut_off_half_way_is_an_error(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"output": ')
        assert request.transport is not None
        request.transport.abort()
        return response

    assert "ClientPayloadError" in ask(HttpTarget(url=serve(handler).url)).error


def test_nobody_there_is_an_error_of_every_item(ask: Any) -> None:
    assert "ClientConnectorError" in ask(HttpTarget(url="http://127.0.0.1:9/ask")).error


def test_no_cookie_travels_to_the_next_item(serve: Any, runs: Any, new_run: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.json_response("x")
        response.set_cookie("session", "1")
        return response

    endpoint = serve(handler)
    items = [GoldItem(id=str(n), input=n) for n in range(3)]
    limits = Limits(concurrency=1)
    evaluate(items, target=HttpTarget(url=endpoint.url), scorers=[], runs=runs, run=new_run(), limits=limits)
    assert [headers.get("Cookie") for headers in endpoint.headers] == [None] * 3


def test_a_missing_token_stops_before_the_first_call(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response("x")

    endpoint = serve(handler)
    with pytest.raises(InputError, match="NO_SUCH_TOKEN is not set"):
        ask(HttpTarget(url=endpoint.url, bearer_env="NO_SUCH_TOKEN"))
    assert endpoint.calls == []


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "127.0.0.1:80/ask", "http:///ask"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not the address"):
        HttpTarget(url=url)


def test_a_pointer_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="not a JSON Pointer"):
        HttpTarget(url="http://127.0.0.1/", response={"output": "choices.0"})


def test_an_answer_without_anything_at_the_pointers_is_an_error(serve: Any, ask: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"error": "no"})

    item = ask(HttpTarget(url=serve(handler).url, response={"output": "/text"}))
    assert item.error == "the answer has nothing at /text"


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=30), usegmt=True)
    assert retry_after_seconds(later, now=now.timestamp()) == 30
    assert retry_after_seconds("1.5") == 1.5
    assert retry_after_seconds("-3") == 0
    for nothing in (None, "", "soon", "inf", "nan", json.dumps({})):
        assert retry_after_seconds(nothing) is None
