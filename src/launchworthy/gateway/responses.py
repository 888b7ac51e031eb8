"""The Responses API: how a request is read and an answer offered.

May import ``runtime`` and this room. What the provider would keep for a later call is refused: it is kept
under the gateway's own key, where one client could name what another said.
"""

from __future__ import annotations

import uuid
from copy import copy
from typing import Any

from launchworthy.gateway.known import RESPONSE, SENT_ITEMS, keep, keep_item, kind_of
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.texts import Ask, Piece, Proposal, Slot, parts_of, refuse_strange, rest_of, said_in
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.guards import Stage
from launchworthy.runtime.permission import Origin

__all__ = ["ResponsesAnswer", "message_item", "read_responses", "responses_answer"]

_TEXT = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_RESULTS = ("function_call_output", "custom_tool_call_output")
_READ = frozenset(
    {"input", "model", "metadata", "launchworthy", "stream_options", "user", "safety_identifier"}
)
_MOST_ITEMS = 10_000
# What a provider repeats of the request, as clients expect it, without its words.
_ECHOED: dict[str, Any] = {
    "error": None,
    "instructions": None,
    "metadata": {},
    "tool_choice": "auto",
    "tools": [],
}


def read_responses(body: dict[str, Any], *, trusted: bool) -> Ask:
    """Read a request, and take out what does not go to the model.

    Raises:
        Refused: It is no request, or needs what the provider keeps.
    """
    for name in _KEPT_ELSEWHERE:
        if body.get(name) is not None:
            raise Refused(
                400,
                "unsupported",
                f"{name} names what is kept at the provider, where its texts cannot be checked",
                param=name,
                hint="send the whole conversation as input",
            )
    if body.get("background"):
        raise Refused(400, "unsupported", "an answer in the background cannot be checked", param="background")
    body["store"] = False
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(each, dict) for each in tools):
        raise Refused(400, "invalid_tools", "tools is no list of tools", param="tools")
    ask = Ask(
        provider_tools=[
            str(each.get("type"))[:80] for each in tools if each.get("type") not in ("function", "custom")
        ]
    )
    if isinstance(body.get("instructions"), str):
        slot = Slot(body, "instructions")
        ask.pieces.append(_own(slot) if trusted else Piece(slot=slot, origin=Origin.USER, stage=Stage.INPUT))
    _of_client(ask, body, trusted=trusted)
    given = body.get("input")
    if isinstance(given, str):
        ask.turns = 1
        ask.pieces.append(Piece(slot=Slot(body, "input"), origin=Origin.USER, stage=Stage.INPUT))
        return ask
    if not isinstance(given, list) or not given or len(given) > _MOST_ITEMS:
        raise Refused(400, "invalid_input", "input is neither text nor a list of items", param="input")
    last = _last_of_model(given)
    names: dict[str, str] = {}
    run, before = 0, ""
    for index, item in enumerate(given):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            raise Refused(400, "invalid_input", f"{where} is no item", param=where)
        role = str(item.get("role", ""))
        run, before = run + (role != before or not role), role
        _read_item(ask, item, where, new=index > last, trusted=trusted, names=names, run=run)
    if not trusted:
        _number_calls(given)
    return ask


def _of_client(ask: Ask, body: dict[str, Any], *, trusted: bool) -> None:
    if trusted:
        return
    refuse_strange(body)
    read = _READ | {"instructions"} if isinstance(body.get("instructions"), str) else _READ
    if (rest := rest_of(body, without=read)) is not None:
        ask.pieces.append(rest)


def _own(slot: Slot) -> Piece:
    return Piece(slot=slot, origin=Origin.APPLICATION, stage=None)


def _last_of_model(items: list[Any]) -> int:
    return max(
        (
            index
            for index, item in enumerate(items)
            if isinstance(item, dict) and item.get("role") == "assistant"
        ),
        default=-1,
    )


def _read_item(
    ask: Ask, item: dict[str, Any], where: str, *, new: bool, trusted: bool, names: dict[str, str], run: int
) -> None:
    kind = kind_of(item, "message")
    if not kind:
        raise Refused(400, "invalid_input", f"{where}.type is no text", param=where)
    if not trusted:
        if kind in SENT_ITEMS:
            keep(item, SENT_ITEMS[kind])
        else:
            keep_item(item)
    if kind in _CALLS:
        ask.steps += 1
        names[str(item.get("call_id"))] = str(item.get("name", ""))
        for key in () if trusted else ("name", _CALLS[kind]):
            if isinstance(item.get(key), str):
                slot = Slot(item, key)
                ask.pieces.append(Piece(slot=slot, origin=Origin.USER, stage=Stage.INPUT, new=new))
        return
    if kind in _RESULTS:
        _add(ask, item, "output", where, origin=Origin.TOOL_RESULT, stage=Stage.TOOL_RESULT, new=new,
             tool=names.get(str(item.get("call_id")), ""), trusted=trusted, run=run)  # fmt: skip
        return
    if kind == "reasoning":
        return  # what the model thought, sealed by its provider
    if kind != "message":
        ask.unread.append(str(kind)[:40])
        return
    role = item.get("role")
    origin: Origin
    stage: Stage | None
    if role in ("system", "developer") and trusted:
        origin, stage = Origin.APPLICATION, None
    elif role == "assistant":
        origin, stage = Origin.MODEL, None if trusted else Stage.INPUT
    elif role in ("user", "system", "developer"):
        origin, stage = Origin.USER, Stage.INPUT
    else:
        raise Refused(400, "invalid_input", f"{where}.role is not known", param=where)
    if role == "user":
        ask.turns += 1
        ask.steps = 0
    _add(ask, item, "content", where, origin=origin, stage=stage, new=new, trusted=trusted, run=run)


def _number_calls(items: list[dict[str, Any]]) -> None:
    """Give calls and their answers names of ours: those of a client could say anything."""
    named: dict[str, str] = {}
    for item in items:
        if isinstance(given := item.get("call_id"), str):
            item["call_id"] = named.setdefault(given, f"call_{len(named) + 1}")


def _add(
    ask: Ask,
    item: dict[str, Any],
    key: str,
    where: str,
    *,
    origin: Origin,
    stage: Stage | None,
    new: bool,
    trusted: bool,
    run: int,
    tool: str = "",
) -> None:
    for found in parts_of(item, key, texts=_TEXT, where=where, trusted=trusted):
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


def responses_answer(document: dict[str, Any]) -> ResponsesAnswer:
    """The answer in a response.

    Raises:
        UpstreamError: It is none, or one that failed.
    """
    output = document.get("output")
    if document.get("status") in ("failed", "cancelled"):
        raise UpstreamError("failed", "the model says that its answer failed")
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        raise UpstreamError("garbage", "the response holds no output")
    for item in output:
        if kind_of(item) == "message":
            said_in(item, "content", texts=_TEXT)
    if not output and document.get("status") != "incomplete":
        raise UpstreamError("garbage", "the response is empty")
    return ResponsesAnswer(document, output)


def message_item(text: str, *, item_id: str | None = None) -> dict[str, Any]:
    """An output item that says a text."""
    return {
        "type": "message",
        "id": item_id or f"msg_{uuid.uuid4().hex}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


class ResponsesAnswer:
    """One response."""

    def __init__(self, document: dict[str, Any], output: list[dict[str, Any]]) -> None:
        self._document, self._output = document, output

    def texts(self) -> list[Slot]:
        """Every part of every message."""
        return [
            slot
            for item in self._output
            if kind_of(item) == "message"
            for slot in said_in(item, "content", texts=_TEXT)
        ]

    def proposals(self) -> list[Proposal]:
        """Function calls, and calls of tools with free text."""
        return [self._proposal(item) for item in list(self._output) if kind_of(item) in _CALLS]

    def _proposal(self, item: dict[str, Any]) -> Proposal:
        key = _CALLS[item["type"]]

        def rewrite(arguments: str) -> None:
            item[key] = arguments

        def rename(name: str) -> None:
            item["call_id"] = name

        name, text = item.get("name"), item.get(key)
        return Proposal(
            id=str(item.get("call_id", "")),
            name=name if isinstance(name, str) else "",
            arguments=text if isinstance(text, str) else "",
            withhold=lambda: self._output.remove(item),
            rewrite=rewrite,
            rename=rename,
        )

    def strip(self) -> None:
        """Texts and calls stay; reasoning loses its words and keeps its seal; of the rest the shell stays."""
        keep(self._document, RESPONSE)
        for name, value in _ECHOED.items():
            self._document.setdefault(name, copy(value))

    def silence(self, message: str, *, guarded: bool) -> None:
        """Only the message is left."""
        self._output[:] = [message_item(message)]
        if guarded:
            self._document.update(status="incomplete", incomplete_details={"reason": "content_filter"})
        self._document.pop("output_text", None)

    def settle(self, message: str) -> None:
        """A response that is left with nothing says what happened."""
        if not any(kind_of(item) in ("message", *_CALLS) for item in self._output):
            self._output.append(message_item(message))
