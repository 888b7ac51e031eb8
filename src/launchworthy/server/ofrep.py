"""OpenFeature's Remote Evaluation Protocol 0.3, for every OpenFeature client, and a track endpoint beside it.

Under ``/ofrep/v1`` for a server with the flags of one product, else ``/products/PRODUCT/ofrep/v1``. What is
asked reads memory and is answered on the event loop. May import every room below ``server``.

Source: open-feature/protocol, ``service/openapi.yaml`` and ``service/event-streams.yaml``.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from launchworthy.errors import LaunchworthyError, NotFoundError
from launchworthy.rollout.flags import Decision, Reason
from launchworthy.server.flagging import Current, Flagging

__all__ = ["Ofrep"]

_MOST_BYTES = 1024 * 1024
_MOST_EVENTS = 1_000
_MOST_STREAMS = 1_000
_STREAM_LOOKS_S, _STREAM_SPEAKS_S = 0.5, 15.0
_JSON = (b"content-type", b"application/json")
_REASONS: Final = {
    Reason.STATIC: "STATIC",
    Reason.DEFAULT: "DEFAULT",
    Reason.TARGETING_MATCH: "TARGETING_MATCH",
    Reason.SPLIT: "SPLIT",
    Reason.STICKY: "SPLIT",
    Reason.OVERRIDE: "TARGETING_MATCH",
    Reason.HOLDOUT: "SPLIT",
    Reason.DISABLED: "DISABLED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """Who is asked about."""

    unit: str
    attributes: Mapping[str, Any]


class _Refused(Exception):
    """An answer that is an error of the protocol."""

    def __init__(self, status: int, code: str, details: str) -> None:
        super().__init__(details)
        self.status, self.code, self.details = status, code, details


class _Asgi:
    """A handler as an application of its own: Starlette makes no request object for it."""

    def __init__(self, handler: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handler(scope, receive, send)


def _only(method: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Refuses every other method."""

    async def refuse(scope: Scope, _receive: Receive, send: Send) -> None:
        body = {"errorCode": "GENERAL", "errorDetails": f"use {method} here, not {scope['method']}"}
        await _answer(send, 405, body, [(b"allow", method.encode())])

    return refuse


class Ofrep:
    """The endpoints.

    Args:
        flagging: Decides.
        most_per_s: Requests that one key may make in a second; beyond, it is asked to wait.
        now: Monotonic clock, seconds.
    """

    def __init__(
        self, flagging: Flagging, *, most_per_s: int = 50_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._flagging, self._most_per_s, self._now = flagging, most_per_s, now
        self._window, self._counts = 0, dict[str, int]()
        self._streams = 0

    def routes(self) -> list[BaseRoute]:
        """The protocol's own, and the flags of a product for clients that decide by themselves."""
        found: list[BaseRoute] = []
        for before in ("", "/products/{product}"):
            base = f"{before}/ofrep/v1"
            found += [
                Route(f"{base}/evaluate/flags", _Asgi(self._guarded(self._bulk)), methods=["POST"]),
                Route(
                    f"{base}/evaluate/flags/{{key:path}}",
                    _Asgi(self._guarded(self._single)),
                    methods=["POST"],
                ),
                Route(f"{base}/track", _Asgi(self._guarded(self._track)), methods=["POST"]),
                Route(f"{base}/events", _Asgi(self._events), methods=["GET"]),
                # Pages answer every other address, and a client of the protocol reads JSON.
                Route(f"{base}/evaluate/flags", _Asgi(_only("POST"))),
                Route(f"{base}/evaluate/flags/{{key:path}}", _Asgi(_only("POST"))),
                Route(f"{base}/track", _Asgi(_only("POST"))),
                Route(f"{base}/events", _Asgi(_only("GET"))),
            ]
        return [*found, Route("/api/v1/products/{product}/flags", self._document, methods=["GET"])]

    def _guarded(
        self, handler: Callable[[Scope, Receive, Send], Awaitable[None]]
    ) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            key = scope.get("path_params", {}).get("key")
            try:
                self._count(scope)
                await handler(scope, receive, send)
            except _Refused as refused:
                body = {"errorCode": refused.code, "errorDetails": refused.details}
                if key is not None:
                    body["key"] = key
                more = [(b"retry-after", b"1")] if refused.status in (429, 503) else []
                await _answer(send, refused.status, body, more)
            except LaunchworthyError as error:
                await _answer(send, 500, {"errorDetails": error.message})

        return guarded

    def _count(self, scope: Scope) -> None:
        window = int(self._now())
        if window != self._window:
            self._window, self._counts = window, {}
        who = scope.get("state", {}).get("reader", "")
        count = self._counts[who] = self._counts.get(who, 0) + 1
        if count > self._most_per_s:
            raise _Refused(429, "GENERAL", f"more than {self._most_per_s:,} requests in a second")

    async def _single(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = _context(await _body(receive))
        key = scope["path_params"]["key"]
        found = [
            (current, evaluate)
            for current in await self._currents(scope)
            if (evaluate := current.evaluates.get(key)) is not None
        ]
        if not found:
            raise _Refused(404, "FLAG_NOT_FOUND", f"there is no flag {key!r:.80}")
        if len(found) > 1:
            names = ", ".join(current.flags.product for current, _ in found)
            raise _Refused(400, "GENERAL", f"{names} have a flag of this key: ask under /products/PRODUCT")
        current, evaluate = found[0]
        if current.reads:
            decision = await to_thread.run_sync(evaluate, context.unit, context.attributes)
        else:
            decision = evaluate(context.unit, context.attributes)
        if decision.variant is None:
            raise _Refused(400, "TARGETING_KEY_MISSING", _missing(decision))
        self._flagging.seen(current.flags.product, decision, context.unit, context.attributes)
        await _answer(send, 200, _success(decision))

    async def _bulk(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = _context(await _body(receive))
        currents = await self._currents(scope)
        told = orjson.dumps(
            [context.unit, context.attributes], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        )
        flags = await to_thread.run_sync(_everything, currents, context)
        tags = "".join(current.tag for current in currents).encode()
        # Sticky units change what the same flags say, so what they say is part of the tag too.
        said = orjson.dumps([(each["key"], each.get("variant")) for each in flags])
        tag = f'"{hashlib.sha256(tags + told + said).hexdigest()[:32]}"'
        headers = [(b"etag", tag.encode()), (b"cache-control", b"no-cache")]
        if _matches(_header(scope, b"if-none-match"), tag):
            await _send(send, 304, b"", headers)
            return
        path = scope["path"].removesuffix("/evaluate/flags") + "/events"
        await _answer(
            send,
            200,
            {
                "flags": flags,
                "metadata": {current.flags.product: current.tag for current in currents},
                "eventStreams": [
                    {
                        "type": "sse",
                        "endpoint": {"requestUri": quote(path)},
                        "inactivityDelaySec": 120,
                    }
                ],
            },
            headers,
        )

    async def _track(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        context = _context(body)
        events = body.get("events")
        if not isinstance(events, list) or not 0 < len(events) <= _MOST_EVENTS:
            raise _Refused(400, "PARSE_ERROR", f"events is a list of 1 to {_MOST_EVENTS:,}")
        currents = await self._currents(scope)
        if len(currents) != 1:
            raise _Refused(400, "GENERAL", "which product? ask under /products/PRODUCT")
        facts = [self._fact(currents[0], context, each, place) for place, each in enumerate(events)]
        try:
            await to_thread.run_sync(self._flagging.track, facts)
        except LaunchworthyError as error:
            if error.code in ("LW503", "LW507"):
                raise _Refused(503, "GENERAL", error.message) from error
            if error.code == "LW500":
                raise
            raise _Refused(400, "GENERAL", error.message) from error
        await _send(send, 204, b"", [])

    def _fact(self, current: Current, context: _Context, event: Any, place: int) -> dict[str, Any]:
        where = f"events[{place}]"
        if not isinstance(event, dict) or ("name" in event) == ("flag" in event):
            raise _Refused(
                400, "PARSE_ERROR", f"{where} has one of name, for an event, and flag, for an exposure"
            )
        at_ns = _time(event.get("time"), where)
        if "flag" in event:
            flag = current.flags.flags.get(event["flag"]) if isinstance(event["flag"], str) else None
            variant = event.get("variant")
            if flag is None or not isinstance(variant, str) or variant not in flag.variants:
                raise _Refused(400, "PARSE_ERROR", f"{where} names no flag, or none of its variants")
            decided = current.evaluates[flag.key](context.unit, context.attributes)
            if decided.variant != variant:  # what was seen counts, and not what would be decided by now
                decided = Decision(
                    flag=flag.key,
                    value=None,
                    variant=variant,
                    reason=Reason.STICKY,
                    algorithm=flag.algorithm,
                    unit_kind=flag.unit,
                    assigned=True,
                )
            return self._flagging.exposure(
                current.flags.product, decided, unit=context.unit, attributes=context.attributes, at_ns=at_ns
            )
        name, value, told = event["name"], event.get("value"), event.get("attributes", {})
        if not isinstance(name, str) or not 0 < len(name) <= 200 or not isinstance(told, dict):
            raise _Refused(
                400, "PARSE_ERROR", f"{where} has a name and, if anything, an object of attributes"
            )
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value)
        ):
            raise _Refused(400, "PARSE_ERROR", f"{where}.value is a number")
        session = context.attributes.get("session")
        return self._flagging.outcome(
            current.flags.product,
            name,
            unit=context.unit,
            session=session if isinstance(session, str) else "",
            value=value,
            attributes=told,
            at_ns=at_ns,
        )

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Says ``refetchEvaluation`` whenever the flags are others, and something else now and then."""
        if self._streams >= _MOST_STREAMS:
            await _answer(send, 503, {"errorDetails": "too many streams"}, [(b"retry-after", b"30")])
            return
        self._streams += 1
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [
                        (b"content-type", b"text/event-stream"),
                        (b"cache-control", b"no-cache"),
                        (b"x-accel-buffering", b"no"),
                    ],
                }
            )
            seen, spoke = await self._tag(scope), float("-inf")
            while not gone.done():
                tag, said = await self._tag(scope), b""
                if tag != seen:
                    told = {
                        "type": "refetchEvaluation",
                        "etag": tag,
                        "lastModified": format_datetime(datetime.now(UTC), usegmt=True),
                    }
                    seen, said = tag, b"id: %s\ndata: %s\n\n" % (tag.encode(), orjson.dumps(told))
                elif self._now() - spoke >= _STREAM_SPEAKS_S:
                    said = b": still here\n\n"
                if said:
                    spoke = self._now()
                    await send({"type": "http.response.body", "body": said, "more_body": True})
                await asyncio.wait([gone], timeout=_STREAM_LOOKS_S)
        finally:
            gone.cancel()
            self._streams -= 1

    async def _tag(self, scope: Scope) -> str:
        return "-".join(current.tag for current in await self._currents(scope))

    async def _currents(self, scope: Scope) -> Sequence[Current]:
        product = scope.get("path_params", {}).get("product")
        if product is not None:
            found = self._flagging.at_hand(product)
            if found is None:
                found = await to_thread.run_sync(self._flagging.current, product)
            return [found]
        return await to_thread.run_sync(self._every) if not (hand := self._at_hand()) else hand

    def _at_hand(self) -> list[Current]:
        found = [self._flagging.at_hand(product) for product in self._flagging.products_at_hand()]
        return [each for each in found if each is not None] if None not in found else []

    def _every(self) -> list[Current]:
        return [self._flagging.current(product) for product in self._flagging.products()]

    async def _document(self, request: Request) -> Response:
        """The flags themselves, with a tag."""
        from launchworthy.server.api import error_response

        product = request.path_params["product"]
        try:
            current = await to_thread.run_sync(self._flagging.current, product)
            tag = f'"{current.tag}"'
            if current.evaluates and _matches(request.headers.get("if-none-match", ""), tag):
                return Response(status_code=304, headers={"etag": tag})
            told = await to_thread.run_sync(self._flagging.told, product)
        except NotFoundError as error:
            return error_response(error)
        return Response(
            orjson.dumps(told),
            media_type="application/json",
            headers={"etag": f'"{told["tag"]}"', "cache-control": "no-cache"},
        )


def _everything(currents: Sequence[Current], context: _Context) -> list[dict[str, Any]]:
    keys = [key for current in currents for key in current.evaluates]
    twice = {key for key in keys if keys.count(key) > 1} if len(currents) > 1 else set()
    found = []
    for current in currents:
        for key, evaluate in current.evaluates.items():
            if key in twice:
                details = "several products have a flag of this key: ask under /products/PRODUCT"
                found.append({"key": key, "errorCode": "GENERAL", "errorDetails": details})
                continue
            decision = evaluate(context.unit, context.attributes)
            if decision.variant is None:
                found.append(
                    {"key": key, "errorCode": "TARGETING_KEY_MISSING", "errorDetails": _missing(decision)}
                )
            else:
                found.append(_success(decision))
    return found


def _success(decision: Decision) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "version": decision.version,
        "algorithm": decision.algorithm,
        "unit": decision.unit_kind,
        "because": decision.reason.value,
    }
    if decision.rule:
        metadata["rule"] = decision.rule
    return {
        "key": decision.flag,
        "value": decision.value,
        "reason": _REASONS[decision.reason],
        "variant": decision.variant,
        "metadata": metadata,
    }


def _missing(decision: Decision) -> str:
    if decision.unit_kind == "user":
        return "the flag assigns users: the context has no targetingKey"
    return f"the flag assigns by {decision.unit_kind}: the context has no such attribute"


def _context(body: Mapping[str, Any]) -> _Context:
    context = body.get("context")
    if context is None:
        context = {}
    if not isinstance(context, dict):
        raise _Refused(400, "INVALID_CONTEXT", "the context is an object")
    unit = context.get("targetingKey", "")
    if not isinstance(unit, str):
        raise _Refused(400, "INVALID_CONTEXT", "the targetingKey is a text")
    return _Context(unit=unit, attributes=context)


async def _body(receive: Receive) -> dict[str, Any]:
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "PARSE_ERROR", "the request ended early")
        piece = message.get("body", b"")
        size += len(piece)
        if size > _MOST_BYTES:
            raise _Refused(413, "GENERAL", f"the body is longer than {_MOST_BYTES:,} bytes")
        pieces.append(piece)
        if not message.get("more_body"):
            break
    body = b"".join(pieces)
    if not body:
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Refused(400, "PARSE_ERROR", f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise _Refused(400, "PARSE_ERROR", "the body is an object")
    return found


def _time(told: Any, where: str) -> int | None:
    if told is None:
        return None
    try:
        moment = datetime.fromisoformat(told)
        if moment.tzinfo is not None:
            return int(moment.timestamp() * 1e6) * 1000
    except (TypeError, ValueError, OverflowError):
        pass
    raise _Refused(400, "PARSE_ERROR", f"{where}.time is a moment such as 2026-12-01T09:30:00Z")


def _matches(header: str, tag: str) -> bool:
    """Whether an If-None-Match names the tag, weakly or strongly."""
    given = [each.strip().removeprefix("W/") for each in header.split(",")]
    return tag in given or "*" in given


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(
    send: Send, status: int, body: Mapping[str, Any], headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    await _send(send, status, orjson.dumps(body), [_JSON, *headers])


async def _send(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
