"""Real instrumentations of other makers, on calls to a model that runs here: every fact in its column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetry
from tests.capture.receiver.conftest import Bench, Recorder
from tests.capture.receiver.model_server import ANSWER, MODEL

# OpenLLMetry defines models the old way of Pydantic when it instruments.
pytestmark = pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "search_docs",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
        },
    }
]
QUESTION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How do I copy a folder?"},
]
# 176 plain tokens at 2.50, 1,024 cached at 1.25, 80 written at 10 dollars a million: OpenAI counts cached in.
COST_USD = (176 * 2.50 + 1_024 * 1.25 + 80 * 10) / 1e6

INSTRUMENTORS = {"openinference": OpenInference, "openllmetry": OpenLLMetry}


Call = Callable[[Callable[[openai.OpenAI], object]], dict[str, Any]]


@pytest.fixture(scope="module", params=sorted(INSTRUMENTORS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def row_of(dialect: str, model_url: str) -> Iterator[Call]:
    """Makes a call with the instrumented client and answers the row of its span.

    Instrumented once for all tests of a dialect: OpenLLMetry's does not undo everything.
    """
    recorder = Recorder({"launchworthy.product": "docs-bot"})
    instrumentor = INSTRUMENTORS[dialect]()
    instrumentor.instrument(tracer_provider=recorder.provider)
    with openai.OpenAI(base_url=model_url, api_key="none", max_retries=0) as client:

        def making(call: Callable[[openai.OpenAI], object]) -> dict[str, Any]:
            before = len(recorder.ended())
            call(client)
            (row,) = Bench().spans(recorder.ended()[before:])
            return row

        yield making
    instrumentor.uninstrument()


def texts(messages: Any) -> list[tuple[str, list[Any]]]:
    return [(each["role"], [part.get("content") for part in each["parts"]]) for each in messages]


def test_a_call_with_cached_tokens_has_its_tokens_and_cost(row_of: Call, dialect: str) -> None:
    row = row_of(lambda client: client.chat.completions.create(model="gpt-4o", messages=QUESTION))
    assert (row["product"], row["dialect"], row["kind"]) == ("docs-bot", dialect, "model")
    assert (row["provider"], row["model"], row["status"]) == ("openai", MODEL, "ok")
    assert (row["input_tokens"], row["output_tokens"]) == (1_200, 80)
    assert (row["cache_read_tokens"], row["reasoning_tokens"]) == (1_024, 32)
    assert row["cost_usd"] == pytest.approx(COST_USD, rel=1e-12)
    assert row["price_version"] == "2026-11-24"
    assert texts(row["input"]) == [("system", ["Be brief."]), ("user", ["How do I copy a folder?"])]
    assert texts(row["output"]) == [("assistant", [ANSWER])]
    assert row["output"][0]["finish_reason"] == "stop"


def test_a_stream_tells_when_its_first_token_came(row_of: Call) -> None:
    def call(client: openai.OpenAI) -> None:
        for _ in client.chat.completions.create(
            model="gpt-4o", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        ):
            pass

    row = row_of(call)
    assert 0 < row["first_token_ms"] <= row["duration_ms"]
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (1_200, 1_024, 80)
    assert row["cost_usd"] == pytest.approx(COST_USD, rel=1e-12)
    assert texts(row["output"]) == [("assistant", [ANSWER])]
    # OpenLLMetry sends an event for every chunk; a long answer would be mostly these.
    assert len(row["events"] or []) <= 1


def test_tool_calls_and_their_answers_are_parts_of_messages(row_of: Call) -> None:
    asked = {"type": "tool_call", "id": "call_1", "name": "search_docs"}

    row = row_of(
        lambda client: client.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=TOOLS)
    )
    (part,) = row["output"][0]["parts"]
    assert part == {**asked, "arguments": {"query": "copy a folder"}}

    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "search_docs", "arguments": '{"query": "a"}'},
    }
    answered: list[Any] = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "shutil"},
    ]
    row = row_of(lambda client: client.chat.completions.create(model="gpt-4o", messages=answered))
    assert row["input"][2]["parts"] == [{**asked, "arguments": {"query": "a"}}]
    assert row["input"][3] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "call_1", "response": "shutil"}],
    }


def test_a_call_that_fails_keeps_its_model_and_the_class_of_its_error(row_of: Call) -> None:
    def call(client: openai.OpenAI) -> None:
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "fail"}])

    row = row_of(call)
    assert (row["status"], row["error_type"], row["model"]) == ("error", "rate_limit", "gpt-4o")
    assert "429" in row["status_message"]
    assert row["cost_usd"] is None
    assert row["price_version"] is None


def test_an_embedding_is_priced_and_its_vector_is_not_stored(row_of: Call) -> None:
    row = row_of(
        lambda client: client.embeddings.create(model="text-embedding-3-small", input="copy a folder")
    )
    assert (row["kind"], row["model"], row["input_tokens"]) == ("embedding", "text-embedding-3-small", 8)
    assert row["cost_usd"] == pytest.approx(8 * 0.02 / 1e6)
    assert "copy a folder" in str(row["input"])
    assert "0.1" not in str(row["output"]) + str(row["attributes"].get("embedding.embeddings"))


def test_the_user_whom_a_call_names_is_nowhere_in_the_row(row_of: Call) -> None:
    row = row_of(
        lambda client: client.chat.completions.create(
            model="gpt-4o", messages=QUESTION, user="ana@example.com"
        )
    )
    assert "ana@example.com" not in str(row)


def test_a_langchain_chain_is_a_workflow_with_its_steps(bench: Bench, model_url: str) -> None:
    from langchain_core.documents import Document
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    class Folder(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            return [
                Document(page_content="copytree copies a folder", id="shutil", metadata={"source": "docs"})
            ]

    @tool
    def count_words(text: str) -> int:
        """Count words."""
        return len(text.split())

    recorder = Recorder({"service.name": "docs-bot"})
    instrumentor = LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=recorder.provider)
    try:
        model = ChatOpenAI(model="gpt-4o", base_url=model_url, api_key="none", max_retries=0)  # type: ignore[arg-type]
        retriever = Folder()
        chain: Any = (
            RunnableLambda(lambda question: {"context": retriever.invoke(question), "question": question})
            | ChatPromptTemplate.from_messages([("system", "Use {context}"), ("user", "{question}")])
            | model
        )
        chain.invoke(
            "How do I copy a folder?",
            config={"metadata": {"session_id": "session-7", "user_id": "ana@example.com"}},
        )
        count_words.invoke({"text": "one two"})
    finally:
        instrumentor.uninstrument()
    rows = bench.spans(recorder.ended())
    kinds = {row["kind"]: row for row in rows}
    assert {row["dialect"] for row in rows} == {"openinference"}
    assert {row["product"] for row in rows} == {"docs-bot"}
    assert set(kinds) >= {"workflow", "step", "retrieval", "model", "tool"}
    assert kinds["workflow"]["parent_span_id"] is None
    found = kinds["retrieval"]["context"]
    assert [(each["content"], each["source"]) for each in found] == [("copytree copies a folder", "docs")]
    assert kinds["retrieval"]["input"] == "How do I copy a folder?"
    call = kinds["model"]
    assert (call["model"], call["input_tokens"], call["cache_read_tokens"]) == (MODEL, 1_200, 1_024)
    assert call["cost_usd"] == pytest.approx(COST_USD, rel=1e-12)
    assert texts(call["output"]) == [("assistant", [ANSWER])]
    assert (kinds["tool"]["tool_name"], kinds["tool"]["output"]) == ("count_words", "2")
    sessions = {row["session_id"] for row in rows if row["session_id"] is not None}
    assert len(sessions) == 1
    assert sessions.pop().startswith("s_")
    assert "session-7" not in str([(row["attributes"], row["session_id"]) for row in rows])
    assert "ana@example.com" not in str([row["attributes"] for row in rows])
