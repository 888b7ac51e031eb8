"""What a model client's response says: model, answer, finish reasons and tokens, cached ones right.

May import ``records``. Reads the shapes of OpenAI (chat completions, responses, embeddings) and Anthropic
(messages), as the client's object or as JSON. OpenAI counts cached tokens within the input, Anthropic beside
it; a record counts them within.
"""

from __future__ import annotations

from typing import Any

from launchworthy.capture.sdk.messages import as_messages, field_of
from launchworthy.records.attributes import GenAI

__all__ = ["read_response", "read_usage"]

_SHAPES = frozenset(
    {"chat.completion", "chat.completion.chunk", "text_completion", "response", "message", "list"}
)


def read_response(response: Any) -> dict[str, Any] | None:
    """Attributes of a response, ``gen_ai.output.messages`` not yet as text; None if it is none."""
    shape = field_of(response, "object") or field_of(response, "type")
    if not isinstance(shape, str) or shape not in _SHAPES:
        return None
    if shape == "list" and field_of(response, "usage") is None:
        return None
    attributes: dict[str, Any] = {
        GenAI.RESPONSE_MODEL: field_of(response, "model"),
        GenAI.RESPONSE_ID: field_of(response, "id"),
    }
    messages, reasons = _answer(response)
    if messages:
        attributes[GenAI.OUTPUT_MESSAGES] = messages
    if reasons:
        attributes[GenAI.FINISH_REASONS] = tuple(reasons)
    attributes.update(read_usage(field_of(response, "usage")))
    return {name: value for name, value in attributes.items() if value is not None}


def read_usage(usage: Any) -> dict[str, int]:
    """Token attributes of a usage block of either vendor."""
    if usage is None:
        return {}
    read = _count(usage, "input_tokens_details", "cached_tokens")
    read = _count(usage, "prompt_tokens_details", "cached_tokens") if read is None else read
    written = None
    given = _count(usage, "prompt_tokens")
    if given is None:
        given = _count(usage, "input_tokens")
        beside_read = _count(usage, "cache_read_input_tokens")
        beside_written = _count(usage, "cache_creation_input_tokens")
        if given is not None and (beside_read is not None or beside_written is not None):
            given += (beside_read or 0) + (beside_written or 0)
            read, written = beside_read, beside_written
    answered = _count(usage, "completion_tokens")
    answered = _count(usage, "output_tokens") if answered is None else answered
    reasoning = _count(usage, "completion_tokens_details", "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(usage, "output_tokens_details", "reasoning_tokens")
    found = {
        GenAI.INPUT_TOKENS: given,
        GenAI.OUTPUT_TOKENS: answered,
        GenAI.CACHE_READ_TOKENS: read,
        GenAI.CACHE_WRITE_TOKENS: written,
        GenAI.REASONING_TOKENS: reasoning,
    }
    return {name: count for name, count in found.items() if count is not None}


def _answer(response: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Messages and finish reasons."""
    choices = field_of(response, "choices")
    if isinstance(choices, list):  # chat completions
        given = [field_of(choice, "message") for choice in choices]
        messages = as_messages([message for message in given if message is not None])
        reasons = [field_of(choice, "finish_reason") for choice in choices]
        return messages or [], [reason for reason in reasons if isinstance(reason, str)]
    content = field_of(response, "content")
    if isinstance(content, list):  # Anthropic
        reason = field_of(response, "stop_reason")
        message = as_messages([{"role": "assistant", "content": content}])
        return message or [], [reason] if isinstance(reason, str) else []
    output = field_of(response, "output")
    if isinstance(output, list):  # OpenAI's responses: a list of items, of which some are messages
        spoken = [item for item in output if field_of(item, "type") == "message"]
        messages = as_messages(
            [{"role": "assistant", "content": field_of(item, "content")} for item in spoken]
        )
        return messages or [], []
    return [], []


def _count(usage: Any, *path: str) -> int | None:
    for name in path:
        usage = field_of(usage, name)
    return usage if isinstance(usage, int) and not isinstance(usage, bool) and usage >= 0 else None
