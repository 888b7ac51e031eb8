from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from launchworthy.capture.sdk import problems
from launchworthy.testing import Recording, recording


@dataclass
class Collector:
    """An OTLP/HTTP server that keeps what it is sent; each batch id once, as ours does.

    ``respond`` decides the status and headers of an answer; a status of 0 closes the connection without one.
    """

    url: str = ""
    respond: Callable[[str], tuple[int, dict[str, str]]] = lambda path: (200, {})
    rejected: int = 0  # spans said to be rejected in each answer
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def spans(self) -> list[Span]:
        return [
            span
            for _, _, body in self._once("/v1/traces")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[LogRecord]:
        return [
            record
            for _, _, body in self._once("/v1/logs")
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def batch_ids(self) -> list[str]:
        return [batch_id for _, batch_id, _ in self.bodies]

    def _once(self, path: str) -> list[tuple[str, str, bytes]]:
        return list({entry[1]: entry for entry in self.bodies if entry[0] == path}.values())


@pytest.fixture
def collect() -> Iterator[Callable[..., Collector]]:
    servers: list[tuple[ThreadingHTTPServer, Collector]] = []

    def start(port: int = 0, **options: Any) -> Collector:
        collector = Collector(**options)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = collector.respond(self.path)
                if status < 0:
                    collector.hanging.set()
                    collector.released.wait(20)
                if status <= 0:
                    self.close_connection = True
                    return
                if status == 200:
                    assert self.headers["Content-Encoding"] == "gzip"
                    plain = zlib.decompress(body, 31)
                    collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                    collector.bodies.append((self.path, self.headers["launchworthy-batch-id"], plain))
                answer = b""
                if collector.rejected and status == 200:
                    message = ExportTraceServiceResponse()
                    message.partial_success.rejected_spans = collector.rejected
                    answer = message.SerializeToString()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                """Quietly."""

        ThreadingHTTPServer.allow_reuse_address = True
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        servers.append((server, collector))
        return collector

    yield start
    for server, collector in servers:
        collector.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def recorded() -> Iterator[Recording]:
    problems.renew()
    with recording(product="shop", release="r-1") as found:
        yield found


@pytest.fixture(autouse=True)
def _tell_again() -> None:
    problems.renew()
