"""What the SDK costs the application, and what the end of a process costs when no server answers.

    .venv/bin/python bench/sdk.py [--calls 2000] [--rounds 5]

A function that returns at once, with a prompt of about 1 KB and an answer of 0.9 KB, is called inside a workflow
that names user, session, cohort and release. CPU of the caller's thread a call, the least of the rounds; beside it
the CPU of the whole process, export included. Each line runs in a process of its own against a server that keeps
nothing. Peers were measured elsewhere with the same call; they stand as printed.
"""

from __future__ import annotations

import argparse
import atexit
import json
import multiprocessing
import os
import random
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PEERS = """\
measured elsewhere (caller | process, µs a call)
  OpenTelemetry SDK, no exporter / OTLP batches      17 |  17     21 |  74
  OpenInference span / decorator                     64 | 132     91 | 162
  Langfuse 5.0.4 block / decorator                   85 | 202    145 | 280
  MLflow 3.17.2 block / decorator, SQLite           468 |   –    505 | 21,000
  end with 10,000 spans and a dead endpoint: OpenTelemetry 137 s, Langfuse 15 s"""
_WORDS = random.Random(7)


def _text(characters: int) -> str:
    """Random words, since the same text again would be compressed to nothing."""
    words = ("".join(_WORDS.choices(string.ascii_lowercase, k=_WORDS.randint(2, 9))) for _ in range(300))
    return " ".join(words)[:characters]


PROMPTS = [_text(1_000) for _ in range(64)]
ANSWER = _text(900)


def _serve(pipe: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


def _measured(call: Callable[[str], str], *, calls: int, rounds: int) -> tuple[float, float]:
    """CPU of the caller's thread and of the process, µs a call; the least of the rounds."""
    caller, process = [], []
    for _ in range(rounds):
        thread_begun, process_begun = time.thread_time(), time.process_time()
        for n in range(calls):
            call(PROMPTS[n % 64])
        caller.append((time.thread_time() - thread_begun) / calls * 1e6)
        time.sleep(1.5)  # what was queued is sent within this round
        process.append((time.process_time() - process_begun) / calls * 1e6)
    return min(caller), min(process)


def _otel(endpoint: str, *, export: bool) -> Callable[[str], str]:
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    if export:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=20_000, schedule_delay_millis=1_000)
        )
    tracer = provider.get_tracer("bench")

    def call(prompt: str) -> str:
        with tracer.start_as_current_span("chat", attributes={"gen_ai.request.model": "m"}) as span:
            span.set_attribute("gen_ai.input.messages", prompt)
            span.set_attribute("gen_ai.output.messages", ANSWER)
        return ANSWER

    return call


def _ours(style: str) -> Callable[[str], str]:
    import launchworthy as lw

    if style == "decorator":

        @lw.model_call("chat-small", provider="vendor")
        def call(prompt: str) -> str:
            return ANSWER

        return call

    def block(prompt: str) -> str:
        with lw.model_call("chat-small", provider="vendor") as span:
            span.set_messages([{"role": "user", "content": prompt}])
            span.set_usage(input_tokens=250, output_tokens=220, cache_read_tokens=128)
            span.set_output(ANSWER)
        return ANSWER

    return block


def _cost(subject: str, endpoint: str, calls: int, rounds: int) -> None:
    """In a process of its own: print both figures as JSON."""
    if subject.startswith("otel"):
        figures = _measured(_otel(endpoint, export=subject == "otel-batch"), calls=calls, rounds=rounds)
    else:
        import launchworthy as lw

        with lw.workflow("answer", user="ana", session="chat-7", cohort="canary"):
            figures = _measured(_ours(subject.partition("-")[0]), calls=calls, rounds=rounds)
    print(json.dumps(figures))


def _end(count: int) -> None:
    """In a process of its own: record and end at once; print when that was, and how many spans were lost."""
    import launchworthy as lw

    # Registered before the SDK's own, so run after it.
    atexit.register(lambda: print(lw.counters().dropped, flush=True))
    call = _ours("decorator")
    for n in range(count):
        call(PROMPTS[n % 64])
    print(time.time(), flush=True)


def _run(arguments: list[str], endpoint: str, state: str) -> tuple[str, float]:
    env = {
        **os.environ,
        "LAUNCHWORTHY_ENDPOINT": endpoint,
        "LAUNCHWORTHY_STATE": state,
        "LAUNCHWORTHY_PRODUCT": "bench",
        "LAUNCHWORTHY_RELEASE": "r-bench",
    }
    done = subprocess.run(
        [sys.executable, __file__, *arguments], env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout, time.time()


def _spilled(state: str, endpoint: str) -> tuple[int, int]:
    """Spans and bytes that wait on disk."""
    from launchworthy.capture.sdk.spill import Frame, Spill, spill_folder

    folder = spill_folder(Path(state), endpoint)
    size = sum(path.stat().st_size for path in folder.glob("*.spill"))
    records: list[int] = []

    def deliver(frame: Frame) -> bool:
        records.append(frame.records)
        return True

    Spill(folder, limit_bytes=10**9, dropped=lambda frame: None).send(deliver)
    return sum(records), size


def _import_ms(code: str) -> float:
    """Beyond the bare interpreter; the least of five."""

    def least(code: str) -> float:
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - begun)
        return min(times) * 1e3

    return max(least(code) - least("pass"), 0.0)


def _report(calls: int, rounds: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    alive = f"http://127.0.0.1:{ours.recv()}"
    hanging = socket.create_server(("127.0.0.1", 0), backlog=64)  # takes connections, answers nothing
    deaf = f"http://127.0.0.1:{hanging.getsockname()[1]}"
    dead = "http://127.0.0.1:9"
    package, sdk = _import_ms("import launchworthy"), _import_ms("import launchworthy; launchworthy.workflow")
    print(
        f"import launchworthy: {package:.0f} ms beyond the interpreter (at most 150); the SDK: {sdk:.0f} ms\n"
    )
    print(f"{'a call':44} caller µs   process µs   (caller: at most 60)")
    for label, subject, endpoint in (
        ("OpenTelemetry SDK, no exporter", "otel-none", alive),
        ("OpenTelemetry SDK, OTLP batches", "otel-batch", alive),
        ("launchworthy decorator", "decorator", alive),
        ("launchworthy block with messages and usage", "block", alive),
        ("launchworthy decorator, nobody answers", "decorator-dead", dead),
    ):
        with tempfile.TemporaryDirectory() as state:
            out, _ = _run(
                ["--cost", subject, "--calls", str(calls), "--rounds", str(rounds)], endpoint, state
            )
        caller, process = json.loads(out.splitlines()[-1])
        print(f"{label:44} {caller:9.1f} {process:12.1f}")
    print(
        f"\n{'the end, after 10,000 spans at once':44} seconds   lost   on disk   bytes a span   (at most 3 s)"
    )
    for label, endpoint in (
        ("nobody answers", dead),
        ("the server hangs", deaf),
        ("the server answers", alive),
    ):
        with tempfile.TemporaryDirectory() as state:
            out, ended = _run(["--end", "10000"], endpoint, state)
            spans, size = _spilled(state, endpoint)
        done, lost = out.split()
        each = f"{size / spans:14.0f}" if spans else f"{'–':>14}"
        print(f"{label:44} {ended - float(done):7.2f} {int(lost):6,} {spans:9,} {each}")
    print(f"\n{PEERS}")
    server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cost", help=argparse.SUPPRESS)
    parser.add_argument("--end", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cost:
        _cost(given.cost, os.environ["LAUNCHWORTHY_ENDPOINT"], given.calls, given.rounds)
    elif given.end:
        _end(given.end)
    else:
        _report(given.calls, given.rounds)
