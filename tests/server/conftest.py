"""A contract, spans, and the real server as a process for the tests of this room."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from launchworthy.cli.main import main
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

if TYPE_CHECKING:
    from tests.forking import Forked, Forking

CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    failures:
      wrong_object: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality:
      hit@5: {at_least: 80 %}
    reliability:
      latency_p95: {at_most: 2s}
"""

OpenWorkspace = Callable[..., LocalWorkspace]
TraceRequest = Callable[..., tuple[bytes, list[str]]]
RunCommand = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def contract_text() -> str:
    return CONTRACT


@pytest.fixture
def contract_file(tmp_path: Path) -> Path:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT)
    return path


@pytest.fixture
def open_workspace_here(tmp_path: Path) -> Iterator[OpenWorkspace]:
    """Opens the one data folder of the test; whatever is still open is closed at its end."""
    with ExitStack() as stack:

        def opening(**changes: Any) -> LocalWorkspace:
            settings: dict[str, Any] = {"min_free_bytes": 0, "flush_interval_s": 0.05, **changes}
            clock = settings.pop("clock", None)
            workspace = LocalWorkspace.open(
                tmp_path / "data",
                options=StoreOptions(**settings),
                **({"clock": clock} if clock is not None else {}),
            )
            stack.callback(workspace.close)
            return workspace

        yield opening


@pytest.fixture
def workspace(open_workspace_here: OpenWorkspace) -> LocalWorkspace:
    return open_workspace_here()


def make_request(
    count: int = 1, *, seed: int = 0, attributes: Mapping[str, str | int | float] | None = None
) -> tuple[bytes, list[str]]:
    """A protobuf body of that many spans, each a trace of its own that began just now, and their span ids."""
    rng = random.Random(seed)
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    product = resource.resource.attributes.add(key="launchworthy.product")
    product.value.string_value = "docs-bot"
    scope = resource.scope_spans.add()
    ids = []
    for place in range(count):
        start_ns = time.time_ns() - place * 1_000_000
        span = scope.spans.add(
            name="chat",
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + 250_000_000,
        )
        values: dict[str, str | int | float] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "vendor/small",
            "launchworthy.workflow": "answer",
            "launchworthy.release": "r-0123456789ab",
            **(attributes or {}),
        }
        for key, value in values.items():
            held = span.attributes.add(key=key).value
            if isinstance(value, str):
                held.string_value = value
            elif isinstance(value, int):
                held.int_value = value
            else:
                held.double_value = value
        ids.append(span.span_id.hex())
    return request.SerializeToString(), ids


@dataclass
class Running:
    """A server process that answers at ``url``."""

    process: Forked
    url: str
    data: Path

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def query(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        body = json.dumps({"sql": sql, "parameters": parameters}).encode()
        status, _, answer = self.request("POST", "/api/v1/query", body)
        assert status == 200, answer
        rows: list[dict[str, Any]] = json.loads(answer)
        return rows

    def counters(self) -> dict[str, int]:
        """What ``/metrics`` says, by the middle of the name: ``accepted``, ``stored`` …"""
        text = self.request("GET", "/metrics")[2].decode()
        found = re.findall(r"^launchworthy_spans_([a-z]+?)(?:_total)? (\d+)$", text, re.MULTILINE)
        return {name: int(value) for name, value in found}

    def wait_until_stored(self, count: int) -> None:
        """Wait until queries see that many spans; fails the test after half a minute."""
        deadline = time.monotonic() + 30
        while self.counters()["stored"] < count:
            assert time.monotonic() < deadline, self.counters()
            time.sleep(0.05)

    def stop(self) -> int:
        """Stop it in order; answers its exit code."""
        self.process.terminate()
        return self.process.wait(30)


StartServer = Callable[..., Running]


@contextlib.contextmanager
def serving(folder: Path, forking: Forking) -> Iterator[StartServer]:
    """Starts servers in ``folder``; those that still run at the end are killed."""
    with ExitStack() as started:

        def start(*arguments: str, data: str = "data") -> Running:
            command = ("-m", "launchworthy", "up", "--port", "0", "--data", data, *arguments)
            process = started.enter_context(forking.start(*command, cwd=folder, env=clean_environment()))
            started.callback(process.kill)
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://\S+?:\d+", line)
            assert match is not None, line + process.stdout.read()
            return Running(process=process, url=match[0], data=folder / data)

        yield start


@pytest.fixture
def start_server(tmp_path: Path, forking: Forking) -> Iterator[StartServer]:
    with serving(tmp_path, forking) as start:
        yield start


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "LAUNCHWORTHY_", "COV_", "COVERAGE"))
    }


def run_launchworthy(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``launchworthy ARGUMENTS`` in a folder, to its end, without starting another Python for it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, clean_environment(), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main(list(arguments))
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def serving_in(forking: Forking) -> Callable[[Path], contextlib.AbstractContextManager[StartServer]]:
    return lambda folder: serving(folder, forking)


@pytest.fixture(scope="session")
def trace_request() -> TraceRequest:
    return make_request


@pytest.fixture(scope="session")
def run_command() -> RunCommand:
    return run_launchworthy


@pytest.fixture(scope="session")
def run_process(forking: Forking) -> RunCommand:
    """The same as a process of its own, for what would serve."""

    def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return forking.run("-m", "launchworthy", *arguments, cwd=folder, env=clean_environment())

    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, forking: Forking) -> Iterator[Running]:
    """One server for the tests of a module that only add to it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "launchworthy.yaml").write_text(CONTRACT)
    with serving(folder, forking) as start:
        yield start()
