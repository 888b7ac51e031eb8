"""The models behind the gateway: where each is, its key, and one request to it.

May import ``errors`` and this room. aiohttp, one pool. Headers towards a model are made here: nothing that a
client sends as a header reaches it, and the key of a model reaches no client.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from launchworthy.errors import InputError
from launchworthy.gateway.upstreams.adapter import Adapter, adapter_for, protocol_of
from launchworthy.gateway.upstreams.reply import (
    CONNECT_S,
    MOST_BYTES,
    READ_S,
    REFUSALS,
    SHOWN,
    Place,
    Reply,
    UpstreamError,
    read_document,
)

__all__ = ["KEY_VARIABLE", "Upstreams"]

KEY_VARIABLE = "LAUNCHWORTHY_UPSTREAM_KEY"
_VENDOR_KEYS = {"api.openai.com": "OPENAI_API_KEY", "api.anthropic.com": "ANTHROPIC_API_KEY"}
_AT_ONCE = 1024 * 1024  # bytes; a longer request is written piece by piece, and others have their turn


@dataclass(slots=True)
class _HttpReply:
    """An answer as it comes from an address that speaks OpenAI's API."""

    response: aiohttp.ClientResponse
    document: dict[str, Any] | None = None

    def close(self) -> None:
        """Cut off what was not read."""
        if self.response.content.at_eof():
            self.response.release()
        else:
            self.response.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The stream as it arrives.

        Raises:
            UpstreamError: It broke off.
        """
        try:
            async for chunk in self.response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UpstreamError("half", f"the stream broke off ({type(error).__name__})") from None


class Upstreams:
    """Every endpoint that models are asked at.

    Args:
        addresses: Provider → address; the empty name stands for every other provider. ``anthropic+https://…``
            is an address whose models are asked by an adapter.
        names: Name of a model in the contract → its name at the endpoint, where they differ.
        environ: Holds the keys: ``LAUNCHWORTHY_UPSTREAM_KEY``, and ``…_PROVIDER`` for one provider's.

    Raises:
        InputError: An address is none.
        MissingExtraError: The library of an adapter is not installed.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        *,
        names: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        spoken = {provider: protocol_of(url) for provider, url in addresses.items()}
        self._addresses = {
            provider: (protocol, _address(url)) for provider, (protocol, url) in spoken.items()
        }
        self._adapters: dict[str, Adapter] = {
            protocol: adapter_for(protocol) for protocol, _ in spoken.values() if protocol
        }
        self._names = dict(names or {})
        self._places: dict[str, Place] = {}
        self._urls: dict[tuple[str, str], URL] = {}
        self._session: aiohttp.ClientSession | None = None

    def place(self, model: str) -> Place:
        """Where a model of the contract is asked: ``vendor/name`` at the vendor's address, as ``name``.

        Raises:
            InputError: No address is known for it.
        """
        found = self._places.get(model)
        if found is None:
            provider, _, name = model.partition("/")
            if not name:
                provider, name = "", model
            address = self._addresses.get(provider) or self._addresses.get("")
            if address is None:
                raise InputError(
                    f"no address is known for the model {model!r:.80}", hint=f"give --upstream {provider}=URL"
                )
            protocol, url = address
            found = self._places[model] = Place(
                url=url,
                model=self._names.get(model, name),
                key=self._key(provider, url),
                provider=provider,
                protocol=protocol,
            )
        return found

    def speaks(self, model: str, path: str) -> bool:
        """Whether a model can be asked this way."""
        adapter = self._adapters.get(self.place(model).protocol)
        return adapter is None or path in adapter.paths

    def _key(self, provider: str, url: str) -> str | None:
        own = f"{KEY_VARIABLE}_{provider.upper().replace('-', '_').replace('.', '_')}"
        names = [own] if provider in self._addresses and provider else []
        if provider not in self._addresses or not provider:
            names.append(KEY_VARIABLE)
        if (own_name := _VENDOR_KEYS.get(urlsplit(url).hostname or "")) is not None:
            names.append(own_name)
        return next((key for name in names if (key := self._environ.get(name, "").strip())), None)

    async def open(self, *, connections: int = 1_024) -> None:
        """Make ready to ask."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=60, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_S),
            headers={"Content-Type": "application/json", "User-Agent": "launchworthy-gateway"},
            auto_decompress=True,
            read_bufsize=2**18,
        )

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
        for adapter in self._adapters.values():
            await adapter.close()

    def _url(self, base: str, path: str) -> URL:
        """Parsed once."""
        found = self._urls.get((base, path))
        if found is None:
            found = self._urls[base, path] = URL(base + path)
        return found

    async def ask(
        self, place: Place, path: str, body: Mapping[str, Any], *, stream: bool, timeout_s: float
    ) -> Reply:
        """Send one request; the reply is to be closed, which ends it at the model too.

        Args:
            place: Where.
            path: Such as ``/chat/completions``.
            body: As the client sent it; the model's own name is put in.
            stream: Whether the answer is read as it comes.
            timeout_s: Until the answer, or of a stream its head, is here.

        Raises:
            UpstreamError: No answer, or none that can be read.
        """
        if self._session is None:
            raise InputError("the gateway is not open", hint="await gateway.open()")
        if (adapter := self._adapters.get(place.protocol)) is not None:
            return await adapter.ask(place, path, body, stream=stream, timeout_s=timeout_s)
        headers = {} if place.key is None else {"Authorization": f"Bearer {place.key}"}
        try:
            data = orjson.dumps({**body, "model": place.model})
        except (TypeError, ValueError) as error:
            raise UpstreamError("refused", "the request cannot be written as JSON", status=400) from error
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._session.post(
                    self._url(place.url, path),
                    data=data if len(data) < _AT_ONCE else io.BytesIO(data),
                    headers=headers,
                    allow_redirects=False,
                )
                if response.status != 200:
                    raise await _failure(response, place)
                reply = _HttpReply(response)
                if not stream or response.content_type != "text/event-stream":
                    reply.document = read_document(await _read(response))
                return reply
        except TimeoutError:
            _drop(response)
            raise UpstreamError("timeout", f"no answer within {timeout_s:.3g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            _drop(response)
            why = "half" if response is not None else "unreachable"
            raise UpstreamError(why, f"the model could not be asked ({type(error).__name__})") from None
        except BaseException:
            _drop(response)
            raise


def _drop(response: aiohttp.ClientResponse | None) -> None:
    if response is not None:
        response.close()


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise InputError(
            "the address of the model holds a password", hint=f"put the key into {KEY_VARIABLE} instead"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InputError(
            f"{url.partition('?')[0]!r:.200} is not the address of a model endpoint",
            hint="write https://api.openai.com/v1, or http://127.0.0.1:8000/v1",
        )
    return url.rstrip("/")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.content_length is not None and response.content_length < MOST_BYTES:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MOST_BYTES:
            raise UpstreamError("garbage", f"the answer is larger than {MOST_BYTES:,} bytes")
    return bytes(body)


async def _failure(response: aiohttp.ClientResponse, place: Place) -> UpstreamError:
    status = response.status
    headers = {
        name: response.headers[name] for name in ("Retry-After", "retry-after-ms") if name in response.headers
    }
    if status == 429:
        return UpstreamError("rate_limited", "the model is rate limited", status=status, headers=headers)
    if status in REFUSALS:
        return UpstreamError(
            "refused", "the model refuses the request", status=status, body=await _said(response, place)
        )
    # 401, 403 and 404 are about our key and our names, which is nothing the client could mend.
    return UpstreamError("failed", f"the model answered {status}", status=status, headers=headers)


async def _said(response: aiohttp.ClientResponse, place: Place) -> str:
    text = (await response.content.read(4_096)).decode("utf-8", "replace")
    try:
        found = orjson.loads(text)["error"]
        text = found["message"] if isinstance(found, dict) else str(found)
    except (ValueError, KeyError, TypeError):
        pass
    return (text.replace(place.key, "[key]") if place.key else text)[:SHOWN]
