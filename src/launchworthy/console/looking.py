"""What the button on kept-back items does: record a look, then show what was asked for.

May import Starlette and this room.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.routing import BaseRoute

from launchworthy.console.forms import Fields, Forms, first, own_address, reader_of
from launchworthy.console.kept_back import record_looks
from launchworthy.console.reading import Reading
from launchworthy.console.words import page_url
from launchworthy.errors import InputError

__all__ = ["look_routes"]


def look_routes(reading: Reading, forms: Forms, *, clock: Callable[[], datetime]) -> list[BaseRoute]:
    """The route that the form is sent to, from whichever page keeps something back."""

    def act(request: Request, fields: Fields) -> str:
        runs = [reading.run(run_id) for run_id in dict.fromkeys(fields.get("run", ())) if run_id]
        if not runs:
            raise InputError("no run is named", where="run")
        record_looks(reading, runs, by=reader_of(request), now=clock())
        return own_address(first(fields, "back")) or page_url("runs", runs[0].id)

    return [forms.route("/look", act, name="look")]
