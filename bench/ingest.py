"""Ingest over OTLP/HTTP: accepted and queryable spans a second, server CPU a span, peak memory, kill -9.

    python bench/ingest.py [--spans 100000] [--senders 4] [--kills 0] [--peer PYTHON]

Load: traces of 5 spans (invoke_agent, retrieval, chat, execute_tool, chat) under the current GenAI names,
about 2.4 KB a span on the wire, batches of 512, no compression. ``--kills N`` kills the server with SIGKILL
N times under that load and then compares every acknowledged span id with what the store holds. ``--peer``
names a Python in which MLflow or Phoenix is installed; they then take the same bodies.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import peers
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

BATCH = 512
WORDS = (
    "policy refund order customer delivery invoice account return window receipt damaged carrier exchange "
    "voucher warranty address payment card bank transfer settle dispute agent escalate answer source page"
).split()
MODELS = [
    f"vendor/chat-{size}" for size in ("nano", "small", "medium", "large", "xl", "pro", "turbo", "mini")
]


def _text(rng: random.Random, length: int) -> str:
    words = rng.choices(WORDS, k=length // 7)
    return " ".join(words)


def _attributes(values: dict[str, str | int | float]) -> list[KeyValue]:
    def any_value(value: str | int | float) -> AnyValue:
        if isinstance(value, str):
            return AnyValue(string_value=value)
        return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)

    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def _message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def make_batch(seed: int) -> tuple[bytes, list[str]]:
    """One request body of ``BATCH`` spans and their ids; the same seed gives the same batch."""
    rng = random.Random(seed)
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(
        _attributes({"service.name": "support-bot", "launchworthy.product": "support"})
    )
    scope = resource.scope_spans.add()
    ids: list[str] = []
    now_ns = time.time_ns()
    trace_id = root_id = b""
    for index in range(BATCH):
        place = index % 5
        if place == 0:
            trace_id, root_id = rng.randbytes(16), b""
        span_id = rng.randbytes(8)
        ids.append(span_id.hex())
        start_ns = now_ns - rng.randrange(0, 3_600_000_000_000)
        span = Span(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=root_id,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + rng.randrange(5_000_000, 3_000_000_000),
        )
        model = rng.choice(MODELS)
        common: dict[str, str | int | float] = {
            "launchworthy.workflow": "answer",
            "launchworthy.release": "r-0123456789ab",
            "user.id": f"user-{rng.randrange(5000)}",
            "session.id": f"session-{rng.randrange(20000)}",
            "gen_ai.conversation.id": f"conversation-{rng.randrange(20000)}",
            "server.address": "model.internal",
        }
        if place == 0:
            span.name = "invoke_agent support"
            common |= {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "support",
                "gen_ai.input.messages": _message("user", _text(rng, 900)),
                "gen_ai.output.messages": _message("assistant", _text(rng, 900)),
            }
            root_id = span_id
        elif place == 1:
            span.name = "retrieval help_centre"
            documents = [{"id": f"doc-{rng.randrange(900)}", "score": rng.random()} for _ in range(6)]
            common |= {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": "help_centre",
                "gen_ai.retrieval.query.text": _text(rng, 700),
                "gen_ai.retrieval.documents": json.dumps(documents),
                "retrieval.notes": _text(rng, 900),
            }
        elif place == 3:
            span.name = "execute_tool get_order"
            common |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "get_order",
                "gen_ai.tool.call.arguments": json.dumps(
                    {"order": rng.randrange(10**9), "note": _text(rng, 800)}
                ),
                "gen_ai.tool.call.result": json.dumps({"status": "shipped", "note": _text(rng, 900)}),
            }
        else:
            span.name = f"chat {model}"
            common |= {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "vendor",
                "gen_ai.request.model": model,
                "gen_ai.response.model": model,
                "gen_ai.prompt.name": "answer",
                "gen_ai.prompt.version": "7",
                "gen_ai.input.messages": _message("user", _text(rng, 1000)),
                "gen_ai.output.messages": _message("assistant", _text(rng, 700)),
                "gen_ai.usage.input_tokens": rng.randrange(100, 3000),
                "gen_ai.usage.output_tokens": rng.randrange(10, 600),
                "gen_ai.usage.cache_read.input_tokens": rng.randrange(0, 90),
                "gen_ai.request.temperature": 0.2,
            }
        span.attributes.extend(_attributes(common))
        scope.spans.append(span)
    return request.SerializeToString(), ids


@dataclass
class Server:
    """The server under test as a process."""

    data: Path
    process: subprocess.Popen[str] = field(init=False)
    url: str = ""
    start_s: float = 0.0

    def start(self, port: int) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launchworthy", "up", "--data", str(self.data), "--port", str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.search(r"http://[\d.]+:\d+", line)
        if match is None:
            raise SystemExit(f"the server did not start: {line}")
        self.url = match[0]
        self.start_s = time.perf_counter() - began

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def counter(self, name: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(rf"^launchworthy_spans_{name}_total (\d+)$", text, re.MULTILINE)
        return int(found[1]) if found else 0

    def query(self, sql: str) -> list[dict[str, object]]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        connection.request("POST", "/api/v1/query", json.dumps({"sql": sql}))
        rows: list[dict[str, object]] = json.loads(connection.getresponse().read())
        connection.close()
        return rows


def send(url: list[str], bodies: list[tuple[int, bytes]], acked: list[int], waits_ms: list[float]) -> None:
    """Send every body in turn, by OTLP's retry rules, until it is acknowledged."""
    connection: http.client.HTTPConnection | None = None
    for number, body in bodies:
        while True:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(urlsplit(url[0]).netloc, timeout=30)
                began = time.perf_counter()
                connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    waits_ms.append((time.perf_counter() - began) * 1e3)
                    acked.append(number)
                    break
                if answer.status not in (429, 502, 503, 504):
                    raise SystemExit(f"the server answered {answer.status}")
                time.sleep(min(float(answer.headers.get("Retry-After") or 0.2), 1.0))
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--port", type=int, default=8399)
    parser.add_argument("--peer", help="Python in which MLflow or Phoenix is installed")
    parser.add_argument("--peer-spans", type=int, default=10_240)
    options = parser.parse_args()
    count = max(options.senders, options.spans // BATCH)
    made = [make_batch(seed) for seed in range(count)]
    size = sum(len(body) for body, _ in made) / (count * BATCH)
    print(f"{count * BATCH:,} spans of {size:,.0f} bytes, batches of {BATCH}, {options.senders} senders")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start(options.port)
        print(f"server start            {server.start_s:8.2f} s      (to reach: 2)")
        url, acked, waits_ms = [server.url], list[int](), list[float]()
        cpu_before, began = server.cpu_s(), time.perf_counter()
        senders = [
            threading.Thread(
                target=send,
                args=(url, [(i, made[i][0]) for i in range(k, count, options.senders)], acked, waits_ms),
            )
            for k in range(options.senders)
        ]
        for sender in senders:
            sender.start()
        restarts = []
        for _ in range(options.kills):
            time.sleep(random.Random(len(restarts)).uniform(0.3, 1.5))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.start(options.port)
            restarts.append(server.start_s)
        for sender in senders:
            sender.join()
        accepted_s = time.perf_counter() - began
        while server.query("SELECT count(*) AS n FROM spans")[0]["n"] < count * BATCH:  # type: ignore[operator]
            if time.perf_counter() - began > 300:
                break
            time.sleep(0.05)
        stored_s = time.perf_counter() - began
        spans = count * BATCH
        waits_ms.sort()
        if not options.kills:
            cpu_ms = (server.cpu_s() - cpu_before) / spans * 1e3
            print(f"accepted                {spans / accepted_s:8,.0f} spans/s")
            print(
                f"accepted and queryable  {spans / stored_s:8,.0f} spans/s (to reach: 5,000; bare fsync receiver 7,143;"
            )
            print("                                          MLflow 730 and Phoenix 122, measured elsewhere)")
            print(
                f"server CPU              {cpu_ms:8.3f} ms/span (to reach: 0.2; bare receiver 0.11, MLflow 1.45)"
            )
            print(
                f"server peak memory      {server.peak_mb():8.0f} MB     (to reach: 250; Phoenix 1,543, MLflow 3,176)"
            )
            print(
                f"ack p50 / p95 / max     {waits_ms[len(waits_ms) // 2]:.0f} / {waits_ms[int(len(waits_ms) * 0.95)]:.0f} / {waits_ms[-1]:.0f} ms"
            )
            disk = sum(path.stat().st_size for path in server.data.rglob("*") if path.is_file())
            print(f"on disk                 {disk / spans:8.0f} bytes/span")
        else:
            print(
                f"kills                   {options.kills}, restart at most {max(restarts):.2f} s (to reach: 3)"
            )
            rows = server.query("SELECT lower(hex(span_id)) AS id, count(*) AS n FROM spans GROUP BY 1")
            held = {str(row["id"]): int(str(row["n"])) for row in rows}
            sent = [span for number in acked for span in made[number][1]]
            lost = sum(span not in held for span in sent)
            doubled = sum(times > 1 for times in held.values())
            print(f"acknowledged spans      {len(sent):,}: {lost} lost, {doubled} doubled (to reach: 0, 0)")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    for peer, version in peers.installed(options.peer) if options.peer else ():
        with tempfile.TemporaryDirectory() as folder:
            figures = peers.measure(
                peer,
                python=options.peer,
                bodies=[body for body, _ in made[: max(options.senders, options.peer_spans // BATCH)]],
                senders=options.senders,
                port=options.port + 1,
                folder=Path(folder),
            )
        print(f"{peer.name + ' ' + version:<24}{figures}")


if __name__ == "__main__":
    main()
