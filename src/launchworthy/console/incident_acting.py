"""What the forms of an incident's page do: note, assign, close, say what cured it, reopen.

May import Starlette and this room.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.console.deciding import key_of
from launchworthy.console.forms import check_token, read_form, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import LaunchworthyError

__all__ = ["incident_routes"]

_FIELDS = ("text", "owner", "mechanism", "gold", "release")


def incident_routes(
    reading: Reading,
    refused: Callable[[LaunchworthyError], Response],
    *,
    secret: bytes,
    headers: Mapping[str, str],
) -> list[BaseRoute]:
    """The route that the forms are sent to.

    Args:
        reading: Where incidents rest.
        refused: Makes a page of what was wrong.
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

    async def endpoint(request: Request) -> Response:
        try:
            fields = await read_form(request)
            role = request.scope.get("state", {}).get("role") or "write"
            if role != "write":
                raise LaunchworthyError("a key with the role write is needed", code="LW403", where="incident")
            check_token(fields, secret, reader_of(request))
            return await to_thread.run_sync(act, request, fields)
        except LaunchworthyError as error:
            return await to_thread.run_sync(refused, error)

    path = "/products/{product}/incidents/{incident}"
    found: Callable[[Request], Awaitable[Response]] = endpoint
    return [Route(path, found, methods=["POST"], name="act-on-incident")]
