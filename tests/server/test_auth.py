"""Who may call: loopback refuses foreign names and pages; beyond it every request carries a key."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from launchworthy.server.auth import COOKIE, Gate, is_loopback, sign_session

SECRET = b"s" * 32
KEYS = {"k-ingest": "ingest", "k-read": "read", "k-write": "write"}


async def _hello(request: Request) -> Response:
    return PlainTextResponse(request.scope["state"]["role"] or "nobody")


def _client(*, require_key: bool, now_s: float = 1000.0) -> TestClient:
    app = Starlette(
        routes=[Route(path, _hello, methods=["GET", "POST"]) for path in ("/", "/v1/traces", "/healthz")]
    )
    gate = Gate(app, role_of_key=KEYS.get, require_key=require_key, secret=SECRET, clock=lambda: now_s)
    return TestClient(gate, base_url="http://127.0.0.1:8321")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.3", ""]
)
def test_on_loopback_a_foreign_host_is_refused(host: str) -> None:
    answer = _client(require_key=False).get("/", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "LW403"


@pytest.mark.parametrize("host", ["localhost:8321", "127.0.0.1:8321", "[::1]:8321"])
def test_on_loopback_its_own_names_are_served(host: str) -> None:
    assert _client(require_key=False).get("/", headers={"Host": host}).text == "write"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:9999", "http://127.0.0.1"]
)
def test_a_page_of_another_origin_may_not_call(origin: str) -> None:
    assert _client(require_key=False).post("/", headers={"Origin": origin}).status_code == 403


def test_its_own_page_may_call() -> None:
    assert (
        _client(require_key=False).post("/", headers={"Origin": "http://127.0.0.1:8321"}).status_code == 200
    )


def test_beyond_loopback_a_request_without_a_key_is_refused_with_the_remedy() -> None:
    answer = _client(require_key=True).get("/")
    assert answer.status_code == 401
    assert "launchworthy keys create" in answer.json()["error"]["hint"]


def test_a_browser_without_a_key_is_led_to_the_login_page() -> None:
    answer = _client(require_key=True).get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize(
    ("key", "method", "path", "status"),
    [
        ("k-ingest", "POST", "/v1/traces", 200),
        ("k-ingest", "GET", "/", 403),
        ("k-read", "GET", "/", 200),
        ("k-read", "POST", "/", 403),
        ("k-read", "POST", "/v1/traces", 200),
        ("k-write", "POST", "/", 200),
        ("unknown", "GET", "/", 401),
    ],
)
def test_a_key_opens_what_its_role_includes(key: str, method: str, path: str, status: int) -> None:
    answer = _client(require_key=True).request(method, path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status


def test_a_signed_session_counts_until_it_ends() -> None:
    cookie = {"Cookie": f"{COOKIE}={sign_session('read', secret=SECRET, expires_s=1001)}"}
    assert _client(require_key=True, now_s=1000.0).get("/", headers=cookie).status_code == 200
    assert _client(require_key=True, now_s=1002.0).get("/", headers=cookie).status_code == 401


@pytest.mark.parametrize(
    "value",
    [
        "write.9999999999." + sign_session("read", secret=SECRET, expires_s=9999999999).rpartition(".")[2],
        "admin.9999999999.00",
        "read.99999999999999999999.00",
        "read.",
        "",
        "read.٣.00",
    ],
)
def test_a_forged_session_opens_nothing(value: str) -> None:
    headers = {b"Cookie": f"{COOKIE}={value}".encode()}
    assert _client(require_key=True).get("/", headers=headers).status_code == 401


def test_health_needs_no_key() -> None:
    assert _client(require_key=True).get("/healthz").status_code == 200


def test_loopback_names() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.com", ""))
