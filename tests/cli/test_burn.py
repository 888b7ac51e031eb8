"""``launchworthy burn`` on files and on a product's own records."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.server import open_workspace
from launchworthy.store import Store, StoreOptions

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    reliability: {error: {at_most: 1 %}, latency_p95: {at_most: 1s}}
"""


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["burn", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def _events(*, late: float, count: int = 4_000) -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [
        {"time": 1_795_000_000 + 60 * place, "bad": int(rng.random() < (0.002 if place < 3_800 else late))}
        for place in range(count)
    ]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_file_of_events_that_burns_fires_and_says_when_the_budget_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / f"calls.{kind}"
    rows = _events(late=0.3)
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    page = tmp_path / "burn.html"
    code, out = _run(capsys, "--input", str(path), "--target", "99 %", "--html", str(page))
    assert code == 1
    assert out.startswith(f"✕ calls.{kind}: ")
    assert "times as fast as allowed, and ends in" in out
    assert "1 budget of 1 is burning too fast" in page.read_text()
    code, out = _run(capsys, "--input", str(path), "--target", "50 %", "--json")
    found = json.loads(out)["budgets"][0]
    assert (code, found["events"], any(each["fires"] for each in found["windows"])) == (0, 4_000, False)


def test_of_silence_no_share_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "calls.jsonl", tmp_path / "burn.html"
    path.write_text("")
    code, out = _run(capsys, "--input", str(path), "--target", "99 %", "--html", str(page))
    assert (code, out.splitlines()[0]) == (2, "◌ calls.jsonl: nothing was heard")
    assert "nothing was heard" in page.read_text()


def test_one_bad_call_of_one_is_told_from_chance_by_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, page = tmp_path / "calls.jsonl", tmp_path / "burn.html"
    path.write_text(json.dumps({"time": "2026-11-25T09:00:30Z", "bad": 1}) + "\n")
    code, out = _run(capsys, "--input", str(path), "--target", "99 %", "--html", str(page))
    told, heard, *windows = out.splitlines()
    assert (code, told.partition("; ")[0]) == (0, "◌ calls.jsonl: 13.9 % of its budget is used")
    assert told.endswith("too few came to tell what is used up from chance")
    assert heard == "    1 event from 2026-11-25 09:00 to 2026-11-25 09:00 UTC"
    assert all("100 and 100 times" in line for line in windows)
    assert "may be chance" in page.read_text()


def test_iso_times_and_counts_of_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hours.jsonl"
    path.write_text(
        "".join(
            json.dumps({"at": f"2026-11-{day:02}T{hour:02}:00:00Z", "calls": 100, "failed": 1}) + "\n"
            for day in range(1, 21)
            for hour in range(24)
        )
    )
    options = ("--time", "at", "--events", "calls", "--bad", "failed", "--json")
    code, out = _run(capsys, "--input", str(path), "--target", "99 %", *options)
    found = json.loads(out)["budgets"][0]
    assert (code, found["events"], found["bad"]) == (0, 48_000, 480)
    assert found["used"] == pytest.approx(20 / 30, rel=0.01)
    assert found["windows"][2]["long_rate"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"time": "<script>", "bad": 1}, "should be a time"),
        ({"time": 1_795_000_000_000, "bad": 1}, "divide by 1000"),
        ({"time": 1, "bad": 2}, "2 of 1 events are bad"),
        ({"time": 1, "bad": -1}, "should be 0, 1 or a count"),
        ({"time": 1, "bad": "yes"}, "should be 0, 1 or a count"),
        ({"bad": 1}, "time is None"),
    ],
)
def test_a_row_that_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, Any], told: str
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps({"time": 1, "bad": 0}) + "\n" + json.dumps(row) + "\n")
    code, out = _run(capsys, "--input", str(path), "--target", "99 %")
    assert code == 64
    assert told in out
    assert "calls.jsonl:2" in out


def test_options_that_do_not_fit_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "go together" in _run(capsys, "--input", "x.jsonl")[1]
    assert "not a share" in _run(capsys, "--input", "x.jsonl", "--target", "120 %")[1]
    assert "not a duration" in _run(capsys, "--period", "5 %")[1]
    (tmp_path / "empty.jsonl").write_text("")
    assert _run(capsys, "--input", str(tmp_path / "empty.jsonl"), "--target", "99 %")[0] == 2


def test_an_allowance_that_will_not_last_fires_and_says_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = "limits: {cost_per_workflow: 100 USD/week, tokens_per_workflow: 9000/d}\n"
    contract = CONTRACT.replace("    reliability:", f"    {limits}    reliability:")
    (tmp_path / "launchworthy.yaml").write_text(contract)
    monkeypatch.chdir(tmp_path)
    now, rows = time.time_ns(), []
    for hour in range(1, 24 * 30):
        began, trace = now - hour * 3_600 * 10**9, hour.to_bytes(16, "big")
        rows.append(
            {"product": "shop", "workflow": "answer", "kind": "model", "name": "m", "trace_id": trace}
            | {"span_id": trace[8:], "start_time": began, "duration_ms": 9.0, "input_tokens": 100}
            | {"cost_usd": 0.9 if hour < 60 else 0.5, "received_at": began}
        )
    with Store.open(tmp_path / ".launchworthy", options=StoreOptions()) as store:
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        store.ingest([Rows("spans", columns)], batch_id="b")
        store.flush()
    page = tmp_path / "burn.html"
    code, out = _run(capsys, "--html", str(page))
    lines = out.splitlines()
    assert code == 1
    assert lines[-2].startswith("✕ answer/limits/cost_per_workflow: 107 USD of 100 USD/week is spent: ")
    assert lines[-1].startswith("● answer/limits/tokens_per_workflow: 2,300 of 9,000/d is spent; it lasts")
    assert "1 allowance will not last" in page.read_text()
    code, out = _run(capsys, "--json")
    cost, tokens = json.loads(out)["allowances"]
    assert (cost["passes_ms"], tokens["passes_ms"], tokens["fires"]) == (0.0, None, False)


def test_the_promises_of_a_product_burn_as_its_records_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(2)
    now = time.time_ns() - 10**9
    rows = []
    for place in range(600):
        began, trace = now - place * 5 * 10**9, rng.randbytes(16)
        rows.append(
            {"product": "shop", "workflow": "answer", "kind": "workflow", "name": "answer", "trace_id": trace}
            | {"span_id": trace[:8], "start_time": began, "end_time": began + 10**8, "duration_ms": 100.0}
            | {"received_at": began, "release": "r-1", "status": "error" if place % 4 == 0 else "ok"}
        )
    with Store.open(tmp_path / ".launchworthy", options=StoreOptions()) as store:
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        store.ingest([Rows("spans", columns)], batch_id="one")
        store.flush()
    workspace = open_workspace(None)
    workspace.register_contract(product="shop", text=CONTRACT, path=str(tmp_path / "launchworthy.yaml"))
    workspace.close()
    code, out = _run(capsys, "--json")
    found = {each["name"]: each for each in json.loads(out)["budgets"]}
    assert code == 1
    error, slow = found["answer/reliability/error"], found["answer/reliability/latency_p95"]
    assert (error["bad"], error["events"], error["budget"]) == (150, 600, 0.01)
    assert any(each["fires"] for each in error["windows"])
    assert len(error["traces"]) == 5
    assert (slow["bad"], slow["budget"]) == (0, pytest.approx(0.05))
    assert not any(each["fires"] for each in slow["windows"])
