"""What an adapter of another protocol is, and which there are.

May import ``errors`` and this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from launchworthy.errors import InputError
from launchworthy.gateway.upstreams.reply import Place, Reply

__all__ = ["Adapter", "adapter_for", "protocol_of"]

_KNOWN = ("anthropic",)


class Adapter(Protocol):
    """Asks the models of one protocol.

    Guards, budgets, fallbacks and records see what it answers as they see what any model answers.
    """

    @property
    def paths(self) -> frozenset[str]:
        """Of the gateway's requests, those it can put to its models, such as ``/chat/completions``."""

    async def ask(
        self, place: Place, path: str, body: Mapping[str, Any], *, stream: bool, timeout_s: float
    ) -> Reply:
        """Like :meth:`launchworthy.gateway.upstream.Upstreams.ask`, which hands it its own places.

        The reply's document is a completion, its chunks are server-sent events of one, as OpenAI writes them.

        Raises:
            UpstreamError: No answer, or none that can be read.
        """

    async def close(self) -> None:
        """Let go of connections."""


def protocol_of(url: str) -> tuple[str, str]:
    """An address as protocol and plain address: ``anthropic+https://…``; no protocol is OpenAI's.

    Raises:
        InputError: Nothing here speaks it.

    >>> protocol_of("anthropic+https://models.example")
    ('anthropic', 'https://models.example')
    """
    scheme, mark, rest = url.partition("://")
    protocol, plus, plain = scheme.partition("+")
    if not mark or not plus:
        return "", url
    if protocol not in _KNOWN:
        raise InputError(
            f"no adapter speaks the protocol {protocol!r:.40}",
            where="--upstream",
            hint=f"one of {', '.join(_KNOWN)}; without one the address is OpenAI-compatible",
        )
    return protocol, f"{plain}://{rest}"


def adapter_for(protocol: str) -> Adapter:
    """The adapter of a protocol, with its library loaded.

    Raises:
        MissingExtraError: The library is not installed.
    """
    from launchworthy.gateway.upstreams.anthropic import AnthropicAdapter

    return {"anthropic": AnthropicAdapter}[protocol]()
