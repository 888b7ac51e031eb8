"""The ASGI application: gate, OTLP, API, counters, health and the console's pages, and its housekeeping.

May import every room below ``server``, and ``console`` beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.errors import LaunchworthyError, NotFoundError
from launchworthy.server.api import api_routes, error_response, read_body
from launchworthy.server.auth import COOKIE, SESSION_S, Gate, sign_session
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.ofrep import Ofrep
from launchworthy.server.otlp import OtlpEndpoints
from launchworthy.server.prometheus import prometheus_text

__all__ = ["build_app", "repeat"]

# Seconds after the start, and from then on.
MEASURE_AFTER_S, MEASURE_EVERY_S = 2.0, 60.0
MAINTAIN_AFTER_S, MAINTAIN_EVERY_S = 60.0, 3600.0
ATTEND_EVERY_S = 1.0
RAMPS_AFTER_S, RAMPS_EVERY_S = 3.0, 15.0

_log = logging.getLogger("launchworthy.server")


def build_app(workspace: LocalWorkspace, *, require_key: bool, token: str) -> Starlette:
    """The application over an open workspace.

    Args:
        workspace: Owns the data folder; the caller closes it.
        require_key: True when bound beyond loopback.
        token: The secret that the server's note gives to this machine's user; counts as a ``write`` key.
    """
    from launchworthy.console import routes as console_routes
    from launchworthy.server.reading import WorkspaceReading

    secret = secrets.token_bytes(32)
    otlp = OtlpEndpoints(workspace.take)
    ofrep = Ofrep(workspace.flagging)

    def is_owner(key: str) -> bool:
        return secrets.compare_digest(key.encode("utf-8", "surrogatepass"), token.encode())

    def role_of_key(key: str) -> str | None:
        return "write" if is_owner(key) else workspace.role_of_key(key)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        housekeeping = [
            asyncio.create_task(repeat(work, after_s=after_s, every_s=every_s, name=name))
            for work, after_s, every_s, name in (
                (workspace.measure_all, MEASURE_AFTER_S, MEASURE_EVERY_S, "measuring"),
                (workspace.maintain, MAINTAIN_AFTER_S, MAINTAIN_EVERY_S, "maintenance"),
                (workspace.attend, ATTEND_EVERY_S, ATTEND_EVERY_S, "approvals"),
                (workspace.flagging.record_waiting, ATTEND_EVERY_S, ATTEND_EVERY_S, "exposures"),
                (workspace.tell_of_incidents, ATTEND_EVERY_S, ATTEND_EVERY_S, "notices of incidents"),
                (workspace.ramping.watch, RAMPS_AFTER_S, RAMPS_EVERY_S, "ramps"),
            )
        ]
        try:
            yield
        finally:
            for task in housekeeping:
                task.cancel()
            await asyncio.gather(*housekeeping, return_exceptions=True)
            await to_thread.run_sync(workspace.flagging.record_waiting)
            await to_thread.run_sync(otlp.close)

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def metrics(_: Request) -> Response:
        counters = await to_thread.run_sync(workspace.counters)
        return PlainTextResponse(prometheus_text(counters), media_type="text/plain; version=0.0.4")

    async def login(request: Request) -> Response:
        body = (await read_body(request, limit=4096)).decode("utf-8", "replace")
        key = _form_field(body, "key")
        role = role_of_key(key)
        if role is None:
            return RedirectResponse("/login?refused=1", status_code=303)
        response = RedirectResponse("/", status_code=303)
        expires_s = int(time.time()) + SESSION_S
        response.set_cookie(
            COOKIE,
            sign_session(role, secret=secret, expires_s=expires_s, name=workspace.name_of_key(key)),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def nowhere(request: Request) -> Response:
        raise NotFoundError("nothing is at this address", where=request.url.path[:300])

    routes: list[BaseRoute] = [
        Route("/healthz", health),
        Route("/metrics", metrics),
        Route("/login", login, methods=["POST"]),
        *ofrep.routes(),
        *otlp.routes(),
        *api_routes(workspace),
        *(Route(f"/{prefix}/{{rest:path}}", nowhere) for prefix in ("api", "v1")),
        *console_routes(WorkspaceReading(workspace)),
    ]
    gate = Middleware(
        Gate,
        role_of_key=role_of_key,
        name_of_key=workspace.name_of_key,
        is_owner=is_owner,
        is_live=workspace.is_live_key,
        require_key=require_key,
        secret=secret,
    )
    return Starlette(
        routes=routes,
        middleware=[gate],
        exception_handlers={
            LaunchworthyError: _refused,
            HTTPException: _not_so,
            Exception: _failed,
        },
        lifespan=lifespan,
    )


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, LaunchworthyError):
        raise error
    return error_response(error)


async def _not_so(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses, such as a wrong method, in the one error shape."""
    status, detail = (
        (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    )
    told = LaunchworthyError(detail, code=f"LW{status}", where=f"{request.method} {request.url.path[:300]}")
    return JSONResponse(told.as_json(), status_code=status, headers=getattr(error, "headers", None))


async def _failed(_: Request, error: Exception) -> Response:
    """A fault of ours; Starlette raises it again after this, so that the server's log holds it."""
    return error_response(
        LaunchworthyError(
            "the server failed to answer", code="LW500", hint=f"its log says why ({type(error).__name__})"
        )
    )


async def repeat(work: Callable[[], object], *, after_s: float, every_s: float, name: str) -> None:
    """Do some work in a thread, again and again; what fails once is told in the log and tried again.

    Work that takes long is done less often: it never takes more than a tenth of the time.
    """
    await asyncio.sleep(after_s)
    while True:
        began = time.monotonic()
        try:
            await to_thread.run_sync(work)
        except LaunchworthyError as error:
            _log.warning("%s did not finish: %s", name, error)
        except Exception:
            _log.exception("%s did not finish", name)
        await asyncio.sleep(max(every_s, 9 * (time.monotonic() - began)))


def _form_field(body: str, name: str) -> str:
    from urllib.parse import parse_qs

    return parse_qs(body, max_num_fields=8).get(name, [""])[0]
