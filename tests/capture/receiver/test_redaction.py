"""The receiver takes personal data out of texts, for senders that know no contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.capture.receiver.conftest import NOW_NS, Bench, table_of

from launchworthy.capture.receiver import StoragePolicy
from launchworthy.capture.redaction import LEFT_OUT
from launchworthy.runtime.redaction import TextRedaction

MAIL, CARD = "ana.silva@example.org", "4111 1111 1111 1111"
POLICY = StoragePolicy(redact=TextRedaction(find=["email", "card"], how="redact"))
SAID = f"I am {MAIL} with card {CARD}"
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": SAID}]}])


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": MESSAGES,
            "gen_ai.output.messages": MESSAGES,
        },
        {"gen_ai.operation.name": "chat", "gen_ai.system_instructions": json.dumps([{"content": SAID}])},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": json.dumps({"card": CARD})},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": SAID},
        {"launchworthy.kind": "workflow", "launchworthy.input": json.dumps(SAID)},
        {"launchworthy.kind": "retrieval", "gen_ai.retrieval.documents": json.dumps([{"content": SAID}])},
        {"openinference.span.kind": "LLM", "llm.input_messages.0.message.content": SAID},
        {"openinference.span.kind": "CHAIN", "input.value": SAID, "metadata": json.dumps({"note": SAID})},
        {"traceloop.span.kind": "workflow", "traceloop.entity.input": json.dumps({"inputs": {"q": SAID}})},
        {"llm.request.type": "chat", "gen_ai.prompt.0.content": SAID, "gen_ai.prompt.0.role": "user"},
        {"customer": SAID, "a list": [SAID, "clean"]},
        # Names and settings are looked through where they do not look like any.
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": MAIL, "gen_ai.tool.call.id": SAID},
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": json.dumps(
                {"type": MAIL, "role": SAID, "card": 4111111111111111.0}
            ),
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "tool_call", "name": MAIL, "id": SAID}]}]
            ),
        },
        {"launchworthy.workflow": MAIL, "launchworthy.cohort": MAIL, "error.type": SAID},
        {"launchworthy.note": SAID, "launchworthy.card": CARD.replace(" ", ""), "gen_ai.agent.name": MAIL},
        {"launchworthy.safety_flags": [MAIL], "launchworthy.no_answer": SAID, "gen_ai.prompt.name": MAIL},
        {"traceloop.association.properties.customer": MAIL, "llm.custom": SAID, "thread.name": MAIL},
        {"url.full": f"https://shop.example/find?mail={MAIL.replace('@', '%40')}"},
        {f"seen by {MAIL}": 1},
    ],
)
def test_in_every_dialect_no_column_keeps_personal_data(bench: Bench, attributes: dict[str, Any]) -> None:
    bench.policies["shop"] = POLICY
    stored = bench.span({"launchworthy.product": "shop", **attributes})
    told = json.dumps(stored, default=repr)
    for value in (MAIL, MAIL.replace("@", "%40"), CARD, CARD.replace(" ", "")):
        assert value not in told
    assert "_1]" in told
    raw = bench.span({"launchworthy.product": "another", **attributes})
    assert raw["kind"] == stored["kind"]
    assert "_1]" not in json.dumps(raw, default=repr)
    bench.policies["shop"] = replace(POLICY, store_content=False)
    bare = json.dumps(bench.span({"launchworthy.product": "shop", **attributes}), default=repr)
    assert MAIL not in bare
    assert CARD not in bare


def test_names_of_spans_and_events_and_what_a_resource_says_are_looked_through(bench: Bench) -> None:
    bench.policies["shop"] = POLICY

    def named(span: Any) -> None:
        span.update_name(f"GET customers {MAIL}")
        span.add_event(f"mailed {MAIL}")

    stored = bench.span({}, resource={"launchworthy.product": "shop", "deployed.by": MAIL}, then=named)
    assert MAIL not in json.dumps(stored, default=repr)
    assert stored["name"] == "GET customers [EMAIL_1]"
    plain = bench.span({"launchworthy.product": "shop", "launchworthy.workflow": "answer/v2:beta+1"})
    assert plain["workflow"] == "answer/v2:beta+1"


def test_errors_and_events_are_looked_through_too(bench: Bench) -> None:
    bench.policies["shop"] = POLICY

    def fail(span: Any) -> None:
        span.record_exception(ValueError(SAID))
        span.add_event("noted", {"text": SAID})
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR, SAID)

    stored = bench.span({"launchworthy.product": "shop"}, then=fail)
    told = json.dumps(stored, default=repr)
    assert MAIL not in told
    assert "4111" not in told
    assert stored["status_message"] == "I am [EMAIL_1] with card [CARD_1]"


def test_who_was_served_keeps_the_pseudonym_that_joins_all_records(bench: Bench) -> None:
    who = {"user.id": MAIL, "session.id": f"s of {MAIL}", "metadata": json.dumps({"user_id": MAIL})}
    plain = bench.span({"launchworthy.product": "another", **who})
    bench.policies["shop"] = POLICY
    stored = bench.span({"launchworthy.product": "shop", **who})
    assert stored["user_id"] == plain["user_id"]
    assert stored["session_id"] == plain["session_id"]
    assert MAIL not in json.dumps(stored, default=repr)


def test_ids_models_and_figures_stay_as_they_are(bench: Bench) -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "vendor/small-4111111111111111",
        "gen_ai.response.id": "chatcmpl-4111111111111111",
        "gen_ai.usage.input_tokens": 4111111111111111,
        "launchworthy.release": "r-4111111111111111",
    }
    bench.policies["shop"] = POLICY
    stored = bench.span({"launchworthy.product": "shop", **attributes})
    assert stored["model"] == "vendor/small-4111111111111111"
    assert stored["attributes"]["gen_ai.response.id"] == "chatcmpl-4111111111111111"
    assert (stored["input_tokens"], stored["release"]) == (4111111111111111, "r-4111111111111111")
    assert "launchworthy.texts_left_out" not in (stored["attributes"] or {})


def test_what_could_not_be_looked_through_is_not_stored_and_counted(bench: Bench) -> None:
    bench.policies["shop"] = StoragePolicy(redact=lambda text: None)
    stored = bench.span(
        {"launchworthy.product": "shop", "launchworthy.input": json.dumps(SAID), "note": SAID}
    )
    assert stored["input"] == LEFT_OUT
    assert stored["attributes"]["note"] == LEFT_OUT
    assert stored["attributes"]["launchworthy.texts_left_out"] >= 2
    assert MAIL not in json.dumps(stored, default=repr)


def test_addresses_of_web_pages_are_looked_through(bench: Bench) -> None:
    bench.policies["shop"] = POLICY
    stored = bench.span(
        {"launchworthy.product": "shop", "http.url": f"https://shop.example/find?mail={MAIL}"}
    )
    assert MAIL not in json.dumps(stored, default=repr)
    assert "[EMAIL_1]" in json.dumps(stored, default=repr)


def test_comments_corrections_and_reasons_are_looked_through(bench: Bench) -> None:
    def attribute(name: str, value: str) -> dict[str, Any]:
        return {"key": name, "value": {"stringValue": value}}

    def event(name: str, **attributes: str) -> dict[str, Any]:
        given = {"launchworthy.product": "shop", **attributes}
        return {
            "timeUnixNano": str(NOW_NS),
            "eventName": name,
            "attributes": [attribute(key, value) for key, value in given.items()],
        }

    records = [
        event(
            "launchworthy.feedback",
            **{
                "launchworthy.feedback.comment": SAID,
                "launchworthy.feedback.correction": SAID,
                "launchworthy.feedback.reason": f"other: {MAIL}",
                "note": SAID,
            },
        ),
        event(
            "gen_ai.evaluation.result",
            **{"gen_ai.evaluation.name": "x", "gen_ai.evaluation.explanation": SAID},
        ),
        event(
            "launchworthy.decision",
            **{
                "launchworthy.decision.kind": "tool_run",
                "launchworthy.decision.subject": f"case of {MAIL}",
                "launchworthy.decision.facts": json.dumps({"note": SAID, "hash": "4" * 64}),
                "launchworthy.decision.by": "noor@example.com",
                "launchworthy.decision.outcome": "done",
                "launchworthy.decision.reason": f"asked by {MAIL}",
            },
        ),
    ]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    bench.policies["shop"] = POLICY
    decoded = bench.take(body, signal="logs", content_type="application/json")
    assert decoded.refused == ()
    (feedback,) = table_of(decoded, "feedback")
    (score,) = table_of(decoded, "scores")
    (decision,) = table_of(decoded, "decisions")
    said = "I am [EMAIL_1] with card [CARD_1]"
    assert (feedback["comment"], feedback["correction"], score["explanation"]) == (said, said, said)
    assert (feedback["attributes"]["note"], feedback["reason"]) == (said, "other: [EMAIL_1]")
    assert decision["reason"] == "asked by [EMAIL_1]"
    assert (decision["subject"], decision["facts"]) == (
        "case of [EMAIL_1]",
        {"hash": "4" * 64, "note": said},
    )
    assert decision["decided_by"] == "noor@example.com"  # who decided stands for it


def test_what_code_says_of_a_decision_is_kept_whole_and_what_a_person_says_is_not(bench: Bench) -> None:
    def decision(**more: str) -> dict[str, Any]:
        given = {
            "launchworthy.product": "shop",
            "launchworthy.decision.kind": "guard",
            "launchworthy.decision.subject": "hidden",
            "launchworthy.decision.outcome": "hit",
            **{f"launchworthy.decision.{name}": value for name, value in more.items()},
        }
        return {
            "timeUnixNano": str(NOW_NS),
            "eventName": "launchworthy.decision",
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in given.items()],
        }

    def everywhere(text: str) -> str:
        return "name_1" if text.strip() else text

    facts = json.dumps({"model": "vendor/chat-small", "n": 3, "seen": ["r-1"], "note": "to Ana Adams"})
    said = "hides something: zero width"
    records = [
        decision(reason=said, facts=facts),
        decision(reason=said, by="noor@example.com"),
        decision(reason="of ana@example.com"),
        decision(reason="of 4111 1111 1111 1111"),
    ]
    bench.policies["shop"] = replace(POLICY, redact=everywhere)
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    decoded = bench.take(body, signal="logs", content_type="application/json")
    assert decoded.refused == ()
    found = table_of(decoded, "decisions")
    assert [row["reason"] for row in found] == [said, "name_1", "name_1", "name_1"]
    kept = found[0]["facts"]
    assert kept == {"model": "vendor/chat-small", "n": 3, "seen": ["r-1"], "note": "name_1"}
