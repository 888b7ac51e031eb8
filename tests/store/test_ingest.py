"""What is acknowledged is stored, once, and what cannot be taken is said at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from launchworthy.errors import InputError, OverloadedError, StorageError
from launchworthy.records import SPANS, Rows
from launchworthy.store import Rejection, Store
from launchworthy.store import flusher as flusher_module
from launchworthy.store import hot as hot_module
from launchworthy.store import ingest as ingest_module
from launchworthy.store.flusher import Flusher

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]


def count(store: Store, table: str = "spans") -> int:
    return int(store.query(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_an_acknowledged_batch_can_be_queried_after_a_flush(store: Store, rows: MakeRows) -> None:
    batch = rows(3, user_id=["a", None, "ü\x00😀"], cost_usd=[0.5, None, 0.25], simulated=True)
    receipt = store.ingest([batch], batch_id="one")
    assert receipt.accepted == 3
    assert not receipt.duplicate
    assert store.wait_until_stored(receipt.seq)
    found = store.query("SELECT * FROM spans ORDER BY duration_ms")
    assert [row["user_id"] for row in found] == ["a", None, "ü\x00😀"]
    assert [row["trace_id"] for row in found] == [value.hex() for value in batch.columns["trace_id"]]
    assert [row["start_time"] for row in found] == batch.columns["start_time"]
    assert found[0]["cost_usd"] == 0.5
    assert found[0]["simulated"] is True


def test_a_batch_may_hold_rows_of_every_table(store: Store, rows: MakeRows) -> None:
    tables = ("spans", "outcomes", "feedback", "scores")
    store.ingest([rows(place + 1, table=table) for place, table in enumerate(tables)], batch_id="all")
    store.flush()
    assert [count(store, table) for table in tables] == [1, 2, 3, 4]
    assert store.counters("scores")["stored"] == 4


def test_the_same_batch_again_is_acknowledged_and_not_stored_twice(
    open_store: OpenStore, rows: MakeRows
) -> None:
    store = open_store()
    batch = rows(5)
    first = store.ingest([batch], batch_id="again")
    second = store.ingest([batch], batch_id="again")
    assert second.duplicate
    assert second.seq == first.seq
    store.close()
    store = open_store()
    assert store.ingest([batch], batch_id="again").duplicate
    store.flush()
    assert count(store) == 5
    assert store.counters()["duplicate"] == 10
    assert store.counters()["accepted"] == 5


def test_the_same_batch_from_many_threads_is_stored_once(store: Store, rows: MakeRows) -> None:
    batch = rows(7)
    answers = [store.submit([batch], batch_id="race") for _ in range(20)]
    assert sum(not answer.result().duplicate for answer in answers) == 1
    store.flush()
    assert count(store) == 7


def test_a_span_sent_again_in_another_batch_keeps_its_first_form(store: Store, rows: MakeRows) -> None:
    batch = rows(4, name="first")
    store.ingest([batch], batch_id="a")
    store.flush()
    columns = {name: list(values) for name, values in batch.columns.items()}
    columns["name"] = ["second"] * 4
    fresh = rows(1, seed=9, name="new")
    both = {name: columns[name] + fresh.columns[name] for name in SPANS.names}
    store.ingest([Rows("spans", both)], batch_id="b")
    store.flush()
    assert sorted(row["name"] for row in store.query("SELECT name FROM spans")) == ["first"] * 4 + ["new"]
    counters = store.counters()
    assert (counters["accepted"], counters["stored"], counters["repeated"]) == (9, 5, 4)
    assert store.query("SELECT sum(n)::BIGINT AS n FROM rollup_hour") == [{"n": 5}]


def test_an_id_that_stands_twice_in_a_batch_is_stored_once(store: Store, rows: MakeRows) -> None:
    once = rows(2)
    twice = {name: values + values for name, values in once.columns.items()}
    store.ingest([Rows("spans", twice)], batch_id="twice")
    store.flush()
    assert count(store) == 2
    assert store.counters()["repeated"] == 2


def test_many_threads_lose_and_double_nothing(store: Store, rows: MakeRows) -> None:
    sums: list[bool] = []
    done = threading.Event()

    def send(thread: int) -> None:
        for place in range(15):
            store.ingest([rows(20, seed=thread * 100 + place)], batch_id=f"{thread}/{place}")

    def watch() -> None:
        while not done.is_set():
            counters = store.counters()
            settled = counters["stored"] + counters["repeated"] + counters["quarantined"]
            sums.append(counters["accepted"] == settled + counters["pending"] and counters["pending"] >= 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.flush()
    done.set()
    watcher.join()
    assert sums
    assert all(sums)
    assert count(store) == 6 * 15 * 20 == store.counters()["stored"]
    found = store.query(
        "SELECT count(DISTINCT span_id) AS ids, (SELECT count(*) FROM trace_index) AS traces FROM spans"
    )
    assert found == [{"ids": 1800, "traces": 1800}]


def test_a_batch_can_be_awaited(store: Store, rows: MakeRows) -> None:
    async def send() -> int:
        answers = [
            asyncio.wrap_future(store.submit([rows(2, seed=place)], batch_id=str(place)))
            for place in range(5)
        ]
        return sum(receipt.accepted for receipt in await asyncio.gather(*answers))

    assert asyncio.run(send()) == 10


def test_an_empty_batch_is_acknowledged(store: Store, rows: MakeRows) -> None:
    assert store.ingest([rows(0)], batch_id="nothing").accepted == 0
    store.flush()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"product": [None]}, "row 0 has no product"),
        ({"trace_id": ["text"]}, "not a column of type id"),
        ({"start_time": [2**63]}, "not a column of type time"),
        ({"name": ["\ud800"]}, "not a column of type text"),
        ({"input_tokens": [1.5]}, "not a column of type integer"),
        ({"name": ["a", "b"]}, "2 values where other columns have 1"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_whole(
    store: Store, rows: MakeRows, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        store.ingest([rows(1, seed=2), rows(1, **columns)], batch_id="bad")
    assert next(iter(columns)) in caught.value.where
    store.flush()
    assert count(store) == 0


def test_unknown_tables_and_columns_are_named(store: Store, rows: MakeRows) -> None:
    with pytest.raises(InputError, match="unknown table 'spam'"):
        store.ingest([Rows("spam", {"a": [1]})], batch_id="x")
    with pytest.raises(InputError, match="has unknown colour"):
        store.ingest([rows(1, colour="red")], batch_id="x")
    partial = {name: [None] for name in SPANS.names if name != "kind"}
    with pytest.raises(InputError, match="lacks kind"):
        store.ingest([Rows("spans", partial)], batch_id="x")
    with pytest.raises(InputError, match="batch id"):
        store.ingest([rows(1)], batch_id="")


def test_a_full_log_pushes_back_until_it_drains(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store(max_log_bytes=10_000, flush_interval_s=60.0)
    store.ingest([rows(2000)], batch_id="large")
    with pytest.raises(OverloadedError, match="log is full") as caught:
        store.ingest([rows(1, seed=1)], batch_id="next")
    assert caught.value.retry_after_s > 0
    store.flush()
    assert not store.ingest([rows(1, seed=1)], batch_id="next").duplicate


def test_batches_in_flight_are_bounded(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    store = open_store(
        max_in_flight_bytes=10_000, step=lambda name: gate.wait() if name == "ingest.begin" else None
    )
    first = store.submit([rows(100)], batch_id="0")
    with pytest.raises(OverloadedError, match="wait to be written"):
        [store.submit([rows(100, seed=place)], batch_id=str(place)) for place in range(1, 100)]
    gate.set()
    assert first.result().accepted == 100


def test_a_nearly_full_disk_takes_nothing_more(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store(min_free_bytes=2**62)
    with pytest.raises(OverloadedError, match="nearly full"):
        store.ingest([rows(1)], batch_id="x")
    assert store.counters()["accepted"] == 0


def test_a_batch_that_cannot_be_stored_is_set_aside_and_the_rest_goes_on(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(flush_interval_s=60.0)
    store.ingest([rows(2)], batch_id="before")
    with monkeypatch.context() as patch:
        patch.setattr(ingest_module, "encode", lambda _: b"not an Arrow stream")
        store.ingest([rows(3, seed=1)], batch_id="poison")
    store.ingest([rows(4, seed=2)], batch_id="after")
    store.flush()
    assert count(store) == 6
    counters = store.counters()
    assert (counters["accepted"], counters["stored"], counters["quarantined"]) == (9, 6, 3)
    assert counters["pending"] == 0
    (aside,) = store.rejections()
    assert (aside.count, aside.sample) == (3, "batch poison")
    assert "checksum does not agree" in aside.reason
    store.close()
    assert open_store().counters() == counters


def test_a_failing_hot_file_delays_records_and_loses_none(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher_module, "_WAIT_AFTER_FAILURE_S", 0.05)
    broken = threading.Event()
    broken.set()

    def step(name: str) -> None:
        if name == "flush.commit" and broken.is_set():
            raise OSError("No space left on device")

    store = open_store(step=step)
    receipt = store.ingest([rows(5)], batch_id="x")
    assert not store.wait_until_stored(receipt.seq, timeout_s=0.3)
    with pytest.raises(StorageError, match="No space left"):
        store.flush(timeout_s=0.1)
    assert store.counters()["pending"] == 5
    broken.clear()
    store.flush(timeout_s=10)
    assert count(store) == 5


def test_an_instance_that_duckdb_gave_up_is_opened_again(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher_module, "_WAIT_AFTER_FAILURE_S", 0.05)
    failures = [duckdb.FatalException("database has been invalidated")]

    def step(name: str) -> None:
        if name == "flush.commit" and failures:
            raise failures.pop()

    store = open_store(step=step)
    store.ingest([rows(5)], batch_id="x")
    store.flush(timeout_s=10)
    assert count(store) == 5
    assert store.counters()["quarantined"] == 0


def test_a_batch_that_never_finds_memory_does_not_block_the_rest(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher_module, "_WAIT_AFTER_FAILURE_S", 0.01)
    insert = Flusher._insert

    def greedy(cursor: duckdb.DuckDBPyConnection, name: str, tables: list[Any]) -> int:
        if any("huge" in table.column("name").to_pylist() for table in tables):
            raise duckdb.OutOfMemoryException("no memory")
        return insert(cursor, name, tables)

    monkeypatch.setattr(Flusher, "_insert", staticmethod(greedy))
    store = open_store()
    store.ingest([rows(1)], batch_id="a")
    store.ingest([rows(1, seed=1, name="huge")], batch_id="b")
    store.ingest([rows(1, seed=2)], batch_id="c")
    store.flush(timeout_s=10)
    counters = store.counters()
    assert (counters["stored"], counters["quarantined"]) == (2, 1)


def test_a_batch_that_duckdb_has_no_memory_for_waits_and_is_not_set_aside(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(flusher_module, "_WAIT_AFTER_FAILURE_S", 0.01)
    monkeypatch.setattr(flusher_module, "_TRIES_WITHOUT_MEMORY", 1_000_000)
    little = 2**20
    store = open_store(memory_bytes=little, maintenance_memory_bytes=little)
    receipt = store.ingest([rows(2_000)], batch_id="a")
    while "Out of Memory" not in caplog.text:
        assert not store.wait_until_stored(receipt.seq, timeout_s=0.1)
    assert store.rejections() == []
    store.close()
    # By itself it may take what upkeep may.
    store = open_store(memory_bytes=little)
    store.flush()
    assert (store.counters()["stored"], store.counters()["quarantined"]) == (2_000, 0)


class Short:
    """DuckDB as it is where long texts do not fit while its log is written out: it lets go of the file."""

    def __init__(self, instance: duckdb.DuckDBPyConnection) -> None:
        self._instance = instance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._instance, name)

    def cursor(self) -> Any:
        return Short(self._instance.cursor())

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql == "CHECKPOINT hot":
            raise duckdb.IOException("Checkpoint failed: failed to pin block (55.8 MiB/56.0 MiB used)")
        return self._instance.execute(sql, *parameters)


def test_a_file_that_cannot_be_written_for_want_of_memory_is_opened_again_with_more(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_module, "_LONG_LOG", 0)
    store = open_store()
    monkeypatch.setattr(store._hot, "_instance", Short(store._hot._instance))
    for batch in range(3):
        store.ingest([rows(5, seed=batch)], batch_id=str(batch))
        store.flush()
    assert count(store) == store.counters()["stored"] == 15
    assert store.query("SELECT current_setting('memory_limit') AS most") == [{"most": "112.0 MiB"}]
    store.close()
    assert count(open_store()) == 15


def test_a_closed_store_takes_nothing(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store()
    store.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.ingest([rows(1)], batch_id="x")


def test_rejections_are_counted_and_shown_newest_first(open_store: OpenStore) -> None:
    from datetime import UTC, datetime

    store = open_store()
    at = datetime(2026, 11, 24, tzinfo=UTC)
    store.add_rejections(
        [Rejection(at=at, product="shop", reason="no trace id", count=3, sample="a\0\ud800")]
    )
    store.add_rejections([Rejection(at=at, product="", reason="no product", count=2)])
    store.add_rejections([])
    newest, first = store.rejections(limit=10)
    assert (newest.reason, newest.count, newest.sample) == ("no product", 2, "")
    assert first == Rejection(at=at, product="shop", reason="no trace id", count=3, sample="a\ufffd?")
    assert [row.reason for row in store.rejections(limit=1)] == ["no product"]
    store.close()
    assert open_store().counters()["rejected"] == 5


def test_the_rollup_says_what_the_spans_say(store: Store, rows: MakeRows) -> None:
    hour = 3_600 * 10**9
    start = 495_000 * hour
    batch = rows(
        6,
        start_time=[start, start + 1, start + hour, start + hour, start, start],
        model=["a", "a", "a", "b", None, "a"],
        status=["ok", "error", "ok", "ok", "ok", "error"],
        error_type=[None, "timeout", None, None, None, None],
        duration_ms=[100.0, 100.0, 50.0, 1.0, None, 400.0],
        cost_usd=[0.5, None, 1.0, None, None, 0.25],
        input_tokens=[10, 20, 30, None, None, None],
    )
    store.ingest([batch], batch_id="x")
    store.flush()
    found = store.query(
        "SELECT n, errors, errors_by_type, cost_usd, input_tokens::BIGINT AS input_tokens"
        " FROM rollup_hour WHERE hour = ? AND model = 'a'",
        [start],
    )
    assert found == [
        {
            "n": 3,
            "errors": 2,
            "errors_by_type": {"error": 1, "timeout": 1},
            "cost_usd": 0.75,
            "input_tokens": 30,
        }
    ]
    assert store.query("SELECT sum(n)::BIGINT AS n FROM rollup_hour") == [{"n": 6}]


def test_nothing_is_left_in_the_log_once_it_is_stored(store: Store, rows: MakeRows, folder: Path) -> None:
    import sqlite3
    from contextlib import closing

    store.ingest([rows(10)], batch_id="x")
    store.flush()
    store.close()
    with closing(sqlite3.connect(folder / "metadata.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM ingest_log").fetchone() == (0,)
        assert connection.execute("SELECT batch_id FROM batches").fetchall() == [("x",)]
