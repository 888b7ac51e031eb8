"""A process that dies at any step loses nothing acknowledged, and doubles nothing."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow.parquet
import pytest

from launchworthy.store import Store, StoreOptions

if TYPE_CHECKING:
    from tests.forking import Forking

OpenStore = Callable[..., Store]
Run = Callable[..., subprocess.CompletedProcess[str]]
KilledAt = Callable[[str, str], None]
PROGRAM = Path(__file__).with_name("crashing.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crashing", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


crashing = _load()


@pytest.fixture
def run(folder: Path, forking: Forking) -> Run:
    return lambda *arguments: forking.run(str(PROGRAM), str(folder), *arguments)


@pytest.fixture
def killed_at(run: Run) -> KilledAt:
    def kill(job: str, step: str) -> None:
        done = run(job, step)
        assert done.returncode == -signal.SIGKILL, f"never came to {step}: {done.stderr[-2000:]}"

    return kill


def test_kill_9_under_load_loses_and_doubles_no_acknowledged_batch(
    folder: Path, open_store: OpenStore, forking: Forking
) -> None:
    acknowledged: set[str] = set()
    for wait_s in (0.2, 0.4, 0.6):
        before = len(acknowledged)
        with forking.start(str(PROGRAM), str(folder), "flood", "30") as process:
            assert process.stdout is not None
            acknowledged.add(f"{process.stdout.readline().strip()}")
            time.sleep(wait_s)
            process.kill()
            acknowledged.update(process.stdout.read().split())
        # A later round begins with batches that an earlier one acknowledged: repeats, to be stored once.
        assert before or acknowledged
    store = open_store()
    store.flush()
    stored = store.query(
        "SELECT split_part(trim(input, '\"'), ' ', 1) AS batch, count(*) AS n, count(DISTINCT span_id) AS ids"
        " FROM spans GROUP BY batch"
    )
    assert acknowledged <= {row["batch"] for row in stored}
    assert {(row["n"], row["ids"]) for row in stored} == {(40, 40)}
    counters = store.counters()
    assert counters["accepted"] == counters["stored"] + counters["repeated"] == 40 * len(stored)


@pytest.mark.parametrize("step", ["ingest.begin", "ingest.commit", "flush.commit", "flush.committed"])
def test_a_crash_while_ingesting_stores_what_is_resent_once(
    open_store: OpenStore, killed_at: KilledAt, step: str
) -> None:
    killed_at("ingest", step)
    store = open_store(clock=lambda: crashing.clock_at(3))
    crashing.fill(store)
    assert store.query("SELECT count(*) AS n, count(DISTINCT span_id) AS ids FROM spans") == [
        {"n": 160, "ids": 160}
    ]
    counters = store.counters()
    assert counters["accepted"] == counters["stored"] == 160
    assert store.query("SELECT sum(n)::BIGINT AS n FROM rollup_hour") == [{"n": 160}]


@pytest.mark.parametrize(
    "step",
    ["segment.write", "segment.sync", "segment.rename", "seal.register", "seal.clear", "seal.cleared"],
)
def test_a_crash_while_sealing_leaves_every_row_once(
    folder: Path, open_store: OpenStore, killed_at: KilledAt, step: str
) -> None:
    with_rows = open_store(clock=lambda: crashing.clock_at(1))
    crashing.fill(with_rows)
    before = with_rows.query("SELECT * FROM spans ORDER BY span_id")
    with_rows.close()
    killed_at("seal", step)
    store = open_store(clock=lambda: crashing.clock_at(3))
    assert store.query("SELECT * FROM spans ORDER BY span_id") == before
    store.seal()
    assert store.query("SELECT * FROM spans ORDER BY span_id") == before
    files = sorted((folder / "segments").rglob("*.*"))
    assert [path.suffix for path in files] == [".parquet"]
    assert pyarrow.parquet.read_metadata(files[0]).num_rows == 80


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with rows of two users, sealed; filled once, copied by each test."""
    folder = tmp_path_factory.mktemp("sealed") / "data"
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.05)
    store = Store.open(folder, options=options, clock=lambda: crashing.clock_at(3))
    crashing.fill(store)
    store.seal()
    store.close()
    return folder


@pytest.mark.parametrize(
    "step",
    [
        "erase.hide",
        "erase.segments",
        "segment.write",
        "segment.rename",
        "rewrite.register",
        "rewrite.show",
        "rewrite.unlink",
        "erase.metadata",
        "erase.hot",
        "erase.rebuild",
        "rebuild.rename",
        "erase.scrub",
        "erase.audit",
        "erase.forget",
    ],
)
def test_an_erasure_that_a_crash_interrupted_is_completed_at_the_next_start(
    folder: Path, open_store: OpenStore, killed_at: KilledAt, sealed: Path, step: str
) -> None:
    shutil.copytree(sealed, folder)
    killed_at("erase", step)
    store = open_store(clock=lambda: crashing.clock_at(3))
    assert store.query("SELECT count(*) AS n FROM spans WHERE user_id = ?", [crashing.SUBJECT]) == [{"n": 0}]
    assert store.query("SELECT count(*) AS n, count(DISTINCT span_id) AS ids FROM spans") == [
        {"n": 100, "ids": 100}
    ]
    audits = [entry for entry in store.ledger.ledger_entries("shop") if entry.kind == "erasure"]
    assert len(audits) == (2 if step == "erase.forget" else 1)
    store.close()
    assert not list((folder / "erasing").iterdir())
    for path in folder.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert crashing.CANARY.encode() not in raw, path
            assert crashing.SUBJECT.encode() not in raw, path


def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(run: Run, open_store: OpenStore) -> None:
    done = run("full", str(400_000))
    assert done.returncode == 0, done.stderr[-2000:]
    *acknowledged, last = done.stdout.splitlines()
    assert last in ("refused LW507", "refused LW500")
    assert acknowledged
    store = open_store()
    store.flush()
    found = store.query("SELECT count(*) AS n, count(DISTINCT span_id) AS ids FROM spans")
    assert found == [{"n": 40 * len(acknowledged), "ids": 40 * len(acknowledged)}]
