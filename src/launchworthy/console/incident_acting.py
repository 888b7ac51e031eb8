"""What the forms of an incident's page do: note, assign, close, say what cured it, reopen.

May import Starlette and this room.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import BaseRoute

from launchworthy.console.forms import Fields, Forms, first, key_of, reader_of
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url

__all__ = ["incident_routes"]

_FIELDS = ("text", "owner", "mechanism", "gold", "release")


def incident_routes(reading: Reading, forms: Forms) -> list[BaseRoute]:
    """The route that the forms are sent to; ``reading`` is where incidents rest."""

    def act(request: Request, fields: Fields) -> str:
        product, incident_id = request.path_params["product"], request.path_params["incident"]
        reading.act_on_incident(
            product,
            incident_id,
            act=first(fields, "act"),
            said={name: first(fields, name) for name in _FIELDS},
            by=reader_of(request),
            key=key_of(request),
        )
        return page_url("products", product, "incidents", incident_id)

    return [forms.route("/products/{product}/incidents/{incident}", act, name="act-on-incident")]
