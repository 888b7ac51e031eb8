"""Erasing a subject leaves none of the subject's bytes in any file, and everybody else's as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from launchworthy.errors import InputError, StorageError
from launchworthy.gold import GoldItem, GoldVersion
from launchworthy.records import Rows, Run, RunItem
from launchworthy.store import Rejection, Store
from launchworthy.store import ingest as ingest_module

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]
DAY_NS = 86_400 * 10**9
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON = int(NOW.timestamp()) * 10**9
WORDS = ("subject-id-81f0", "subject-said-c41d", "subject-was-told-5e2b", "subject-corrects-77aa")
SUBJECT = WORDS[0]


def every_text(folder: Path) -> list[str]:
    """Every byte of every file as it lies there, and everything that reading the files brings to light."""
    texts = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        texts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            texts.append(str(duckdb.read_parquet(str(path)).fetchall()))
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{folder / 'hot.duckdb'}' AS hot (READ_ONLY)")
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw'"
        ).fetchall():
            texts.append(str(connection.execute(f"FROM hot.raw.{name}").fetchall()))
    return texts


def test_no_byte_of_the_subject_stays(
    open_store: OpenStore, rows: MakeRows, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(clock=lambda: NOW)
    trace_id, shared = bytes(range(16)), bytes(range(16, 32))
    for age in (0, 1, 5, 9):
        said = f'"{WORDS[1]} on day {age}"'
        own = rows(
            20,
            seed=age,
            user_id=SUBJECT,
            session_id="their-session",
            input=said,
            start_time=NOON - age * DAY_NS,
        )
        store.ingest(
            [own, rows(20, seed=50 + age, user_id="somebody", start_time=NOON - age * DAY_NS)],
            batch_id=f"{age}",
        )
    store.ingest(
        [
            # Of a trace that the subject began, one span names nobody, and one names somebody else.
            rows(1, seed=91, trace_id=trace_id, user_id=SUBJECT),
            rows(1, seed=92, trace_id=trace_id, output=f'"{WORDS[2]}"'),
            rows(1, seed=93, trace_id=trace_id, user_id="somebody", name="theirs"),
            rows(1, seed=94, trace_id=shared, user_id="somebody"),
            rows(1, table="feedback", trace_id=trace_id, correction=WORDS[3]),
            rows(
                1,
                table="outcomes",
                seed=2,
                trace_id=None,
                session_id="their-session",
                attributes=f'"{WORDS[1]}"',
            ),
            rows(2, table="scores", seed=3, explanation="about somebody", user_id="somebody"),
            rows(1, seed=95, product="another", user_id=SUBJECT, name="of another product"),
        ],
        batch_id="more",
    )
    store.flush()
    store.seal()
    store.ingest([rows(3, seed=96, user_id=SUBJECT, input=f'"{WORDS[1]}"')], batch_id="not yet flushed")
    store.add_rejections([Rejection(at=NOW, product="shop", reason="bad", count=1, sample=f"... {WORDS[1]}")])
    with monkeypatch.context() as patch:
        patch.setattr(ingest_module, "encode", lambda _: f"broken {SUBJECT} {WORDS[1]}".encode())
        store.ingest([rows(1, seed=97)], batch_id="poison")
    items = [
        GoldItem(id="from-trace", input="x", expected=WORDS[3], meta={"trace_id": trace_id.hex()}),
        GoldItem(id="from-user", input=WORDS[1], meta={"user": SUBJECT}),
        GoldItem(id="made-up", input="y"),
    ]
    store.gold.add_gold(
        GoldVersion(product="shop", name="g", version="g-1", created_at=NOW, items=3, slices={}, splits={}),
        items,
    )
    run = Run(
        id="run-1",
        product="shop",
        workflow="w",
        release="r",
        target="t",
        gold="g@g-1",
        split="dev",
        scorers=(),
        status="complete",
        started_at=NOW,
    )
    store.runs.add_run(run)
    store.runs.add_run_items(
        "run-1",
        [RunItem(item_id="from-trace", output=WORDS[3], trace_id=trace_id.hex()), RunItem(item_id="made-up")],
    )
    store.flush()

    audit = store.erase_subject(product="shop", user_id=SUBJECT, by="officer@example.com")

    assert audit["removed"] == {
        "feedback": 1,
        "gold_items": 2,
        "outcomes": 1,
        "quarantined_batches": 1,
        "run_items": 1,
        "spans": 85,
    }
    assert store.query("SELECT count(*) AS n FROM spans WHERE user_id = 'somebody'") == [{"n": 82}]
    assert store.query("SELECT name, product FROM spans WHERE user_id = ?", [SUBJECT]) == [
        {"name": "of another product", "product": "another"}
    ]
    assert [
        item.id for item in store.gold.gold_items(product="shop", name="g", version="g-1", split=None)
    ] == ["made-up"]
    assert [item.item_id for item in store.runs.run_items("run-1")] == ["made-up"]
    assert [row.reason for row in store.rejections()] == ["bad"]
    (entry,) = store.ledger.ledger_entries("shop")
    assert json.loads(entry.body) == audit
    assert (entry.kind, audit["by"]) == ("erasure", "officer@example.com")
    assert [row["name"] for row in store.trace(trace_id.hex())] == ["theirs"]
    store.erase_subject(product="another", user_id=SUBJECT, by="officer@example.com")
    store.close()
    for text in every_text(folder):
        for word in WORDS:
            assert word not in text
    assert len(open_store(clock=lambda: NOW).query("SELECT * FROM spans")) == 82


def test_records_that_arrive_during_an_erasure_are_neither_lost_nor_doubled(
    open_store: OpenStore, rows: MakeRows
) -> None:
    arriving: list[Store] = []

    def step(name: str) -> None:
        if arriving and name.startswith(("erase.", "rebuild.")):
            arriving[0].ingest([rows(5, seed=hash(name), user_id="somebody")], batch_id=name)

    store = open_store(step=step)
    store.ingest([rows(10, user_id=SUBJECT)], batch_id="x")
    arriving.append(store)
    assert store.erase_subject(product="shop", user_id=SUBJECT, by="me")["removed"] == {"spans": 10}
    arriving.clear()
    store.flush()
    found = store.query(
        "SELECT count(*) AS n, count(DISTINCT span_id) AS ids, any_value(user_id) AS who FROM spans"
    )
    assert found == [{"n": 45, "ids": 45, "who": "somebody"}]


def test_a_subject_is_hidden_before_anything_is_rewritten(open_store: OpenStore, rows: MakeRows) -> None:
    seen: list[int] = []
    watched: list[Store] = []

    def step(name: str) -> None:
        if name in ("erase.segments", "erase.hot"):
            seen.append(watched[0].query("SELECT count(*) AS n FROM spans")[0]["n"])

    store = open_store(clock=lambda: NOW, step=step)
    watched.append(store)
    store.ingest(
        [rows(4, user_id=SUBJECT, start_time=NOON - 5 * DAY_NS), rows(3, seed=1, start_time=NOON)],
        batch_id="x",
    )
    store.flush()
    store.seal()
    store.erase_subject(product="shop", user_id=SUBJECT, by="me")
    assert seen == [3, 3]


def test_a_short_name_takes_no_gold_item_with_it_that_only_contains_it(store: Store) -> None:
    items = [
        GoldItem(id="a", input="about u1 and u10", meta={"user": "u10"}),
        GoldItem(id="b", input="x", meta={"user": "u1"}),
    ]
    made = GoldVersion(product="shop", name="g", version="g-1", created_at=NOW, items=2, slices={}, splits={})
    store.gold.add_gold(made, items)
    assert store.erase_subject(product="shop", user_id="u1", by="me")["removed"] == {"gold_items": 1}
    (left,) = store.gold.gold_items(product="shop", name="g", version="g-1", split=None)
    assert left.id == "a"


def test_erasing_nobody_changes_nothing(store: Store, rows: MakeRows) -> None:
    store.ingest([rows(4, user_id="somebody")], batch_id="x")
    assert store.erase_subject(product="shop", user_id="nobody", by="me")["removed"] == {}
    assert len(store.query("SELECT * FROM spans")) == 4
    with pytest.raises(InputError, match="user_id is empty"):
        store.erase_subject(product="shop", user_id=" ", by="me")


def test_an_erasure_that_the_disk_stops_is_tried_again(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    broken = [True]

    def step(name: str) -> None:
        if name == "erase.rebuild" and broken[0]:
            raise OSError("No space left on device")

    store = open_store(step=step)
    store.ingest([rows(4, user_id=SUBJECT)], batch_id="x")
    with pytest.raises(StorageError, match="not complete: No space"):
        store.erase_subject(product="shop", user_id=SUBJECT, by="me")
    assert store.query("SELECT * FROM spans") == []
    store.close()
    store = open_store(step=step)
    assert list(store.ledger.ledger_entries("shop")) == []
    broken[0] = False
    store.seal()
    assert [entry.kind for entry in store.ledger.ledger_entries("shop")] == ["erasure"]
    store.close()
    assert not any(SUBJECT in text for text in every_text(folder))


def test_the_search_for_bytes_would_find_them(store: Store, rows: MakeRows, folder: Path) -> None:
    store.ingest([rows(4, user_id=SUBJECT, input=f'"{WORDS[1]}"')], batch_id="x")
    store.flush()
    store.close()
    assert any(SUBJECT in text for text in every_text(folder))
