"""Chat Completions: how a request is read and an answer offered.

May import ``runtime`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launchworthy.gateway.known import CHAT_DOCUMENT, SENT_MESSAGE, keep, kind_of
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.texts import Ask, Piece, Proposal, Slot, parts_of, refuse_strange, rest_of, said_in
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.guards import Stage
from launchworthy.runtime.permission import Origin

__all__ = ["ChatAnswer", "answers_of", "read_chat"]

_TEXT = frozenset({"text"})
_MOST_MESSAGES = 10_000
_READ = frozenset(
    {"messages", "model", "metadata", "launchworthy", "stream_options", "user", "safety_identifier"}
)


def read_chat(body: dict[str, Any], *, trusted: bool) -> Ask:
    """Read a request, and take out what does not go to the model.

    Args:
        body: The request.
        trusted: Whether its system messages are the product's own.

    Raises:
        Refused: It is no request.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or len(messages) > _MOST_MESSAGES:
        raise Refused(400, "invalid_messages", "messages is no list of messages", param="messages")
    for old in ("functions", "function_call"):
        if body.get(old) is not None:
            raise Refused(400, "unsupported", f"{old} was replaced by tools", param=old, hint="send tools")
    provider_tools = [] if body.get("web_search_options") is None else ["web_search"]
    ask = Ask(provider_tools=provider_tools + _provider_tools(body))
    last = _last_of_model(messages)
    tools: dict[str, str] = {}
    run, before = 0, ""
    if not trusted:
        refuse_strange(body)
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise Refused(400, "invalid_messages", f"{where} is no message", param=where)
        run, before = run + (message["role"] != before or before == "tool"), message["role"]
        _read_message(ask, message, where, new=index > last, trusted=trusted, tools=tools, run=run)
    if not trusted:
        _number_calls(messages)
    if not trusted and (rest := rest_of(body, without=_READ)) is not None:
        ask.pieces.append(rest)
    return ask


def _last_of_model(messages: list[Any]) -> int:
    """The model's last turn; calls of tools do not end a turn, for the same question is still open."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant" and not message.get("tool_calls"):
            return index
    return -1


def _provider_tools(body: Mapping[str, Any]) -> list[str]:
    tools = body.get("tools")
    if tools is None:
        return []
    if not isinstance(tools, list) or not all(isinstance(each, dict) for each in tools):
        raise Refused(400, "invalid_tools", "tools is no list of tools", param="tools")
    return [str(each.get("type"))[:80] for each in tools if each.get("type") not in ("function", "custom")]


def _read_message(
    ask: Ask,
    message: dict[str, Any],
    where: str,
    *,
    new: bool,
    trusted: bool,
    tools: dict[str, str],
    run: int,
) -> None:
    role = message["role"]
    if not trusted:
        calls = message.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            raise Refused(400, "invalid_messages", f"{where}.tool_calls is no list of calls", param=where)
        keep(message, SENT_MESSAGE)  # the rest some models may read, and no guard does
    origin, tool = Origin.USER, ""
    stage: Stage | None = Stage.INPUT
    if role == "tool":
        origin, stage = Origin.TOOL_RESULT, Stage.TOOL_RESULT
        tool = tools.get(str(message.get("tool_call_id")), "")
    elif role in ("system", "developer") and trusted:
        origin, stage = Origin.APPLICATION, None
    elif role == "assistant":
        origin, stage = Origin.MODEL, None if trusted else Stage.INPUT
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls:
            ask.steps += 1
            tools.update(_named(calls))
            if not trusted:
                ask.pieces += [
                    Piece(slot=slot, origin=Origin.USER, stage=Stage.INPUT, new=new) for slot in _inner(calls)
                ]
    elif role not in ("user", "system", "developer"):
        raise Refused(400, "invalid_messages", f"{where}.role is not known", param=where)
    if role == "user":
        ask.turns += 1
        ask.steps = 0
    for found in parts_of(message, "content", texts=_TEXT, where=where, trusted=trusted):
        if isinstance(found, str):
            ask.unread.append(found)
            continue
        slot, mark = found
        retrieved = "retrieved" in mark
        ask.pieces.append(
            Piece(
                slot=slot,
                origin=Origin.RETRIEVED if retrieved else origin,
                stage=Stage.RETRIEVED if retrieved else stage,
                new=new,
                tool=tool,
                source=mark.get("retrieved", ""),
                owner=mark.get("owner"),
                run=0 if retrieved else run,
            )
        )
        if not trusted and stage is not Stage.INPUT:  # whoever writes a tool's answer may have made it up
            ask.pieces.append(Piece(slot=slot, origin=origin, stage=Stage.INPUT, new=new, run=run))


def _inner(calls: list[Any]) -> list[Slot]:
    """Every text of calls that a client says were made."""
    return [
        Slot(inner, key)
        for call in calls
        for inner in (call.get("function"), call.get("custom"))
        if isinstance(inner, dict)
        for key in ("name", "arguments", "input")
        if isinstance(inner.get(key), str)
    ]


def _number_calls(messages: list[dict[str, Any]]) -> None:
    """Give calls and their answers names of ours: those of a client could say anything."""
    named: dict[str, str] = {}
    for message in messages:
        for holder, key in [(call, "id") for call in message.get("tool_calls") or ()] + [
            (message, "tool_call_id")
        ]:
            if isinstance(given := holder.get(key), str):
                holder[key] = named.setdefault(given, f"call_{len(named) + 1}")


def _named(calls: list[Any]) -> dict[str, str]:
    found = {}
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found[str(call.get("id"))] = function["name"]
    return found


def answers_of(document: dict[str, Any]) -> list[ChatAnswer]:
    """The choices of a completion.

    Raises:
        UpstreamError: It is none.
    """
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UpstreamError("garbage", "the answer holds no choices")
    found = []
    for choice in choices:
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise UpstreamError("garbage", "a choice holds no message")
        calls = message.get("tool_calls")
        if calls is not None and not (
            isinstance(calls, list) and all(isinstance(each, dict) for each in calls)
        ):
            raise UpstreamError("garbage", "a choice holds calls of tools that are none")
        said_in(message, "content", texts=_TEXT)
        found.append(ChatAnswer(choice, message, document))
    if not any(answer.says_anything for answer in found):
        raise UpstreamError("garbage", "the answer is empty")
    return found


class ChatAnswer:
    """One choice."""

    def __init__(
        self, choice: dict[str, Any], message: dict[str, Any], document: dict[str, Any] | None = None
    ) -> None:
        self._choice, self._message, self._document = choice, message, document

    @property
    def says_anything(self) -> bool:
        """Whether there is a text or a call, or a reason why not."""
        message = self._message
        return bool(
            message.get("content")
            or message.get("refusal")
            or message.get("tool_calls")
            or message.get("audio")
            or self._choice.get("finish_reason") in ("length", "content_filter")
        )

    def texts(self) -> list[Slot]:
        """Content and refusal."""
        slots = said_in(self._message, "content", texts=_TEXT)
        if isinstance(self._message.get("refusal"), str):
            slots.append(Slot(self._message, "refusal"))
        return slots

    def proposals(self) -> list[Proposal]:
        """Its tool calls; what is called the old way is no call any more."""
        self._message.pop("function_call", None)
        calls = self._message.get("tool_calls")
        return [self._proposal(call) for call in list(calls)] if isinstance(calls, list) else []

    def _proposal(self, call: Any) -> Proposal:
        kind = kind_of(call, "function") if isinstance(call, dict) else ""
        inner = call.get(kind) if isinstance(call, dict) else None
        inner = inner if isinstance(inner, dict) else {}
        key = "input" if kind == "custom" else "arguments"
        name, text = inner.get("name"), inner.get(key)

        def rewrite(arguments: str) -> None:
            inner[key] = arguments

        def rename(name: str) -> None:
            call["id"] = name

        return Proposal(
            id=str(call.get("id", "")) if isinstance(call, dict) else "",
            name=name if isinstance(name, str) else "",
            arguments=text if isinstance(text, str) else "",
            withhold=lambda: self._message["tool_calls"].remove(call),
            rewrite=rewrite,
            rename=rename,
        )

    def strip(self) -> None:
        """Take out all but role, texts and calls: vendors add reasoning, citations, audio and more."""
        if self._document is not None:
            keep(self._document, CHAT_DOCUMENT)
        self._message["role"] = "assistant"
        self._choice["logprobs"] = None
        self._choice.setdefault("finish_reason", "tool_calls" if self._message.get("tool_calls") else "stop")

    def silence(self, message: str, *, guarded: bool) -> None:
        """Only the message is left."""
        self._message.clear()
        self._message.update(role="assistant", content=message, refusal=None)
        self._choice["logprobs"] = None
        self._choice["finish_reason"] = "content_filter" if guarded else "stop"

    def settle(self, message: str) -> None:
        """A choice without calls ends like one; one without anything says what happened."""
        if self._message.get("tool_calls"):
            return
        self._message.pop("tool_calls", None)
        if self._choice.get("finish_reason") == "tool_calls":
            self._choice["finish_reason"] = "stop"
        if not self._message.get("content"):
            self._message["content"] = message
