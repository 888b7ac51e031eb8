"""In a stage of 0 % the candidate is asked beside the live release: on record, and shown to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai
from tests.gateway.conftest import CONTRACT, chat_stream, completion

if TYPE_CHECKING:
    from tests.gateway.conftest import Model, Running, Start

NEXT = CONTRACT.replace("vendor/small", "vendor/next")


def _by_model(candidate: Any, live: Any = None) -> Callable[[dict[str, Any]], Any]:
    def script(body: dict[str, Any]) -> Any:
        if body["model"].endswith("next"):
            return candidate
        return live if live is not None else completion("live")

    return script


def _ask(gateway: Running, **options: Any) -> Any:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=20) as client:
        found = client.chat.completions.create(
            model="answer", messages=[{"role": "user", "content": "How long?"}], **options
        )
        return list(found) if options.get("stream") else found


def _shadows(gateway: Running, n: int) -> list[Any]:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = [
            span
            for span in gateway.recording.spans
            if span.attributes["launchworthy.cohort"] == "shadow" and span.name.startswith("invoke_workflow")
        ]
        if len(found) >= n:
            return found
        time.sleep(0.01)
    raise AssertionError("no shadow is on record")


def test_its_answer_is_on_record_with_a_trace_of_its_own_and_shown_to_nobody(
    start: Start, model: Model
) -> None:
    model.script = _by_model(completion("candidate"))
    gateway = start(NEXT, baseline=CONTRACT, share=0.0)
    assert _ask(gateway).choices[0].message.content == "live"
    [shadow] = _shadows(gateway, 1)
    live = next(
        span for span in gateway.recording.spans if span.attributes["launchworthy.cohort"] == "baseline"
    )
    assert shadow.attributes["launchworthy.output"] == '"candidate"'
    assert shadow.attributes["launchworthy.release"] != live.attributes["launchworthy.release"]
    assert shadow.attributes["launchworthy.shadow_of"] == live.trace_id != shadow.trace_id
    assert [body["model"].rpartition("/")[2] for body in model.requests] == ["small", "next"]


def test_a_streamed_answer_has_a_shadow_in_one_piece(start: Start, model: Model) -> None:
    model.script = _by_model(completion("candidate"), chat_stream("li", "ve"))
    gateway = start(NEXT, baseline=CONTRACT, share=0.0)
    parts = [chunk.choices[0].delta.content or "" for chunk in _ask(gateway, stream=True) if chunk.choices]
    assert "".join(parts) == "live"
    [shadow] = _shadows(gateway, 1)
    assert shadow.attributes["launchworthy.output"] == '"candidate"'
    assert not model.requests[1].get("stream")


def test_a_candidate_that_fails_or_hangs_holds_no_live_call_up(start: Start, model: Model) -> None:
    gateway = start(NEXT, baseline=CONTRACT, share=0.0)
    model.script = _by_model((500, {"error": {"message": "broken"}}))
    for _ in range(12):  # more than open a circuit breaker
        assert _ask(gateway).choices[0].message.content == "live"
    _shadows(gateway, 1)
    model.script = _by_model(30.0)
    for _ in range(20):  # more than may run at once
        assert _ask(gateway).choices[0].message.content == "live"


def test_once_somebody_has_it_nobody_is_shadowed(start: Start, model: Model) -> None:
    model.script = _by_model(completion("candidate"))
    gateway = start(NEXT, baseline=CONTRACT, share=0.000001)
    assert _ask(gateway).choices[0].message.content == "live"
    time.sleep(0.2)
    assert len(model.requests) == 1
