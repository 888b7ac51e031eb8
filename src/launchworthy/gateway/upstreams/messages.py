"""A request for Chat Completions as one for Anthropic's Messages, and a message as a completion. Pure.

May import this room. What would change the meaning of the answer and has no counterpart is refused; what only
tunes it (seed, penalties, logit bias) is left out. System texts are put together at the top, where all models
take them. Thinking is not passed on: a client of Chat Completions has no place for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from launchworthy.gateway.upstreams.reply import UpstreamError

__all__ = ["FINISHED", "completion_of", "request_of", "usage_of"]

_MOST_TOKENS = 4_096  # of an answer, where the client names no limit: Messages asks for one
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}
FINISHED = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def request_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request for a message, without the name of the model.

    Raises:
        UpstreamError: It asks for what Messages cannot do; the client is told which field.
    """
    _refuse_what_has_no_counterpart(body)
    system, messages = _conversation(body["messages"])
    if not messages:
        raise _refused("messages holds nothing but system texts")
    asked: dict[str, Any] = {
        "max_tokens": body.get("max_completion_tokens") or body.get("max_tokens") or _MOST_TOKENS,
        "messages": messages,
    }
    if system:
        asked["system"] = "\n\n".join(system)
    for name in ("temperature", "top_p"):
        if body.get(name) is not None:
            asked[name] = body[name]
    if (stop := body.get("stop")) is not None:
        asked["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    asked |= _tools(body)
    asked |= _output(body)
    return asked


def _refuse_what_has_no_counterpart(body: Mapping[str, Any]) -> None:
    if body.get("n") not in (None, 1):
        raise _refused("n: this model gives one answer at a time")
    if body.get("logprobs"):
        raise _refused("logprobs: this model tells no probabilities of tokens")
    if body.get("modalities") not in (None, ["text"]) or body.get("audio") is not None:
        raise _refused("modalities: this model answers with text only")


def _conversation(given: list[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    system: list[str] = []
    messages: list[dict[str, Any]] = []
    for place, message in enumerate(given):
        where, role = f"messages[{place}]", message.get("role")
        if role in ("system", "developer"):
            system += [block["text"] for block in _blocks(message.get("content"), where) if "text" in block]
            continue
        if role == "tool":
            block: dict[str, Any] = {
                "type": "tool_result",
                "tool_use_id": str(message.get("tool_call_id", "")),
                "content": _blocks(message.get("content"), where),
            }
            blocks, role = [block], "user"
        else:
            blocks = _blocks(message.get("content"), where)
            if isinstance(message.get("refusal"), str):
                blocks += _text(message["refusal"])
            blocks += [_call(call, where) for call in message.get("tool_calls") or ()]
        if not blocks:
            continue
        if messages and messages[-1]["role"] == role:  # results of one turn's tools belong together
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})
    return system, messages


def _blocks(content: Any, where: str) -> list[dict[str, Any]]:
    if content is None:
        return []
    if isinstance(content, str):
        return _text(content)
    if not isinstance(content, list):
        raise _refused(f"{where}.content is neither text nor a list of parts")
    found: list[dict[str, Any]] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "refusal") and isinstance(part.get(kind), str):
            found += _text(part[kind])
        elif kind == "image_url" and isinstance(part.get("image_url"), dict):
            found.append({"type": "image", "source": _picture(str(part["image_url"].get("url", "")), where)})
        else:
            raise _refused(f"{where}: this model reads texts and pictures, and no {str(kind)!r:.40}")
    return found


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []  # blank texts are refused there


def _picture(url: str, where: str) -> dict[str, Any]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, mark, data = url[5:].partition(";base64,")
    if not mark:
        raise _refused(f"{where}: a picture in a data address is in base64")
    return {"type": "base64", "media_type": kind, "data": data}


def _call(call: Any, where: str) -> dict[str, Any]:
    inner = call.get("function") if isinstance(call, dict) else None
    if not isinstance(inner, dict):
        raise _refused(f"{where}: this model knows calls of functions only")
    try:
        arguments = orjson.loads(inner.get("arguments") or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise _refused(f"{where}: the arguments of a call are no JSON object")
    return {
        "type": "tool_use",
        "id": str(call.get("id", "")),
        "name": str(inner.get("name", "")),
        "input": arguments,
    }


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    if not body.get("tools"):
        return {}
    tools = []
    for tool in body["tools"]:
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, dict):
            raise _refused(f"tools: this model knows functions, and no {str(tool.get('type'))!r:.40}")
        made = {
            "name": function.get("name"),
            "description": function.get("description"),
            "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
            "strict": function.get("strict"),
        }
        tools.append({name: value for name, value in made.items() if value is not None})
    choice = _choice(body.get("tool_choice"))
    if body.get("parallel_tool_calls") is False:
        choice = choice or {"type": "auto"}
        if choice["type"] != "none":
            choice["disable_parallel_tool_use"] = True
    return {"tools": tools, **({"tool_choice": choice} if choice else {})}


def _choice(given: Any) -> dict[str, Any]:
    words = {"auto": "auto", "none": "none", "required": "any"}
    if given is None:
        return {}
    if isinstance(given, str) and given in words:
        return {"type": words[given]}
    function = given.get("function") if isinstance(given, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _refused("tool_choice: this model takes auto, none, required or one function")
    return {"type": "tool", "name": function["name"]}


def _output(body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    form = body.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if isinstance(form, dict) and kind == "json_schema":
        schema = form.get("json_schema")
        if not isinstance(schema, dict) or not isinstance(schema.get("schema"), dict):
            raise _refused("response_format: json_schema holds no schema")
        found["format"] = {"type": "json_schema", "schema": schema["schema"]}
    elif form is not None and kind != "text":
        raise _refused("response_format: this model takes json_schema, with a schema, or text")
    effort = body.get("reasoning_effort")
    if effort in _EFFORTS:
        found["effort"] = _EFFORTS[effort]
    made: dict[str, Any] = {"output_config": found} if found else {}
    if effort == "none":
        made["thinking"] = {"type": "disabled"}
    return made


def completion_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as a completion.

    Raises:
        UpstreamError: It is none.
    """
    blocks = message.get("content")
    if not isinstance(blocks, list) or not all(isinstance(each, dict) for each in blocks):
        raise UpstreamError("garbage", "the message holds no content")
    texts = [
        each["text"] for each in blocks if each.get("type") == "text" and isinstance(each.get("text"), str)
    ]
    calls = [
        {
            "id": str(each.get("id", "")),
            "type": "function",
            "function": {
                "name": str(each.get("name", "")),
                "arguments": orjson.dumps(each.get("input") or {}).decode(),
            },
        }
        for each in blocks
        if each.get("type") == "tool_use"
    ]
    said: dict[str, Any] = {"role": "assistant", "content": "".join(texts) or None, "refusal": None}
    if calls:
        said["tool_calls"] = calls
    return {
        "id": str(message.get("id", "")),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": str(message.get("model", "")),
        "choices": [
            {
                "index": 0,
                "message": said,
                "logprobs": None,
                "finish_reason": FINISHED.get(str(message.get("stop_reason")), "stop"),
            }
        ],
        "usage": usage_of(message.get("usage")),
    }


def usage_of(told: Any) -> dict[str, Any]:
    """Tokens as Chat Completions counts them: what was read includes what came from a cache or went there."""
    counts = dict(_counts(told)) if isinstance(told, Mapping) else {}
    cached = counts.get("cache_read_input_tokens", 0)
    made = counts.get("cache_creation_input_tokens", 0)
    read, written = counts.get("input_tokens", 0) + cached + made, counts.get("output_tokens", 0)
    thought = told.get("output_tokens_details") if isinstance(told, Mapping) else None
    thinking = dict(_counts(thought)).get("thinking_tokens", 0) if isinstance(thought, Mapping) else 0
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": made},
        "completion_tokens_details": {"reasoning_tokens": thinking},
    }


def _counts(told: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in told.items():
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            yield name, value


def _refused(why: str) -> UpstreamError:
    return UpstreamError("refused", "the request has no counterpart in Messages", status=400, body=why)
