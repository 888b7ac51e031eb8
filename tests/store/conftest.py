"""Rows and stores for the tests of this room."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from launchworthy.records import TABLES, Rows
from launchworthy.store import Store, StoreOptions

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]


def make_rows(count: int = 1, *, table: str = "spans", seed: int = 0, **columns: Any) -> Rows:
    """Rows with fresh ids and a time just past; a keyword sets a column to a list, or to one value."""
    rng = random.Random(f"{table} {seed}")
    schema = TABLES[table]
    values: dict[str, list[Any]] = {name: [None] * count for name in schema.names}
    now = time.time_ns()
    values["product"] = ["shop"] * count
    values["trace_id"] = [rng.randbytes(16) for _ in range(count)]
    values[schema.time] = [now - place for place in range(count)]
    if table == "spans":
        values["span_id"] = [rng.randbytes(8) for _ in range(count)]
        values["status"] = ["ok"] * count
        values["duration_ms"] = [float(10 + place) for place in range(count)]
    elif table == "outcomes":
        values["event"] = ["resolved"] * count
    elif table == "scores":
        values["name"] = ["groundedness"] * count
    for name, value in columns.items():
        values[name] = value if isinstance(value, list) else [value] * count
    return Rows(table, values)


@pytest.fixture
def rows() -> MakeRows:
    return make_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_store(folder: Path) -> Iterator[OpenStore]:
    """Opens the one data folder of the test; whatever is still open is closed at its end."""
    with ExitStack() as stack:

        def opening(**changes: Any) -> Store:
            clock = changes.pop("clock", None)
            settings: dict[str, Any] = {"min_free_bytes": 0, "flush_interval_s": 0.05, **changes}
            options = StoreOptions(**settings)
            store = Store.open(folder, options=options, **({"clock": clock} if clock else {}))
            stack.callback(store.close)
            return store

        yield opening


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
