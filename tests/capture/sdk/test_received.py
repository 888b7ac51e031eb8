"""What the SDK sends is what the receiver reads: each fact in its column."""

from __future__ import annotations

import json
from typing import Any

import launchworthy as lw
from launchworthy.capture.pricing import default_prices
from launchworthy.capture.receiver import Decoded, Receiver, StoragePolicy
from launchworthy.capture.sdk.encoding import logs_frame, traces_frame
from launchworthy.capture.sdk.spill import Frame
from launchworthy.testing import Recording


def _received(frame: Frame | None) -> Decoded:
    assert frame is not None
    receiver = Receiver(
        prices=default_prices(), pseudonym_key=b"another key", policy=lambda product: StoragePolicy()
    )
    return receiver.decode(
        frame.signal,
        frame.body,
        content_type="application/x-protobuf",
        encoding="gzip",
        received_at_ns=1_767_225_700_000_000_000,
    )


def _rows(decoded: Decoded) -> dict[str, list[dict[str, Any]]]:
    assert decoded.refused == ()
    return {
        rows.table: [
            dict(zip(rows.columns, values, strict=True))
            for values in zip(*rows.columns.values(), strict=True)
        ]
        for rows in decoded.rows
    }


def test_each_fact_of_a_call_arrives_in_its_column(recorded: Recording) -> None:
    @lw.retrieval("help_centre")
    def search(query: str) -> list[dict[str, Any]]:
        return [{"id": "refunds", "score": 0.9, "content": "30 days"}]

    @lw.tool("book")
    def book(order: int) -> str:
        return "booked"

    with lw.workflow("answer", user="ana", session="s-1", cohort="canary", simulated=True) as span:
        search("How long?")
        book(7)
        with lw.model_call("gpt-x", provider="openai", prompt="answer", prompt_version="3") as call:
            call.set_messages([{"role": "user", "content": "How long?"}])
            call.set_usage(input_tokens=100, output_tokens=20, cache_read_tokens=64, reasoning_tokens=5)
            call.set_cost(0.25)
            call.first_token()
            call.set_output("30 days")
        span.set_output("30 days")
        span.set_safety_flags("pii")
        span.no_answer("route")
        lw.outcome("resolved", value=2)
        lw.feedback(rating=-1, reason="outdated", comment="old", correction="45 days", confidence=2)
        lw.evaluation("groundedness", value=0.5, label="half", explanation="one of two")
    with lw.step("broken") as broken:
        broken.fail(TimeoutError("slow"))

    frame, failed = traces_frame(recorded._ended)
    assert failed == 0
    spans = {row["name"]: row for row in _rows(_received(frame))["spans"]}
    root, model = spans["invoke_workflow answer"], spans["chat gpt-x"]
    for row in spans.values():
        assert (row["product"], row["release"]) == ("shop", "r-1")
    for row in (root, model, spans["execute_tool book"], spans["retrieval help_centre"]):
        assert (row["workflow"], row["cohort"], row["simulated"]) == ("answer", "canary", True)
        assert row["user_id"] == recorded.span("chat gpt-x").attributes["user.id"]
        assert row["session_id"].startswith("s_")
    assert {name: spans[name]["kind"] for name in spans} == {
        "invoke_workflow answer": "workflow",
        "chat gpt-x": "model",
        "execute_tool book": "tool",
        "retrieval help_centre": "retrieval",
        "broken": "step",
    }
    assert root["parent_span_id"] is None
    assert model["parent_span_id"] == root["span_id"]
    assert (json.loads(root["output"]), json.loads(root["safety_flags"]), root["no_answer"]) == (
        "30 days",
        ["pii"],
        "route",
    )
    assert (model["model"], model["provider"]) == ("gpt-x", "openai")
    assert (model["prompt_name"], model["prompt_version"]) == ("answer", "3")
    assert (model["input_tokens"], model["output_tokens"]) == (100, 20)
    assert (model["cache_read_tokens"], model["reasoning_tokens"]) == (64, 5)
    assert (model["cost_usd"], model["price_version"]) == (0.25, "reported")
    assert model["first_token_ms"] == recorded.span("chat gpt-x").attributes["launchworthy.first_token_ms"]
    assert "How long?" in model["input"]
    assert "30 days" in model["output"]
    tool = spans["execute_tool book"]
    assert (tool["tool_name"], json.loads(tool["input"])) == ("book", {"order": 7})
    assert json.loads(tool["output"]) == "booked"
    assert json.loads(spans["retrieval help_centre"]["context"])[0]["content"] == "30 days"
    assert "How long?" in spans["retrieval help_centre"]["input"]
    assert (spans["broken"]["status"], spans["broken"]["error_type"]) == ("error", "timeout")

    late = _rows(_received(logs_frame(recorded.events, resource={})))
    (outcome,), (feedback,), (score,) = late["outcomes"], late["feedback"], late["scores"]
    for row in (outcome, feedback, score):
        assert row["trace_id"] == root["trace_id"]
        assert (row["product"], row["workflow"], row["cohort"]) == ("shop", "answer", "canary")
    assert (outcome["event"], outcome["value"]) == ("resolved", 2.0)
    assert (feedback["rating"], feedback["reason"], feedback["comment"]) == (-1.0, "outdated", "old")
    assert (feedback["correction"], feedback["confidence"]) == ("45 days", 2.0)
    assert (score["name"], score["value"], score["label"]) == ("groundedness", 0.5, "half")
    assert feedback["span_id"] == score["span_id"] == root["span_id"]
