"""Run as a program: works on a store and kills itself, without a farewell, at a named step.

python crashing.py FOLDER flood SECONDS         ingest from four threads, print each acknowledged batch
python crashing.py FOLDER JOB STEP [N]          do JOB; SIGKILL when STEP begins for the Nth time
python crashing.py FOLDER full BYTES            ingest until the files may grow no further
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launchworthy.errors import LaunchworthyError
from launchworthy.records import SPANS, Rows
from launchworthy.store import Store, StoreOptions

DAY_NS = 86_400 * 10**9
BASE_NS = 1_790_000_000 * 10**9 // DAY_NS * DAY_NS
CANARY = "canary-7f3a91c2"
SUBJECT = "u_5ubject0000c0ffee"


def span_rows(count: int, *, seed: int, at: int, user: str, text: str) -> Rows:
    rng = random.Random(seed)
    columns: dict[str, list[object]] = {name: [None] * count for name in SPANS.names}
    columns["trace_id"] = [rng.randbytes(16) for _ in range(count)]
    columns["span_id"] = [rng.randbytes(8) for _ in range(count)]
    columns["product"] = ["shop"] * count
    columns["user_id"] = [user] * count
    columns["input"] = [f'"{text} {rng.randbytes(8).hex()}"' for _ in range(count)]
    columns["start_time"] = [at + place for place in range(count)]
    return Rows("spans", columns)


def flood(store: Store, seconds: float) -> None:
    lock, deadline = threading.Lock(), time.monotonic() + seconds

    def send(thread: int) -> None:
        place = 0
        while time.monotonic() < deadline:
            name = f"{thread}-{place}"
            rows = span_rows(40, seed=thread * 10**6 + place, at=time.time_ns(), user="u", text=name)
            store.ingest([rows], batch_id=name)
            with lock:
                print(name, flush=True)
            place += 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fill(store: Store) -> None:
    """Two days of two users, one of them the subject, in hot and in sealed files."""
    for day in range(2):
        at = BASE_NS + day * DAY_NS
        store.ingest(
            [
                span_rows(30, seed=day, at=at, user=SUBJECT, text=CANARY),
                span_rows(50, seed=100 + day, at=at + 1000, user="u_other", text="plain"),
            ],
            batch_id=f"day {day}",
        )
    store.flush()


def clock_at(days: int) -> datetime:
    return datetime.fromtimestamp(BASE_NS / 1e9, UTC) + timedelta(days=days, hours=1)


def main() -> None:
    folder, job = Path(sys.argv[1]), sys.argv[2]
    counts: dict[str, int] = {}

    def step(name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
        if (
            job not in ("flood", "full")
            and name == sys.argv[3]
            and counts[name] >= int((sys.argv[4:] or ["1"])[0])
        ):
            os.kill(os.getpid(), signal.SIGKILL)

    if job == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    store = Store.open(
        folder,
        clock=lambda: clock_at(3),
        options=StoreOptions(min_free_bytes=0, flush_interval_s=0.02, step=step),
    )
    if job == "flood":
        flood(store, float(sys.argv[3]))
    elif job == "full":
        for place in range(400):
            name = f"0-{place}"
            try:
                store.ingest([span_rows(40, seed=place, at=BASE_NS, user="u", text=name * 40)], batch_id=name)
            except LaunchworthyError as error:
                print("refused", error.code, flush=True)
                os._exit(0)
            print(name, flush=True)
        os._exit(1)
    elif job == "ingest":
        fill(store)
    elif job == "seal":
        store.seal()
    elif job == "erase":
        store.erase_subject(product="shop", user_id=SUBJECT, by="officer@example.com")
    store.close()


if __name__ == "__main__":
    main()
