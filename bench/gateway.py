"""What the gateway adds to a call, and how many it carries, over a model that answers at once.

    .venv/bin/python bench/gateway.py [--seconds 4] [--connections 32] [--peers]

Chat completions with a question of 200 words and an answer of 40, whole and streamed in 20 chunks. The model, a
sink for records, the load and the gateway are processes of their own on the same cores; the model and the load
speak HTTP by hand, so that they take little of them. Records are on: every call sends its spans, which the sink
acknowledges. CPU is that of the gateway's process a request, memory its peak, start from the command to the first
answer. A proxy of the same libraries that does nothing stands beside it. "Added" is measured with one connection
and nothing waiting: medians and 99th percentiles less those of the model alone; "first chunk" likewise. ``--peers``
installs the LiteLLM proxy into a folder of its own and measures it in the same run.

"Beyond hold-back" is of a stream of 200 words in 50 chunks, one every 20 ms: each piece of text is due with the chunk
at which its guards alone, run beside it, let it go; how many more chunks the model has sent when it arrives, as
median and most of ten streams. The hold-back is printed beside it: how many chunks the guards alone keep a piece.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CONTRACT = """
launchworthy: 1
product: bench
owners: {product: ana@shop.example}
release: {model: {name: vendor/small}}
workflows: {answer: {user: customer, job: get an answer, no_answer: refuse}}
"""
WORDS = (
    "please tell me how the return of a pair of shoes works when they were bought in the shop and not online and "
    "whether the box must be with them because mine is gone "
).split()
QUESTION = " ".join(WORDS[n % len(WORDS)] for n in range(200))
ANSWER = " ".join(WORDS[n % len(WORDS)] for n in range(40))
CHUNKS = 20
LONG = " ".join(WORDS[n % len(WORDS)] for n in range(200))
LONG_CHUNKS, LONG_PAUSE_S, LONG_STREAMS = 50, 0.02, 10
SENT = multiprocessing.Array(
    "d", LONG_CHUNKS
)  # when the model sent each chunk of the stream that it sent last


# ── the model, and the sink ──────────────────────────────────────────────────────────────────────────


def _head(kind: str, length: int | None) -> bytes:
    sized = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{sized}\r\n\r\n".encode()


def _piece(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _whole() -> bytes:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 260, "completion_tokens": 52, "total_tokens": 312},
        }
    ).encode()
    return _head("application/json", len(body)) + body


def _texts(answer: str, count: int) -> list[str]:
    words = answer.split()
    step = len(words) // count
    return [" ".join(words[n * step : (n + 1) * step]) + " " for n in range(count)]


def _chunks(texts: list[str]) -> list[bytes]:

    def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
        row = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "small",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }
        return _piece(b"data: " + json.dumps(row).encode() + b"\n\n")

    said = [event({"role": "assistant", "content": text}) for text in texts]
    return [*said, event({}, "stop") + _piece(b"data: [DONE]\n\n") + b"0\r\n\r\n"]


class _Model(asyncio.Protocol):
    """Answers whatever is posted: a completion, a stream where one is asked for, or nothing to the sink."""

    whole = _whole()
    short, long = _chunks(_texts(ANSWER, CHUNKS)), _chunks(_texts(LONG, LONG_CHUNKS))

    def __init__(self, pause_s: float) -> None:
        self.chunks = self.long if pause_s else self.short
        self._pause_s, self._buffer = pause_s, b""
        self._streaming: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            body, self._buffer = rest[:length], rest[length:]
            if b"/v1/traces" in head[:60] or b"/v1/logs" in head[:60]:
                self._transport.write(_head("application/x-protobuf", 0))
            elif b'"stream":true' in body or b'"stream": true' in body:
                self._streaming = asyncio.ensure_future(self._stream())
            else:
                self._transport.write(self.whole)

    async def _stream(self) -> None:
        self._transport.write(_head("text/event-stream", None))
        for place, chunk in enumerate(self.chunks):
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
                SENT[min(place, LONG_CHUNKS - 1)] = time.perf_counter()  # the last is sent with the end
            self._transport.write(chunk)


def _serve(pipe: Connection, pause_s: float) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Model(pause_s), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def model(pause_s: float = 0.0) -> Iterator[int]:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs, pause_s), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.kill()
        process.join()


# ── the load ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Load:
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)

    def at(self, share: float, *, of: str = "ms") -> float:
        found = sorted(getattr(self, of))
        return found[min(len(found) - 1, int(share * len(found)))] if found else float("nan")


class _Client(asyncio.Protocol):
    """Sends one request after the other on one connection, and times each."""

    def __init__(self, request: bytes, load: Load, until: Callable[[], bool]) -> None:
        self._request, self._load, self._until = request, load, until
        self._buffer, self._chunked, self._need = b"", False, -1
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def _send(self) -> None:
        self._buffer, self._need, self._first = b"", -1, 0.0
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            lower = head.lower()
            self._ok = head.startswith(b"HTTP/1.1 200")
            self._chunked = b"chunked" in lower
            self._need = 0
            if not self._chunked:
                self._need = int(lower.split(b"content-length:")[1].split(b"\r\n", 1)[0])
            self._buffer = rest
        if self._chunked and not self._first and b"data:" in self._buffer:
            self._first = time.perf_counter()
        ended = self._buffer.endswith(b"0\r\n\r\n") if self._chunked else len(self._buffer) >= self._need
        if ended:
            self._end()

    def _end(self) -> None:
        now = time.perf_counter()
        self._load.done += 1
        self._load.failed += not self._ok
        self._load.ms.append((now - self._began) * 1e3)
        if self._first:
            self._load.first_ms.append((self._first - self._began) * 1e3)
        if self._until():
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _fire(pipe: Connection, port: int, body: bytes, connections: int, seconds: float, most: int) -> None:
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer sk-bench\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def run() -> Load:
        load, end = Load(), time.perf_counter() + seconds
        loop = asyncio.get_running_loop()

        def until() -> bool:
            return time.perf_counter() < end and load.done < most

        began = time.perf_counter()
        made = [
            await loop.create_connection(lambda: _Client(request, load, until), "127.0.0.1", port)
            for _ in range(connections)
        ]
        await asyncio.wait([client.over for _, client in made], timeout=seconds + 30)
        load.seconds = time.perf_counter() - began
        return load

    pipe.send(asyncio.run(run()))


def fire(port: int, *, name: str, stream: bool, connections: int, seconds: float, most: int = 10**9) -> Load:
    asked: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": QUESTION}]}
    if stream:
        asked["stream"] = True
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=_fire, args=(theirs, port, json.dumps(asked).encode(), connections, seconds, most)
    )
    process.start()
    load: Load = mine.recv()
    process.join()
    return load


# ── what is held, and what is late ───────────────────────────────────────────────────────────────────


def arrivals(port: int) -> Iterator[tuple[list[tuple[float, int]], list[float]]]:
    """Of each stream: when how many characters of the answer were there, and when the model sent each chunk."""
    import http.client

    for _ in range(LONG_STREAMS):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        asked = {"model": "answer", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
        had, rows = 0, []
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(asked), headers)
        response = connection.getresponse()
        while line := response.readline():
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                had += len(choices[0].get("delta", {}).get("content") or "")
                rows.append((time.perf_counter(), had))
        connection.close()
        yield rows, list(SENT)


def due(folder: Path) -> list[int]:
    """How many characters the guards alone have let go at each chunk, the last one with the end of the answer."""
    from launchworthy.contract import load_contract
    from launchworthy.runtime.compiling import guard_pipeline
    from launchworthy.runtime.streaming import HeldStream

    held = HeldStream(guard_pipeline(load_contract(folder / "launchworthy.yaml"), root=folder))
    let_go = []
    for text in _texts(LONG, LONG_CHUNKS):
        held.feed(text)
        let_go.append(len(held.released))
    held.end()
    return [*let_go, len(held.released)]


def lateness(rows: list[tuple[float, int]], sent: list[float], let_go: list[int]) -> list[float]:
    """By how many chunks each piece that the guards let go came later than they did."""
    late, before = [], 0
    for place, count in enumerate(let_go):
        if count > before:
            arrived = next(at for at, had in rows if had >= count)
            late.append((arrived - sent[min(place, LONG_CHUNKS - 1)]) / LONG_PAUSE_S)
            before = count
    return late


def beyond(name: str, port: int, folder: Path) -> None:
    let_go = due(folder)
    next(arrivals(port))  # warm
    late = sorted(each for rows, sent in arrivals(port) for each in lateness(rows, sent, let_go))
    sizes = [sum(map(len, _texts(LONG, LONG_CHUNKS)[: place + 1])) for place in range(LONG_CHUNKS)]
    held = [
        place - next(n for n, size in enumerate(sizes) if size >= count)
        for place, count in enumerate(let_go[:-1])
        if count
    ]
    print(
        f"{name:26} beyond hold-back {late[len(late) // 2]:5.2f} chunks, most {late[-1]:5.2f}"
        f"  (the guards alone hold a piece for up to {max(held, default=LONG_CHUNKS)} of {LONG_CHUNKS} chunks)",
        flush=True,
    )


# ── gateways ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Started:
    port: int
    pid: int
    boot_s: float

    def cpu_s(self) -> float:
        found = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        rows = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("VmHWM")) / 1_024


@contextmanager
def started(
    command: list[str], env: dict[str, str], port: int, health: str, folder: Path
) -> Iterator[Started]:
    began = time.perf_counter()
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log, cwd=folder)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.perf_counter() - began > 180:
                        raise SystemExit((folder / "gateway.log").read_text()[-2_000:]) from None
                    time.sleep(0.02)
            yield Started(port, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ours(folder: Path, upstream: int, *, guards: bool) -> tuple[list[str], dict[str, str], int]:
    contract = folder / "launchworthy.yaml"
    contract.write_text(CONTRACT + ("" if guards else "guards: {}\n"))
    port = _free()
    command = [sys.executable, "-m", "launchworthy", "gateway", "--contract", str(contract)]
    command += ["--upstream", f"http://127.0.0.1:{upstream}/v1", "--port", str(port)]
    env = {"LAUNCHWORTHY_ENDPOINT": f"http://127.0.0.1:{upstream}", "LAUNCHWORTHY_STATE": str(folder)}
    return command, env, port


BARE = """
import asyncio, sys
import aiohttp
from aiohttp import web

async def main():
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def handle(request):
        if request.method == "GET":
            return web.Response(body=b"ok")
        body = await request.read()
        async with session.post(f"http://127.0.0.1:{sys.argv[2]}{request.path}", data=body) as answer:
            if answer.content_type != "text/event-stream":
                return web.Response(body=await answer.read(), content_type="application/json")
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


def bare(folder: Path, upstream: int) -> tuple[list[str], dict[str, str], int]:
    """A proxy that does nothing: what the same libraries take by themselves."""
    program = folder / "bare.py"
    program.write_text(BARE)
    port = _free()
    return [sys.executable, str(program), str(port), str(upstream)], {}, port


def litellm(folder: Path, upstream: int) -> tuple[list[str], dict[str, str], int]:
    """The LiteLLM proxy in a Python of its own, with one worker and no database, which is its fastest."""
    venv = folder / "venv"
    if not venv.exists():
        print("installing the LiteLLM proxy …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin/pip"), "install", "-qqq", "--disable-pip-version-check", "litellm[proxy]"]
        subprocess.run(pip, check=True)
    config = folder / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: answer\n    litellm_params:\n      model: openai/small\n"
        f"      api_base: http://127.0.0.1:{upstream}/v1\n      api_key: none\n"
    )
    port = _free()
    command = [str(venv / "bin/litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    return command, {"LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": "sk-bench"}, port


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(
    name: str, gateway: Started, direct: Load, direct_stream: Load, options: argparse.Namespace
) -> None:
    fire(gateway.port, name="answer", stream=False, connections=4, seconds=0.5)  # warm
    row = []
    for stream in (False, True):
        before = gateway.cpu_s()
        load = fire(
            gateway.port,
            name="answer",
            stream=stream,
            connections=options.connections,
            seconds=options.seconds,
        )
        time.sleep(1.2)  # the export of the last records is paid for too
        cpu_ms = (gateway.cpu_s() - before) / max(1, load.done) * 1e3
        row.append(f"{load.done / load.seconds:7,.0f}/s {cpu_ms:6.2f} ms CPU")
        if load.failed:
            row.append(f"{load.failed} FAILED")
    alone = fire(gateway.port, name="answer", stream=False, connections=1, seconds=20, most=400)
    streamed = fire(gateway.port, name="answer", stream=True, connections=1, seconds=20, most=100)
    row.append(f"added {alone.at(0.5) - direct.at(0.5):6.2f} / {alone.at(0.99) - direct.at(0.99):6.2f} ms")
    first = streamed.at(0.5, of="first_ms") - direct_stream.at(0.5, of="first_ms")
    row.append(f"first chunk {first:6.2f} ms")
    row.append(f"{gateway.peak_mb():4.0f} MB, up in {gateway.boot_s:.1f} s")
    print(f"{name:26} " + "  ".join(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--peers", action="store_true", help="Install and measure the LiteLLM proxy too.")
    options = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.connections} connections",
        flush=True,
    )
    with (
        model() as upstream,
        model(LONG_PAUSE_S) as slow,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        most = fire(
            upstream, name="small", stream=False, connections=options.connections, seconds=options.seconds
        )
        direct = fire(upstream, name="small", stream=False, connections=1, seconds=20, most=400)
        streamed = fire(upstream, name="small", stream=True, connections=1, seconds=20, most=100)
        print(f"{'the model alone':26} {most.done / most.seconds:7,.0f}/s", flush=True)
        command, env, port = bare(folder, upstream)
        with started(command, env, port, "/healthz", folder) as gateway:
            measure("a proxy that does nothing", gateway, direct, streamed, options)
        for guards in (False, True):
            command, env, port = ours(folder, upstream, guards=guards)
            with started(command, env, port, "/healthz", folder) as gateway:
                measure(
                    f"launchworthy, guards {'on' if guards else 'off'}", gateway, direct, streamed, options
                )
            command, env, port = ours(folder, slow, guards=guards)
            with started(command, env, port, "/healthz", folder) as gateway:
                beyond(f"launchworthy, guards {'on' if guards else 'off'}", gateway.port, folder)
        if options.peers:
            command, env, port = litellm(folder, upstream)
            with started(command, env, port, "/health/liveliness", folder) as gateway:
                measure("LiteLLM proxy", gateway, direct, streamed, options)


if __name__ == "__main__":
    main()
