"""A streamed message as the events of a streamed completion. Pure.

May import this room. What a tool is called with arrives in pieces and goes on in pieces; the gateway holds it
until it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from launchworthy.gateway.sse import DONE, event
from launchworthy.gateway.upstreams.messages import FINISHED, usage_of
from launchworthy.gateway.upstreams.reply import UpstreamError

__all__ = ["Turning"]


class Turning:
    """Turns one stream."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._calls: dict[Any, int] = {}  # place of a block → number of the call
        self._silent: set[Any] = set()  # blocks of calls whose arguments have not begun
        self._reason = "stop"

    def turn(self, given: Mapping[str, Any]) -> bytes:
        """What goes on for one event, often nothing.

        Raises:
            UpstreamError: It comes before the message that it belongs to, or says nothing that can be read.
        """
        kind = given.get("type")
        if kind == "message_start":
            return self._begin(given.get("message"))
        if not self._head:
            raise UpstreamError("garbage", "the stream begins without its message")
        if kind == "content_block_start":
            return self._block(given)
        if kind == "content_block_delta":
            return self._delta(given)
        if kind == "content_block_stop" and given.get("index") in self._silent:
            return self._arguments(given.get("index"), "{}")
        if kind == "message_delta":
            delta = given.get("delta")
            if isinstance(delta, Mapping) and delta.get("stop_reason"):
                self._reason = FINISHED.get(str(delta["stop_reason"]), "stop")
            self._count(given.get("usage"))
        if kind == "message_stop":
            usage = event(orjson.dumps({**self._head, "choices": [], "usage": usage_of(self._usage)}))
            return self._chunk({}, self._reason) + usage + DONE
        return b""

    def _begin(self, message: Any) -> bytes:
        if not isinstance(message, Mapping):
            raise UpstreamError("garbage", "the stream begins without its message")
        self._head = {
            "id": str(message.get("id", "")),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": str(message.get("model", "")),
        }
        self._count(message.get("usage"))
        return self._chunk({"role": "assistant", "content": ""})

    def _count(self, usage: Any) -> None:
        if isinstance(usage, Mapping):  # counts are of the whole message so far
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _block(self, given: Mapping[str, Any]) -> bytes:
        block, place = given.get("content_block"), given.get("index")
        if not isinstance(block, Mapping):
            raise UpstreamError("garbage", "a block of the stream is none")
        if block.get("type") == "text" and block.get("text"):
            return self._chunk({"content": str(block["text"])})
        if block.get("type") != "tool_use":
            return b""
        number = self._calls[place] = len(self._calls)
        begun = orjson.dumps(block["input"]).decode() if block.get("input") else ""
        if not begun:
            self._silent.add(place)
        function = {"name": str(block.get("name", "")), "arguments": begun}
        call = {"index": number, "id": str(block.get("id", "")), "type": "function", "function": function}
        return self._chunk({"tool_calls": [call]})

    def _delta(self, given: Mapping[str, Any]) -> bytes:
        delta = given.get("delta")
        if not isinstance(delta, Mapping):
            raise UpstreamError("garbage", "a piece of the stream is none")
        if delta.get("type") == "text_delta" and isinstance(delta.get("text"), str):
            return self._chunk({"content": delta["text"]})
        if delta.get("type") == "input_json_delta" and delta.get("partial_json"):
            return self._arguments(given.get("index"), str(delta["partial_json"]))
        return b""

    def _arguments(self, place: Any, text: str) -> bytes:
        if place not in self._calls:
            return b""  # of a tool that runs at the provider, which is none of the application's calls
        self._silent.discard(place)
        return self._chunk({"tool_calls": [{"index": self._calls[place], "function": {"arguments": text}}]})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return event(orjson.dumps({**self._head, "choices": choices}))
