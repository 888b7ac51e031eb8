"""Answers that come in parts: time to the first token, the text put together, tokens from the last part.

May import ``records`` and this folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Generic, Literal, Self, TypeVar

from launchworthy.capture.sdk.messages import field_of
from launchworthy.capture.sdk.payload import plain
from launchworthy.capture.sdk.problems import quiet
from launchworthy.capture.sdk.responses import read_response, read_usage
from launchworthy.capture.sdk.span import Span
from launchworthy.records.attributes import GenAI, Own

__all__ = ["Gathering", "Stream", "text_of"]

_T = TypeVar("_T")
_MOST_PARTS: Final = 1_000  # parts kept that are no text


class Gathering:
    """Puts the parts of one answer together on a span.

    Args:
        span: What they belong to.
        text: Takes the text out of a part; None knows text, and the chunks of OpenAI, Anthropic, LangChain.
    """

    def __init__(self, span: Span, text: Callable[[Any], str | None] | None = None) -> None:
        self._span, self._text = span, text or text_of
        self._texts: list[str] = []
        self._parts: list[Any] = []
        self._characters = 0
        self._read: dict[str, Any] = {}

    @quiet
    def add(self, part: Any) -> None:
        """One part, in order."""
        if not self._span.recording:
            return
        text = self._text(part)
        if text is None or text:
            self._span.first_token()
        if not isinstance(part, str):
            self._read.update(_facts(part))
        limit = self._span.payload_characters
        if text is not None:
            if self._characters <= limit:
                self._texts.append(text)
        elif len(self._parts) < _MOST_PARTS and self._characters <= limit:
            self._parts.append(plain(part, limit=limit // 10))
        self._characters += len(text or "")

    @quiet
    def finish(self, *, capture: bool = True, early: bool = False) -> None:
        """There are no more parts; ``early`` if its reader stopped before the end."""
        if capture and self._texts:
            self._span.set_output("".join(self._texts))
        elif capture and self._parts:
            self._span.set_output(self._parts)
        messages = self._read.pop(GenAI.OUTPUT_MESSAGES, None)
        if messages and capture and not self._texts:
            self._span.set_output(messages)
        self._span.set_attributes(self._read)
        if early:
            self._span.set_attributes({Own.CLOSED_EARLY: True})


class Stream(Generic[_T]):
    """An iterator or async iterator that passes each part on at once, and notes it."""

    def __init__(
        self, parts: Iterable[_T] | AsyncIterable[_T], span: Span, text: Callable[[Any], str | None] | None
    ) -> None:
        self._source = parts
        self._parts: Any = aiter(parts) if isinstance(parts, AsyncIterable) else iter(parts)
        self._gathering = Gathering(span, text)
        self._span = span
        self._owns = False  # whether the span ends with the stream
        self._capture = True
        self._over = False

    def hand_over(self, span: Span, *, capture: bool) -> bool:
        """Let the span end with this stream, where it is the stream's own span; answers whether it is."""
        if span is not self._span or self._over:
            return False
        self._owns, self._capture = True, capture
        return True

    def __iter__(self) -> Iterator[_T]:
        return self

    def __next__(self) -> _T:
        try:
            part: _T = next(self._parts)
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._end(error)
            raise
        self._gathering.add(part)
        return part

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        try:
            part: _T = await anext(self._parts)
        except StopAsyncIteration:
            self._end()
            raise
        except BaseException as error:
            self._end(error)
            raise
        self._gathering.add(part)
        return part

    def close(self) -> None:
        """Stop before the end, and close what is wrapped if it can be closed."""
        self._end(early=True)
        if (closing := getattr(self._source, "close", None)) is not None:
            closing()

    async def aclose(self) -> None:
        """Likewise, of an async iterator."""
        self._end(early=True)
        closing = getattr(self._source, "aclose", None) or getattr(self._source, "close", None)
        if closing is not None and hasattr(done := closing(), "__await__"):
            await done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self._end(error, early=True)
        self.close()
        return False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self._end(error, early=True)
        await self.aclose()
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __del__(self) -> None:
        if "_over" in self.__dict__:
            self._end(early=True)

    def _end(self, error: BaseException | None = None, *, early: bool = False) -> None:
        if self._over:
            return
        self._over = True
        if not self._span.recording:
            return
        self._gathering.finish(capture=self._capture, early=early and error is None)
        if error is not None and self._owns:
            self._span.fail(error)
        if self._owns:
            self._span.end()


def text_of(part: Any) -> str | None:
    """The text in a chunk of a known client, empty where it carries none; None if it is no such chunk."""
    if isinstance(part, str):
        return part
    choices = field_of(part, "choices")
    if isinstance(choices, list):  # OpenAI, chat completions
        pieces = [field_of(field_of(choice, "delta"), "content") for choice in choices[:1]]
        return "".join(piece for piece in pieces if isinstance(piece, str))
    kind = field_of(part, "type")
    delta = field_of(part, "delta")
    if kind == "content_block_delta":  # Anthropic
        piece = field_of(delta, "text")
        return piece if isinstance(piece, str) else ""
    if kind == "response.output_text.delta":  # OpenAI, responses
        return delta if isinstance(delta, str) else ""
    if isinstance(kind, str) and kind.startswith(("message_", "content_block_", "response.", "ping")):
        return ""
    content = field_of(part, "content")  # LangChain
    return content if isinstance(content, str) else None


def _facts(part: Any) -> dict[str, Any]:
    """Model, id, finish reason and tokens that a chunk carries."""
    kind = field_of(part, "type")
    if kind == "message_start":
        return read_response(field_of(part, "message")) or {}
    if kind == "message_delta":
        found: dict[str, Any] = dict(read_usage(field_of(part, "usage")))
        found = {name: count for name, count in found.items() if name == GenAI.OUTPUT_TOKENS}
        reason = field_of(field_of(part, "delta"), "stop_reason")
        return {**found, GenAI.FINISH_REASONS: (reason,)} if isinstance(reason, str) else found
    if kind == "response.completed":
        return read_response(field_of(part, "response")) or {}
    if not isinstance(choices := field_of(part, "choices"), list):
        return {}
    found = {
        GenAI.RESPONSE_MODEL: field_of(part, "model"),
        GenAI.RESPONSE_ID: field_of(part, "id"),
        **read_usage(field_of(part, "usage")),
    }
    reasons = [reason for choice in choices if isinstance(reason := field_of(choice, "finish_reason"), str)]
    if reasons:
        found[GenAI.FINISH_REASONS] = tuple(reasons)
    return {name: value for name, value in found.items() if value is not None}
