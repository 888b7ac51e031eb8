from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

import launchworthy as lw
from launchworthy.testing import FakeModel, FixedClock, RecordedSpan, ReplayClock, SeededIds, recording


def _once(seed: int = 0) -> list[RecordedSpan]:
    with recording(seed=seed) as recorded:
        with lw.workflow("answer", user="ana"), lw.step("inner") as span:
            span.first_token()
        lw.outcome("resolved", session="s")
    assert len(recorded.events) == 1
    return recorded.spans


def test_two_recordings_of_the_same_calls_are_equal() -> None:
    assert _once() == _once()
    assert _once()[0].trace_id != _once(seed=1)[0].trace_id


def test_a_recording_ends_with_its_block_and_the_one_around_it_comes_back() -> None:
    with recording() as outer:
        with recording() as inner, lw.step("inner"):
            pass
        with lw.step("outer"):
            pass
    assert [span.name for span in inner.spans] == ["inner"]
    assert [span.name for span in outer.spans] == ["outer"]
    with pytest.raises(LookupError, match="0 spans 'none' among \\['outer'\\]"):
        outer.span("none")


def test_the_clock_goes_on_by_its_step() -> None:
    clock = FixedClock(10, step_ns=5)
    assert [clock(), clock(), clock()] == [10, 15, 20]
    assert SeededIds(3).generate_span_id() == SeededIds(3).generate_span_id() != 0


def _post(url: str, body: bytes) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_fake_model_answers_as_it_was_told_and_remembers() -> None:
    begun = time.monotonic()
    with FakeModel(
        lambda request: request["messages"][-1]["content"].upper(), delay_s=0.01, fail=429
    ) as model:
        ask = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi you"}]}).encode()
        assert _post(f"{model.url}/chat/completions", ask)[0] == 429
        status, answer = _post(f"{model.url}/chat/completions", ask)
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "HI YOU")
        assert answer["usage"]["prompt_tokens"] == answer["usage"]["completion_tokens"] == 2
        assert _post(f"{model.url}/chat/completions", b"{no json")[0] == 400
        assert _post(f"{model.url}/images", b"{}")[0] == 404
        assert [request.get("model") for request in model.requests] == ["m", "m", None]
    assert time.monotonic() - begun >= 0.03
    with pytest.raises(RuntimeError, match="inside `with`"):
        _ = model.url


def test_what_is_recorded_has_the_time_of_a_replay_as_long_as_it_lasts() -> None:
    clock = ReplayClock(datetime(2020, 1, 1, tzinfo=UTC))
    with recording() as found:
        with clock.recorded():
            clock.to(datetime(2020, 3, 1, 12, tzinfo=UTC))
            lw.outcome("settled", user="ana")
        lw.outcome("settled", user="ana")
    replayed, after = (event.time_ns for event in found.events)
    assert replayed == 1_583_064_000 * 10**9
    assert after >= 1_767_225_600 * 10**9, "the clock of before is back"
    assert clock() == clock.now == datetime(2020, 3, 1, 12, tzinfo=UTC)
    for wrong in (datetime(2020, 2, 1, tzinfo=UTC), datetime(2021, 1, 1)):  # noqa: DTZ001
        with pytest.raises(ValueError, match=r"is before|no time zone"):
            clock.to(wrong)
