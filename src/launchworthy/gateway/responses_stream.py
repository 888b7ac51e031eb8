"""A streamed response: texts are held back until guards have seen them, calls of tools until decided.

May import ``runtime`` and this room. Items keep their place in the output: a call that may not reach the
application becomes a message that says so, since clients count by place.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from launchworthy.gateway.checking import Check
from launchworthy.gateway.known import is_name, keep_item, kind_of, part_of
from launchworthy.gateway.responses import ResponsesAnswer, message_item
from launchworthy.gateway.sse import event
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.no_answer import NoAnswer
from launchworthy.runtime.pipeline import Checked, GuardPipeline
from launchworthy.runtime.streaming import HeldStream
from launchworthy.runtime.telling import Telling

__all__ = ["ResponsesStream", "own_response", "response_events"]

_CALLS = ("function_call", "custom_tool_call")
_ENDS = ("response.completed", "response.incomplete")
_FAILS = ("response.failed", "error")
_WHOLE = ("response.created", "response.in_progress", "response.queued")
_ITEM_EVENTS = ("response.output_item.added", "response.output_item.done")
_PART_EVENTS = ("response.content_part.added", "response.content_part.done")


class ResponsesStream:
    """Turns what the model sends into what the client gets.

    Args:
        check: Of the call.
        guards: Of the contract.
        telling: Records what guards said.
    """

    def __init__(self, check: Check, *, guards: GuardPipeline, telling: Telling) -> None:
        self._check, self._guards, self._telling = check, guards, telling
        self._guarded = check.guards_output
        self._texts: dict[tuple[int, int], HeldStream] = {}
        self._late = ""  # of a text that is not the first
        self._waiting: set[int] = set()  # places of calls that are not decided
        self._items: dict[int, dict[str, Any]] = {}  # as they went out
        self._number = 0
        self._document: dict[str, Any] = {}
        self.usage: dict[str, Any] | None = None
        self.no_answer: NoAnswer | None = None
        self.released = False
        self.ended = False

    @property
    def text(self) -> str:
        """What it says, as it went out."""
        return "".join(
            str(part.get("text", ""))
            for item in self._items.values()
            if item.get("type") == "message"
            for part in item.get("content") or ()
            if isinstance(part, dict)
        )

    def document(self) -> dict[str, Any]:
        """The response as it went out, for records."""
        return self._so_far()

    async def feed(self, data: bytes) -> bytes:
        """Take one event of the model; give what goes to the client now.

        Raises:
            UpstreamError: It is none, or says that the model failed.
        """
        if data == b"[DONE]" or self.no_answer is not None:
            return b""
        try:
            given = orjson.loads(data)
        except ValueError:
            raise UpstreamError("garbage", "an event of the stream is not JSON") from None
        kind = given.get("type") if isinstance(given, dict) else None
        if not isinstance(kind, str):
            raise UpstreamError("garbage", "an event of the stream has no type")
        if kind in _FAILS:
            raise UpstreamError("half", "the model failed while it answered")
        out = b"".join([self._write(each) for each in [each async for each in self._turn(kind, given)]])
        self.released = self.released or (bool(out) and kind not in _WHOLE)
        return out

    def _write(self, given: dict[str, Any]) -> bytes:
        given["sequence_number"] = self._number
        self._number += 1
        return event(orjson.dumps(given), name=given["type"])

    async def _turn(self, kind: str, given: dict[str, Any]) -> Any:
        place = given.get("output_index", -1)
        if not isinstance(place, int):
            raise UpstreamError("garbage", "an event of the stream has no place")
        item = given.get("item")
        if kind in _WHOLE:
            yield self._begun(kind, given)
        elif kind in _ENDS:
            self._end(given)
            yield {"type": kind, "response": given["response"]} if self._guarded else given
        elif kind in _ITEM_EVENTS and place not in self._waiting and _type_of(given) in _CALLS:
            self._waiting.add(place)
            async for each in self._call(kind, given, place):
                yield each
        elif place in self._waiting:
            async for each in self._call(kind, given, place):
                yield each
        elif not self._guarded:
            if kind == "response.output_item.done" and isinstance(item, dict):
                self._items[place] = item
            yield given
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            async for each in self._delta(kind, given, place):
                yield each
        elif kind in ("response.output_text.done", "response.refusal.done"):
            async for each in self._text_done(kind, given, place):
                yield each
        elif kind in _PART_EVENTS:
            part = self._part(given.get("part"), place, given.get("content_index"))
            if part is not None:
                yield {"type": kind, **_at(given, place), "part": part}
        elif kind in _ITEM_EVENTS and isinstance(item, dict):
            if isinstance(content := item.get("content"), list):
                made = [self._part(part, place, index) for index, part in enumerate(content)]
                item["content"] = [part for part in made if part is not None]
            keep_item(item)
            if kind == "response.output_item.done":
                self._items[place] = item
            yield {"type": kind, "output_index": place, "item": item}

    def _begun(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        """The response before it has said anything, whatever it says that it holds."""
        response = given.get("response")
        if not isinstance(response, dict):
            raise UpstreamError("garbage", "the stream begins without its response")
        response["output"] = []
        response.pop("output_text", None)
        if not self._guarded:
            return given
        ResponsesAnswer(response, []).strip()
        return {"type": kind, "response": response}

    def _held(self, place: int, index: Any) -> HeldStream:
        key = place, index if isinstance(index, int) else 0
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = HeldStream(self._guards, self._check.context)
        return found

    async def _run(self, work: Any, *args: str) -> str:
        found = await asyncio.to_thread(work, *args) if self._check.waits else work(*args)
        return str(found)

    async def _delta(self, kind: str, given: dict[str, Any], place: int) -> Any:
        held = self._held(place, given.get("content_index"))
        said = await self._run(held.feed, str(given.get("delta", "")))
        if len(self._texts) > 1:  # it is read together with those before it, so that it waits for its end
            self._late += said
            said = ""
        if said:
            yield _piece(kind, given, place, said)
        if held.stopped:
            async for each in self._stop(given, place, held):
                yield each

    async def _text_done(self, kind: str, given: dict[str, Any], place: int) -> Any:
        held = self._held(place, given.get("content_index"))
        rest = self._late + await self._run(held.end)
        self._late = ""
        if held.checked is not None:
            self._telling.checked(held.checked)
            if held.altered:
                self._check.changed(held.checked)
        if len(self._texts) > 1 and not held.stopped:
            across = await self._check.across([each.released for _, each in sorted(self._texts.items())])
            if across is not None:
                async for each in self._stop(given, place, held, across):
                    yield each
                return
        if rest:
            yield _piece(kind.replace(".done", ".delta"), given, place, rest)
        if held.stopped:
            async for each in self._stop(given, place, held):
                yield each
            return
        refusal = kind == "response.refusal.done"
        told = {"refusal": held.released} if refusal else {"text": held.released, "logprobs": []}
        yield {"type": kind, **_at(given, place), **told}

    def _part(self, part: Any, place: int, index: Any) -> dict[str, Any] | None:
        """A part that repeats a text: what went out, and not what the model said."""
        made = part_of(part)
        if made is not None:
            key = place, index if isinstance(index, int) else 0
            held = self._texts.get(key)
            made["refusal" if made["type"] == "refusal" else "text"] = "" if held is None else held.released
        return made

    async def _stop(
        self, given: dict[str, Any], place: int, held: HeldStream, across: Checked | None = None
    ) -> Any:
        """A guard ends the answer."""
        if held.checked is None:
            await self._run(held.end)
            if held.checked is not None:
                self._telling.checked(held.checked)
        checked = across or held.checked
        if checked is None:
            raise UpstreamError("garbage", "the answer could not be ended")
        had = held.released if len(self._texts) == 1 else ""  # of a later text nothing has gone out
        self.no_answer = self._check.stopped(checked, partial=had)
        said = f"\n\n{self.no_answer.message}" if had else self.no_answer.message
        name = given.get("item_id")
        item = message_item(had + said, item_id=name if is_name(name) else None)
        at = {**_at(given, place), "item_id": item["id"]}
        yield {"type": "response.output_text.delta", **at, "delta": said, "logprobs": []}
        yield {"type": "response.output_text.done", **at, "text": had + said, "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": item["content"][0]}
        yield {"type": "response.output_item.done", "output_index": place, "item": item}
        self._items[place] = item
        self.ended = True
        filtered = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
        yield {"type": "response.incomplete", "response": {**self._so_far(), **filtered}}

    def _so_far(self) -> dict[str, Any]:
        """The response so far, as one that has ended."""
        base = self._document or own_response("", model="")
        return {**base, "output": [item for _, item in sorted(self._items.items())]}

    async def _call(self, kind: str, given: dict[str, Any], place: int) -> Any:
        """Nothing of a call goes out until it is whole, and decided."""
        if kind != "response.output_item.done":
            return
        self._waiting.discard(place)
        item = given.get("item")
        if not isinstance(item, dict) or kind_of(item) not in _CALLS:
            raise UpstreamError("garbage", "a call of a tool in the stream is none")
        if self._guarded:
            keep_item(item)
        [proposal] = ResponsesAnswer({}, [item]).proposals()
        why = await self._check.withheld(proposal)
        if why is None:
            self._items[place] = item
            for each in _of_call(item, place):
                yield each
            return
        said = message_item(why)
        self._items[place] = said
        for each in _of_message(said, place):
            yield each

    def _end(self, given: dict[str, Any]) -> None:
        response = given.get("response")
        if not isinstance(response, dict):
            raise UpstreamError("garbage", "the stream ends without its response")
        if isinstance(response.get("usage"), dict):
            self.usage = response["usage"]
        self.ended = True
        self._document = response
        whole = response.get("output")
        if not self._items and not self._guarded and isinstance(whole, list):
            # A server that sends no items one by one: its texts need no check, its calls would.
            self._items = {
                place: item
                for place, item in enumerate(whole)
                if isinstance(item, dict) and kind_of(item) not in _CALLS
            }
        if self._guarded:
            ResponsesAnswer(response, []).strip()
        response["output"] = [item for _, item in sorted(self._items.items())]
        response.pop("output_text", None)
        if self._check.notes:
            response["launchworthy"] = self._check.notes

    def last(self, notes: dict[str, Any]) -> bytes:
        """Nothing comes after the response."""
        return b""


def _type_of(given: dict[str, Any]) -> Any:
    item = given.get("item")
    return kind_of(item) if isinstance(item, dict) else None


def _at(given: dict[str, Any], place: int) -> dict[str, Any]:
    """Where an event stands, as clients count."""
    name, index = given.get("item_id"), given.get("content_index")
    return {
        "item_id": name if is_name(name) else "",
        "output_index": place,
        "content_index": index if isinstance(index, int) else 0,
    }


def _piece(kind: str, given: dict[str, Any], place: int, said: str) -> dict[str, Any]:
    more: dict[str, Any] = {} if kind == "response.refusal.delta" else {"logprobs": []}
    return {"type": kind, **_at(given, place), "delta": said, **more}


def _of_call(item: dict[str, Any], place: int) -> Iterator[dict[str, Any]]:
    """The events of a call that was decided: with the arguments on which it was."""
    key = "arguments" if item["type"] == "function_call" else "input"
    at = {"item_id": item.get("id", ""), "output_index": place}
    name = f"response.{'function_call_arguments' if key == 'arguments' else 'custom_tool_call_input'}"
    begun = {**item, "status": "in_progress", key: ""}
    yield {"type": "response.output_item.added", "output_index": place, "item": begun}
    yield {"type": f"{name}.delta", **at, "delta": item[key]}
    done = {"type": f"{name}.done", **at, key: item[key]}
    if key == "arguments":
        done["name"] = item.get("name", "")
    yield done
    yield {"type": "response.output_item.done", "output_index": place, "item": item}


def _of_message(item: dict[str, Any], place: int) -> Iterator[dict[str, Any]]:
    part = item["content"][0]
    at = {"item_id": item["id"], "output_index": place, "content_index": 0}
    begun = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": place, "item": begun}
    yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    yield {"type": "response.output_text.delta", **at, "delta": part["text"], "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
    yield {"type": "response.output_item.done", "output_index": place, "item": item}


def own_response(message: str, *, model: str, guarded: bool = False) -> dict[str, Any]:
    """A response of our own that says one message."""
    return {
        "id": f"resp_lw{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "model": model,
        "status": "incomplete" if guarded else "completed",
        "error": None,
        "incomplete_details": {"reason": "content_filter"} if guarded else None,
        "instructions": None,
        "metadata": {},
        "output": [message_item(message)],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


async def response_events(
    message: str, *, model: str, notes: dict[str, Any], guarded: bool
) -> AsyncIterator[bytes]:
    """A stream of our own that says one message."""
    whole = {**own_response(message, model=model, guarded=guarded), "launchworthy": notes}
    begun = {**whole, "status": "in_progress", "incomplete_details": None, "output": []}
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *_of_message(whole["output"][0], 0),
        {"type": f"response.{whole['status']}", "response": whole},
    ]
    for number, each in enumerate(events):
        yield event(orjson.dumps({**each, "sequence_number": number}), name=str(each["type"]))
