"""The console's routes: pages, their errors, static files. May import Starlette and this room."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from launchworthy.console.deciding import approval_routes
from launchworthy.console.flag_acting import flag_routes
from launchworthy.console.forms import (
    Answer,
    Fields,
    Forms,
    first,
    form_token,
    key_of,
    may_write,
    own_address,
    reader_of,
)
from launchworthy.console.incident_acting import incident_routes
from launchworthy.console.looking import look_routes
from launchworthy.console.page import Again, Ask, Page
from launchworthy.console.pages import PAGES
from launchworthy.console.pages.error import error_view
from launchworthy.console.reading import Reading
from launchworthy.console.rendering import BUILT, Renderer
from launchworthy.console.reviewing import review_routes
from launchworthy.console.words import page_url, sentence
from launchworthy.errors import LaunchworthyError

__all__ = ["routes"]

_log = logging.getLogger("launchworthy.console")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_YEAR_S = 31_536_000


def _now() -> datetime:
    return datetime.now(UTC)


def routes(reading: Reading, *, clock: Callable[[], datetime] = _now) -> list[BaseRoute]:
    """Every page over ``reading``, the static files, and a page for every other address.

    The last route answers any address with "not here", so mount these after all others. Pages are
    computed in Starlette's threads.

    Raises:
        StorageError: The scripts and styles were not built into the package.
    """
    render, secret = Renderer(), secrets.token_bytes(32)
    pages = [
        (Route(page.path, _endpoint(page, reading, render, clock, secret), name=page.name), page)
        for page in PAGES
    ]
    forms = Forms(
        again=_again(pages, reading, render, clock, secret),
        refused=lambda error: _refused(render, error),
        secret=secret,
        headers=_HEADERS,
    )
    found: list[BaseRoute] = [
        Route("/static/{name}", _static(), name="static"),
        *look_routes(reading, forms, clock=clock),
        *approval_routes(reading.desk, forms),
        *review_routes(reading, forms),
        *incident_routes(reading, forms),
        *flag_routes(reading, forms),
    ]
    found += [route for route, _ in pages]
    found.append(Route("/{rest:path}", _nowhere(render), name="nowhere"))
    return found


def _endpoint(
    page: Page, reading: Reading, render: Renderer, clock: Callable[[], datetime], secret: bytes
) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        try:
            html = render(page.template, page.view(reading, _ask(request, clock(), secret)))
        except LaunchworthyError as error:
            return _refused(render, error)
        except Exception:
            # The page says which line of the log is meant; the reason may hold what a page must not show.
            mark = secrets.token_hex(4)
            _log.exception("page %s failed (%s)", page.name, mark)
            failure = LaunchworthyError(
                "this page could not be drawn", hint=f"the server's log says why, beside {mark}"
            )
            return _html(render("error.html", error_view(failure, status=500)), status=500)
        return _html(html)

    return endpoint


def _ask(request: Request, now: datetime, secret: bytes) -> Ask:
    who = reader_of(request)
    return Ask(
        path=request.path_params,
        query=dict(request.query_params),
        now=now,
        server=str(request.base_url).rstrip("/")[:200],
        address=page_url(request.scope["path"].removeprefix("/"))
        + (f"?{request.url.query}" if request.url.query else ""),
        reader=who,
        may_look=may_write(request),
        token=form_token(secret, who),
        key=key_of(request),
    )


def _again(
    pages: Sequence[tuple[Route, Page]],
    reading: Reading,
    render: Renderer,
    clock: Callable[[], datetime],
    secret: bytes,
) -> Answer:
    """The page of a form that was refused, once more: with why, and with what was typed.

    It is the page that the form was sent to or, where that is none, the one that it says it came from.
    """

    def answer(request: Request, fields: Fields, error: LaunchworthyError) -> Response:
        again = Again(
            why=error.message[:300],
            hint=sentence(error.hint[:300]),
            place=error.where,
            fields={name: values[0] for name, values in fields.items()},
        )
        came_from = own_address(first(fields, "back"))
        path, _, query = came_from.partition("?")
        scope: Scope = {**request.scope, "method": "GET"}
        if came_from:
            scope["path"], scope["query_string"] = unquote(path), query.encode()
        for route, page in pages:
            match, found = route.matches(scope)
            if match is not Match.FULL:
                continue
            ask = replace(_ask(Request({**scope, **found}), clock(), secret), again=again)
            try:
                return _html(render(page.template, page.view(reading, ask)), status=_status(error))
            except LaunchworthyError:
                break  # its page is not there either
        return _refused(render, error)

    return answer


def _refused(render: Renderer, error: LaunchworthyError) -> Response:
    status = _status(error)
    return _html(render("error.html", error_view(error, status=status)), status=status)


def _status(error: LaunchworthyError) -> int:
    return {"LW403": 403, "LW404": 404, "LW409": 409, "LW503": 503, "LW507": 503}.get(
        error.code, 500 if error.code == "LW500" else 400
    )


def _nowhere(render: Renderer) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        missing = LaunchworthyError("nothing is at this address", where=request.url.path[:300])
        return _html(render("error.html", error_view(missing, status=404)), status=404)

    return endpoint


def _html(text: str, *, status: int = 200) -> Response:
    return HTMLResponse(text, status_code=status, headers=_HEADERS)


def _static() -> Callable[[Request], Response]:
    files = {file.name: file for file in BUILT.iterdir() if file.suffix in _TYPES}

    def endpoint(request: Request) -> Response:
        file: Path | None = files.get(request.path_params["name"])
        if file is None:
            return Response("not here\n", status_code=404, media_type="text/plain")
        # The address carries a digest of the content, so what was fetched by it never changes.
        keep = f"public, max-age={_YEAR_S}, immutable" if "v" in request.query_params else "no-cache"
        return FileResponse(
            file,
            media_type=_TYPES[file.suffix],
            headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff"},
        )

    return endpoint
