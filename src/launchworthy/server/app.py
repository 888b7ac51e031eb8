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
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from launchworthy.errors import LaunchworthyError
from launchworthy.server.api import api_routes, error_response, read_body
from launchworthy.server.auth import COOKIE, SESSION_S, Gate, sign_session
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.otlp import OtlpEndpoints
from launchworthy.server.prometheus import prometheus_text

__all__ = ["build_app"]

MEASURE_EVERY_S = 60.0
MAINTAIN_EVERY_S = 3600.0

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

    def role_of_key(key: str) -> str | None:
        return "write" if secrets.compare_digest(key.encode(), token.encode()) else workspace.role_of_key(key)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        housekeeping = [
            asyncio.create_task(_repeat(workspace.measure_all, every_s=MEASURE_EVERY_S, name="measuring")),
            asyncio.create_task(_repeat(workspace.maintain, every_s=MAINTAIN_EVERY_S, name="maintenance")),
        ]
        try:
            yield
        finally:
            for task in housekeeping:
                task.cancel()
            await asyncio.gather(*housekeeping, return_exceptions=True)
            await to_thread.run_sync(otlp.close)

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def metrics(_: Request) -> Response:
        counters = await to_thread.run_sync(workspace.counters)
        return PlainTextResponse(prometheus_text(counters), media_type="text/plain; version=0.0.4")

    async def login(request: Request) -> Response:
        body = (await read_body(request, limit=4096)).decode("utf-8", "replace")
        role = role_of_key(_form_field(body, "key"))
        if role is None:
            return RedirectResponse("/login?refused=1", status_code=303)
        response = RedirectResponse("/", status_code=303)
        expires_s = int(time.time()) + SESSION_S
        response.set_cookie(
            COOKIE,
            sign_session(role, secret=secret, expires_s=expires_s),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def refused(_: Request, error: Exception) -> Response:
        if not isinstance(error, LaunchworthyError):
            raise error
        return error_response(error)

    routes: list[BaseRoute] = [
        Route("/healthz", health),
        Route("/metrics", metrics),
        Route("/login", login, methods=["POST"]),
        *otlp.routes(),
        *api_routes(workspace),
        *console_routes(WorkspaceReading(workspace)),
    ]
    gate = Middleware(Gate, role_of_key=role_of_key, require_key=require_key, secret=secret)
    return Starlette(
        routes=routes,
        middleware=[gate],
        exception_handlers={LaunchworthyError: refused},
        lifespan=lifespan,
    )


async def _repeat(work: Callable[[], object], *, every_s: float, name: str) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            await to_thread.run_sync(work)
        except LaunchworthyError as error:
            _log.warning("%s did not finish: %s", name, error)


def _form_field(body: str, name: str) -> str:
    from urllib.parse import parse_qs

    return parse_qs(body, max_num_fields=8).get(name, [""])[0]
