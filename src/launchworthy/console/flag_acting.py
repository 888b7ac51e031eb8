"""What the form of the flags page does: the kill switch. May import Starlette and this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import BaseRoute

from launchworthy.console.forms import Fields, Forms, first, key_of, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import InputError

__all__ = ["flag_routes"]

_ENABLED = {"on": True, "off": False}


def flag_routes(reading: Reading, forms: Forms) -> list[BaseRoute]:
    """The route that the forms are sent to; ``reading`` is where flags rest."""

    def act(request: Request, fields: Fields) -> str:
        product, asked = request.path_params["product"], first(fields, "act")
        if asked not in _ENABLED:
            raise InputError(f"{asked!r:.40} is nothing that a button here does", where="act")
        reading.switch_flag(
            product,
            first(fields, "flag"),
            enabled=_ENABLED[asked],
            reason=first(fields, "reason"),
            by=reader_of(request),
            key=key_of(request),
        )
        return page_url("products", product, "flags")

    return [forms.route("/products/{product}/flags", act, name="switch-flag")]
