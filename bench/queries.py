"""A million spans behind a running server: what pages ask, over HTTP, and bytes a span on disk.

    python bench/queries.py [--spans 1000000] [--folder DIR]

Spans carry about 1.5 KB of text and numbers, five to a trace; they end now and begin ``--hours`` ago. Each
time is the median of 20 requests on one connection, beside what is to be reached. With ``--folder`` the data
folder is kept, and used again where it is there already.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from ingest import Server

from launchworthy.errors import OverloadedError
from launchworthy.store import Store
from store import BATCH, line, make_batch, raw_bytes

TIMES = 20


def fill(folder: Path, *, spans: int, hours: float) -> None:
    """Ingest the spans into a new data folder."""
    step_ns = int(hours * 3600e9) // spans
    first_ns = time.time_ns() - step_ns * spans
    with Store.open(folder) as store:
        for place in range(spans // BATCH):
            rows = make_batch(place, first_ns=first_ns + place * BATCH * step_ns, step_ns=step_ns)
            while True:
                try:
                    store.submit([rows], batch_id=f"b{place}")
                    break
                except OverloadedError as error:
                    time.sleep(error.retry_after_s)
        store.flush(timeout_s=600)
    samples = make_batch(spans // BATCH // 3, first_ns=0, step_ns=step_ns)
    traces = sorted({trace.hex() for trace in samples.columns["trace_id"]})
    requests = [json.loads(text)["request"] for text in samples.columns["attributes"]]
    (folder / "bench.json").write_text(json.dumps({"traces": traces, "requests": requests, "spans": spans}))


class Client:
    """One connection to the server."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def get(self, path: str) -> bytes:
        return self._call("GET", path, None)

    def post(self, path: str, **body: object) -> bytes:
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content


def timed(what: str, work: Callable[[], bytes], floor: str) -> None:
    """Print the median, and the slowest, of ``TIMES`` requests."""
    spent = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1e3)
    line(what, f"{statistics.median(spent):,.1f} ms", f"{floor:10} slowest {max(spent):,.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--hours", type=float, default=20)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="launchworthy-bench-")) / "data"
    if not (folder / "bench.json").exists():
        fill(folder, spans=options.spans // BATCH * BATCH, hours=options.hours)
    samples = json.loads((folder / "bench.json").read_text())
    spans, rng = samples["spans"], random.Random(7)
    raw = raw_bytes(make_batch(0, first_ns=0, step_ns=1)) / BATCH
    print(f"{spans:,} spans of {raw:,.0f} bytes\n")
    server = Server(folder)
    server.start(0)
    line("server start", f"{server.start_s:.2f} s", "<= 2 s")
    client = Client(server.url)
    now = datetime.now(UTC)
    day = urlencode({"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()})
    timed("newest 50 spans", lambda: client.post("/api/v1/spans"), "<= 30 ms")
    timed("newest 50 traces, with their sums", lambda: client.post("/api/v1/traces"), "")
    timed("one trace", lambda: client.get(f"/api/v1/traces/{rng.choice(samples['traces'])}"), "<= 30 ms")
    timed("P95 latency and cost by model, one day", lambda: client.get(f"/api/v1/models?{day}"), "<= 50 ms")
    timed(
        "attribute of a 400th of the spans, newest 50",
        lambda: client.post("/api/v1/spans", where={"attributes.tenant": f"tenant-{rng.randrange(400)}"}),
        "<= 150 ms",
    )
    timed(
        "attribute of one span",
        lambda: client.post("/api/v1/spans", where={"attributes.request": rng.choice(samples["requests"])}),
        "<= 150 ms",
    )
    timed("page of traces", lambda: client.get("/traces"), "")
    timed("page of one trace", lambda: client.get(f"/traces/{rng.choice(samples['traces'])}"), "")
    timed("page of the ingest", lambda: client.get("/ingest"), "")
    timed("page of the products", lambda: client.get("/"), "")
    line("server peak memory", f"{server.peak_mb():,.0f} MB", "")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    line("hot, bytes a span", f"{(folder / 'hot.duckdb').stat().st_size / spans:,.0f}", "<= 700")
    with Store.open(folder, clock=lambda: datetime.now(UTC) + timedelta(days=4)) as store:
        store.seal()
    sealed = sum(path.stat().st_size for path in (folder / "segments").rglob("*.parquet"))
    line("sealed, bytes a span", f"{sealed / spans:,.0f}", "<= 400")
    if options.folder is None:
        shutil.rmtree(folder.parent)


if __name__ == "__main__":
    main()
