"""A model that does what a test says, and a gateway in front of it, each on an event loop of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from aiohttp import web

from launchworthy.contract import parse_contract
from launchworthy.gateway.answering import Means
from launchworthy.gateway.app import Gateway
from launchworthy.gateway.asking import Asker
from launchworthy.gateway.keys import KeyRing
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.served import Arm, Served
from launchworthy.gateway.upstream import Upstreams
from launchworthy.runtime.approval import Approvals
from launchworthy.runtime.budget import Prices
from launchworthy.runtime.permission import MemorySpending, Spending
from launchworthy.runtime.pipeline import GuardPipeline, GuardRule
from launchworthy.testing import Recording, recording

if TYPE_CHECKING:
    from tests.forking import Forked, Forking

CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@shop.example}
roles: [customer, agent, team_lead]
release:
  model: {name: vendor/small}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: {model_or_tool_down: defer, otherwise: refuse}
"""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A streamed answer: what is sent, with a pause before each, and whether it is cut off at the end."""

    pieces: list[bytes]
    pause_s: float = 0.0
    cut: bool = False


Script = Callable[[dict[str, Any]], Any]


def completion(text: str | None, *, calls: list[tuple[str, str]] = [], reason: str = "") -> dict[str, Any]:  # noqa: B006
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(calls)
        ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small-2026",
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": reason or ("tool_calls" if calls else "stop"),
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    row = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "small-2026",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }
    return b"data: " + json.dumps(row).encode() + b"\n\n"


USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"small-2026",'
    b'"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
)


def chat_stream(*texts: str, reason: str = "stop") -> Pieces:
    said = [chunk({"content": text}) for text in texts]
    first = chunk({"role": "assistant", "content": ""})
    return Pieces([first, *said, chunk({}, reason), USAGE, b"data: [DONE]\n\n"])


class Model:
    """An endpoint whose answers are the script's: a document, a status with a body, or pieces."""

    def __init__(self) -> None:
        self.script: Script = lambda body: completion("Twenty-eight days.")
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.left = threading.Event()  # a client went away before the end
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        said = self.script({**body, "path": request.path})
        if isinstance(said, float):
            try:
                await asyncio.sleep(said)
            except asyncio.CancelledError:
                self.left.set()
                raise
            said = completion("late")
        if isinstance(said, Pieces):
            return await self._stream(request, said)
        if isinstance(said, tuple):
            status, content, *headers = said
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            extra = headers[0] if headers else {}
            return web.Response(status=status, body=data, content_type="application/json", headers=extra)
        return web.json_response(said)

    async def _stream(self, request: web.Request, said: Pieces) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for piece in said.pieces:
                if said.pause_s:
                    await asyncio.sleep(said.pause_s)
                await response.write(piece)
            if said.cut:
                assert request.transport is not None
                request.transport.close()
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise
        return response


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(10)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    found = Loop()
    yield found
    found.close()


@pytest.fixture
def model(loop: Loop) -> Iterator[Model]:
    found = Model()

    async def begin() -> web.AppRunner:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", found.handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    runner = loop.run(begin())
    yield found
    loop.run(runner.cleanup())


_SHARED: list[Any] = []  # one pool of connections: making another reads certificates that no test needs


def client(url: str, key: str = "none", **more: Any) -> openai.OpenAI:
    """OpenAI's client."""
    if not _SHARED:
        _SHARED.append(openai.DefaultHttpxClient(verify=False))
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=_SHARED[0], **more)


@pytest.fixture(scope="session", autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _SHARED:
        _SHARED.pop().close()


@dataclass(slots=True)
class Running:
    """A gateway that answers."""

    url: str
    ledger: Ledger
    recording: Recording
    asker: Asker
    events: list[Any] = field(default_factory=list)

    def span(self, kind: str) -> Any:
        """The only span of a kind; it ends a moment after the answer has arrived."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = [span for span in self.recording.spans if span.attributes["launchworthy.kind"] == kind]
            if found:
                assert len(found) == 1, [span.name for span in found]
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"no span of the kind {kind}")

    def decisions(self, kind: str) -> list[Mapping[str, Any]]:
        """What was decided, as it is told."""
        return [
            event.attributes
            for event in self.recording.events
            if event.attributes.get("launchworthy.decision.kind") == kind
        ]


Start = Callable[..., Running]


@pytest.fixture
def start(loop: Loop, model: Model, tmp_path: Path) -> Iterator[Start]:
    """Start a gateway: ``start(contract, rules=[…], baseline=…, share=…, keys=PATH)``."""
    runners: list[tuple[web.ServerRunner, Gateway]] = []
    with recording(product="support", pseudonymise=False) as recorded:

        def begin(
            contract: str = CONTRACT,
            *,
            rules: list[GuardRule] = [],  # noqa: B006
            baseline: str | None = None,
            share: float = 1.0,
            keys: Path | None = None,
            approvals: Approvals | None = None,
            prices: Prices | None = None,
            upstreams: dict[str, str] | None = None,
            spending: Spending | None = None,
        ) -> Running:
            from launchworthy.capture.pricing import default_prices

            def arm(text: str, cohort: str) -> Arm:
                return Arm.of(
                    parse_contract(text, file=str(tmp_path / "launchworthy.yaml")),
                    folder=tmp_path,
                    guards=GuardPipeline(rules),
                    cohort=cohort,
                )

            ledger = Ledger(spending or MemorySpending(), remote=spending is not None)
            asker = Asker(
                Upstreams(upstreams or {"": model.url}, environ={"LAUNCHWORTHY_UPSTREAM_KEY": "sk-up"}),
                ledger,
            )
            served = Served(
                arm=arm(contract, "pilot" if baseline else ""),
                baseline=arm(baseline, "baseline") if baseline else None,
                share=share,
            )
            means = Means(
                asker=asker,
                prices=prices or Prices(default_prices(), clock_ns=time.time_ns),
                ledger=ledger,
                approvals=approvals,
            )
            gateway = Gateway(served, means, keys=KeyRing(keys))

            async def run() -> str:
                await gateway.open()
                runner = web.ServerRunner(gateway.server(), shutdown_timeout=0.2)
                await runner.setup()
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                runners.append((runner, gateway))
                return f"http://127.0.0.1:{runner.addresses[0][1]}"

            return Running(url=loop.run(run()), ledger=ledger, recording=recorded, asker=asker)

        yield begin
        for runner, gateway in runners:
            loop.run(runner.cleanup())
            loop.run(gateway.close())


def gateway_environment(**more: str) -> dict[str, str]:
    """Of a process, without what this one was told; it keeps what it could not send beside it."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LAUNCHWORTHY_"))
    }
    return {**own, "LAUNCHWORTHY_STATE": "state", **more}


Begin = Callable[..., "Forked"]


@pytest.fixture
def gateway(tmp_path: Path, forking: Forking) -> Begin:
    """Begin the command as a process: ``gateway("--upstream", URL, LAUNCHWORTHY_ENDPOINT=…)``."""

    def begin(*arguments: str, **environment: str) -> Forked:
        command = ("-m", "launchworthy", "gateway", "--port", "0", *arguments)
        return forking.start(*command, cwd=tmp_path, env=gateway_environment(**environment))

    return begin


@contextmanager
def answering(process: Forked | subprocess.Popen[str]) -> Iterator[str]:
    """The address of a gateway that was begun; it is ended."""
    with process:
        try:
            found = None
            assert process.stdout is not None
            while found is None and (line := process.stdout.readline()):
                found = re.search(r"http://[^ ]+:\d+(?=/v1)", line)
            assert found, "the gateway did not begin"
            yield found[0]
        finally:
            process.kill()
