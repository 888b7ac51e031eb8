"""``POST /v1/traces`` and ``/v1/logs``: OTLP over HTTP, acknowledged once it is on disk.

May import every room below ``server``. Decoding runs in a few threads, never on the event loop; what is
under way is bounded in bytes before a body is read, so that memory stays bounded and pages stay quick.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from launchworthy.errors import LaunchworthyError, OverloadedError
from launchworthy.server.api import error_response, read_body

__all__ = ["Intake", "OtlpEndpoints"]

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_UNDER_WAY_BYTES = 64 * 1024 * 1024
DECODERS = 2
BATCH_ID_HEADER = "launchworthy-batch-id"


class Intake(Protocol):
    """Takes one decoded request; blocks until it is on disk."""

    def __call__(
        self, signal: str, body: bytes, content_type: str, encoding: str | None, batch_id: str
    ) -> tuple[int, str]:
        """Answers how many were rejected, and why in one line."""


class OtlpEndpoints:
    """The two OTLP routes over an intake."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._under_way_bytes = 0
        self._threads = ThreadPoolExecutor(DECODERS, thread_name_prefix="otlp-decode")

    def routes(self) -> list[Route]:
        """``POST /v1/traces`` and ``POST /v1/logs``."""
        return [
            Route(f"/v1/{signal}", self._endpoint(signal), methods=["POST"]) for signal in ("traces", "logs")
        ]

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown(wait=True)

    def _endpoint(self, signal: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            declared = request.headers.get("content-length", "")
            size = min(int(declared[:12]), MAX_BODY_BYTES) if declared.isdigit() else MAX_BODY_BYTES
            if self._under_way_bytes + size > MAX_UNDER_WAY_BYTES:
                return error_response(
                    OverloadedError(
                        "too much is being taken in at once",
                        retry_after_s=1,
                        hint="send it again after a second",
                    )
                )
            self._under_way_bytes += size
            try:
                return await self._take(signal, request)
            except ClientDisconnect:
                return Response(status_code=499)
            except LaunchworthyError as error:
                return error_response(error)
            finally:
                self._under_way_bytes -= size

        return endpoint

    async def _take(self, signal: str, request: Request) -> Response:
        body = await read_body(request, limit=MAX_BODY_BYTES)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # An exporter repeats a batch byte for byte, so its digest recognises a repeat without a header.
        batch_id = request.headers.get(BATCH_ID_HEADER) or hashlib.sha256(body).hexdigest()
        rejected, reason = await asyncio.get_running_loop().run_in_executor(
            self._threads,
            partial(
                self._intake,
                signal,
                body,
                content_type,
                request.headers.get("content-encoding"),
                batch_id[:128],
            ),
        )
        return _accepted(signal, content_type, rejected, reason)


def _accepted(signal: str, content_type: str, rejected: int, reason: str) -> Response:
    """An OTLP answer; partial success names how many were refused and why."""
    if content_type == "application/json":
        partial_success = (
            {
                "partialSuccess": {
                    "rejectedSpans" if signal == "traces" else "rejectedLogRecords": str(rejected),
                    "errorMessage": reason,
                }
            }
            if rejected
            else {}
        )
        return Response(orjson.dumps(partial_success), media_type="application/json")
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if rejected:
            traces.partial_success.rejected_spans = rejected
            traces.partial_success.error_message = reason
        return Response(traces.SerializeToString(), media_type="application/x-protobuf")
    logs = ExportLogsServiceResponse()
    if rejected:
        logs.partial_success.rejected_log_records = rejected
        logs.partial_success.error_message = reason
    return Response(logs.SerializeToString(), media_type="application/x-protobuf")
