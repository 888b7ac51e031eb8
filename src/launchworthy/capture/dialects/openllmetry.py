"""OpenLLMetry: the dialect of Traceloop's SDK and instrumentations.

Source: traceloop/openllmetry, packages/opentelemetry-semantic-conventions-ai and the instrumentations.
Its counts of input tokens include cached ones, for Anthropic too (it adds them up itself).
"""

from __future__ import annotations

from typing import Any, Final

from launchworthy.capture.dialects.genai import rename
from launchworthy.capture.dialects.messages import grouped, loaded, message, tool_call
from launchworthy.capture.otlp.record import SentEvent
from launchworthy.capture.storage_policy import ASSOCIATION, IDENTITY
from launchworthy.records.attributes import GenAI, Own

__all__ = ["KIND", "KINDS", "MARKERS", "RENAMED", "rewrite"]

KIND: Final = "traceloop.span.kind"
MARKERS: Final = frozenset(
    {
        KIND,
        "traceloop.workflow.name",
        "traceloop.entity.name",
        "traceloop.entity.path",
        "llm.request.type",
        "llm.usage.total_tokens",
        "llm.is_streaming",
        "gen_ai.is_streaming",
        "gen_ai.usage.total_tokens",
        "gen_ai.openai.api_base",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.0.role",
        "gen_ai.completion.0.content",
        "gen_ai.completion.0.role",
        "gen_ai.completion.0.finish_reason",
    }
)
KINDS: Final = {"workflow": "workflow", "task": "step", "agent": "agent", "tool": "tool", "unknown": "other"}
RENAMED: Final = {
    "traceloop.workflow.name": GenAI.WORKFLOW_NAME,
    "traceloop.prompt.key": GenAI.PROMPT_NAME,
    "traceloop.prompt.version": GenAI.PROMPT_VERSION,
    "llm.usage.prompt_tokens": GenAI.INPUT_TOKENS,
    "llm.usage.completion_tokens": GenAI.OUTPUT_TOKENS,
    "llm.usage.cache_read_input_tokens": GenAI.CACHE_READ_TOKENS,
    "llm.usage.cache_creation_input_tokens": GenAI.CACHE_WRITE_TOKENS,
    "llm.usage.reasoning_tokens": GenAI.REASONING_TOKENS,
    "llm.request.model": GenAI.REQUEST_MODEL,
    "llm.response.model": GenAI.RESPONSE_MODEL,
    "llm.vendor": GenAI.PROVIDER,
    "llm.response.finish_reason": GenAI.FINISH_REASONS,
    "traceloop.entity.input": Own.INPUT,
    "traceloop.entity.output": Own.OUTPUT,
}
CHUNKS: Final = frozenset({"llm.content.completion.chunk", "gen_ai.content.completion.chunk"})
_PROPERTIES = f"{ASSOCIATION}."
_REQUESTS = {"chat": "model", "completion": "model", "embedding": "embedding", "rerank": "retrieval"}


def rewrite(attributes: dict[str, Any], events: list[SentEvent], *, start_ns: int) -> None:
    """Turn the names of a span of this dialect into those that are stored."""
    kind = KINDS.get(str(attributes.pop(KIND, "")).lower())
    request = attributes.pop("llm.request.type", None)
    if kind is None and isinstance(request, str):
        kind = _REQUESTS.get(request.lower())
    if kind is not None:
        attributes.setdefault(Own.KIND, kind)
    rename(attributes, RENAMED)
    if kind == "tool" and "traceloop.entity.name" in attributes:
        attributes.setdefault(GenAI.TOOL_NAME, attributes["traceloop.entity.name"])
    named = [name for name in attributes if name.startswith(_PROPERTIES) and name not in IDENTITY]
    if named:  # as one object, so that a user or session among them is found
        attributes[ASSOCIATION] = {name[len(_PROPERTIES) :]: attributes.pop(name) for name in named}
    asked = [_message(fields, "user") for fields in grouped(attributes, "gen_ai.prompt")]
    told = [_message(fields, "assistant") for fields in grouped(attributes, "gen_ai.completion")]
    if asked:
        attributes.setdefault(GenAI.INPUT_MESSAGES, asked)
    if told:
        attributes.setdefault(GenAI.OUTPUT_MESSAGES, told)
    # One event for each chunk of a stream: the first says when the answer began, the rest say nothing.
    chunks = [event.time_ns for event in events if event.name in CHUNKS]
    if chunks:
        attributes.setdefault(Own.FIRST_TOKEN_MS, (min(chunks) - start_ns) / 1e6)
        events[:] = [event for event in events if event.name not in CHUNKS]


def _message(fields: dict[str, Any], role: str) -> dict[str, Any]:
    calls = [
        tool_call(call.get("name"), call.get("arguments"), call_id=call.get("id"))
        for call in grouped(fields, "tool_calls")
    ]
    said = fields.get("role", role)
    return message(
        said,
        loaded(fields.get("content")),
        calls=calls,
        answers=fields.get("tool_call_id") if said == "tool" else None,
        finish=fields.get("finish_reason"),
    )
