"""A streamed chat: texts held back until their guards have seen them, calls of tools until they are decided.

May import ``runtime`` and this room. Where no guard looks at answers and no tool is called, each chunk goes
on as it came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from launchworthy.gateway.chat import ChatAnswer
from launchworthy.gateway.checking import Check
from launchworthy.gateway.known import FINISHED, HEAD, MESSAGE, keep, only
from launchworthy.gateway.sse import DONE, event
from launchworthy.gateway.texts import said_in
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.no_answer import NoAnswer
from launchworthy.runtime.pipeline import Checked, GuardPipeline
from launchworthy.runtime.streaming import HeldStream
from launchworthy.runtime.telling import Telling

__all__ = ["ChatStream", "chat_events", "own_completion"]

_TEXT = frozenset({"text"})


class _Choice:
    """One choice as it grows."""

    def __init__(self, held: HeldStream) -> None:
        self.held = held
        self.calls: dict[int, dict[str, Any]] = {}
        self.text: list[str] = []
        self.reason: str | None = None
        self.ended = False


class ChatStream:
    """Turns what the model sends into what the client gets.

    Args:
        check: Of the call.
        guards: Of the contract.
        telling: Records what guards said.
        usage: Whether the client asked for the tokens of its stream.
    """

    def __init__(self, check: Check, *, guards: GuardPipeline, telling: Telling, usage: bool) -> None:
        self._check, self._guards, self._telling, self._wants_usage = check, guards, telling, usage
        self._guarded = check.guards_output
        self._choices: dict[int, _Choice] = {}
        self._head: dict[str, Any] = {}
        self.usage: dict[str, Any] | None = None
        self.no_answer: NoAnswer | None = None
        self.released = False
        self.ended = False  # the model has said its last word, or a guard has

    @property
    def text(self) -> str:
        """What the first choice says, as it went out."""
        first = self._choices.get(0)
        return "" if first is None else "".join(first.text)

    def document(self) -> dict[str, Any]:
        """The completion as it went out, for records."""
        choices = [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": "".join(choice.text) or None,
                    **({"tool_calls": list(choice.calls.values())} if choice.calls else {}),
                },
                "finish_reason": choice.reason,
            }
            for index, choice in sorted(self._choices.items())
        ]
        return {**self._head, "object": "chat.completion", "choices": choices, "usage": self.usage}

    async def feed(self, data: bytes) -> bytes:
        """Take one event of the model; give what goes to the client now.

        Raises:
            UpstreamError: It is none, or says that the model failed.
        """
        if self.no_answer is not None:
            return b""  # a guard has ended it
        if data == b"[DONE]":
            if not self.ended:
                raise UpstreamError("half", "the stream ended before the answer did")
            return b""
        try:
            chunk = orjson.loads(data)
        except ValueError:
            raise UpstreamError("garbage", "an event of the stream is not JSON") from None
        if not isinstance(chunk, dict) or chunk.get("error"):
            raise UpstreamError("half", "the model failed while it answered")
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        if not self._head:
            self._head = {key: chunk[key] for key in ("id", "created", "model") if key in chunk}
            if self._guarded:
                keep(self._head, HEAD)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            return self._told_usage(data) if self._wants_usage and self.released else b""
        out, same = [], True
        for choice in choices:
            if not isinstance(choice, dict):
                raise UpstreamError("garbage", "a choice of the stream is none")
            given = await self._one(choice)
            same = same and given is choice
            out += [] if given is None else [given]
        if not out:
            return b""
        self.released = True
        if same:
            return event(data)
        return event(orjson.dumps(self._chunk(out) if self._guarded else {**chunk, "choices": out}))

    def _told_usage(self, data: bytes) -> bytes:
        if self.usage is None:
            return b""
        return event(
            orjson.dumps(self._chunk([], **only({"usage": self.usage}, HEAD))) if self._guarded else data
        )

    async def _one(self, given: dict[str, Any]) -> dict[str, Any] | None:
        index = given.get("index", 0)
        if not isinstance(index, int):
            raise UpstreamError("garbage", "a choice of the stream has no number")
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(HeldStream(self._guards, self._check.context))
        if choice.ended:
            return None
        delta = given.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        content, calls, reason = delta.get("content"), delta.get("tool_calls"), given.get("finish_reason")
        if self._guarded and reason and reason not in FINISHED:
            reason = "stop"
        if calls is not None or delta.get("function_call") is not None:
            self._gather(choice, calls)
        elif not self._guarded and not reason:
            if isinstance(content, str):
                choice.text.append(content)
            return given
        said = "".join(slot.text for slot in said_in(delta, "content", texts=_TEXT))
        if isinstance(delta.get("refusal"), str):
            said += delta["refusal"]
        if self._guarded:
            said = await self._held(choice.held.feed, said) if said else ""
        out: dict[str, Any] = {"role": "assistant"} if delta.get("role") else {}
        if reason or choice.held.stopped:
            return await self._end(given, choice, out, said, reason)
        if not said and not out:
            return None
        if said:
            choice.text.append(said)
            out["content"] = said
        return {"index": index, "delta": out, "finish_reason": None}

    async def _end(
        self, given: dict[str, Any], choice: _Choice, out: dict[str, Any], said: str, reason: str | None
    ) -> dict[str, Any]:
        choice.ended = True
        if self._guarded:
            said += await self._held(choice.held.end)
            if choice.held.checked is not None:
                self._telling.checked(choice.held.checked)
                if not choice.held.checked.goes_on:
                    return self._stop(choice.held.checked, given, choice, out, said)
                if choice.held.altered:
                    self._check.changed(choice.held.checked)
        message: dict[str, Any] = {**out, "content": said or None}
        if choice.calls:
            message["tool_calls"] = [choice.calls[key] for key in sorted(choice.calls)]
        if self._guarded:
            keep(message, MESSAGE)
        final = {"index": given.get("index", 0), "message": message, "finish_reason": reason}
        answer = ChatAnswer(final, message)
        had = "".join(choice.text)
        for proposal in answer.proposals():
            if (why := await self._check.withheld(proposal)) is not None:
                proposal.withhold()
                if not had:
                    answer.settle(why)
                elif not message.get("tool_calls"):
                    message.pop("tool_calls", None)
                    message["content"] = f"{said}\n\n{why}"
                    final["finish_reason"] = "stop"
        kept = message.get("tool_calls") or []
        choice.calls = dict(enumerate(kept))
        choice.text.append(message.get("content") or "")
        choice.reason = final["finish_reason"]
        delta = {key: value for key, value in message.items() if value is not None and key != "tool_calls"}
        if kept:
            delta["tool_calls"] = [{**call, "index": index} for index, call in enumerate(kept)]
        self.ended = all(each.ended for each in self._choices.values())
        return {"index": final["index"], "delta": delta, "finish_reason": choice.reason}

    def _stop(
        self, checked: Checked, given: dict[str, Any], choice: _Choice, out: dict[str, Any], said: str
    ) -> dict[str, Any]:
        """A guard ends the answer: what the user reads is what had gone out, and why no more comes."""
        had = "".join(choice.text) + said
        self.no_answer = self._check.stopped(checked, partial=had)
        choice.calls.clear()
        message = f"{said}\n\n{self.no_answer.message}" if had else self.no_answer.message
        choice.text.append(message)
        choice.reason = "content_filter"
        self.ended = True
        return {
            "index": given.get("index", 0),
            "delta": {**out, "content": message},
            "finish_reason": "content_filter",
        }

    def _gather(self, choice: _Choice, calls: Any) -> None:
        if calls is not None and not isinstance(calls, list):
            raise UpstreamError("garbage", "the calls of tools in the stream are none")
        for part in calls or ():
            if not isinstance(part, dict) or not isinstance(part.get("index", 0), int):
                raise UpstreamError("garbage", "a call of a tool in the stream is none")
            call = choice.calls.setdefault(
                part.get("index", 0),
                {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
            )
            if isinstance(part.get("id"), str) and part["id"]:
                call["id"] = part["id"]
            if isinstance(part.get("type"), str):
                call["type"] = part["type"]
            function = part.get("function")
            if isinstance(function, dict):
                inner = call["function"]
                for key in ("name", "arguments"):
                    if isinstance(function.get(key), str):
                        inner[key] += function[key]

    async def _held(self, work: Any, *args: str) -> str:
        """Guards that ask another process do so beside the loop."""
        found = await asyncio.to_thread(work, *args) if self._check.waits else work(*args)
        return str(found)

    def last(self, notes: dict[str, Any]) -> bytes:
        """The end of the stream: what the contract did to the answer, and the mark that it is over."""
        if not notes:
            return DONE
        return event(orjson.dumps(self._chunk([], launchworthy=notes))) + DONE

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        head = self._head or _head("")
        return {**head, "object": "chat.completion.chunk", "choices": choices, **more}


def _head(model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-lw{time.time_ns():x}", "created": int(time.time()), "model": model}


def own_completion(message: str, *, model: str, guarded: bool) -> dict[str, Any]:
    """A completion of our own that says one message."""
    return {
        **_head(model),
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": message, "refusal": None},
                "logprobs": None,
                "finish_reason": "content_filter" if guarded else "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


async def chat_events(
    message: str, *, model: str, notes: dict[str, Any], guarded: bool
) -> AsyncIterator[bytes]:
    """A stream of our own that says one message."""
    base = {**_head(model), "object": "chat.completion.chunk"}
    reason = "content_filter" if guarded else "stop"
    delta = {"role": "assistant", "content": message}
    yield event(orjson.dumps({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
    yield event(
        orjson.dumps(
            {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "launchworthy": notes}
        )
    )
    yield DONE
