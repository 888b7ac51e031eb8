from __future__ import annotations

import hashlib
import json

import launchworthy as lw
from launchworthy.capture.sdk import decision
from launchworthy.testing import Recording

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_decision_inside_a_call_belongs_to_its_span_and_names_who_is_served(recorded: Recording) -> None:
    with lw.workflow("answer", user="ana") as span:
        decision(
            kind="permission",
            subject="refund",
            outcome="denied",
            rule="tools/refund/limits/per_call",
            reason="the amount is above the limit",
            facts={"arguments_sha256": "ab" * 32, "amount": 120.5, "limit": 100},
        )
    (event,) = recorded.events
    assert event.name == "launchworthy.decision"
    assert f"{event.trace_id:032x}" == span.trace_id
    assert event.attributes["user.id"].startswith("u_")
    assert event.attributes["launchworthy.decision.kind"] == "permission"
    assert event.attributes["launchworthy.decision.rule"] == "tools/refund/limits/per_call"
    assert json.loads(event.attributes["launchworthy.decision.facts"])["amount"] == 120.5


def test_a_decision_outside_any_call_is_told_all_the_same(recorded: Recording) -> None:
    decision(kind="drill", subject="fallbacks/template", outcome="worked", decision_id="drill-7")
    (event,) = recorded.events
    assert event.trace_id == 0
    assert event.attributes["launchworthy.decision.id"] == "drill-7"


def test_who_is_named_inside_a_call_stands_beside_its_trace(recorded: Recording) -> None:
    with lw.workflow("answer"):
        decision(kind="approval", subject="ap-1", outcome="approved", by="bo@example.com", user="ana")
    decision(kind="approval", subject="ap-1", outcome="expired", trace_id=TRACE)
    inside, later = recorded.events
    assert inside.trace_id
    assert inside.attributes["user.id"].startswith("u_")
    assert inside.attributes["launchworthy.decision.by"] == "bo@example.com"
    assert later.trace_id == int(TRACE, 16)


def test_two_decisions_alike_are_two_decisions(recorded: Recording) -> None:
    for _ in range(2):
        decision(kind="guard", subject="pii", outcome="hit")
    first, second = (event.attributes["launchworthy.decision.id"] for event in recorded.events)
    assert first != second


def test_a_text_among_the_facts_is_kept_as_its_hash(recorded: Recording) -> None:
    text = "my card is 4111 1111 1111 1111, and " * 20
    decision(
        kind="guard",
        subject="pii",
        outcome="hit",
        reason="x" * 5_000,
        facts={"text": text, "spans": list(range(500)), "deep": {"a": {"b": {"c": text}}}, "n": float("nan")},
    )
    (event,) = recorded.events
    told = event.attributes["launchworthy.decision.facts"]
    facts = json.loads(told)
    assert "4111" not in told
    assert facts["text"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert len(facts["spans"]) == 40
    assert facts["n"] is None
    assert len(event.attributes["launchworthy.decision.reason"]) == 400


def test_what_cannot_be_told_does_not_reach_the_application(recorded: Recording) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    decision(kind="guard", subject="pii", outcome="hit", facts={"x": Hostile()})
    decision(kind="guard", subject="pii", outcome="hit", trace_id="not hex", facts={"n": 2})
    assert [event.trace_id for event in recorded.events] == [0]
