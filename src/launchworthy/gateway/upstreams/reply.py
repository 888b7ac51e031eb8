"""Where a model is asked, the answer that begins there, and the error of one that gives none.

May import nothing of this project: the gateway and each adapter of a protocol stand on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

__all__ = [
    "CONNECT_S",
    "MOST_BYTES",
    "READ_S",
    "REFUSALS",
    "SHOWN",
    "Place",
    "Reply",
    "UpstreamError",
    "read_document",
]

CONNECT_S = 5.0
READ_S = 300.0
MOST_BYTES = 32 * 1024 * 1024
REFUSALS = (400, 413, 415, 422)
"""Of HTTP, what says that the request is wrong, and not the key, the name or the model."""
SHOWN = 300
"""Characters of what a model says of a refused request."""


class UpstreamError(Exception):
    """A model that gave no answer.

    Args:
        why: ``rate_limited``, ``failed``, ``timeout``, ``unreachable``, ``garbage``, ``half`` or ``refused``.
        message: One sentence for logs and records.
        status: HTTP status, where there was one.
        headers: ``Retry-After`` and its like.
        body: What it said, where a request was refused for what it asks; shown to the client.
    """

    def __init__(
        self,
        why: str,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message)
        self.why, self.message = why, message
        self.status_code, self.headers, self.body = status, dict(headers or {}), body

    @property
    def refused(self) -> bool:
        """Whether the request itself is wrong: no other model is asked, and it says nothing of this one."""
        return self.why == "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model is asked.

    Attributes:
        url: Address up to ``/chat/completions``.
        model: Its name there.
        key: Of the endpoint; None where it needs none.
        provider: As records name it.
        protocol: Which it speaks; empty for OpenAI's.
    """

    url: str
    model: str
    key: str | None = None
    provider: str = ""
    protocol: str = ""


class Reply(Protocol):
    """A model's answer that has begun.

    Attributes:
        document: The whole of it; None of a stream.
    """

    document: dict[str, Any] | None

    def close(self) -> None:
        """Be done with it; a stream that was not read to its end is cut off, so that the model stops."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The stream as it arrives.

        Raises:
            UpstreamError: It broke off.
        """


def read_document(raw: bytes) -> dict[str, Any]:
    """An answer in one piece.

    Raises:
        UpstreamError: It is no JSON object.
    """
    try:
        document = orjson.loads(raw)
    except ValueError:
        raise UpstreamError("garbage", "the answer is not JSON") from None
    if not isinstance(document, dict):
        raise UpstreamError("garbage", "the answer is not a JSON object")
    return document
