"""A server that is full says so and when to come back; what it took before is safe."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.server import otlp
from launchworthy.server.app import build_app
from launchworthy.server.otlp import OtlpEndpoints

if TYPE_CHECKING:
    from tests.server.conftest import OpenWorkspace, TraceRequest

PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture
def client_of(open_workspace_here: OpenWorkspace) -> Callable[..., TestClient]:
    def make(**options: Any) -> TestClient:
        app = build_app(open_workspace_here(**options), require_key=False, token="t")
        return TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)

    return make


@pytest.mark.parametrize(
    "options", [{"max_log_bytes": 1, "flush_interval_s": 60.0}, {"min_free_bytes": 2**60}]
)
def test_a_full_store_answers_503_with_the_time_to_come_back(
    client_of: Callable[..., TestClient], trace_request: TraceRequest, options: dict[str, Any]
) -> None:
    client = client_of(**options)
    answers = [
        client.post("/v1/traces", content=trace_request(8, seed=seed)[0], headers=PROTOBUF)
        for seed in range(3)
    ]
    taken = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LW503")
        assert int(answer.headers["Retry-After"]) >= 1
    assert client.get("/api/v1/counters").json()["accepted"] == 8 * len(taken)


def test_a_fault_of_the_server_is_told_in_the_one_error_shape(
    client_of: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> list[str]:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("launchworthy.server.local.LocalWorkspace.products", broken)
    answer = client_of().get("/api/v1/products")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "LW500")
    assert "secret" not in answer.text


def test_what_is_under_way_is_bounded_before_a_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MAX_UNDER_WAY_BYTES", 1_500)
    entered, leave = Event(), Event()

    def slow(
        signal: str, body: bytes, content_type: str, encoding: str | None, batch_id: str
    ) -> tuple[int, str]:
        entered.set()
        leave.wait(10)
        return 0, ""

    endpoints = OtlpEndpoints(slow)
    with TestClient(Starlette(routes=endpoints.routes())) as client, ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, "/v1/traces", content=bytes(1_000), headers=PROTOBUF)
        assert entered.wait(10)
        second = client.post("/v1/traces", content=bytes(1_000), headers=PROTOBUF)
        assert (second.status_code, second.headers["Retry-After"]) == (503, "1")
        leave.set()
        assert first.result().status_code == 200
        assert client.post("/v1/traces", content=bytes(1_000), headers=PROTOBUF).status_code == 200
    endpoints.close()


def test_the_bounds_leave_room_for_the_largest_body() -> None:
    assert otlp.MAX_UNDER_WAY_BYTES >= 2 * otlp.MAX_BODY_BYTES


def test_a_repeat_of_a_full_batch_is_taken_once_there_is_room(
    client_of: Callable[..., TestClient], trace_request: TraceRequest
) -> None:
    client = client_of(max_log_bytes=1, flush_interval_s=0.02)
    body, _ = trace_request(8, seed=5)
    for seed in range(4):
        other = trace_request(8, seed=10 + seed)[0]
        while client.post("/v1/traces", content=other, headers=PROTOBUF).status_code == 503:
            pass
    while client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 503:
        pass
    counted = client.get("/api/v1/counters").json()
    assert (counted["accepted"], counted["duplicate"]) == (40, 0)
