"""OpenInference: the dialect of Phoenix and of Arize's instrumentations.

Source: Arize-ai/openinference, spec/semantic_conventions.md and the code of its instrumentations.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from launchworthy.capture.dialects.messages import grouped, loaded, message, tool_call
from launchworthy.capture.otlp.record import SentEvent
from launchworthy.capture.storage_policy import FREE_FORM
from launchworthy.records.attributes import GenAI, Own

__all__ = ["EXCLUSIVE_SCOPES", "KIND", "KINDS", "MARKERS", "RENAMED", "rewrite"]

KIND: Final = "openinference.span.kind"
MARKERS: Final = frozenset(
    {
        KIND,
        "llm.model_name",
        "llm.input_messages.0.message.role",
        "llm.output_messages.0.message.role",
        "llm.token_count.prompt",
        "llm.token_count.completion",
        "retrieval.documents.0.document.content",
        "retrieval.documents.0.document.id",
    }
)
KINDS: Final = {
    "LLM": "model",
    "DECISION": "model",
    "CHAIN": "step",  # a root one is the workflow
    "PROMPT": "step",
    "AGENT": "agent",
    "RETRIEVER": "retrieval",
    "RERANKER": "retrieval",
    "TOOL": "tool",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guard",
    "EVALUATOR": "evaluation",
    "UNKNOWN": "other",
}
# In order of preference where two names mean the same.
RENAMED: Final = {
    "llm.response.model_name": GenAI.RESPONSE_MODEL,
    "llm.request.model_name": GenAI.REQUEST_MODEL,
    "llm.model_name": GenAI.RESPONSE_MODEL,
    "decision.response.model_name": GenAI.RESPONSE_MODEL,
    "decision.model_name": GenAI.RESPONSE_MODEL,
    "embedding.model_name": GenAI.RESPONSE_MODEL,
    "reranker.model_name": GenAI.RESPONSE_MODEL,
    "llm.provider": GenAI.PROVIDER,
    "llm.system": GenAI.PROVIDER,
    "decision.provider": GenAI.PROVIDER,
    "decision.system": GenAI.PROVIDER,
    "llm.token_count.prompt": GenAI.INPUT_TOKENS,
    "llm.token_count.completion": GenAI.OUTPUT_TOKENS,
    "llm.token_count.prompt_details.cache_read": GenAI.CACHE_READ_TOKENS,
    "llm.token_count.prompt_details.cache_input": GenAI.CACHE_READ_TOKENS,
    "llm.token_count.prompt_details.cache_write": GenAI.CACHE_WRITE_TOKENS,
    "llm.token_count.completion_details.reasoning": GenAI.REASONING_TOKENS,
    "decision.token_count.input": GenAI.INPUT_TOKENS,
    "decision.token_count.output": GenAI.OUTPUT_TOKENS,
    "llm.cost.total": Own.COST_USD,
    "llm.finish_reason": GenAI.FINISH_REASONS,
    "llm.prompt_template.version": GenAI.PROMPT_VERSION,
    "prompt.id": GenAI.PROMPT_NAME,
    "tool.name": GenAI.TOOL_NAME,
    "tool.id": GenAI.TOOL_CALL_ID,
    "agent.name": GenAI.AGENT_NAME,
    "reranker.query": GenAI.RETRIEVAL_QUERY,
}
# Instrumentations that copy a provider's count of input tokens, from which Anthropic and Amazon Bedrock
# leave cached ones out; all others of this dialect count them in.
EXCLUSIVE_SCOPES: Final = frozenset(
    {"openinference.instrumentation.agno", "openinference.instrumentation.bedrock"}
)

_PARAMETERS = "llm.invocation_parameters"
_FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 (the name of an event)
_JSON = "application/json"


def rewrite(attributes: dict[str, Any], events: list[SentEvent], *, root: bool, start_ns: int) -> None:
    """Turn the names of a span of this dialect into those that are stored."""
    kind = KINDS.get(str(attributes.pop(KIND, "")).upper())
    if kind == "step" and root:
        kind = "workflow"
    if kind is not None:
        attributes.setdefault(Own.KIND, kind)
    for old, name in RENAMED.items():
        if old in attributes:
            value = attributes.pop(old)
            attributes.setdefault(name, value)
    _inputs(attributes, kind)
    _documents(attributes)
    for event in events:
        if event.name == _FIRST_TOKEN:
            attributes.setdefault(Own.FIRST_TOKEN_MS, (event.time_ns - start_ns) / 1e6)
            break
    for name in FREE_FORM & attributes.keys():
        attributes[name] = loaded(attributes[name])
    parameters = attributes.get(_PARAMETERS)
    if isinstance(parameters, dict) and isinstance(parameters.get("model"), str):
        attributes.setdefault(GenAI.REQUEST_MODEL, parameters["model"])  # all that a failed call tells


def _inputs(attributes: dict[str, Any], kind: str | None) -> None:
    asked = [_message(fields) for fields in grouped(attributes, "llm.input_messages")]
    told = [_message(fields) for fields in grouped(attributes, "llm.output_messages")]
    asked += [message("user", fields.get("prompt.text")) for fields in grouped(attributes, "llm.prompts")]
    told += [
        message("assistant", fields.get("completion.text")) for fields in grouped(attributes, "llm.choices")
    ]
    sent = _value(attributes, "input")
    answered = _value(attributes, "output")
    vectors = grouped(attributes, "embedding.embeddings")
    if vectors:  # the vectors are long, and say nothing to a reader
        sent, answered = [each.get("embedding.text") for each in vectors], None
    parameters = attributes.pop("tool.parameters", None) if kind == "tool" else None
    # The request and response as JSON repeat the messages, so that they are left out where these are there.
    if asked:
        attributes.setdefault(GenAI.INPUT_MESSAGES, asked)
    elif sent is not None:
        attributes.setdefault(Own.INPUT, sent)
    elif parameters is not None:
        attributes.setdefault(Own.INPUT, loaded(parameters))
    if told:
        finish = attributes.get(GenAI.FINISH_REASONS)
        if isinstance(finish, str):
            told[0].setdefault("finish_reason", finish)
        attributes.setdefault(GenAI.OUTPUT_MESSAGES, told)
    elif answered is not None:
        attributes.setdefault(Own.OUTPUT, answered)


def _value(attributes: dict[str, Any], side: str) -> Any:
    """``input.value`` or ``output.value`` as JSON text: what is not called JSON is a text, whatever it looks
    like."""
    value = attributes.pop(f"{side}.value", None)
    mime = attributes.pop(f"{side}.mime_type", None)
    if isinstance(value, str) and mime != _JSON:
        return orjson.dumps(value).decode()
    return value


def _message(fields: dict[str, Any]) -> dict[str, Any]:
    calls = [
        tool_call(
            call.get("tool_call.function.name"),
            call.get("tool_call.function.arguments"),
            call_id=call.get("tool_call.id"),
        )
        for call in grouped(fields, "message.tool_calls")
    ]
    if "message.function_call_name" in fields:
        calls.append(
            tool_call(
                fields["message.function_call_name"],
                fields.get("message.function_call_arguments_json"),
                call_id=None,
            )
        )
    content: Any = fields.get("message.content")
    pieces = [_part(part) for part in grouped(fields, "message.contents")]
    if pieces:
        content = ([{"type": "text", "content": content}] if content else []) + pieces
    role = fields.get("message.role")
    # Anthropic and Bedrock answer a tool call in the user's turn.
    answers = None if role == "assistant" else fields.get("message.tool_call_id") or None
    return message(role, content, calls=calls, answers=answers)


def _part(fields: dict[str, Any]) -> dict[str, Any]:
    kind = fields.get("message_content.type", "text")
    text = fields.get("message_content.text")
    if text is not None:
        return {"type": kind, "content": text}
    for name, value in fields.items():
        if name.endswith(".url"):
            return {"type": "uri", "modality": kind, "uri": value}
    return {"type": kind}


def _documents(attributes: dict[str, Any]) -> None:
    found = grouped(attributes, "retrieval.documents")
    given = grouped(attributes, "reranker.input_documents")  # the same ones before they were put in order
    found = grouped(attributes, "reranker.output_documents") or found or given
    if not found:
        return
    documents = []
    for number, fields in enumerate(found):
        metadata = loaded(fields.get("document.metadata"))
        document: dict[str, Any] = {"id": fields.get("document.id")}
        source = None
        if isinstance(metadata, dict):
            document["metadata"] = metadata
            source = metadata.get("source")
            if document["id"] is None:
                document["id"] = metadata.get("id", source)
        if document["id"] is None:
            document["id"] = str(number)
        document["score"] = fields.get("document.score")
        document["content"] = fields.get("document.content")
        if source is not None:
            document["source"] = source
        documents.append({name: value for name, value in document.items() if value is not None})
    attributes.setdefault(GenAI.RETRIEVAL_DOCUMENTS, documents)
