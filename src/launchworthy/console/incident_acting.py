"""What the forms of an incident's page do: note, assign, close, say what cured it, reopen.

May import Starlette and this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from launchworthy.console.deciding import key_of
from launchworthy.console.forms import Answer, form_route, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import LaunchworthyError

__all__ = ["incident_routes"]

_FIELDS = ("text", "owner", "mechanism", "gold", "release")


def incident_routes(
    reading: Reading,
    refused: Callable[[LaunchworthyError], Response],
    *,
    again: Answer,
    secret: bytes,
    headers: Mapping[str, str],
) -> list[BaseRoute]:
    """The route that the forms are sent to.

    Args:
        reading: Where incidents rest.
        refused: Makes a page of why a form is not read.
        again: Makes a page of what was wrong, with what was typed.
        secret: Signs the tokens of forms.
        headers: Of every answer.
    """

    def act(request: Request, fields: Mapping[str, list[str]]) -> Response:
        product, incident_id = request.path_params["product"], request.path_params["incident"]
        reading.act_on_incident(
            product,
            incident_id,
            act=fields.get("act", [""])[0],
            said={name: fields.get(name, [""])[0] for name in _FIELDS},
            by=reader_of(request),
            key=key_of(request),
        )
        back = page_url("products", product, "incidents", incident_id)
        return RedirectResponse(back, status_code=303, headers=dict(headers))

    return [
        form_route(
            "/products/{product}/incidents/{incident}",
            act,
            again=again,
            refused=refused,
            secret=secret,
            name="act-on-incident",
        )
    ]
