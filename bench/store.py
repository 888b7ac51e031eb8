"""The store alone: acknowledged and flushed rows a second, bytes a span, query times.

    python bench/store.py [--spans 1000000] [--threads 4] [--folder DIR]

Spans carry about 1.5 KB of text and numbers, five to a trace, in batches of 512. They end now and begin
``--hours`` ago. Each figure is printed beside the floor that it must reach.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from launchworthy.errors import OverloadedError
from launchworthy.records import SPANS, Rows
from launchworthy.store import Store, StoreOptions

BATCH = 512
WORDS = [
    "".join(random.Random(n).choices("etaoinshrdlucmfwypvbgkqjxz", weights=range(26, 0, -1), k=2 + n % 9))
    for n in range(4000)
]
MODELS = [
    f"vendor/chat-{size}" for size in ("nano", "small", "medium", "large", "xl", "pro", "turbo", "mini")
]


def text(rng: random.Random, chars: int) -> str:
    return " ".join(rng.choices(WORDS, k=chars // 7))


def make_batch(seed: int, *, first_ns: int, step_ns: int) -> Rows:
    """512 spans in order of time, the same for the same seed."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    trace_id = root = b""
    user = session = workflow = release = cohort = ""
    for place in range(BATCH):
        at = first_ns + place * step_ns
        if place % 5 == 0:
            trace_id, root = rng.randbytes(16), b""
            workflow, release = f"flow-{rng.randrange(12)}", f"r-{rng.randrange(3):012x}"
            cohort = rng.choice(("pilot", "control"))
            user, session = f"u_{rng.randrange(20_000):016x}", f"s_{rng.randbytes(8).hex()}"
        span_id = rng.randbytes(8)
        kind = ("workflow", "retrieval", "model", "tool", "model")[place % 5]
        error = rng.random() < 0.02
        model = rng.choice(MODELS) if kind == "model" else None
        tokens = rng.randrange(200, 4000)
        row: dict[str, Any] = {
            "trace_id": trace_id,
            "span_id": span_id,
            "parent_span_id": root or None,
            "product": "support",
            "workflow": workflow,
            "release": release,
            "cohort": cohort,
            "user_id": user,
            "session_id": session,
            "name": f"chat {model}" if model else kind,
            "kind": kind,
            "start_time": at,
            "duration_ms": rng.lognormvariate(6, 1),
            "status": "error" if error else "ok",
            "error_type": rng.choice(("timeout", "rate_limit")) if error else None,
            "provider": "vendor" if model else None,
            "model": model,
            "input_tokens": tokens if model else None,
            "output_tokens": tokens // 3 if model else None,
            "cost_usd": tokens * 1e-6 if model else None,
            "price_version": "2026-11" if model else None,
            "input": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text(rng, 520)}]}]),
            "output": json.dumps([{"role": "assistant", "parts": [{"content": text(rng, 420)}]}]),
            "attributes": json.dumps(
                {
                    "deployment": rng.choice(("blue", "green")),
                    "tenant": f"tenant-{rng.randrange(400)}",
                    "request": rng.randbytes(6).hex(),
                    "server.address": "api.example.net",
                    "temperature": rng.choice((0.0, 0.2, 0.7)),
                }
            ),
            "service": "support-bot",
            "dialect": "genai",
            "simulated": False,
            "received_at": at,
        }
        root = root or span_id
        rows.append(row)
    return Rows("spans", {name: [row.get(name) for row in rows] for name in SPANS.names})


def raw_bytes(rows: Rows) -> int:
    return sum(
        len(value.encode() if isinstance(value, str) else value) if isinstance(value, (str, bytes)) else 8
        for values in rows.columns.values()
        for value in values
        if value is not None
    )


def median_ms(work: Callable[[], object], *, times: int = 20) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent)


def line(what: str, value: str, floor: str) -> None:
    print(f"{what:<48} {value:>16}   {floor}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--hours", type=float, default=20)
    parser.add_argument("--folder", type=Path, default=None, help="kept if given and not there yet")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="launchworthy-bench-"))
    count = options.spans // BATCH
    end_ns = time.time_ns()
    step_ns = int(options.hours * 3600e9) // (count * BATCH)
    first_ns = end_ns - step_ns * count * BATCH

    def batch_at(place: int) -> Rows:
        return make_batch(place, first_ns=first_ns + place * BATCH * step_ns, step_ns=step_ns)

    sample = batch_at(0)
    raw = raw_bytes(sample) / BATCH
    print(f"{count * BATCH:,} spans of {raw:,.0f} bytes, batches of {BATCH}, {options.threads} threads\n")
    store = Store.open(folder)
    places = iter(range(count))
    hand_out = threading.Lock()
    acks: list[float] = []
    making: list[float] = []

    def send() -> None:
        while True:
            with hand_out:
                place = next(places, None)
            if place is None:
                return
            start = time.thread_time()
            rows = batch_at(place)
            making.append(time.thread_time() - start)
            start = time.perf_counter()
            while True:
                try:
                    store.ingest([rows], batch_id=f"b{place}")
                    break
                except OverloadedError as error:
                    time.sleep(error.retry_after_s)
            acks.append((time.perf_counter() - start) * 1000)

    began = time.perf_counter()
    cpu_began = time.process_time()
    threads = [threading.Thread(target=send) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acked_s = time.perf_counter() - began
    store.flush(timeout_s=600)
    flushed_s = time.perf_counter() - began
    cpu_s = time.process_time() - cpu_began - sum(making)
    spans = count * BATCH
    acks.sort()
    line("acknowledged, spans/s (making them included)", f"{spans / acked_s:,.0f}", ">= 5,000")
    line("acknowledged and queryable, spans/s", f"{spans / flushed_s:,.0f}", ">= 5,000")
    line(
        "acknowledgement, ms p50 / p95", f"{acks[len(acks) // 2]:.1f} / {acks[len(acks) * 95 // 100]:.1f}", ""
    )
    line("CPU a span without making it, ms", f"{cpu_s / spans * 1000:.3f}", "<= 0.2")
    line(
        "peak memory, the load generator included, MB",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f}",
        "<= 250",
    )
    counters = store.counters()
    if counters["stored"] != spans or counters["accepted"] != spans:
        raise SystemExit(f"the counters do not add up: {counters}")
    store.close()
    line("hot, bytes a span", f"{(folder / 'hot.duckdb').stat().st_size / spans:,.0f}", "<= 700")
    start = time.perf_counter()
    store = Store.open(folder)
    line("open again, s", f"{time.perf_counter() - start:.2f}", "<= 3")

    rng = random.Random(7)
    batch_at_random = batch_at(count // 3)
    traces = [batch_at_random.columns["trace_id"][n].hex() for n in range(0, 400, 20)]
    requests = [json.loads(batch_at_random.columns["attributes"][n])["request"] for n in range(0, 400, 20)]
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    line("newest 50 spans, ms", f"{median_ms(lambda: store.newest_spans()):.1f}", "<= 30")
    line("newest 50 traces, ms", f"{median_ms(lambda: store.newest_traces()):.1f}", "")
    line(
        "newest 50 of a workflow, ms",
        f"{median_ms(lambda: store.newest_spans(where={'workflow': 'flow-3'})):.1f}",
        "<= 30",
    )
    line("one trace, ms", f"{median_ms(lambda: store.trace(rng.choice(traces))):.1f}", "<= 30")
    line(
        "P95 and cost by model, one day, ms",
        f"{median_ms(lambda: store.model_stats(since=yesterday, until=now)):.1f}",
        "<= 50",
    )
    line(
        "attribute of a 400th of the spans, ms",
        f"{median_ms(lambda: store.newest_spans(where={'attributes.tenant': 'tenant-17'})):.1f}",
        "<= 150",
    )
    line(
        "attribute of one span, ms",
        f"{median_ms(lambda: store.newest_spans(where={'attributes.request': rng.choice(requests)})):.1f}",
        "<= 150",
    )
    line("rollup of every hour, ms", f"{median_ms(lambda: store.query('FROM rollup_hour')):.1f}", "")
    store.close()

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(days=4)

    store = Store.open(folder, clock=later, options=StoreOptions())
    start = time.perf_counter()
    moved = store.seal()
    line("seal, spans/s", f"{moved / (time.perf_counter() - start):,.0f}", "")
    sealed = sum(path.stat().st_size for path in (folder / "segments").rglob("*.parquet"))
    line("sealed, bytes a span", f"{sealed / spans:,.0f}", "<= 400")
    line("newest 50 spans, sealed, ms", f"{median_ms(lambda: store.newest_spans()):.1f}", "")
    line("one trace, sealed, ms", f"{median_ms(lambda: store.trace(rng.choice(traces))):.1f}", "")
    line(
        "P95 and cost by model, one day, sealed, ms",
        f"{median_ms(lambda: store.model_stats(since=yesterday, until=now)):.1f}",
        "",
    )
    start = time.perf_counter()
    store.erase_subject(product="support", user_id=sample.columns["user_id"][0], by="bench")
    line("erase one user of 20,000, s", f"{time.perf_counter() - start:.1f}", "")
    line("peak memory after all, MB", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f}", "")
    store.close()
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
