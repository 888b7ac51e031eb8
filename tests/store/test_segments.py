"""Past days become Parquet files, and go when their time is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest

from launchworthy.errors import StorageError
from launchworthy.records import Rows
from launchworthy.store import RetentionRule, Store
from launchworthy.store import segments as segments_module

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]
DAY_NS = 86_400 * 10**9
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON = int(NOW.timestamp()) * 10**9


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "segments").rglob("*") if path.is_file())


def days(store: Store) -> list[int]:
    found = store.query("SELECT start_time FROM spans ORDER BY start_time DESC")
    return [(NOON - row["start_time"]) // DAY_NS for row in found]


def test_days_before_the_hot_window_are_sealed_and_stay_visible(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store(clock=lambda: NOW)
    ages = [0, 1, 2, 3, 4, 4]
    batch = rows(6, start_time=[NOON - age * DAY_NS for age in ages], workflow=["b", "a", "c", "d", "f", "e"])
    store.ingest([batch, rows(1, table="outcomes", time=NOON - 5 * DAY_NS)], batch_id="x")
    store.flush()
    before = store.query("SELECT * FROM spans ORDER BY span_id")
    assert store.seal() == 4
    assert store.query("SELECT * FROM spans ORDER BY span_id") == before
    names = [(path.parent.name, path.name[:10]) for path in files(folder)]
    assert names == [("outcomes", "2026-11-19"), ("spans", "2026-11-20"), ("spans", "2026-11-21")]
    assert store.seal() == 0
    sealed = pyarrow.parquet.read_table(files(folder)[1])
    assert sealed.column("workflow").to_pylist() == ["e", "f"]
    assert store.counters()["stored"] == 6
    assert len(store.query("SELECT * FROM trace_index")) == 6
    store.close()
    assert days(open_store(clock=lambda: NOW)) == sorted(ages)


def test_late_records_of_many_days_share_one_file(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store(clock=lambda: NOW)
    ages = list(range(0, 400, 20))
    store.ingest([rows(20, start_time=[NOON - age * DAY_NS for age in ages])], batch_id="x")
    store.flush()
    assert store.seal() == 19
    assert len(files(folder)) == 1
    assert days(store) == ages
    store.ingest([rows(1, seed=1, start_time=0)], batch_id="1970")
    store.flush()
    store.seal()
    assert len(files(folder)) == 2
    assert len(days(store)) == 21


def test_a_large_day_is_sealed_in_parts(
    open_store: OpenStore, rows: MakeRows, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments_module, "_SEGMENT_ROWS", 10)
    store = open_store(clock=lambda: NOW)
    yesterdays = [NOON - 5 * DAY_NS + place // 3 for place in range(37)]
    store.ingest([rows(37, start_time=yesterdays), rows(12, seed=1, start_time=7)], batch_id="x")
    store.flush()
    before = store.query("SELECT * FROM spans ORDER BY span_id")
    assert store.seal() == 49
    assert len(files(folder)) == 5
    assert store.query("SELECT * FROM spans ORDER BY span_id") == before


def test_a_day_of_long_texts_is_sealed_with_more_memory(
    open_store: OpenStore, rows: MakeRows, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(clock=lambda: NOW, memory_bytes=12 * 2**20, maintenance_memory_bytes=12 * 2**20)
    for seed in range(4):
        texts = [random.Random(f"{seed} {row}").randbytes(20_000).hex() for row in range(50)]
        old = NOON - 4 * DAY_NS
        store.ingest([rows(50, seed=seed, start_time=old, context=texts)], batch_id=str(seed))
        store.flush()
    assert store.seal() == 200
    assert "the records hold long texts" in caplog.text
    assert store.query("SELECT sum(length(context))::BIGINT AS n FROM spans") == [{"n": 200 * 40_000}]


def test_a_stray_file_is_never_read(open_store: OpenStore, rows: MakeRows, folder: Path) -> None:
    store = open_store(clock=lambda: NOW)
    store.ingest([rows(3, start_time=NOON - 5 * DAY_NS)], batch_id="x")
    store.flush()
    store.seal()
    (sealed,) = files(folder)
    sealed.with_name("2026-11-19-copy.parquet").write_bytes(sealed.read_bytes())
    assert len(days(store)) == 3
    store.close()
    assert len(days(open_store(clock=lambda: NOW))) == 3
    assert files(folder) == [sealed]


def test_retention_removes_files_and_rows_that_are_too_old(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store(clock=lambda: NOW)
    ages = [0, 1, 5, 6, 40, 200]
    store.ingest([rows(6, start_time=[NOON - age * DAY_NS for age in ages])], batch_id="x")
    store.flush()
    store.seal()
    assert len(files(folder)) == 3
    assert store.apply_retention(NOW, []) == {}
    policy = [RetentionRule(table="spans", keep=timedelta(days=90))]
    assert store.apply_retention(NOW, policy) == {"spans": 1}
    assert days(store) == ages[:5]
    policy = [
        RetentionRule(table="spans", keep=timedelta(days=5)),
        RetentionRule(table="scores", keep=timedelta(1)),
    ]
    assert store.apply_retention(NOW, policy) == {"spans": 2, "scores": 0}
    assert days(store) == ages[:3]
    assert len(files(folder)) == 1
    assert len(store.query("SELECT * FROM trace_index")) == 3
    assert store.apply_retention(NOW, [RetentionRule(table="spans", keep=timedelta(0))]) == {"spans": 2}
    assert days(store) == [0]
    assert files(folder) == []


def test_products_keep_their_records_for_as_long_as_each_says(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store(clock=lambda: NOW)
    for seed, product in enumerate(("short", "o'long", "other")):
        store.ingest([rows(2, seed=seed, product=product, start_time=NOON - 20 * DAY_NS)], batch_id=product)
    store.flush()
    store.seal()
    policy = [
        RetentionRule(table="spans", keep=timedelta(days=10), product="short"),
        RetentionRule(table="spans", keep=timedelta(days=30), product="o'long"),
        RetentionRule(table="spans", keep=timedelta(days=15)),
    ]
    assert store.apply_retention(NOW, policy) == {"spans": 4}
    assert store.query("SELECT product, count(*) AS n FROM spans GROUP BY product") == [
        {"product": "o'long", "n": 2}
    ]
    assert len(files(folder)) == 1


def test_a_damaged_segment_is_named(open_store: OpenStore, rows: MakeRows, folder: Path) -> None:
    store = open_store(clock=lambda: NOW)
    store.ingest([rows(3, start_time=NOON - 5 * DAY_NS)], batch_id="x")
    store.flush()
    store.seal()
    store.close()
    (sealed,) = files(folder)
    whole = sealed.read_bytes()
    sealed.write_bytes(b"PAR1" + b"\0" * 100)
    with pytest.raises(StorageError) as caught:
        open_store(clock=lambda: NOW)
    assert sealed.name in str(caught.value)
    sealed.unlink()
    with pytest.raises(StorageError, match="missing"):
        open_store(clock=lambda: NOW)
    sealed.write_bytes(whole)
    assert len(days(open_store(clock=lambda: NOW))) == 3


def test_sealing_goes_on_while_records_arrive(open_store: OpenStore, rows: MakeRows) -> None:
    store = open_store(clock=lambda: NOW)
    for place in range(20):
        store.ingest([rows(50, seed=place, start_time=NOON - (place % 6) * DAY_NS)], batch_id=str(place))
        if place % 5 == 0:
            store.seal()
    store.flush()
    store.seal()
    assert len(days(store)) == 1000
    assert store.query("SELECT count(DISTINCT span_id) AS n FROM spans") == [{"n": 1000}]
