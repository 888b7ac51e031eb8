"""Models behind Anthropic's Messages, asked through its SDK (extra ``anthropic``).

May import ``errors`` and this room. The SDK's own retries and redirects are off, since what is tried again,
and where, is the contract's; so is its tracing, since records are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from launchworthy.errors import MissingExtraError
from launchworthy.gateway.upstreams.events import Turning
from launchworthy.gateway.upstreams.messages import completion_of, request_of
from launchworthy.gateway.upstreams.reply import (
    CONNECT_S,
    MOST_BYTES,
    READ_S,
    REFUSALS,
    SHOWN,
    Place,
    UpstreamError,
    read_document,
)

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

__all__ = ["AnthropicAdapter"]

_EXTRA = frozenset({"temperature", "top_p"})  # older models take them; the SDK names them no longer


class _Whole:
    """An answer that is all here."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document: dict[str, Any] | None = document

    def close(self) -> None:
        """Nothing is left open."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """It is no stream."""
        return
        yield b""


class _Streamed:
    """An answer on its way."""

    document: dict[str, Any] | None = None

    def __init__(
        self, stream: AsyncStream[RawMessageStreamEvent], closing: set[asyncio.Task[None]], errors: Any
    ) -> None:
        self._stream, self._closing, self._errors = stream, closing, errors

    def close(self) -> None:
        """Be done with it; the model stops where it has not ended."""
        task = asyncio.ensure_future(self._stream.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The events of a completion.

        Raises:
            UpstreamError: It broke off, or cannot be read.
        """
        turning = Turning()
        try:
            async for each in self._stream:
                if data := turning.turn(each.model_dump(mode="json", warnings=False)):
                    yield data
        except self._errors as error:
            raise UpstreamError("half", f"the stream broke off ({type(error).__name__})") from None
        except (ValueError, TypeError, AttributeError):
            raise UpstreamError("garbage", "an event of the stream cannot be read") from None


class AnthropicAdapter:
    """Asks by Messages; one client for each address and key.

    Raises:
        MissingExtraError: The SDK is not installed.
    """

    paths = frozenset({"/chat/completions"})

    def __init__(self) -> None:
        try:
            import anthropic
            import httpx2
        except ImportError:
            raise MissingExtraError("the Anthropic SDK", extra="anthropic") from None
        self._sdk, self._http = anthropic, httpx2
        self._clients: dict[tuple[str, str | None], AsyncAnthropic] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def _client(self, place: Place) -> AsyncAnthropic:
        found = self._clients.get((place.url, place.key))
        if found is None:
            found = self._clients[place.url, place.key] = self._sdk.AsyncAnthropic(
                api_key=place.key or "none",  # without one the SDK would look for another person's
                base_url=place.url.removesuffix("/v1"),
                max_retries=0,
                timeout=self._http.Timeout(READ_S, connect=CONNECT_S),
                open_telemetry=False,
                http_client=self._sdk.DefaultAsyncHttpxClient(
                    follow_redirects=False,
                    trust_env=False,
                    limits=self._http.Limits(max_connections=1_024, keepalive_expiry=60),
                ),
            )
        return found

    async def close(self) -> None:
        """Let go of connections."""
        await asyncio.gather(*self._closing, return_exceptions=True)
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def ask(
        self, place: Place, path: str, body: Mapping[str, Any], *, stream: bool, timeout_s: float
    ) -> _Whole | _Streamed:
        """Ask for a message.

        Raises:
            UpstreamError: No answer, or none that can be read.
        """
        asked = {**request_of(body), "model": place.model}
        extra = {name: asked.pop(name) for name in _EXTRA & set(asked)}
        messages = self._client(place).messages
        try:
            async with asyncio.timeout(timeout_s):
                if stream:
                    begun = await messages.create(
                        **asked, stream=True, extra_body=extra, timeout=self._patience(timeout_s)
                    )
                    return _Streamed(begun, self._closing, self._broken)
                async with messages.with_streaming_response.create(
                    **asked, extra_body=extra, timeout=self._patience(timeout_s)
                ) as answer:
                    return _Whole(completion_of(await _document(answer.iter_bytes())))
        except (TimeoutError, self._sdk.APITimeoutError):
            raise UpstreamError("timeout", f"no answer within {timeout_s:.3g} s") from None
        except self._sdk.APIStatusError as error:
            raise _failure(error, place) from None
        except self._sdk.APIConnectionError as error:
            reason = type(error.__cause__ or error).__name__
            raise UpstreamError("unreachable", f"the model could not be asked ({reason})") from None
        except self._http.HTTPError as error:
            raise UpstreamError("half", f"the answer broke off ({type(error).__name__})") from None

    @property
    def _broken(self) -> tuple[type[Exception], ...]:
        return (self._sdk.APIError, self._http.HTTPError, self._http.StreamError, OSError)

    def _patience(self, timeout_s: float) -> Any:
        """Of one read; the deadline of the whole is kept by the event loop."""
        return self._http.Timeout(max(timeout_s, READ_S), connect=CONNECT_S)


async def _document(pieces: AsyncIterator[bytes]) -> dict[str, Any]:
    raw = bytearray()
    async for piece in pieces:
        raw += piece
        if len(raw) > MOST_BYTES:
            raise UpstreamError("garbage", f"the answer is larger than {MOST_BYTES:,} bytes")
    return read_document(bytes(raw))


def _failure(error: Any, place: Place) -> UpstreamError:
    status, found = error.status_code, error.response.headers
    headers = {name: found[name] for name in ("Retry-After", "retry-after-ms") if name in found}
    if status == 429:
        return UpstreamError("rate_limited", "the model is rate limited", status=status, headers=headers)
    if status in REFUSALS:
        text = str(error.api_message or error.message)
        told = (text.replace(place.key, "[key]") if place.key else text)[:SHOWN]
        return UpstreamError("refused", "the model refuses the request", status=status, body=told)
    return UpstreamError("failed", f"the model answered {status}", status=status, headers=headers)
