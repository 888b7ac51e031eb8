"""One batch to the server: OTLP over HTTP with the client of the standard library.

Imports the standard library, and the OTLP messages for the answer. Used by one thread.
"""

from __future__ import annotations

import contextlib
import math
import socket
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from launchworthy.capture.sdk.spill import Frame, Signal

__all__ = ["Answer", "Delivery", "Verdict"]

_CONNECT_S = 2.0
_MOST_ANSWER = 1024 * 1024
# Refused for good by what the batch is; every other status may change when the server or its key does.
_REFUSED = frozenset({400, 406, 411, 413, 414, 415, 422, 431})


class Verdict(StrEnum):
    """What became of a batch."""

    TAKEN = "taken"
    LATER = "later"  # nobody answered, or the server asks for patience
    REFUSED = "refused"  # sending it again would not help


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The server's answer; ``rejected`` records of a batch that was taken were not kept."""

    verdict: Verdict
    rejected: int = 0
    why: str = ""
    retry_after_s: float | None = None


class Delivery:
    """Sends batches over one kept connection.

    Args:
        endpoint: Base address.
        api_key: Bearer token, or None.
        version: Of this package, for the user agent.
    """

    def __init__(self, endpoint: str, *, api_key: str | None, version: str) -> None:
        self._endpoint = endpoint
        self._secure, self._host, self._port, self._base = _address(endpoint) or (False, "", None, "")
        self._headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": f"launchworthy-python/{version}",
        }
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._connection: HTTPConnection | None = None

    def __call__(self, frame: Frame, *, timeout_s: float) -> Answer:
        """Post one batch; waits at most about ``timeout_s``. Never raises."""
        if not self._host:
            return Answer(verdict=Verdict.LATER, why=f"{self._endpoint!r} is no http address")
        for attempt in range(2):
            kept = self._connection is not None
            try:
                return self._post(frame, timeout_s)
            except (OSError, HTTPException, ValueError) as error:
                self.close()
                # A kept connection that the server closed meanwhile says nothing about the server.
                if not (kept and attempt == 0 and isinstance(error, (ConnectionError, HTTPException))):
                    return Answer(verdict=Verdict.LATER, why=f"{type(error).__name__}: {error}"[:200])
        return Answer(verdict=Verdict.LATER, why="the connection was closed twice")

    def interrupt(self) -> None:
        """End a request under way, from another thread."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back; the next batch makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _post(self, frame: Frame, timeout_s: float) -> Answer:
        if self._connection is None:
            make = HTTPSConnection if self._secure else HTTPConnection
            self._connection = make(self._host, self._port, timeout=min(timeout_s, _CONNECT_S))
            self._connection.connect()
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)
        self._connection.request(
            "POST",
            f"{self._base}/v1/{frame.signal}",
            body=frame.body,
            headers={**self._headers, "launchworthy-batch-id": frame.batch_id},
        )
        response = self._connection.getresponse()
        body = response.read(_MOST_ANSWER)
        if response.will_close or len(body) == _MOST_ANSWER:
            self.close()
        if 200 <= response.status < 300:
            rejected, why = _partial_success(frame.signal, body)
            return Answer(verdict=Verdict.TAKEN, rejected=rejected, why=why)
        why = f"HTTP {response.status} {body[:200].decode('utf-8', 'replace')}"
        if response.status in _REFUSED:
            return Answer(verdict=Verdict.REFUSED, why=why)
        return Answer(
            verdict=Verdict.LATER, why=why, retry_after_s=_seconds(response.getheader("Retry-After"))
        )


def _address(endpoint: str) -> tuple[bool, str, int | None, str] | None:
    """Whether it is TLS, the host, port and base path; None if the text is no http address."""
    try:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return parts.scheme == "https", parts.hostname, parts.port, parts.path.rstrip("/")
    except ValueError:
        return None


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After in seconds or as a date; at most an hour."""
    if not header:
        return None
    try:
        seconds = float(header)
        return None if math.isnan(seconds) else min(max(seconds, 0.0), 3600.0)
    except ValueError:
        pass
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), 3600.0)


def _partial_success(signal: Signal, body: bytes) -> tuple[int, str]:
    """How many records were not kept, and why; an answer in another format counts as none."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        if signal == "traces":
            traces = ExportTraceServiceResponse.FromString(body).partial_success
            return traces.rejected_spans, traces.error_message
        logs = ExportLogsServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return logs.rejected_log_records, logs.error_message
