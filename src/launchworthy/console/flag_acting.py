"""What the form of the flags page does: the kill switch. May import Starlette and this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from launchworthy.console.deciding import key_of
from launchworthy.console.forms import Answer, form_route, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import InputError, LaunchworthyError

__all__ = ["flag_routes"]

_ENABLED = {"on": True, "off": False}


def flag_routes(
    reading: Reading,
    refused: Callable[[LaunchworthyError], Response],
    *,
    again: Answer,
    secret: bytes,
    headers: Mapping[str, str],
) -> list[BaseRoute]:
    """The route that the forms are sent to.

    Args:
        reading: Where flags rest.
        refused: Makes a page of why a form is not read.
        again: Makes a page of what was wrong, with what was typed.
        secret: Signs the tokens of forms.
        headers: Of every answer.
    """

    def act(request: Request, fields: Mapping[str, list[str]]) -> Response:
        product, asked = request.path_params["product"], fields.get("act", [""])[0]
        if asked not in _ENABLED:
            raise InputError(f"{asked!r:.40} is nothing that a button here does", where="act")
        reading.switch_flag(
            product,
            fields.get("flag", [""])[0],
            enabled=_ENABLED[asked],
            reason=fields.get("reason", [""])[0],
            by=reader_of(request),
            key=key_of(request),
        )
        return RedirectResponse(
            page_url("products", product, "flags"), status_code=303, headers=dict(headers)
        )

    return [
        form_route(
            "/products/{product}/flags", act, again=again, refused=refused, secret=secret, name="switch-flag"
        )
    ]
