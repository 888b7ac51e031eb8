"""The console's routes: pages, their errors, static files. May import Starlette and this room."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.console.deciding import approval_actions, key_of
from launchworthy.console.flag_acting import flag_routes
from launchworthy.console.forms import Answer, check_token, form_token, own_address, read_form, reader_of
from launchworthy.console.incident_acting import incident_routes
from launchworthy.console.kept_back import record_looks
from launchworthy.console.page import Again, Ask, Page
from launchworthy.console.pages import PAGES
from launchworthy.console.pages.error import error_view
from launchworthy.console.pages.flags import PAGE as FLAGS
from launchworthy.console.pages.incident import PAGE as INCIDENT
from launchworthy.console.reading import Reading
from launchworthy.console.rendering import BUILT, Renderer
from launchworthy.console.reviewing import review_routes
from launchworthy.console.words import page_url, sentence
from launchworthy.errors import InputError, LaunchworthyError

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
    found: list[BaseRoute] = [
        Route("/static/{name}", _static(), name="static"),
        Route("/look", _looking(reading, render, clock, secret), methods=["POST"], name="look"),
    ]
    found += approval_actions(
        reading.desk, lambda error: _refused(render, error), secret=secret, headers=_HEADERS
    )
    found += review_routes(reading, lambda error: _refused(render, error), secret=secret, headers=_HEADERS)
    for acting, page in ((incident_routes, INCIDENT), (flag_routes, FLAGS)):
        found += acting(
            reading,
            lambda error: _refused(render, error),
            again=_again(page, reading, render, clock, secret),
            secret=secret,
            headers=_HEADERS,
        )
    found += [
        Route(page.path, _endpoint(page, reading, render, clock, secret), name=page.name) for page in PAGES
    ]
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
        address=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        reader=who,
        may_look=_role(request) == "write",
        token=form_token(secret, who),
        key=key_of(request),
    )


def _again(
    page: Page, reading: Reading, render: Renderer, clock: Callable[[], datetime], secret: bytes
) -> Answer:
    """The page of a form that was refused, once more: with why, and with what was typed."""

    def answer(request: Request, fields: Mapping[str, list[str]], error: LaunchworthyError) -> Response:
        again = Again(
            why=error.message[:300],
            hint=sentence(error.hint[:300]),
            place=error.where,
            fields={name: values[0] for name, values in fields.items()},
        )
        try:
            ask = replace(_ask(request, clock(), secret), again=again)
            html = render(page.template, page.view(reading, ask))
        except LaunchworthyError:
            return _refused(render, error)  # its page is not there either
        return _html(html, status=_status(error))

    return answer


def _looking(
    reading: Reading, render: Renderer, clock: Callable[[], datetime], secret: bytes
) -> Callable[[Request], Awaitable[Response]]:
    """The one action: record a look, then show what was asked for."""

    def act(who: str, fields: Mapping[str, list[str]]) -> Response:
        runs = [reading.run(run_id) for run_id in dict.fromkeys(fields.get("run", ()))]
        if not runs:
            raise InputError("no run is named", where="run")
        record_looks(reading, runs, by=who, now=clock())
        return RedirectResponse(
            own_address(fields.get("back", [""])[0]) or page_url("runs", runs[0].id),
            status_code=303,
            headers=_HEADERS,
        )

    async def endpoint(request: Request) -> Response:
        try:
            fields = await read_form(request)
            who = reader_of(request)
            if _role(request) != "write":
                raise LaunchworthyError("a key with the role write is needed", code="LW403", where="/look")
            check_token(fields, secret, who)
            return await to_thread.run_sync(act, who, fields)
        except LaunchworthyError as error:
            return await to_thread.run_sync(_refused, render, error)

    return endpoint


def _role(request: Request) -> str:
    """The role of whoever calls; without a gate before it, everyone on the machine is trusted."""
    return request.scope.get("state", {}).get("role") or "write"


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
