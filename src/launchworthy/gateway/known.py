"""What of a document goes on where every word is to be checked: keys by name, values by type.

May import nothing. What is not listed here no guard has looked at, so that it is left out: of answers where a
guard of the output is live, of requests where the key is not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "CHAT_DOCUMENT",
    "FINISHED",
    "HEAD",
    "MESSAGE",
    "RESPONSE",
    "SENT_ITEMS",
    "SENT_MESSAGE",
    "SENT_PARTS",
    "Shape",
    "is_name",
    "is_plain",
    "keep",
    "keep_item",
    "kind_of",
    "only",
    "part_of",
    "strange_field",
]

Shape = Mapping[str, Callable[[Any], bool]]

_NAME = re.compile(r"[A-Za-z0-9_.:/@+=-]{1,200}")
_SEALED = re.compile(r"[A-Za-z0-9_.:/+=-]*")
# Values of settings, which say nothing that another word of the list would not.
_SETTINGS = frozenset(
    "none minimal low medium high xhigh auto default flex scale priority disabled required json_object text "
    "in_memory 24h in-memory detailed concise".split()
)


def keep(document: dict[str, Any], shape: Shape) -> bool:
    """Leave of a document what is known; always true, so that a shape can stand in a shape."""
    for key, value in list(document.items()):
        if key not in shape or not (value is None or shape[key](value)):
            del document[key]
    return True


def only(document: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The same of a document that stays as it is."""
    copied = dict(document)
    keep(copied, shape)
    return copied


def is_name(value: Any) -> bool:
    """Whether a value is an identifier, which servers make and no model writes."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_plain(value: Any) -> bool:
    """Whether a setting is a number, a switch, nothing, or one of few words: none that a model could obey."""
    if isinstance(value, str):
        return value in _SETTINGS
    if isinstance(value, dict):  # biases of tokens by their number
        return all(key.isdecimal() and is_plain(each) for key, each in value.items())
    return value is None or isinstance(value, (bool, int, float))


def kind_of(document: Mapping[str, Any], default: str = "") -> str:
    """Its ``type``; the empty text where that is none."""
    kind = document.get("type", default)
    return kind if isinstance(kind, str) else ""


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))  # switches too


def _sealed(value: Any) -> bool:
    return isinstance(value, str) and _SEALED.fullmatch(value) is not None


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _empty(value: Any) -> bool:
    if isinstance(value, list):
        value.clear()
    return isinstance(value, list)


def _shaped(shape: Shape) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and keep(value, shape)


def _rows(kept: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def rows(value: Any) -> bool:
        if not isinstance(value, list):
            return False
        value[:] = [each for each in value if isinstance(each, dict) and kept(each)]
        return True

    return rows


def part_of(part: Any) -> dict[str, Any] | None:
    """A part of an answer's content made anew, in the words of its dialect; None where it is no text."""
    kind = kind_of(part) if isinstance(part, dict) else ""
    if kind == "output_text" and is_text(part.get("text")):
        return {"type": kind, "text": part["text"], "annotations": [], "logprobs": []}
    key = "text" if kind == "text" else "refusal"
    if kind in ("text", "refusal") and is_text(part.get(key)):
        return {"type": kind, key: part[key]}
    return None


def _parts(value: Any) -> bool:
    if isinstance(value, list):
        value[:] = [made for each in value if (made := part_of(each)) is not None]
    return isinstance(value, (list, str))


_COUNTS: Shape = dict.fromkeys(
    (
        "cached_tokens",
        "cache_write_tokens",
        "audio_tokens",
        "text_tokens",
        "image_tokens",
        "reasoning_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
    _number,
)
_USAGE: Shape = {
    **dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"), _number
    ),
    **dict.fromkeys(
        (
            "prompt_tokens_details",
            "completion_tokens_details",
            "input_tokens_details",
            "output_tokens_details",
        ),
        _shaped(_COUNTS),
    ),
}
_TIER = _one_of("auto", "default", "flex", "scale", "priority")

FINISHED = ("stop", "length", "tool_calls", "content_filter", "function_call")
HEAD: Shape = {
    "id": is_name,
    "object": _one_of("chat.completion", "chat.completion.chunk"),
    "created": _number,
    "model": is_name,
    "system_fingerprint": is_name,
    "service_tier": _TIER,
    "usage": _shaped(_USAGE),
}
_CALL: Shape = {
    "id": is_name,
    "type": _one_of("function", "custom"),
    "function": _shaped({"name": is_name, "arguments": is_text}),
    "custom": _shaped({"name": is_name, "input": is_text}),
}
MESSAGE: Shape = {
    "role": _one_of("assistant"),
    "content": _parts,
    "refusal": is_text,
    "tool_calls": _rows(_shaped(_CALL)),
}
CHAT_DOCUMENT: Shape = {
    **HEAD,
    "choices": _rows(
        _shaped({"index": _number, "message": _shaped(MESSAGE), "finish_reason": _one_of(*FINISHED)})
    ),
}

_STATUS = _one_of("completed", "in_progress", "incomplete", "queued")
# Output items that clients know; of those that hold neither words nor calls only the shell goes on, since
# clients count items by their place.
_SHELL: Shape = {
    "id": is_name,
    "status": _STATUS,
    "type": _one_of(
        "message",
        "function_call",
        "custom_tool_call",
        "reasoning",
        "compaction",
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "computer_call",
        "image_generation_call",
        "local_shell_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
    ),
}
_ITEMS: Mapping[str, Shape] = {
    "message": {**_SHELL, "role": _one_of("assistant"), "content": _parts},
    "function_call": {**_SHELL, "call_id": is_name, "name": is_name, "arguments": is_text},
    "custom_tool_call": {**_SHELL, "call_id": is_name, "name": is_name, "input": is_text},
    "reasoning": {**_SHELL, "summary": _empty, "encrypted_content": _sealed},
}


def keep_item(item: dict[str, Any]) -> bool:
    """Leave of an output item what is known; always true."""
    keep(item, _ITEMS.get(kind_of(item), _SHELL))
    item.setdefault("type", "unknown")
    return True


RESPONSE: Shape = {
    **dict.fromkeys(
        (
            "created_at",
            "completed_at",
            "temperature",
            "top_p",
            "parallel_tool_calls",
            "max_output_tokens",
            "max_tool_calls",
            "top_logprobs",
            "store",
            "background",
        ),
        _number,
    ),
    "id": is_name,
    "object": _one_of("response"),
    "model": is_name,
    "status": _STATUS,
    "service_tier": _TIER,
    "truncation": _one_of("auto", "disabled"),
    "incomplete_details": _shaped({"reason": _one_of("max_output_tokens", "content_filter")}),
    "output": _rows(keep_item),
    "usage": _shaped(_USAGE),
}

# ── what a client sends whose key is not trusted ─────────────────────────────────────────────────

_FIELDS = frozenset(
    "audio background conversation function_call functions include input instructions launchworthy "
    "logit_bias logprobs max_completion_tokens max_output_tokens max_tokens messages metadata modalities "
    "model prediction previous_response_id prompt prompt_cache_key prompt_cache_retention reasoning "
    "reasoning_effort response_format safety_identifier service_tier stop store stream stream_options text "
    "tool_choice tools truncation user verbosity web_search_options".split()
)


def _in_parts(value: Any) -> bool:
    """Whether a content is read part by part, each by its own shape; what is neither is refused there."""
    return value is not None


_CALLED: Shape = {
    "id": is_text,
    "type": _one_of("function", "custom"),
    "function": _shaped({"name": is_name, "arguments": is_text}),
    "custom": _shaped({"name": is_name, "input": is_text}),
}
_KIND: Shape = {"type": is_text}
_FILE: Shape = dict.fromkeys(("file_id", "file_data", "file_url", "filename"), is_text)
_SAID: Shape = {**_KIND, "text": is_text}
_RESULT: Shape = {**_KIND, "call_id": is_text, "output": _in_parts}
SENT_MESSAGE: Shape = {
    "role": is_text,
    "content": _in_parts,
    "tool_calls": _rows(_shaped(_CALLED)),
    "tool_call_id": is_text,
}
SENT_PARTS: Mapping[str, Shape] = {
    "text": _SAID,
    "input_text": _SAID,
    "output_text": _SAID,
    "summary_text": _SAID,
    "reasoning_text": _SAID,
    "refusal": {**_KIND, "refusal": is_text},
    "image_url": {**_KIND, "image_url": _shaped({"url": is_text, "detail": is_name})},
    "input_audio": {**_KIND, "input_audio": _shaped({"data": is_text, "format": is_name})},
    "file": {**_KIND, "file": _shaped(_FILE)},
    "input_image": {**_KIND, "image_url": is_text, "file_id": is_text, "detail": is_name},
    "input_file": {**_KIND, **_FILE},
}
SENT_ITEMS: Mapping[str, Shape] = {
    "message": {**_KIND, "role": is_text, "content": _in_parts},
    "function_call": {**_KIND, "call_id": is_text, "name": is_name, "arguments": is_text},
    "custom_tool_call": {**_KIND, "call_id": is_text, "name": is_name, "input": is_text},
    "function_call_output": _RESULT,
    "custom_tool_call_output": _RESULT,
    "reasoning": _ITEMS["reasoning"],
}


def strange_field(body: Mapping[str, Any]) -> str | None:
    """A field that is not OpenAI's and holds more than a number: some servers run what stands in theirs."""
    return next(
        (key for key in body if key not in _FIELDS and not isinstance(body[key], (int, float, type(None)))),
        None,
    )
