"""What a model answered, whichever client brought it: text, tool calls, tokens.

May import ``capture.sdk``, which reads the shapes of OpenAI and Anthropic. What is no answer is an error of
its own kind: an empty text, an HTML page of a proxy, a shape that nobody knows.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launchworthy.capture.sdk.messages import field_of
from launchworthy.capture.sdk.responses import read_usage
from launchworthy.records.attributes import GenAI

__all__ = ["NoReply", "Reply", "ToolCall", "reply_of"]


class NoReply(Exception):
    """A model answered with something that is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool that a model asks for.

    Attributes:
        name: Of the tool.
        arguments: JSON text, or an object, exactly as the model gave it; nothing is checked yet.
        id: As the model named the call; one of ours where it named none, or another call of the reply alike.
    """

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model answered. False in a condition where there is neither text nor tool call.

    Attributes:
        text: Not checked yet: what goes to a user goes through ``answer`` or ``stream``.
        tool_calls: Likewise, in order.
        model: Name of the model that answered.
        fallback: Name of the fallback that answered; None for the model itself.
        cites: Ids of passages, where a fallback made the answer from them.
        cost_usd: What it cost; None where no model was asked, or its price is not known.
        response: What the model's function answered.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    model: str = ""
    fallback: str | None = None
    cites: tuple[str, ...] = ()
    cost_usd: float | None = None
    response: Any = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return bool(self.text or self.tool_calls)

    @property
    def message(self) -> dict[str, Any]:
        """The reply as a message of a chat, to be sent back with the results of its tools."""
        said: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.tool_calls:
            said["tool_calls"] = [
                {
                    "id": each.id,
                    "type": "function",
                    "function": {"name": each.name, "arguments": _as_text(each.arguments)},
                }
                for each in self.tool_calls
            ]
        return said


def reply_of(value: Any) -> tuple[Reply, int | None, int | None, int]:
    """A reply, and its tokens: read, written (None where not said) and read from a cache.

    Raises:
        NoReply: It is none.
    """
    if isinstance(value, Reply):
        return value, None, None, 0
    usage = read_usage(field_of(value, "usage")) if not isinstance(value, str) else {}
    text, calls = "", tuple[ToolCall, ...]()
    if isinstance(value, str):
        text = value
    elif isinstance(choices := field_of(value, "choices"), (list, tuple)):
        text, calls = _of_chat(choices)
    elif isinstance(output := field_of(value, "output"), (list, tuple)):
        text, calls = _of_responses(output)
    elif isinstance(content := field_of(value, "content"), (list, tuple)):
        text, calls = _of_blocks(content)
    elif isinstance(content, str):
        text, calls = content, _calls(field_of(value, "tool_calls"))
    elif isinstance(said := field_of(value, "text"), str):
        text, calls = said, _calls(field_of(value, "tool_calls"))
    else:
        raise NoReply(f"the model's function answered {type(value).__name__}, which is no reply")
    if not text.strip() and not calls:
        raise NoReply("the model answered nothing")
    if isinstance(value, str) and text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise NoReply("the model answered a web page")
    cached = usage.get(GenAI.CACHE_READ_TOKENS, 0)
    reply = Reply(text=text, tool_calls=_apart(calls), response=value)
    return reply, usage.get(GenAI.INPUT_TOKENS), usage.get(GenAI.OUTPUT_TOKENS), cached


def _of_chat(choices: Any) -> tuple[str, tuple[ToolCall, ...]]:
    if not choices:
        raise NoReply("the model answered without a choice")
    message = field_of(choices[0], "message")
    content = field_of(message, "content")
    if isinstance(content, (list, tuple)):
        content = "".join(str(field_of(part, "text") or "") for part in content)
    refusal = field_of(message, "refusal")
    text = content if isinstance(content, str) else refusal if isinstance(refusal, str) else ""
    return text, _calls(field_of(message, "tool_calls"))


def _of_responses(output: Any) -> tuple[str, tuple[ToolCall, ...]]:
    texts, calls = [], []
    for item in output:
        kind = field_of(item, "type")
        if kind == "message":
            texts += [str(field_of(part, "text") or "") for part in field_of(item, "content") or ()]
        elif kind == "function_call":
            calls.append(
                _call(field_of(item, "name"), field_of(item, "arguments"), field_of(item, "call_id"))
            )
    return "".join(texts), tuple(calls)


def _of_blocks(content: Any) -> tuple[str, tuple[ToolCall, ...]]:
    texts, calls = [], []
    for block in content:
        kind = field_of(block, "type")
        if kind == "text":
            texts.append(str(field_of(block, "text") or ""))
        elif kind == "tool_use":
            calls.append(_call(field_of(block, "name"), field_of(block, "input"), field_of(block, "id")))
    return "".join(texts), tuple(calls)


def _calls(given: Any) -> tuple[ToolCall, ...]:
    if not isinstance(given, (list, tuple)):
        return ()
    found = []
    for each in given:
        function = field_of(each, "function") or each
        arguments = field_of(function, "arguments")
        if arguments is None:
            arguments = field_of(function, "args")
        found.append(_call(field_of(function, "name"), arguments, field_of(each, "id")))
    return tuple(found)


def _call(name: Any, arguments: Any, call_id: Any) -> ToolCall:
    return ToolCall(
        name=name if isinstance(name, str) else "",
        arguments=arguments,
        id=call_id if isinstance(call_id, str) else "",
    )


def _apart(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """The same calls, no two of one id: an answer that goes back by its id must belong to one of them."""
    seen, found = set[str](), []
    for each in calls:
        own = each if each.id and each.id not in seen else replace(each, id=f"call_{uuid.uuid4().hex[:16]}")
        seen.add(own.id)
        found.append(own)
    return tuple(found)


def _as_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    given = dict(arguments) if isinstance(arguments, Mapping) else arguments
    return json.dumps(given, ensure_ascii=False, default=str)
