"""Decisions appended to the audit chain, and the chain verified: records a second, wall clock and CPU.

Run: python bench/audit.py [--records 40000]. Batches of 500 and of 1 decision, each acknowledged when it is on
disk, sent by four at once; the chain is then read back and verified under a signed head with the root of its tree.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchworthy.evidence import sign_head, verify
from launchworthy.evidence.chain import entry_leaf
from launchworthy.evidence.tree import tree_root
from launchworthy.records import DECISIONS, Rows
from launchworthy.store import Receipt, Store, StoreOptions

PRODUCT = "shop"
SENDERS = 4


def _rows(first: int, count: int) -> Rows:
    now = time.time_ns()
    values: dict[str, list[Any]] = {name: [None] * count for name in DECISIONS.names}
    places = range(first, first + count)
    values |= {
        "event_id": [f"{place:032x}" for place in places],
        "trace_id": [place.to_bytes(16, "big") for place in places],
        "product": [PRODUCT] * count,
        "workflow": ["answer"] * count,
        "release": ["r-5f0c2a9b11de"] * count,
        "user_id": [f"u_{place % 1_000:024x}" for place in places],
        "kind": ["permission"] * count,
        "subject": ["refund"] * count,
        "outcome": ["denied"] * count,
        "rule": ["tools/refund/limits/per_call"] * count,
        "reason": ["the amount is above the limit of one call"] * count,
        "facts": ['{"amount":120,"arguments_sha256":"' + "ab" * 32 + '","limit":100}'] * count,
        "time": [now] * count,
        "received_at": [now] * count,
    }
    return Rows(DECISIONS.name, values)


def _append(store: Store, count: int, *, size: int, first: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    waiting: deque[Future[Receipt]] = deque()
    for start in range(0, count, size):
        waiting.append(store.submit([_rows(first + start, size)], batch_id=f"b{first + start}"))
        if len(waiting) >= SENDERS:
            waiting.popleft().result()
    for answer in waiting:
        answer.result()
    return count / (time.perf_counter() - wall), count / (time.process_time() - cpu)


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=40_000)
    count = parser.parse_args().records
    key = Ed25519PrivateKey.generate()
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "data", options=StoreOptions(min_free_bytes=0)) as store,
    ):
        single, _ = _append(store, 200, size=1, first=count)
        wall, cpu = _append(store, count, size=500, first=0)
        print(f"appended one by one        {single:>10,.0f} records/s")
        print(f"appended in batches of 500 {wall:>10,.0f} records/s, {cpu:,.0f} per CPU second")
        entries = list(store.ledger.ledger_entries(PRODUCT))
        public = key.public_key().public_bytes_raw()
        for name, root in (
            ("chain alone", b""),
            ("chain and tree", tree_root(entry_leaf(entry.hash) for entry in entries)),
        ):
            head = sign_head(entries[-1], at=datetime.now(UTC), key=key, root=root)
            began = time.process_time()
            faults = verify(entries, head=head, public_key=public)
            rate = len(entries) / (time.process_time() - began)
            print(f"verified, {name:<17}{rate:>10,.0f} records per CPU second, {len(faults)} faults")


if __name__ == "__main__":
    main()
