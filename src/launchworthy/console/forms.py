"""What a form of a page sends: who sent it, whether it is ours, and its fields. May import Starlette.

The gate before the pages refuses what another site's page sends. A form carries a token beside, which only a
page of this server knows and which holds for one reader: a browser that names no origin is no way in.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from launchworthy.errors import InputError, LaunchworthyError

__all__ = [
    "Fields",
    "Forms",
    "check_token",
    "first",
    "form_token",
    "key_of",
    "may_write",
    "own_address",
    "read_form",
    "reader_of",
    "system_user",
    "writes",
]

Fields = Mapping[str, list[str]]
Act = Callable[[Request, Fields], str]
Answer = Callable[[Request, Fields, LaunchworthyError], Response]
May = Callable[[Request], None]

_MOST_BYTES = 16_384
_MOST_FIELDS = 64


def reader_of(request: Request) -> str:
    """The name of the API key that was shown; else the user whose server this is."""
    return key_of(request) or system_user()


def key_of(request: Request) -> str:
    """The name of the API key that was shown; empty for none."""
    return str(request.scope.get("state", {}).get("reader") or "")


def system_user() -> str:
    """The user whose process this is, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def form_token(secret: bytes, reader: str) -> str:
    """What a form of this reader must carry."""
    return hmac.new(secret, f"form:{reader}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def check_token(fields: Fields, secret: bytes, reader: str) -> None:
    """Refuse a form that no page of this server gave to this reader.

    Raises:
        LaunchworthyError: It carries none, or another (``LW403``).
    """
    given = first(fields, "token")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), form_token(secret, reader).encode()):
        raise LaunchworthyError(
            "this form does not come from a page of this server as it runs now",
            code="LW403",
            hint="open the page again and press its button",
        )


def writes(request: Request) -> None:
    """Refuse a reader whose key may only read; without a gate before it, everyone on the machine is trusted.

    Raises:
        LaunchworthyError: The key has not the role write (``LW403``).
    """
    if not may_write(request):
        raise LaunchworthyError(
            "a key with the role write is needed", code="LW403", where=request.url.path[:300]
        )


def may_write(request: Request) -> bool:
    """Whether whoever calls has the role write."""
    return (request.scope.get("state", {}).get("role") or "write") == "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """What every form that changes something has in common.

    Attributes:
        again: Makes a page of what an act raises: the form once more, with what was typed.
        refused: Makes a page of why a form is not read at all; nothing of what it says is shown.
        secret: Signs the tokens of forms.
        headers: Of every answer.
    """

    again: Answer
    refused: Callable[[LaunchworthyError], Response]
    secret: bytes
    headers: Mapping[str, str]

    def route(self, path: str, act: Act, *, name: str, may: May = writes) -> Route:
        """A route that a form is sent to: it asks who may, and for the reader's token.

        Args:
            path: As Starlette writes it.
            act: Does what the fields say, in a thread, and says which page follows.
            name: Of the route.
            may: Raises for whoever may not send it, in a thread, before anything of the form is believed.
        """

        async def endpoint(request: Request) -> Response:
            try:
                fields = await read_form(request)
                await to_thread.run_sync(may, request)
                check_token(fields, self.secret, reader_of(request))
            except LaunchworthyError as error:
                return await to_thread.run_sync(self.refused, error)
            try:
                follows = await to_thread.run_sync(act, request, fields)
            except LaunchworthyError as error:
                return await to_thread.run_sync(self.again, request, fields, error)
            return RedirectResponse(follows, status_code=303, headers=dict(self.headers))

        found: Callable[[Request], Awaitable[Response]] = endpoint
        return Route(path, found, methods=["POST"], name=name)


async def read_form(request: Request) -> Fields:
    """The fields of a small form, each with all its values; one that was left empty is there.

    Raises:
        InputError: It is larger than any form here, or no form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise InputError("the form is too large", where=request.url.path)
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InputError("this is no form", where=request.url.path) from error


def first(fields: Fields, name: str) -> str:
    """What stands in a field; empty for none."""
    return fields.get(name, [""])[0]


def own_address(text: str) -> str:
    """An address on this server as a path; empty for anything that could lead elsewhere."""
    plain = text.isprintable() and text.isascii() and "\\" not in text and len(text) < 4_000
    return text if plain and text.startswith("/") and not text.startswith("//") else ""
