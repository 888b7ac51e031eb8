"""A client for any endpoint that speaks OpenAI's chat completions.

May import ``capture``, ``errors`` and this room. aiohttp, one pool of as many connections as there are calls
at once. Retries are the engine's: a call that may pass raises a transient ``TargetFailure`` with the server's
own ``Retry-After``. The key comes from an environment variable and goes into one header: never into an error,
a log or what is stored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from launchworthy.capture.pricing import PriceTable, default_prices
from launchworthy.errors import InputError
from launchworthy.evals.target import (
    MAX_BYTES,
    OVERLOAD_STATUS,
    TRANSIENT_STATUS,
    TargetFailure,
    retry_after_seconds,
)

if TYPE_CHECKING:
    import aiohttp

__all__ = ["OPENAI", "ChatClient", "ChatModel", "ChatReply"]

OPENAI = "https://api.openai.com/v1"
_OPENAI_KEY = "OPENAI_API_KEY"
_REFUSED = frozenset({400, 415, 422, 501})
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModel:
    """A model behind an address, and how it is asked.

    Attributes:
        model: Name that the endpoint knows.
        base_url: Address up to ``/chat/completions``.
        key_env: Environment variable that holds the key. ``OPENAI_API_KEY`` for OpenAI's own address; none
            for any other, so that no key travels to where it was not meant.
        temperature: None leaves it to the endpoint.
        seed: None leaves it to the endpoint.
        max_tokens: Longest answer; None leaves it to the endpoint.
    """

    model: str
    base_url: str = OPENAI
    key_env: str | None = None
    temperature: float | None = 0.0
    seed: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.username or parts.password:
            raise InputError(
                "the address of the model holds a password",
                where="base_url",
                hint="name an environment variable that holds the key instead",
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InputError(
                f"{self.base_url.partition('?')[0]!r:.200} is not the address of a model endpoint",
                where="base_url",
                hint=f"write {OPENAI}, or http://127.0.0.1:8000/v1",
            )
        if not self.model.strip():
            raise InputError("the model has no name", where="model")
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))

    def key(self) -> str | None:
        """The key; None where none is needed.

        Raises:
            InputError: A variable was named, or is needed, and is not set.
        """
        name = self.key_env or (_OPENAI_KEY if self.base_url == OPENAI else None)
        if name is None:
            return None
        key = os.environ.get(name, "").strip()
        if not key:
            raise InputError(
                f"the environment variable {name} is not set",
                where=self.base_url,
                hint="it holds the key of the endpoint",
            )
        return key

    def parameters(self) -> dict[str, Any]:
        """What decides a reply besides the messages, as JSON; the key is not among it."""
        return {
            "model": self.model,
            "base_url": self.base_url,
            "temperature": self.temperature,
            "seed": self.seed,
            "max_tokens": self.max_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What a model said, and what it took.

    Attributes:
        text: The answer; None where the model gave none.
        refusal: Why it declined, where the endpoint says so.
        finish_reason: ``stop``, ``length`` …
        model: Model that answered, as the endpoint names it.
        input_tokens, output_tokens: As the endpoint counts them; None where it does not.
        cost_usd: None where no price is known.
        latency_ms: Of the whole call.
        dropped: Parameters that the endpoint refused, so that the call went without them.
    """

    text: str | None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float = 0.0
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Dialect:
    """What one endpoint was found not to take, learned from its refusals."""

    structure: int = 0  # place in _STRUCTURES
    long_name: bool = False  # max_completion_tokens for max_tokens
    dropped: tuple[str, ...] = field(default_factory=tuple)


_STRUCTURES = ("json_schema", "json_object", "text")


class ChatClient:
    """Asks one model; open it first, close it last."""

    def __init__(self, model: ChatModel, *, prices: PriceTable | None = None) -> None:
        self.model = model
        self._prices = prices
        self._dialect = _Dialect()
        self._key: str | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def has_price(self) -> bool:
        """Whether the cost of a call will be known."""
        return self._priced().cost(self.model.model, None, time.time_ns(), 1, 1) is not None

    async def open(self, *, concurrency: int) -> None:
        """Make ready for this many calls at once.

        Raises:
            InputError: The key is not there.
        """
        import aiohttp  # loaded by who asks a model, not by who asks what this room proves

        self._key = self.model.key()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # whoever calls limits it
            headers=headers,
        )

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], *, schema: Mapping[str, Any] | None = None
    ) -> ChatReply:
        """One answer; with ``schema``, as JSON of that shape where the endpoint can be held to it.

        An endpoint that refuses ``json_schema`` is asked for plain JSON, then with the schema in words; what
        it refused is remembered. The answer is not checked against the schema: whoever reads it does that.

        Raises:
            TargetFailure: No answer.
        """
        refusal: TargetFailure | None = None
        tried = _Dialect(self._dialect.structure, self._dialect.long_name, self._dialect.dropped)
        while True:
            status, found = await self._post(self._body(messages, schema, tried))
            if not isinstance(found, TargetFailure):
                self._dialect = tried
                return self._read(*found, dropped=tried.dropped)
            if status not in _REFUSED:
                raise found
            refusal = refusal or found
            following = _following(tried, found.message, self.model, structured=schema is not None)
            if following is None:
                raise refusal
            tried = following

    def _body(
        self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None, dialect: _Dialect
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model.model, "messages": list(messages)}
        length = "max_completion_tokens" if dialect.long_name else "max_tokens"
        settings = {
            "temperature": self.model.temperature,
            "seed": self.model.seed,
            length: self.model.max_tokens,
        }
        for name, value in settings.items():
            if value is not None and name not in dialect.dropped:
                body[name] = value
        if schema is None:
            return body
        if dialect.structure == 0:
            shape = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
            return body
        if dialect.structure == 1:
            body["response_format"] = {"type": "json_object"}
        told = f"Answer with one JSON object that follows this JSON Schema:\n{orjson.dumps(schema).decode()}"
        body["messages"] = [*messages, {"role": "user", "content": told}]
        return body

    async def _post(
        self, body: Mapping[str, Any]
    ) -> tuple[int, TargetFailure | tuple[Mapping[str, Any], float]]:
        import aiohttp

        if self._session is None:
            raise InputError("the model is not open", where=self.model.base_url)
        started = time.perf_counter()
        try:
            async with self._session.post(
                f"{self.model.base_url}/chat/completions", data=orjson.dumps(body), allow_redirects=False
            ) as response:
                data = await _bytes_of(response)
                latency_ms = (time.perf_counter() - started) * 1_000
                status, reason = response.status, response.reason or ""
                wait_s = retry_after_seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError) as error:
            raise TargetFailure(
                self._clean(f"{type(error).__name__}: {error}"), transient=True
            ) from None  # the cause's text may name what the message leaves out
        if status >= 300:
            return status, self._failure(status, f"{reason}: {data[:2_000].decode(errors='replace')}", wait_s)
        try:
            document = orjson.loads(data)
        except ValueError:
            raise TargetFailure("the model's reply is not JSON", transient=False) from None
        if not isinstance(document, Mapping):
            raise TargetFailure("the model's reply is not a JSON object", transient=False)
        fault = document.get("error")
        if fault and not document.get("choices"):  # some gateways answer 200 and mean another status
            code = fault.get("code") if isinstance(fault, Mapping) else None
            status = code if isinstance(code, int) and not isinstance(code, bool) else 500
            return status, self._failure(status, orjson.dumps(fault).decode(), wait_s)
        return status, (document, latency_ms)

    def _failure(self, status: int, text: str, wait_s: float | None) -> TargetFailure:
        return TargetFailure(
            self._clean(f"HTTP {status} {text}"),
            transient=status in TRANSIENT_STATUS,
            retry_after_s=wait_s,
            overloaded=status in OVERLOAD_STATUS,
        )

    def _clean(self, text: str) -> str:
        """Without the key, which some servers repeat."""
        return (text.replace(self._key, "[key]") if self._key else text)[:_SHOWN]

    def _read(self, document: Mapping[str, Any], latency_ms: float, *, dropped: tuple[str, ...]) -> ChatReply:
        choices = document.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, Mapping) else None
        if not isinstance(first, Mapping) or not isinstance(message, Mapping):
            raise TargetFailure("the model's reply holds no message", transient=False)
        usage = document.get("usage")
        usage = usage if isinstance(usage, Mapping) else {}
        read = _count(usage.get("prompt_tokens"))
        written = _count(usage.get("completion_tokens"))
        cost = self._priced().cost(
            self.model.model,
            None,
            time.time_ns(),
            read,
            written,
            cache_read_tokens=_count(_inner(usage, "prompt_tokens_details", "cached_tokens")),
            reasoning_tokens=_count(_inner(usage, "completion_tokens_details", "reasoning_tokens")),
        )
        return ChatReply(
            text=_text(message.get("content")),
            refusal=_text(message.get("refusal")),
            finish_reason=_text(first.get("finish_reason")),
            model=_text(document.get("model")),
            input_tokens=read,
            output_tokens=written,
            cost_usd=None if cost is None else cost.usd,
            latency_ms=latency_ms,
            dropped=dropped,
        )

    def _priced(self) -> PriceTable:
        if self._prices is None:
            self._prices = default_prices()
        return self._prices


def _following(dialect: _Dialect, message: str, model: ChatModel, *, structured: bool) -> _Dialect | None:
    """How to ask after a refusal: without the parameter that it names, else with less structure."""
    named = [name for name in ("temperature", "seed") if name in message and name not in dialect.dropped]
    if model.max_tokens is not None and not dialect.long_name and "max_completion_tokens" in message:
        return _Dialect(dialect.structure, True, dialect.dropped)
    for name in named:
        if getattr(model, name) is not None:
            return _Dialect(dialect.structure, dialect.long_name, (*dialect.dropped, name))
    if structured and dialect.structure + 1 < len(_STRUCTURES):
        return _Dialect(dialect.structure + 1, dialect.long_name, dialect.dropped)
    return None


async def _bytes_of(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TargetFailure(f"the reply is larger than {MAX_BYTES:,} bytes", transient=False)
    return bytes(body)


def _text(value: Any) -> str | None:
    """A text, or the texts of a list of parts; None where there is none."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, Mapping)]
        value = "".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _inner(usage: Mapping[str, Any], outer: str, name: str) -> Any:
    found = usage.get(outer)
    return found.get(name) if isinstance(found, Mapping) else None
