"""``erase``, ``retention`` and ``export`` as someone types them, on a data folder without a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three spans of two users of one product."""
    folder = tmp_path / "data"
    values: dict[str, list[Any]] = {name: [None] * 3 for name in TABLES["spans"].names} | {
        "product": ["shop"] * 3,
        "trace_id": [bytes([place]) * 16 for place in (1, 2, 3)],
        "span_id": [bytes([place]) * 8 for place in (1, 2, 3)],
        "status": ["ok"] * 3,
        "start_time": [time.time_ns()] * 3,
        "duration_ms": [1.0] * 3,
        "user_id": ["u_0000000000000000000000aa", "u_0000000000000000000000bb", "u_0000000000000000000000aa"],
    }
    store = Store.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        store.ingest([Rows("spans", values)], batch_id="first")
    finally:
        store.close()
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(data)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def test_erasing_says_in_a_sentence_what_went_and_where_it_is_on_record(run: Run, tmp_path: Path) -> None:
    someone = ("erase", "--product", "shop", "--by", "ana", "--user")
    code, out, _ = run(*someone, "u_0000000000000000000000aa")
    assert code == 0
    assert out.startswith("erased from every file of shop: spans: 2\nthe request is in the audit chain as x-")
    assert "shop held no record of this user" in run(*someone, "u_0000000000000000000000aa")[1]
    misspelt = ("erase", "--product", "shp", "--by", "ana", "--user", "u_0000000000000000000000bb")
    assert "no product shp is known here; there are: shop" in run(*misspelt)[2]
    assert json.loads(run(*someone, "u_0000000000000000000000bb", "--json")[1])["removed"]["spans"] == 1
    assert run("export", "spans", "--out", str(tmp_path / "left.parquet"))[1].startswith("0 spans")
    assert run("audit", "verify")[0] == 0


def test_retention_says_that_without_a_contract_everything_is_kept(run: Run) -> None:
    code, out, _ = run("retention")
    assert code == 0
    assert "no contract in force here limits how long" in out
