"""Older and neighbouring spellings of the GenAI conventions, on spans and on their events.

Sources: open-telemetry/semantic-conventions, docs/gen-ai, versions 1.27 to 1.42, where input and output
tokens include cached ones; the raw names of Anthropic's usage as several instrumentations copy them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from launchworthy.capture.dialects.messages import loaded, message, tool_call
from launchworthy.capture.otlp.record import SentEvent
from launchworthy.records.attributes import GenAI, Own

__all__ = ["RENAMED", "from_events", "rename"]

# Older name → the one that is stored.
RENAMED: Final = {
    "gen_ai.system": GenAI.PROVIDER,
    "gen_ai.usage.prompt_tokens": GenAI.INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": GenAI.OUTPUT_TOKENS,
    "gen_ai.usage.cache_creation.input_tokens": GenAI.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_creation_input_tokens": GenAI.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_write_tokens": GenAI.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_read_input_tokens": GenAI.CACHE_READ_TOKENS,
    "gen_ai.usage.cache_read_tokens": GenAI.CACHE_READ_TOKENS,
    "gen_ai.usage.reasoning_tokens": GenAI.REASONING_TOKENS,
    "gen_ai.usage.cost": Own.COST_USD,
    "gen_ai.prompt": GenAI.INPUT_MESSAGES,
    "gen_ai.completion": GenAI.OUTPUT_MESSAGES,
    "gen_ai.server.time_to_first_token": GenAI.FIRST_CHUNK_S,
}

_DETAILS = "gen_ai.client.inference.operation.details"
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def rename(attributes: dict[str, Any], names: dict[str, str]) -> None:
    """Give what stands under an older name its current one; where both are there the current one counts."""
    for old in names.keys() & attributes.keys():
        value = attributes.pop(old)
        attributes.setdefault(names[old], value)


def from_events(attributes: dict[str, Any], events: list[SentEvent]) -> None:
    """Take prompts and answers out of the events that carry them, where the span has none of its own."""
    asked: list[Any] = []
    told: list[Any] = []
    kept: list[SentEvent] = []
    for event in events:
        fields = event.attributes
        if event.name == _DETAILS:
            for name in (GenAI.INPUT_MESSAGES, GenAI.OUTPUT_MESSAGES, GenAI.SYSTEM_INSTRUCTIONS):
                if name in fields:
                    attributes.setdefault(name, fields[name])
        elif event.name == "gen_ai.content.prompt" and "gen_ai.prompt" in fields:
            asked += _as_messages(fields["gen_ai.prompt"], "user")
        elif event.name == "gen_ai.content.completion" and "gen_ai.completion" in fields:
            told += _as_messages(fields["gen_ai.completion"], "assistant")
        elif event.name in _ROLES:
            asked.append(_message(fields, _ROLES[event.name]))
        elif event.name == "gen_ai.choice":
            inner = loaded(fields.get("message"))
            whole = {**fields, **inner} if isinstance(inner, dict) else {"content": inner, **fields}
            told.append(_message(whole, "assistant"))
        else:
            kept.append(event)
    if len(kept) == len(events):
        return
    events[:] = kept
    if asked:
        attributes.setdefault(GenAI.INPUT_MESSAGES, asked)
    if told:
        attributes.setdefault(GenAI.OUTPUT_MESSAGES, told)


def _as_messages(value: Any, role: str) -> list[Any]:
    value = loaded(value)
    if isinstance(value, list) and all(isinstance(each, dict) and "role" in each for each in value):
        return value
    return [message(role, value if isinstance(value, str) else orjson.dumps(value).decode())]


def _message(fields: dict[str, Any], role: str) -> dict[str, Any]:
    calls = loaded(fields.get("tool_calls"))
    parts = []
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            function = call.get("function")
            function = function if isinstance(function, dict) else call
            parts.append(tool_call(function.get("name"), function.get("arguments"), call_id=call.get("id")))
    return message(
        fields.get("role", role),
        loaded(fields.get("content")),
        calls=parts,
        answers=fields.get("id") if role == "tool" else None,
        finish=fields.get("finish_reason"),
    )
