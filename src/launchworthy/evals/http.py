"""An HTTP endpoint as a target: JSON in, JSON or text out. May import ``errors``, ``gold`` and this room.

aiohttp, with one pool of as many connections as there are calls at once: the client library is what an
evaluation costs (httpx polls every pooled connection at each request). No cookie and no redirect travels
from one item to the next.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from launchworthy.errors import InputError
from launchworthy.evals.scenarios.scenario import is_conversation, is_messages
from launchworthy.evals.target import (
    MAX_BYTES,
    OVERLOAD_STATUS,
    TRANSIENT_STATUS,
    Reply,
    TargetFailure,
    retry_after_seconds,
)
from launchworthy.gold import GoldItem

__all__ = ["HttpTarget"]

_HOLES = ("id", "input", "context", "messages")


@dataclass(kw_only=True)
class HttpTarget:
    """POST of one JSON object an item.

    Attributes:
        url: Address of the endpoint.
        request: Template of the body, ``{"input": "{input}"}`` if None, and of a conversation
            ``{"messages": "{messages}"}``; the texts ``{id}``, ``{input}``, ``{context}`` and ``{messages}``
            in it stand for the item's own values, and become them whole where they are a text of their own.
            The messages of a plain item are its input, said by the user.
        response: JSON Pointers (RFC 6901) into the answer, by the name of the answer's field (``output``,
            ``ranked``, ``citations`` …); empty where the answer has these names already.
        bearer_env: Environment variable that holds a bearer token; the token itself is never stored.
        trace_seed: Together with an item's id, decides the trace id that is sent as ``traceparent``.
    """

    url: str
    request: Any = None
    response: Mapping[str, str] = field(default_factory=dict)
    bearer_env: str | None = None
    trace_seed: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"{self.url!r:.200} is not the address of an endpoint", hint="write http://127.0.0.1:8000/ask"
            )
        for name, pointer in self.response.items():
            if pointer and not pointer.startswith("/"):
                raise InputError(
                    f"{pointer!r:.80} is not a JSON Pointer",
                    where=name,
                    hint="write /choices/0/message/content",
                )
        self._paths = {name: _steps(pointer) for name, pointer in self.response.items()}
        self._fill = _plain_or_messages if self.request is None else _compile(self.request)
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return self.url

    async def open(self, *, concurrency: int) -> None:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.bearer_env is not None:
            token = os.environ.get(self.bearer_env)
            if not token:
                raise InputError(
                    f"the environment variable {self.bearer_env} is not set", hint="it holds the bearer token"
                )
            headers["Authorization"] = f"Bearer {token}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the engine limits every kind of target alike
            headers=headers,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, item: GoldItem) -> Reply:
        if self._session is None:
            raise InputError("the target is not open", where=self.url)
        digest = hashlib.sha256(f"{self.trace_seed}/{item.id}".encode()).hexdigest()
        trace_id = digest[:32]
        started = time.perf_counter()
        try:
            async with self._session.post(
                self.url,
                data=orjson.dumps(self._fill(item)),
                headers={"traceparent": f"00-{trace_id}-{digest[32:48]}-01"},
                allow_redirects=False,
            ) as response:
                body = await _read(response)
                if response.status >= 300:
                    raise TargetFailure(
                        f"HTTP {response.status} {response.reason}: {body[:200].decode(errors='replace')}",
                        transient=response.status in TRANSIENT_STATUS,
                        retry_after_s=retry_after_seconds(response.headers.get("Retry-After")),
                        overloaded=response.status in OVERLOAD_STATUS,
                    )
                is_text = response.content_type.startswith("text/")
        except (aiohttp.ClientError, OSError) as error:
            raise TargetFailure(f"{type(error).__name__}: {str(error)[:300]}", transient=True) from error
        latency_ms = (time.perf_counter() - started) * 1_000
        return Reply(
            raw=self._mapped(_parsed(body, is_text=is_text)), latency_ms=latency_ms, trace_id=trace_id
        )

    def _mapped(self, answer: Any) -> Any:
        if not self._paths:
            return answer
        found = {name: _at(answer, steps) for name, steps in self._paths.items()}
        if all(value is None for value in found.values()):
            raise TargetFailure(
                f"the answer has nothing at {', '.join(sorted(self.response.values()))}", transient=False
            )
        return found


async def _read(response: aiohttp.ClientResponse) -> bytes:
    length = response.content_length
    if length is not None and length <= MAX_BYTES and "Content-Encoding" not in response.headers:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TargetFailure(f"the answer is larger than {MAX_BYTES:,} bytes", transient=False)
    return bytes(body)


def _parsed(body: bytes, *, is_text: bool) -> Any:
    try:
        return body.decode() if is_text else orjson.loads(body)
    except ValueError as error:
        raise TargetFailure(
            f"the answer is not {'UTF-8' if is_text else 'JSON'}: {error}", transient=False
        ) from error


def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _at(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _plain_or_messages(item: GoldItem) -> Any:
    return {"messages" if is_conversation(item) else "input": item.input}


def _value(item: GoldItem, name: str) -> Any:
    if name != "messages":
        return getattr(item, name)
    return item.input if is_messages(item.input) else [{"role": "user", "content": item.input}]


def _compile(template: Any) -> Callable[[GoldItem], Any]:
    """A function from item to body; what does not depend on the item is kept as it is."""
    if isinstance(template, str):
        name = template[1:-1]
        if template == f"{{{name}}}" and name in _HOLES:
            return lambda item: _value(item, name)
        if any(f"{{{hole}}}" in template for hole in _HOLES):
            return lambda item: _spliced(template, item)
        return lambda _: template
    if isinstance(template, dict):
        fields = {key: _compile(value) for key, value in template.items()}
        return lambda item: {key: fill(item) for key, fill in fields.items()}
    if isinstance(template, list):
        entries = [_compile(value) for value in template]
        return lambda item: [fill(item) for fill in entries]
    return lambda _: template


def _spliced(template: str, item: GoldItem) -> str:
    # One pass, so that an input that itself holds "{id}" stays as it is.
    for hole in _HOLES:
        template = template.replace(f"{{{hole}}}", f"\0{hole}\0")
    parts = template.split("\0")
    for place in range(1, len(parts), 2):
        value = _value(item, parts[place])
        parts[place] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return "".join(parts)
