"""What a contract forbids to store is in no column of any row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.capture.receiver.conftest import KEY, Bench

from launchworthy.capture.receiver import StoragePolicy
from launchworthy.records import is_pseudonym, pseudonym

PEOPLE: dict[str, Any] = {
    "user.id": "ana@example.com",
    "session.id": "SESSION-1",
    "gen_ai.conversation.id": "CONVERSATION-1",
    "user.email": "ana@example.com",
    "user.full_name": "Ana Lima",
    "enduser.id": "ana@example.com",
}
SECRET = "the account number is 4711"
CONTENT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 9,
    "gen_ai.input.messages": json.dumps([{"role": "user", "content": SECRET}]),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": SECRET}]),
    "gen_ai.system_instructions": SECRET,
    "gen_ai.tool.definitions": SECRET,
    "gen_ai.tool.call.arguments": SECRET,
    "gen_ai.tool.call.result": SECRET,
    "gen_ai.retrieval.query.text": SECRET,
    "gen_ai.retrieval.documents": json.dumps([{"id": "d", "content": SECRET}]),
    "launchworthy.input": json.dumps(SECRET),
    "launchworthy.output": json.dumps(SECRET),
    "traceloop.entity.input": SECRET,
    "llm.prompt_template.template": SECRET,
    "reranker.query": SECRET,
    "tool.parameters": SECRET,
    "my.own.notes": SECRET * 20,
    "my.list": [SECRET],
    "kept": "short and harmless",
}


def row(bench: Bench, attributes: dict[str, Any], policy: StoragePolicy, **options: Any) -> dict[str, Any]:
    bench.policies["docs-bot"] = policy
    return bench.span({"launchworthy.product": "docs-bot", **attributes}, **options)


def test_people_are_pseudonyms_by_default(bench: Bench) -> None:
    stored = row(bench, PEOPLE, StoragePolicy())
    assert stored["user_id"] == pseudonym("ana@example.com", key=KEY)
    assert stored["session_id"] == pseudonym("SESSION-1", key=KEY, prefix="s")
    assert is_pseudonym(stored["attributes"]["gen_ai.conversation.id"])
    for name in ("ana@example.com", "Ana Lima", "SESSION-1", "CONVERSATION-1"):
        assert name not in str(stored)


def test_a_pseudonym_that_the_sdk_made_stays_as_it_is(bench: Bench) -> None:
    made = pseudonym("ana", key=b"another key")
    assert row(bench, {"user.id": made}, StoragePolicy())["user_id"] == made


def test_people_may_be_left_out(bench: Bench) -> None:
    stored = row(bench, PEOPLE, StoragePolicy(user_ids="drop"))
    assert (stored["user_id"], stored["session_id"]) == (None, None)
    assert not {"gen_ai.conversation.id", "user.email"} & set(stored["attributes"])
    for name in ("ana@example.com", "Ana Lima", "SESSION-1", "CONVERSATION-1", "u_", "s_"):
        assert name not in str(stored["attributes"])


def test_people_may_be_kept(bench: Bench) -> None:
    stored = row(bench, PEOPLE, StoragePolicy(user_ids="keep"))
    assert (stored["user_id"], stored["session_id"]) == ("ana@example.com", "SESSION-1")
    assert stored["attributes"]["user.email"] == "ana@example.com"
    assert stored["attributes"]["gen_ai.conversation.id"] == "CONVERSATION-1"


def test_a_user_named_by_the_resource_or_an_event_is_hidden_too(bench: Bench) -> None:
    stored = row(
        bench,
        {},
        StoragePolicy(),
        resource={"user.id": "ana@example.com", "user.name": "Ana Lima"},
        then=lambda span: span.add_event("login", {"user.id": "ana@example.com", "user.email": "a@b.c"}),
    )
    assert stored["user_id"] == pseudonym("ana@example.com", key=KEY)
    assert "ana@example.com" not in str(stored)
    assert "Ana Lima" not in str(stored)
    assert "a@b.c" not in str(stored)


def test_without_content_only_the_figures_are_kept(bench: Bench) -> None:
    from opentelemetry.trace import StatusCode

    def then(span: Any) -> None:
        span.record_exception(ValueError(SECRET))
        span.add_event("gen_ai.user.message", {"content": SECRET})
        span.set_status(StatusCode.ERROR, f"ValueError: {SECRET}")

    stored = row(bench, CONTENT, StoragePolicy(store_content=False), then=then)
    assert SECRET not in str(stored)
    assert "4711" not in str(stored)
    assert (stored["input"], stored["context"], stored["output"]) == (None, None, None)
    assert (stored["input_tokens"], stored["model"], stored["error_type"]) == (9, "gpt-4o", "ValueError")
    assert stored["cost_usd"] is not None
    assert stored["attributes"]["kept"] == "short and harmless"


@pytest.mark.parametrize("dialect", ["openinference", "openllmetry"])
def test_without_content_no_dialect_leaves_any(bench: Bench, dialect: str) -> None:
    attributes: dict[str, Any] = {
        "openinference": {
            "openinference.span.kind": "LLM",
            "input.value": SECRET,
            "output.value": SECRET,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": SECRET,
            "llm.output_messages.0.message.content": SECRET,
            "llm.prompts.0.prompt.text": SECRET,
            "retrieval.documents.0.document.content": SECRET,
            "embedding.embeddings.0.embedding.text": SECRET,
            "metadata": json.dumps({"note": SECRET}),
        },
        "openllmetry": {
            "traceloop.span.kind": "task",
            "traceloop.entity.input": SECRET,
            "traceloop.entity.output": SECRET,
            "gen_ai.prompt.0.content": SECRET,
            "gen_ai.completion.0.content": SECRET,
        },
    }[dialect]
    stored = row(bench, attributes, StoragePolicy(store_content=False))
    assert stored["dialect"] == dialect
    assert "4711" not in str(stored)


DOCUMENTS = json.dumps(
    [
        {"id": "a", "score": 0.9, "content": "text of a", "source": "wiki"},
        {"id": "b", "score": 0.8, "content": "text of b", "source": "contracts", "title": "b"},
        {"id": "c", "content": "text of c", "metadata": {"source": "contracts"}},
        "text alone",
    ]
)


def test_documents_of_a_source_that_may_not_be_stored_keep_their_id_score_and_source(bench: Bench) -> None:
    policy = StoragePolicy(unstorable_sources=frozenset({"contracts"}))
    stored = row(
        bench,
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.documents": DOCUMENTS,
            "launchworthy.output": DOCUMENTS,
        },
        policy,
    )
    assert stored["context"] == [
        {"id": "a", "score": 0.9, "content": "text of a", "source": "wiki"},
        {"id": "b", "score": 0.8, "source": "contracts"},
        {"id": "c", "source": "contracts"},
        "text alone",
    ]
    assert "text of b" not in str(stored)
    assert stored["output"] is None


def test_a_retrieval_wholly_from_such_a_source_keeps_no_text(bench: Bench) -> None:
    policy = StoragePolicy(unstorable_sources=frozenset({"contracts"}))
    attributes = {"gen_ai.data_source.id": "contracts", "gen_ai.retrieval.documents": DOCUMENTS}
    stored = row(bench, attributes, policy)
    assert [sorted(each) for each in stored["context"]] == [
        ["id", "score", "source"],
        ["id", "score", "source"],
        ["id", "source"],
        [],
    ]
    assert "text" not in str(stored["context"])


def test_openinference_documents_are_bound_by_their_metadata(bench: Bench) -> None:
    stored = row(
        bench,
        {
            "openinference.span.kind": "RETRIEVER",
            "output.value": '{"documents": ["text of b"]}',
            "output.mime_type": "application/json",
            "retrieval.documents.0.document.content": "text of b",
            "retrieval.documents.0.document.metadata": '{"source": "contracts"}',
        },
        StoragePolicy(unstorable_sources=frozenset({"contracts"})),
    )
    assert "text of b" not in str(stored)


def test_the_policy_is_that_of_the_spans_own_product(bench: Bench) -> None:
    bench.policies["open"] = StoragePolicy(user_ids="keep")
    assert bench.span({"user.id": "ana", "launchworthy.product": "open"})["user_id"] == "ana"
    assert bench.span({"user.id": "ana", "launchworthy.product": "other"})["user_id"] != "ana"
