"""One call told in each dialect, older ones too: the same columns, and the same tokens and cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.capture.receiver.conftest import Bench

from launchworthy.capture.dialects import genai, openinference, openllmetry
from launchworthy.records import KINDS, GenAI, Own

MODEL = "claude-sonnet-4-5-20250929"
# Of 10,000 tokens read, 8,000 came from a cache and 1,500 were written to one; 300 were answered.
COST_USD = (500 * 3.0 + 8_000 * 0.30 + 1_500 * 3.75 + 300 * 15.0) / 1e6
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])

TOLD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "current names": (
        "genai",
        "vendor.app",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.response.model": MODEL,
            "gen_ai.usage.input_tokens": 10_000,
            "gen_ai.usage.output_tokens": 300,
            "gen_ai.usage.cache_read.input_tokens": 8_000,
            "gen_ai.usage.cache_write.input_tokens": 1_500,
            "gen_ai.input.messages": MESSAGES,
        },
    ),
    "names until 2026": (
        "genai",
        "vendor.app",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "anthropic",
            "gen_ai.request.model": MODEL,
            "gen_ai.usage.input_tokens": 10_000,
            "gen_ai.usage.output_tokens": 300,
            "gen_ai.usage.cache_read.input_tokens": 8_000,
            "gen_ai.usage.cache_creation.input_tokens": 1_500,
            "gen_ai.input.messages": MESSAGES,
        },
    ),
    "raw usage of Anthropic": (
        "genai",
        "vendor.app",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.response.model": MODEL,
            "gen_ai.usage.input_tokens": 500,  # a part, since it is less than what was cached
            "gen_ai.usage.output_tokens": 300,
            "gen_ai.usage.cache_read_input_tokens": 8_000,
            "gen_ai.usage.cache_creation_input_tokens": 1_500,
            "gen_ai.input.messages": MESSAGES,
        },
    ),
    "OpenLLMetry for Anthropic": (
        "openllmetry",
        "opentelemetry.instrumentation.anthropic",
        {
            "llm.request.type": "chat",
            "gen_ai.system": "Anthropic",
            "gen_ai.request.model": MODEL,
            "gen_ai.usage.prompt_tokens": 10_000,
            "gen_ai.usage.completion_tokens": 300,
            "llm.usage.total_tokens": 10_300,
            "gen_ai.usage.cache_read_input_tokens": 8_000,
            "gen_ai.usage.cache_creation_input_tokens": 1_500,
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "hello",
        },
    ),
    "OpenInference for Anthropic": (
        "openinference",
        "openinference.instrumentation.anthropic",
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "anthropic",
            "llm.model_name": MODEL,
            "llm.token_count.prompt": 10_000,
            "llm.token_count.completion": 300,
            "llm.token_count.prompt_details.cache_read": 8_000,
            "llm.token_count.prompt_details.cache_write": 1_500,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hello",
        },
    ),
    "OpenInference for Agno, which copies Anthropic's count": (
        "openinference",
        "openinference.instrumentation.agno",
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "anthropic",
            "llm.model_name": MODEL,
            "llm.token_count.prompt": 500,
            "llm.token_count.completion": 300,
            "llm.token_count.prompt_details.cache_read": 8_000,
            "llm.token_count.prompt_details.cache_write": 1_500,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hello",
        },
    ),
}


@pytest.mark.parametrize("told", TOLD)
def test_cached_tokens_cost_the_same_in_every_dialect(bench: Bench, told: str) -> None:
    dialect, scope, attributes = TOLD[told]
    row = bench.span(attributes, scope=scope)
    assert (row["dialect"], row["kind"], row["model"]) == (dialect, "model", MODEL)
    assert row["provider"].lower() == "anthropic"
    assert (row["input_tokens"], row["output_tokens"]) == (10_000, 300)
    assert (row["cache_read_tokens"], row["cache_write_tokens"]) == (8_000, 1_500)
    assert row["cost_usd"] == pytest.approx(COST_USD, rel=1e-12)
    assert row["input"] == json.loads(MESSAGES)


def test_a_count_without_its_cached_part_is_known_by_the_total(bench: Bench) -> None:
    row = bench.span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": 5_000,  # more than was cached, so that only the total tells
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.usage.cache_read.input_tokens": 1_000,
            "gen_ai.usage.total_tokens": 6_010,
        }
    )
    assert row["input_tokens"] == 6_000


@pytest.mark.parametrize(("given", "stored"), [(5_000, 6_000), (1_000, 1_000), (0, 1_000)])
def test_openinference_for_bedrock_leaves_cached_tokens_out_unless_all_were_cached(
    bench: Bench, given: int, stored: int
) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "aws",
            "llm.model_name": "claude-sonnet-4-5-20250929-v1:0",
            "llm.token_count.prompt": given,
            "llm.token_count.completion": 10,
            "llm.token_count.prompt_details.cache_read": 1_000,
        },
        scope="openinference.instrumentation.bedrock",
    )
    assert (row["input_tokens"], row["cost_usd"]) == (stored, None)  # Bedrock has its own prices


def test_an_answer_to_a_tool_call_in_the_users_turn(bench: Bench) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.tool_call_id": "c1",
            "llm.input_messages.0.message.content": "42",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_call_id": "",
            "llm.output_messages.0.message.content": "It is 42.",
        }
    )
    assert row["input"][0]["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "42"}]
    assert row["output"][0]["parts"] == [{"type": "text", "content": "It is 42."}]


def test_agno_with_a_provider_that_counts_cached_tokens_in_is_left_as_it_is(bench: Bench) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 5_000,
            "llm.token_count.completion": 10,
            "llm.token_count.prompt_details.cache_read": 1_000,
        },
        scope="openinference.instrumentation.agno",
    )
    assert row["input_tokens"] == 5_000


@pytest.mark.parametrize("count", [-1, 1.5, "many", True, [3], "٣"])
def test_what_is_no_count_of_tokens_is_not_taken_for_one(bench: Bench, count: Any) -> None:
    row = bench.span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": count})
    assert row["input_tokens"] is None
    assert row["attributes"]["gen_ai.usage.input_tokens"] == count


@pytest.mark.parametrize("count", [17, 17.0, "17"])
def test_a_count_may_come_as_text_or_float(bench: Bench, count: Any) -> None:
    assert bench.span({"gen_ai.usage.input_tokens": count})["input_tokens"] == 17


@pytest.mark.parametrize(
    ("attributes", "cost"),
    [
        ({"openinference.span.kind": "LLM", "llm.cost.total": 0.25}, 0.25),
        ({"gen_ai.operation.name": "chat", "launchworthy.cost_usd": 0.5}, 0.5),
        ({"gen_ai.operation.name": "chat", "gen_ai.usage.cost": "0.125"}, 0.125),
    ],
)
def test_a_cost_that_the_sender_knows_is_kept_and_marked(
    bench: Bench, attributes: dict[str, Any], cost: float
) -> None:
    row = bench.span(
        {**attributes, "gen_ai.request.model": "gpt-4o", GenAI.INPUT_TOKENS: 5, GenAI.OUTPUT_TOKENS: 5}
    )
    assert (row["cost_usd"], row["price_version"]) == (cost, "reported")


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1.0, "free"])
def test_a_cost_that_cannot_be_is_not_taken(bench: Bench, cost: Any) -> None:
    row = bench.span({"gen_ai.operation.name": "chat", "launchworthy.cost_usd": cost})
    assert (row["cost_usd"], row["price_version"]) == (None, None)


@pytest.mark.parametrize(("tier", "priced"), [("default", True), ("flex", False), ("priority", False)])
def test_a_call_of_another_service_tier_is_not_priced_by_the_standard_list(
    bench: Bench, tier: str, priced: bool
) -> None:
    row = bench.span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "openai.response.service_tier": tier,
            GenAI.INPUT_TOKENS: 5,
            GenAI.OUTPUT_TOKENS: 5,
        }
    )
    assert (row["cost_usd"] is not None) == priced
    assert row["attributes"]["openai.response.service_tier"] == tier


def test_a_model_without_a_known_price_has_no_cost(bench: Bench) -> None:
    row = bench.span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "llama-on-my-desk",
            GenAI.INPUT_TOKENS: 5,
            GenAI.OUTPUT_TOKENS: 5,
        }
    )
    assert (row["cost_usd"], row["price_version"]) == (None, None)


def test_an_agent_that_repeats_the_tokens_of_its_calls_is_not_priced_again(bench: Bench) -> None:
    row = bench.span(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.request.model": "gpt-4o",
            GenAI.INPUT_TOKENS: 5_000,
            GenAI.OUTPUT_TOKENS: 500,
        }
    )
    assert (row["kind"], row["input_tokens"], row["cost_usd"]) == ("agent", 5_000, None)


OPERATIONS = {
    "chat": "model",
    "retrieval": "retrieval",
    "execute_tool": "tool",
    "invoke_workflow": "workflow",
    "unheard_of": "other",
}
KINDS_TOLD: list[tuple[dict[str, Any], str]] = [
    *(({"gen_ai.operation.name": name}, kind) for name, kind in OPERATIONS.items()),
    *(
        ({"openinference.span.kind": name}, "workflow" if kind == "step" else kind)  # it is a root here
        for name, kind in openinference.KINDS.items()
    ),
    *(({"traceloop.span.kind": name}, kind) for name, kind in openllmetry.KINDS.items()),
    *(({"launchworthy.kind": kind}, kind) for kind in KINDS),
    ({"launchworthy.kind": "nonsense"}, "other"),
    ({"launchworthy.kind": "guard", "gen_ai.operation.name": "chat"}, "guard"),
    ({"http.request.method": "GET"}, "other"),
]


@pytest.mark.parametrize(("attributes", "kind"), KINDS_TOLD)
def test_kinds_of_every_dialect(bench: Bench, attributes: dict[str, Any], kind: str) -> None:
    assert bench.span(attributes)["kind"] == kind


def test_older_prompts_as_indexed_attributes(bench: Bench) -> None:
    row = bench.span(
        {
            "gen_ai.prompt.1.role": "tool",
            "gen_ai.prompt.1.tool_call_id": "c1",
            "gen_ai.prompt.1.content": "42",
            "gen_ai.prompt.0.role": "assistant",
            "gen_ai.prompt.0.tool_calls.0.id": "c1",
            "gen_ai.prompt.0.tool_calls.0.name": "answer",
            "gen_ai.prompt.0.tool_calls.0.arguments": '{"a": 1}',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "It is 42.",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.prompt.name": "deep-thought",
            "gen_ai.prompt.version": "3",
        }
    )
    assert row["dialect"] == "openllmetry"
    assert row["input"] == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "answer", "arguments": {"a": 1}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
    ]
    assert row["output"] == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is 42."}],
            "finish_reason": "stop",
        }
    ]
    assert (row["prompt_name"], row["prompt_version"]) == ("deep-thought", "3")


def test_prompts_on_events_of_the_older_conventions(bench: Bench) -> None:
    def then(span: Any) -> None:
        span.add_event("gen_ai.system.message", {"content": "Be brief."})
        span.add_event("gen_ai.user.message", {"content": "hello"})
        span.add_event(
            "gen_ai.choice",
            {"index": 0, "finish_reason": "stop", "message": '{"content": "hi", "role": "assistant"}'},
        )
        span.add_event("something else", {"n": 1})

    row = bench.span({"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}, then=then)
    assert [(each["role"], each["parts"][0]["content"]) for each in row["input"]] == [
        ("system", "Be brief."),
        ("user", "hello"),
    ]
    assert row["output"][0]["parts"][0]["content"] == "hi"
    assert [event["name"] for event in row["events"]] == ["something else"]


def test_prompts_on_the_content_events_and_on_the_operation_details(bench: Bench) -> None:
    def then(span: Any) -> None:
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "hello"}]'})
        span.add_event("gen_ai.content.completion", {"gen_ai.completion": "hi"})

    row = bench.span({"gen_ai.operation.name": "chat"}, then=then)
    assert row["input"] == [{"role": "user", "content": "hello"}]
    assert row["output"] == [{"role": "assistant", "parts": [{"type": "text", "content": "hi"}]}]
    row = bench.span(
        {"gen_ai.operation.name": "chat"},
        then=lambda span: span.add_event(
            "gen_ai.client.inference.operation.details", {"gen_ai.input.messages": MESSAGES}
        ),
    )
    assert row["input"] == json.loads(MESSAGES)


def test_the_systems_instructions_come_before_the_messages(bench: Bench) -> None:
    parts = '[{"type": "text", "content": "Be brief."}]'
    row = bench.span({"gen_ai.input.messages": MESSAGES, "gen_ai.system_instructions": parts})
    assert [each["role"] for each in row["input"]] == ["system", "user"]
    assert row["input"][0]["parts"] == json.loads(parts)
    alone = bench.span({"gen_ai.input.messages": "[]", "gen_ai.system_instructions": 'Say "no".'})
    assert alone["input"] == [{"role": "system", "parts": [{"type": "text", "content": 'Say "no".'}]}]
    beside = bench.span({"launchworthy.input": '{"q": 1}', "gen_ai.system_instructions": parts})
    assert beside["input"] == {"q": 1}  # not messages: the instructions are not lost, but stand apart
    assert beside["attributes"]["gen_ai.system_instructions"] == parts
    odd = bench.span({"gen_ai.input.messages": "not messages", "gen_ai.system_instructions": parts})
    assert [each["role"] for each in odd["input"]] == ["system", "user"]


def test_openinference_retrieval_and_its_documents(bench: Bench) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "123",
            "retrieval.documents.1.document.id": "b",
            "retrieval.documents.0.document.id": "a",
            "retrieval.documents.0.document.score": 0.9,
            "retrieval.documents.0.document.content": "text of a",
            "retrieval.documents.0.document.metadata": '{"source": "wiki", "page": 2}',
        }
    )
    assert row["input"] == "123"  # plain text, as no mime type says that it is JSON
    assert row["context"] == [
        {
            "id": "a",
            "metadata": {"source": "wiki", "page": 2},
            "score": 0.9,
            "content": "text of a",
            "source": "wiki",
        },
        {"id": "b"},
    ]


def test_openinference_messages_of_several_pieces_and_an_older_function_call(bench: Bench) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": "What is this?",
            "llm.input_messages.0.message.contents.1.message_content.type": "image",
            "llm.input_messages.0.message.contents.1.message_content.image.image.url": "https://example.com/a.png",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.function_call_name": "look",
            "llm.output_messages.0.message.function_call_arguments_json": '{"at": "a.png"}',
        }
    )
    assert row["input"][0]["parts"] == [
        {"type": "text", "content": "What is this?"},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
    ]
    assert row["output"][0]["parts"] == [
        {"type": "tool_call", "id": None, "name": "look", "arguments": {"at": "a.png"}}
    ]


def test_openinference_values_of_a_chain_and_a_tool(bench: Bench) -> None:
    chain = bench.span(
        {
            "openinference.span.kind": "CHAIN",
            "input.value": '{"question": "?"}',
            "input.mime_type": "application/json",
            "output.value": '{"looks": "like JSON"',
            "metadata": '{"thread_id": "t-1", "team": "blue"}',
            "session.id": "t-1",
        }
    )
    assert chain["input"] == {"question": "?"}
    assert chain["output"] == '{"looks": "like JSON"'
    assert chain["attributes"]["metadata"] == {"thread_id": chain["session_id"], "team": "blue"}
    tool = bench.span(
        {
            "openinference.span.kind": "TOOL",
            "tool.name": "add",
            "tool.parameters": '{"a": 1}',
            "output.value": "2",
        }
    )
    assert (tool["tool_name"], tool["input"], tool["output"]) == ("add", {"a": 1}, "2")


def test_traceloop_workflow_user_and_session(bench: Bench) -> None:
    row = bench.span(
        {
            "traceloop.span.kind": "task",
            "traceloop.workflow.name": "answer",
            "traceloop.entity.name": "search",
            "traceloop.entity.input": '{"args": ["folder"]}',
            "traceloop.entity.output": '"shutil"',
            "traceloop.association.properties.user_id": "ana",
            "traceloop.association.properties.session_id": "s-1",
            "traceloop.association.properties.email": "ana@example.com",
            "traceloop.association.properties.plan": "team",
        }
    )
    assert (row["workflow"], row["kind"], row["dialect"]) == ("answer", "step", "openllmetry")
    assert (row["input"], row["output"]) == ({"args": ["folder"]}, "shutil")
    assert row["user_id"].startswith("u_")
    assert row["session_id"].startswith("s_")
    assert "ana" not in json.dumps(row["attributes"])
    assert row["attributes"]["traceloop.association.properties"]["plan"] == "team"


def test_names_of_this_project_stand_beside_those_of_a_dialect(bench: Bench) -> None:
    row = bench.span(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o",
            Own.PRODUCT: "docs-bot",
            Own.WORKFLOW: "answer",
            Own.RELEASE: "r-1",
            Own.COHORT: "pilot",
            Own.SIMULATED: True,
            Own.SAFETY_FLAGS: ["pii", "injection"],
            Own.NO_ANSWER: "refuse",
        }
    )
    assert (row["product"], row["workflow"], row["release"], row["cohort"]) == (
        "docs-bot",
        "answer",
        "r-1",
        "pilot",
    )
    assert (row["simulated"], row["safety_flags"], row["no_answer"]) == (True, ["pii", "injection"], "refuse")


def test_a_name_that_no_column_takes_is_kept(bench: Bench) -> None:
    row = bench.span(
        {"my.flag": True, "my.list": [1, 2], "gen_ai.request.temperature": 0.2, Own.NO_ANSWER: "shrug"},
        resource={"service.version": "1.2", "deployment.environment.name": "staging", "process.pid": 4},
    )
    kept = row["attributes"]
    assert (kept["my.flag"], kept["my.list"], kept["gen_ai.request.temperature"]) == (True, [1, 2], 0.2)
    assert (row["no_answer"], kept[Own.NO_ANSWER]) == (None, "shrug")
    assert (kept["service.version"], kept["deployment.environment.name"]) == ("1.2", "staging")
    assert "process.pid" not in kept


@pytest.mark.parametrize(
    ("stated", "raised", "named"),
    [
        ("timeout", None, "timeout"),
        ("openai.APITimeoutError", None, "timeout"),
        ("429", None, "rate_limit"),
        ("my.pkg.Odd", None, "Odd"),
        (None, TimeoutError("late"), "timeout"),
        (None, KeyError("k"), "KeyError"),
        (None, None, None),
    ],
)
def test_the_class_of_an_error(
    bench: Bench, stated: str | None, raised: Exception | None, named: str | None
) -> None:
    from opentelemetry.trace import Status, StatusCode

    def then(span: Any) -> None:
        span.set_status(Status(StatusCode.ERROR, "it failed"))
        if raised is not None:
            span.record_exception(raised)

    row = bench.span({} if stated is None else {"error.type": stated}, then=then)
    assert (row["status"], row["error_type"], row["status_message"]) == ("error", named, "it failed")


def test_every_name_that_is_translated_becomes_one_of_our_own() -> None:
    known = {value for holder in (GenAI, Own) for name, value in vars(holder).items() if name.isupper()}
    for table in (genai.RENAMED, openinference.RENAMED, openllmetry.RENAMED):
        assert set(table.values()) <= known
        assert not set(table) & known
