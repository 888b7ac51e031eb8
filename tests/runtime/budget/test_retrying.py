"""Which failures may pass, and how long to wait: with what real clients raise."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx2
import openai
import pytest

from launchworthy.runtime.budget import is_transient, wait_before

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _error(status: int, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
    response = httpx2.Response(status, headers=headers or {}, request=request)
    kinds = {429: openai.RateLimitError, 400: openai.BadRequestError, 401: openai.AuthenticationError}
    return kinds.get(status, openai.APIStatusError)("no", response=response, body=None)


def _wait(error: BaseException, attempt: int = 1) -> float:
    return wait_before(attempt, error, chance=random.Random(1), now=NOW)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_a_server_that_is_busy_or_broken_may_be_asked_again(status: int) -> None:
    assert is_transient(_error(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_request_that_is_refused_is_not_repeated(status: int) -> None:
    assert not is_transient(_error(status))


def test_lost_connections_and_timeouts_may_pass() -> None:
    assert is_transient(openai.APITimeoutError(request=httpx2.Request("POST", "http://x")))
    assert is_transient(ConnectionResetError())
    assert is_transient(TimeoutError())


def test_what_the_server_asks_for_is_waited() -> None:
    assert _wait(_error(429, {"Retry-After": "7"})) == 7
    assert _wait(_error(429, {"retry-after-ms": "250", "retry-after": "9"})) == 0.25
    at = format_datetime(datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC), usegmt=True)
    assert _wait(_error(503, {"Retry-After": at})) == 30


@pytest.mark.parametrize("said", ["soon", "", "nan", "inf", "-inf", "1e999", "Tue, 99 Nov 2026", "\x00"])
def test_a_retry_after_that_says_nothing_leaves_the_back_off(said: str) -> None:
    error = ConnectionError()
    error.headers = {"retry-after": said}  # type: ignore[attr-defined]
    assert 0 < _wait(error) <= 0.2


def test_a_retry_after_in_the_past_is_no_wait() -> None:
    assert _wait(_error(429, {"Retry-After": "-5"})) == 0
    at = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    assert _wait(_error(429, {"Retry-After": at})) == 0


def test_the_back_off_grows_and_is_bounded() -> None:
    waits = [max(_wait(ConnectionError(), attempt) for _ in range(1)) for attempt in (1, 3, 5, 500)]
    assert waits == sorted(waits)
    assert waits[-1] <= 8
