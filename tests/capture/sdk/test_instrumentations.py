"""Other instrumentations nest inside a workflow, and their spans say whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from openai import OpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from pydantic import SecretStr

import launchworthy as lw
from launchworthy.capture.sdk import processor
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.processor import Processor
from launchworthy.testing import FakeModel, RecordedSpan, Recording

WHO = {
    "launchworthy.product": "shop",
    "launchworthy.workflow": "answer",
    "launchworthy.release": "r-1",
    "launchworthy.cohort": "canary",
}


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel("You have 30 days.") as found:
        yield found


def _ask(model: FakeModel, text: str) -> None:
    with OpenAI(base_url=model.url, api_key="none", max_retries=0) as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])


def _inside(recorded: Recording, span: RecordedSpan) -> bool:
    """Whether the span's ancestors lead to the workflow."""
    by_id = {found.span_id: found for found in recorded.spans}
    while span.parent_id is not None:
        span = by_id[span.parent_id]
    return span.name == "invoke_workflow answer"


@pytest.mark.filterwarnings("ignore:Support for class-based `config`")  # OpenLLMetry's own
@pytest.mark.parametrize("instrumentor", [OpenAIInstrumentor, OpenLLMetryInstrumentor])
def test_an_instrumented_openai_client_nests_inside(
    recorded: Recording, model: FakeModel, instrumentor: Any
) -> None:
    instrumentor().instrument(tracer_provider=recorded.provider)
    try:
        with lw.workflow("answer", user="ana", cohort="canary") as span, lw.step("ask"):
            _ask(model, "How long?")
        _ask(model, "Alone")
    finally:
        instrumentor().uninstrument()
    theirs = [found for found in recorded.spans if "launchworthy.kind" not in found.attributes]
    inside, alone = theirs
    assert inside.parent_id == recorded.span("ask").span_id
    assert inside.trace_id == span.trace_id
    assert {name: inside.attributes.get(name) for name in WHO} == WHO
    assert inside.attributes["user.id"] == recorded.span("ask").attributes["user.id"]
    # A call outside any workflow is still a call of this product.
    assert alone.parent_id is None
    assert alone.attributes["launchworthy.product"] == "shop"
    assert "launchworthy.workflow" not in alone.attributes


def test_an_instrumented_langchain_chain_nests_inside(recorded: Recording, model: FakeModel) -> None:
    LangChainInstrumentor().instrument(tracer_provider=recorded.provider)
    try:
        chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | ChatOpenAI(
            model="m", base_url=model.url, api_key=SecretStr("none"), max_retries=0
        )
        with lw.workflow("answer", user="ana", cohort="canary"):
            answers = chain.batch([{"question": "How long?"}, {"question": "How much?"}])
    finally:
        LangChainInstrumentor().uninstrument()
    assert [answer.content for answer in answers] == ["You have 30 days."] * 2
    theirs = [found for found in recorded.spans if "launchworthy.kind" not in found.attributes]
    kinds = [found.attributes["openinference.span.kind"] for found in theirs]
    assert kinds.count("LLM") == 2
    assert len(theirs) >= 6
    for found in theirs:  # batch() runs in a pool of threads
        assert _inside(recorded, found)
        assert {name: found.attributes.get(name) for name in WHO} == WHO


def test_a_user_that_another_instrumentation_names_is_a_pseudonym_too(
    recorded: Recording, model: FakeModel
) -> None:
    OpenAIInstrumentor().instrument(tracer_provider=recorded.provider)
    try:
        with using_attributes(user_id="ana@example.com", session_id="chat-7"):
            _ask(model, "Hi")
    finally:
        OpenAIInstrumentor().uninstrument()
    (span,) = recorded.spans
    assert span.attributes["user.id"].startswith("u_")
    assert span.attributes["session.id"].startswith("s_")


def test_what_is_not_ai_is_sent_inside_a_workflow_and_nowhere_else(recorded: Recording) -> None:
    tracer = recorded.provider.get_tracer("web")
    with tracer.start_as_current_span("GET /health"):
        pass
    with (
        tracer.start_as_current_span("GET /ask") as request,
        lw.workflow("answer"),
        tracer.start_as_current_span("SELECT"),
    ):
        pass
    assert [span.name for span in recorded.spans] == ["SELECT", "invoke_workflow answer"]
    root = recorded.span("invoke_workflow answer")
    # Its parent is not sent, so it is a root here: a trace without a root would not be listed.
    assert root.parent_id is None
    assert root.trace_id == f"{request.get_span_context().trace_id:032x}"
    assert recorded.span("SELECT").parent_id == root.span_id


def test_a_parent_in_another_process_stays_the_parent(recorded: Recording) -> None:
    flags = TraceFlags(TraceFlags.SAMPLED)
    remote = NonRecordingSpan(SpanContext(trace_id=5, span_id=6, is_remote=True, trace_flags=flags))
    token = otel_context.attach(set_span_in_context(remote))
    with lw.workflow("answer"):
        pass
    otel_context.detach(token)
    assert recorded.span("invoke_workflow answer").parent_id == f"{6:016x}"


def test_a_span_given_only_its_parent_and_no_context_still_says_whose_it_is(recorded: Recording) -> None:
    with lw.workflow("answer", cohort="canary"):
        context = set_span_in_context(trace.get_current_span(), Context())
    recorded.provider.get_tracer("lib").start_span("late", context).end()
    assert recorded.span("late").attributes["launchworthy.cohort"] == "canary"


def test_many_spans_that_never_end_take_bounded_memory(
    recorded: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_MOST_OUTSIDE", 100)
    held = Processor()
    held.client = client()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(held)
    tracer = provider.get_tracer("web")
    spans = [tracer.start_span("open") for _ in range(250)]
    assert len(held._outside) <= 100
    for span in spans:
        span.end()
    assert recorded.spans == []
