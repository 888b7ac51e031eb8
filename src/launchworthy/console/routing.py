"""The console's routes: pages, their errors, static files. May import Starlette and this room."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.console.page import Ask, Page
from launchworthy.console.pages import PAGES
from launchworthy.console.pages.error import error_view
from launchworthy.console.reading import Reading
from launchworthy.console.rendering import BUILT, Renderer
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
    render = Renderer()
    found: list[BaseRoute] = [Route("/static/{name}", _static(), name="static")]
    found += [Route(page.path, _endpoint(page, reading, render, clock), name=page.name) for page in PAGES]
    found.append(Route("/{rest:path}", _nowhere(render), name="nowhere"))
    return found


def _endpoint(
    page: Page, reading: Reading, render: Renderer, clock: Callable[[], datetime]
) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        ask = Ask(
            path=request.path_params,
            query=dict(request.query_params),
            now=clock(),
            server=str(request.base_url).rstrip("/")[:200],
        )
        try:
            html = render(page.template, page.view(reading, ask))
        except LaunchworthyError as error:
            status = {"LW404": 404, "LW503": 503, "LW507": 503}.get(
                error.code, 500 if error.code == "LW500" else 400
            )
            return _html(render("error.html", error_view(error, status=status)), status=status)
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
