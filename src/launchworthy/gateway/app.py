"""The gateway as a web server: who may call, which paths there are, and how answers and faults are written.

May import ``capture`` and this room. aiohttp's low-level server: a route is a look-up in a dict.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from contextlib import aclosing
from contextvars import Token
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from launchworthy.capture.sdk.blocks import workflow
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.span import Span
from launchworthy.errors import LaunchworthyError
from launchworthy.gateway.answering import Call, Means
from launchworthy.gateway.caller import Caller, caller_of
from launchworthy.gateway.dialects import CHAT, RESPONSES, Dialect
from launchworthy.gateway.embedding import Embedding, read_embedding
from launchworthy.gateway.keys import KeyRing
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.served import Arm, Job, Served
from launchworthy.gateway.shadowing import Asked, Shadows
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.faults import faults, injected

__all__ = ["Gateway"]

_LOG = logging.getLogger("launchworthy.gateway")
_MOST_BYTES = 20 * 1024 * 1024
_DIALECTS = {f"/v1{dialect.path}": dialect for dialect in (CHAT, RESPONSES)}
_EMBEDDINGS, _MODELS, _HEALTH = "/v1/embeddings", "/v1/models", "/healthz"
_NOT_FOR_MODELS = ("user", "safety_identifier", "metadata", "launchworthy")
_JSON = "application/json"


class Gateway:
    """Answers requests.

    Args:
        served: What it serves.
        means: Shared by all calls.
        keys: Of clients.
    """

    def __init__(self, served: Served, means: Means, *, keys: KeyRing) -> None:
        self._served, self._means, self._keys = served, means, keys
        self._shadows = Shadows(means, begin=self._span)

    async def open(self) -> None:
        """Make ready."""
        await self._means.asker.upstreams.open()

    async def close(self) -> None:
        """Let go of what is held."""
        await self._shadows.close()
        await self._means.ledger.close()
        await self._means.asker.upstreams.close()

    def server(self) -> web.Server:
        """What a socket is given to; a client that goes away cancels its call."""
        return web.Server(self.handle, request_factory=_request, handler_cancellation=True, access_log=None)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        try:
            self._check_origin(request)
            if request.path == _HEALTH:
                return web.Response(body=b'{"status":"ok"}', content_type=_JSON)
            key = self._keys.of(request.headers.get("Authorization", ""))
            if key is None:
                raise Refused(
                    401,
                    "invalid_api_key",
                    "a key of this gateway is needed",
                    hint="make one with: launchworthy gateway-key NAME",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            caller = caller_of(_headers(request), key)
            if request.path == _MODELS or request.path.startswith(_MODELS + "/"):
                _needs(request, "GET")
                return self._models(request.path.removeprefix(_MODELS).strip("/"), caller)
            dialect = _DIALECTS.get(request.path)
            if dialect is None and request.path != _EMBEDDINGS:
                raise Refused(404, "unknown_path", f"{request.path[:200]!r} is not served here")
            _needs(request, "POST")
            body = await _body(request)
            if dialect is None:
                return await self._embed(caller, body)
            return await self._answer(request, dialect, caller, body)
        except Refused as refused:
            return web.Response(
                status=refused.status, body=refused.body(), content_type=_JSON, headers=refused.headers
            )
        except UpstreamError as error:
            return _of_upstream(error)
        except ConnectionError:
            raise  # whoever asked has gone
        except (LaunchworthyError, RecursionError) as error:
            message = error.message if isinstance(error, LaunchworthyError) else "it is nested too deeply"
            body_of = Refused(400, "invalid_request", message).body()
            return web.Response(status=400, body=body_of, content_type=_JSON)
        except Exception:
            _LOG.exception("a request could not be answered")
            body_of = Refused(500, "gateway_failed", "the gateway failed; its log says why").body()
            return web.Response(status=500, body=body_of, content_type=_JSON)

    # ── the paths ────────────────────────────────────────────────────────────────────────────────

    async def _answer(
        self, request: web.BaseRequest, dialect: Dialect, caller: Caller, body: dict[str, Any]
    ) -> web.StreamResponse:
        asked = body.get("model")
        model = asked if isinstance(asked, str) else ""
        user = _user(caller, body)
        arm, job = self._choose(caller, model, user)
        known = {"", job.name, f"{arm.product}/{job.name}", *job.models}
        if model not in known and model not in {name.partition("/")[2] for name in job.models}:
            raise _no_model(model, [job.name, *job.models])
        stream = body.get("stream") is True
        candidate = self._served.candidate if arm is self._served.baseline else None
        if caller.release or caller.fault is not None:
            candidate = None  # a tester, or a drill
        ask = dialect.read(body, trusted=caller.key.trusted)
        for name in _NOT_FOR_MODELS:
            body.pop(name, None)
        if body.get("store"):
            body["store"] = False
        with (
            _trace(caller),
            injected(caller.fault or faults()),
            self._span(arm, job, caller, user) as span,
        ):
            call = Call(
                means=self._means,
                dialect=dialect,
                arm=arm,
                job=job,
                caller=caller,
                user=client().pseudonyms.user(user) if user else "",
                ask=ask,
                body=body,
                alias=model or job.name,
                span=span,
            )
            headers = _told(arm, job, span)
            beside = None
            if candidate is not None:
                beside = Asked.of(
                    body, dialect=dialect, caller=caller, user=user, workflow=job.name, alias=call.alias
                )
            if not stream:
                whole = await call.whole()
                response: web.StreamResponse = web.Response(body=whole, content_type=_JSON, headers=headers)
            else:
                response = await _send(request, call, headers)
            if candidate is not None and beside is not None:
                self._shadows.ask(candidate, beside, beside=span.trace_id)
            return response

    async def _embed(self, caller: Caller, body: dict[str, Any]) -> web.StreamResponse:
        user = _user(caller, body)
        arm, job = self._choose(caller, "", user)
        asked = body.get("model")
        models = [name for name in arm.embedders if asked in (name, name.partition("/")[2], job.name)]
        if not models:
            raise _no_model(
                asked if isinstance(asked, str) else "",
                list(arm.embedders),
                hint="write release: {retrieval: {embedding: vendor/model}} in the contract",
            )
        ask = read_embedding(body)
        for name in _NOT_FOR_MODELS:
            body.pop(name, None)
        with _trace(caller), self._span(arm, job, caller, user) as span:
            embedding = Embedding(
                means=self._means,
                arm=arm,
                job=job,
                caller=caller,
                user=client().pseudonyms.user(user) if user else "",
                ask=ask,
                body=body,
                model=models[0],
                span=span,
            )
            return web.Response(
                body=await embedding.whole(), content_type=_JSON, headers=_told(arm, job, span)
            )

    def _models(self, asked: str, caller: Caller) -> web.Response:
        arm = (
            self._served.choose(caller.user, session=caller.session, asked=caller.release) or self._served.arm
        )
        jobs = [name for name in arm.jobs if not caller.key.workflows or name in caller.key.workflows]
        names = [*jobs, *arm.models, *arm.embedders]
        rows = [
            {"id": name, "object": "model", "created": 0, "owned_by": "launchworthy"}
            for name in dict.fromkeys(names)
        ]
        if asked:
            found = next((row for row in rows if row["id"] == asked), None)
            if found is None:
                raise _no_model(asked, names)
            return web.Response(body=orjson.dumps(found), content_type=_JSON)
        return web.Response(body=orjson.dumps({"object": "list", "data": rows}), content_type=_JSON)

    # ── who, and what they get ───────────────────────────────────────────────────────────────────

    def _check_origin(self, request: web.BaseRequest) -> None:
        """No page of another site may call; without keys none but this machine's own programs may."""
        host = request.headers.get("Host", "")
        if not self._keys.required and not _is_loopback(host):
            raise Refused(
                403,
                "wrong_host",
                f"without keys this gateway answers on loopback only, and was called as {host[:80]!r}",
                hint="call it as 127.0.0.1, or give it --keys",
            )
        origin = request.headers.get("Origin")
        if origin is not None and not self._keys.required and urlsplit(origin).netloc != host:
            raise Refused(403, "wrong_origin", "a page of another origin may not call this gateway")

    def _choose(self, caller: Caller, model: str, user: str) -> tuple[Arm, Job]:
        arm = self._served.choose(user, session=caller.session, asked=caller.release)
        if arm is None:
            raise Refused(
                404,
                "release_not_found",
                "no such release is served here",
                param="x-launchworthy-release",
                hint="ask for candidate or baseline",
            )
        job = arm.job(caller.workflow, model)
        if job is None:
            raise Refused(
                404 if caller.workflow else 400,
                "workflow_not_found",
                f"there is no workflow {caller.workflow!r}"
                if caller.workflow
                else f"which workflow is meant? {model[:80]!r} names none",
                param="x-launchworthy-workflow",
                hint=f"send the header, or as model: {', '.join(arm.jobs)}",
            )
        if caller.key.workflows and job.name not in caller.key.workflows:
            raise Refused(
                403,
                "workflow_denied",
                f"the key {caller.key.name!r} is not for the workflow {job.name}",
                param="x-launchworthy-workflow",
            )
        return arm, job

    @staticmethod
    def _span(arm: Arm, job: Job, caller: Caller, user: str) -> Any:
        return workflow(
            job.name,
            user=user or None,
            session=caller.session or None,
            cohort=arm.cohort or None,
            release=arm.release or None,
            product=arm.product,
            simulated=True if caller.simulated else None,
            attributes={"launchworthy.client": caller.key.name},
        )


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MOST_BYTES)


def _headers(request: web.BaseRequest) -> list[tuple[str, str]]:
    """Those that may be ours: each as often as it was sent."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.raw_headers
        if name[:1] in b"xXtT"
    ]


def _needs(request: web.BaseRequest, method: str) -> None:
    if request.method != method:
        raise Refused(405, "wrong_method", f"{request.path[:80]} takes {method}", headers={"Allow": method})


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, "too_large", f"a request may have {_MOST_BYTES:,} bytes") from None
    try:
        body = orjson.loads(raw)
    except ValueError:
        raise Refused(400, "invalid_json", "the request is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_json", "the request is not a JSON object")
    return body


def _user(caller: Caller, body: dict[str, Any]) -> str:
    """Whom the call is for: the header, or what trusted clients write into the request itself."""
    if caller.user or not caller.key.trusted:
        return caller.user
    said = body.get("safety_identifier") or body.get("user")
    return said if isinstance(said, str) and len(said) <= 512 else ""


def _told(arm: Arm, job: Job, span: Span) -> dict[str, str]:
    told = {"x-launchworthy-trace": span.trace_id, "x-launchworthy-workflow": job.name}
    if arm.release:
        told["x-launchworthy-release"] = arm.release
    if arm.cohort:
        told["x-launchworthy-cohort"] = arm.cohort
    return told


async def _send(request: web.BaseRequest, call: Call, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={**headers, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    async with aclosing(call.streamed()) as pieces:
        async for piece in pieces:
            if not response.prepared:
                await response.prepare(request)
            await response.write(piece)
    await response.write_eof()
    return response


def _of_upstream(error: UpstreamError) -> web.Response:
    """A request that the model refuses is the client's to mend, whatever else happened is not."""
    if error.refused:
        refused = Refused(400, "refused_by_model", str(error.body or error.message))
    else:
        refused = Refused(502, f"upstream_{error.why}", error.message)
    return web.Response(status=refused.status, body=refused.body(), content_type=_JSON)


def _no_model(model: str, names: list[str], hint: str = "") -> Refused:
    import difflib

    close = difflib.get_close_matches(model[:80], names, n=1)
    said = f"did you mean {close[0]}?" if close else hint or f"there are {', '.join(names)}"
    return Refused(
        404, "model_not_found", f"the contract has no model {model[:80]!r}", param="model", hint=said
    )


@lru_cache(maxsize=256)
def _is_loopback(host: str) -> bool:
    """Whether a ``Host`` header can only mean this machine."""
    host = urlsplit(f"//{host}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class _trace:
    """Inside the trace that a trusted client is in, where it says so."""

    def __init__(self, caller: Caller) -> None:
        self._parent = caller.traceparent
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        if self._parent:
            found = TraceContextTextMapPropagator().extract({"traceparent": self._parent})
            self._token = context.attach(found)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            context.detach(self._token)
