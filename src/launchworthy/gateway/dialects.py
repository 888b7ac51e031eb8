"""The two ways in which clients ask for an answer, side by side: what differs between them and nothing else.

May import this room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from launchworthy.gateway.chat import answers_of, read_chat
from launchworthy.gateway.chat_stream import ChatStream, chat_events, own_completion
from launchworthy.gateway.checking import Check
from launchworthy.gateway.responses import read_responses, responses_answer
from launchworthy.gateway.responses_stream import ResponsesStream, own_response, response_events
from launchworthy.gateway.texts import Answer, Ask
from launchworthy.runtime.no_answer import NoAnswer
from launchworthy.runtime.pipeline import GuardPipeline
from launchworthy.runtime.telling import Telling

__all__ = ["CHAT", "RESPONSES", "Dialect", "Stream"]


class Stream(Protocol):
    """A streamed answer on its way."""

    usage: dict[str, Any] | None
    no_answer: NoAnswer | None
    released: bool
    ended: bool

    @property
    def text(self) -> str: ...
    def document(self) -> dict[str, Any]: ...
    async def feed(self, data: bytes) -> bytes: ...
    def last(self, notes: dict[str, Any]) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One of them.

    Attributes:
        path: At the gateway behind ``/v1``, and at the model.
        read: Reads a request.
        answers: Reads a whole answer.
        stream: Makes what turns a stream.
        say: A whole answer of our own.
        say_streamed: A streamed one.
        error_event: Name of the event that says that a stream broke.
    """

    path: str
    read: Callable[..., Ask]
    answers: Callable[[dict[str, Any]], list[Answer]]
    stream: Callable[[Check, GuardPipeline, Telling, bool], Stream]
    say: Callable[..., dict[str, Any]]
    say_streamed: Callable[..., AsyncIterator[bytes]]
    error_event: str = ""


CHAT = Dialect(
    path="/chat/completions",
    read=read_chat,
    answers=lambda document: list(answers_of(document)),
    stream=lambda check, guards, telling, usage: ChatStream(
        check, guards=guards, telling=telling, usage=usage
    ),
    say=own_completion,
    say_streamed=chat_events,
)
RESPONSES = Dialect(
    path="/responses",
    read=read_responses,
    answers=lambda document: [responses_answer(document)],
    stream=lambda check, guards, telling, _: ResponsesStream(check, guards=guards, telling=telling),
    say=own_response,
    say_streamed=response_events,
    error_event="error",
)
