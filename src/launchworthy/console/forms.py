"""What a form of a page sends: who sent it, whether it is ours, and its fields. May import Starlette.

The gate before the pages refuses what another site's page sends. A form carries a token beside, which only a
page of this server knows and which holds for one reader: a browser that names no origin is no way in.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from launchworthy.errors import InputError, LaunchworthyError

__all__ = [
    "Answer",
    "check_token",
    "form_route",
    "form_token",
    "own_address",
    "read_form",
    "reader_of",
    "system_user",
]

Act = Callable[[Request, Mapping[str, list[str]]], Response]
Answer = Callable[[Request, Mapping[str, list[str]], LaunchworthyError], Response]

_MOST_BYTES = 16_384
_MOST_FIELDS = 64


def reader_of(request: Request) -> str:
    """The name of the API key that was shown; else the user whose server this is."""
    return str(request.scope.get("state", {}).get("reader") or "") or system_user()


def system_user() -> str:
    """The user whose process this is, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def form_token(secret: bytes, reader: str) -> str:
    """What a form of this reader must carry."""
    return hmac.new(secret, f"form:{reader}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def check_token(fields: Mapping[str, list[str]], secret: bytes, reader: str) -> None:
    """Refuse a form that no page of this server gave to this reader.

    Raises:
        LaunchworthyError: It carries none, or another (``LW403``).
    """
    given = fields.get("token", [""])[0]
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), form_token(secret, reader).encode()):
        raise LaunchworthyError(
            "this form does not come from a page of this server as it runs now",
            code="LW403",
            hint="open the page again and press its button",
        )


def form_route(
    path: str,
    act: Act,
    *,
    again: Answer,
    refused: Callable[[LaunchworthyError], Response],
    secret: bytes,
    name: str,
) -> Route:
    """A route for a form that changes something: it asks for the role write and the reader's token.

    Args:
        path: As Starlette writes it.
        act: Does what the fields say, in a thread.
        again: Makes a page of what ``act`` raises: the form once more, with what was typed.
        refused: Makes a page of why a form is not read at all; nothing of what it says is shown.
        secret: Signs the tokens of forms.
        name: Of the route.
    """

    async def endpoint(request: Request) -> Response:
        try:
            fields = await read_form(request)
            role = request.scope.get("state", {}).get("role") or "write"
            if role != "write":
                raise LaunchworthyError("a key with the role write is needed", code="LW403", where=name)
            check_token(fields, secret, reader_of(request))
        except LaunchworthyError as error:
            return await to_thread.run_sync(refused, error)
        try:
            return await to_thread.run_sync(act, request, fields)
        except LaunchworthyError as error:
            return await to_thread.run_sync(again, request, fields, error)

    found: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, found, methods=["POST"], name=name)


async def read_form(request: Request) -> Mapping[str, list[str]]:
    """The fields of a small form, each with all its values.

    Raises:
        InputError: It is larger than any form here, or no form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise InputError("the form is too large", where=request.url.path)
    try:
        return parse_qs(body.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InputError("this is no form", where=request.url.path) from error


def own_address(text: str) -> str:
    """An address on this server as a path; empty for anything that could lead elsewhere."""
    plain = text.isprintable() and text.isascii() and "\\" not in text and len(text) < 4_000
    return text if plain and text.startswith("/") and not text.startswith("//") else ""
