"""The JSON API: a route for each row of ``operations``, one error shape, and the OpenAPI document.

May import every room below ``server``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from launchworthy import __version__
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.records import TABLES
from launchworthy.server.auth import Gate
from launchworthy.server.caller import Caller
from launchworthy.server.operations import OPERATIONS, Operation
from launchworthy.server.workspace import Workspace

__all__ = ["MAX_BODY_BYTES", "api_routes", "caller_of", "error_response", "openapi"]

PREFIX = "/api/v1"
MOST_WAITING = 256  # requests that wait for a person, each in a thread
MAX_BODY_BYTES = 256 * 1024 * 1024  # a gold set or a run's items arrive whole
_STATUS = {
    **{f"LW{status}": status for status in (401, 403, 404, 409, 413, 415, 503)},
    "LW507": 503,  # a client of OTLP sends again after a 503, and after no 507
}


def error_response(error: LaunchworthyError) -> Response:
    """The one JSON error shape, with the status that its code stands for."""
    status = _STATUS.get(error.code, 500 if error.code == "LW500" else 400)
    wait = getattr(error, "retry_after_s", None)
    headers = {"Retry-After": str(max(1, round(wait)))} if wait is not None else None
    return JSONResponse(error.as_json(), status_code=status, headers=headers)


def _invalid(error: ValidationError) -> InputError:
    first = error.errors(include_url=False, include_input=False)[0]
    return InputError(
        f"{first['msg']} ({error.error_count()} in all)", where=".".join(str(part) for part in first["loc"])
    )


async def read_body(request: Request, *, limit: int) -> bytes:
    """The whole body.

    Raises:
        InputError: Longer than ``limit`` bytes (LW413).
    """
    refusal = InputError(
        f"the body is longer than {limit:,} bytes", code="LW413", hint="send it in smaller pieces"
    )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:19]) > limit:
        raise refusal
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise refusal
        pieces.append(piece)
    return b"".join(pieces)


def caller_of(request: Request) -> Caller:
    """Who calls, as the gate recognised them."""
    state = request.scope["state"]
    return Caller(role=state["role"] or "", key=state["reader"], owner=state["owner"])


def _endpoint(operation: Operation, workspace: Workspace) -> Callable[[Request], Awaitable[Response]]:
    # Those who wait for a person take no thread from those who do not.
    waiting = CapacityLimiter(MOST_WAITING)

    async def endpoint(request: Request) -> Response:
        try:
            role = request.scope["state"]["role"]
            if not Gate.allows(role, operation.role):
                raise LaunchworthyError(
                    f"{operation.name} needs a key with the role {operation.role!r}, not {role!r}",
                    code="LW403",
                )
            arguments = await _arguments(operation, request)
            call = partial(operation.call, workspace, arguments, caller=caller_of(request))
            answer = await to_thread.run_sync(call, limiter=waiting if operation.waits else None)
        except LaunchworthyError as error:
            return error_response(error)
        return Response(operation.answer.dump_json(answer), media_type="application/json")

    return endpoint


async def _arguments(operation: Operation, request: Request) -> dict[str, Any]:
    given: dict[str, Any]
    if operation.verb in ("GET", "DELETE"):
        given = {key: value for key, value in request.query_params.items() if value != ""}
    else:
        body = await read_body(request, limit=MAX_BODY_BYTES)
        try:
            given = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError as error:
            raise InputError(f"the body is not JSON: {error}", hint="send a JSON object in UTF-8") from error
        if not isinstance(given, dict):
            raise InputError("the body is not a JSON object")
    given |= request.path_params
    try:
        model = operation.arguments.model_validate(given)
    except ValidationError as error:
        raise _invalid(error) from error
    return {name: getattr(model, name) for name in operation.arguments.model_fields}


def _export(workspace: Workspace) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        table = request.path_params["table"]
        folder = tempfile.mkdtemp(prefix="launchworthy-export-")
        out = Path(folder) / f"{table}.parquet"
        try:
            if table not in TABLES:
                raise InputError(f"unknown table {table!r}", hint=f"tables are {', '.join(sorted(TABLES))}")
            where = dict(request.query_params)
            learn = where.pop("learn", "") == "true"
            await to_thread.run_sync(
                lambda: workspace.export(table, out=out, where=where or None, learn=learn)
            )
        except LaunchworthyError as error:
            _remove(folder)
            return error_response(error)
        return FileResponse(
            out, media_type="application/vnd.apache.parquet", background=BackgroundTask(_remove, folder)
        )

    return endpoint


def _remove(folder: str) -> None:
    for path in Path(folder).glob("*"):
        path.unlink()
    Path(folder).rmdir()


def api_routes(workspace: Workspace) -> list[Route]:
    """A route for each operation, the Parquet export, and ``/api/v1/openapi.json``."""
    document = orjson.dumps(openapi())

    async def schema(_: Request) -> Response:
        return Response(document, media_type="application/json")

    routes = [
        Route(PREFIX + operation.path, _endpoint(operation, workspace), methods=[operation.verb])
        for operation in OPERATIONS
    ]
    routes.append(Route(f"{PREFIX}/export/{{table}}", _export(workspace), methods=["GET"]))
    routes.append(Route(f"{PREFIX}/openapi.json", schema, methods=["GET"]))
    return routes


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API, made from the table of operations."""
    definitions: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.verb.lower()] = _described(
            operation, definitions
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Launchworthy", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Error": _ERROR_SCHEMA},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


_ERROR_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "where", "hint"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "where", "hint")},
        }
    },
}


def _described(operation: Operation, definitions: dict[str, Any]) -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    arguments = operation.arguments.model_json_schema(ref_template=template)
    answer = operation.answer.json_schema(ref_template=template, mode="serialization")
    for schema in (arguments, answer):
        definitions.update(schema.pop("$defs", {}))
    in_path = {name for name in arguments.get("properties", {}) if f"{{{name}}}" in operation.path}
    needed = set(arguments.get("required", ()))
    rest = {name: schema for name, schema in arguments.get("properties", {}).items() if name not in in_path}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": arguments["properties"][name]}
            for name in sorted(in_path)
        ],
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": answer}},
            },
            "default": {
                "description": "What was wrong, where, and what to do.",
                "content": {"application/json": {"schema": {"$ref": template.format(model="Error")}}},
            },
        },
    }
    if operation.verb in ("GET", "DELETE"):
        described["parameters"] += [
            {"name": name, "in": "query", "required": name in needed, "schema": schema}
            for name, schema in rest.items()
        ]
    elif rest:
        body = {
            "type": "object",
            "properties": rest,
            "required": sorted(needed & set(rest)),
            "additionalProperties": False,
        }
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described
