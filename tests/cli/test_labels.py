"""Calls drawn to be labelled, as someone types it, and what their labels then prove."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.server import open_workspace
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: buyer
    job: say whether an order may be returned
    no_answer: refuse
    quality:
      accuracy: {at_least: 70 %}
labels:
  sources:
    qa: {within: 2d}
  sample: {random: 10 %}
monitors:
  right: {signal: answer/quality/accuracy, at_least: 70 %, labels: [qa], window: 30d, page: product}
"""
DAY_NS = 86_400 * 10**9
DRAW = ("labels", "draw")


def _ingest(folder: Path, table: str, rows: list[dict[str, Any]], *, batch: str) -> None:
    store = Store.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
        store.ingest([Rows(table, columns)], batch_id=batch)
    finally:
        store.close()


def _calls(folder: Path, numbers: range, *, days: float = 5.0, **more: Any) -> None:
    rows = [
        {
            "product": "shop",
            "workflow": "answer",
            "kind": "workflow",
            "trace_id": number.to_bytes(16),
            "span_id": number.to_bytes(8),
            "status": "ok",
            "user_id": f"u{number}",
            "start_time": time.time_ns() - int(days * DAY_NS) - number,
            "duration_ms": 10.0,
            "output": json.dumps({"prediction": number % 3 == 0}),
            **more,
        }
        for number in numbers
    ]
    _ingest(folder, "spans", rows, batch=f"calls-{numbers}")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    workspace = open_workspace(tmp_path / "data")
    workspace.register_contract(product="shop", text=CONTRACT, path="launchworthy.yaml")
    workspace.close()
    _calls(tmp_path / "data", range(1, 2_001))
    return tmp_path / "data"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(data)])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def _drawn(run: Run, *arguments: str) -> dict[str, Any]:
    code, out, error = run(*DRAW, *arguments, "--json")
    assert code == 0, error
    [draw] = json.loads(out)["draws"]
    assert isinstance(draw, dict)
    return draw


def test_calls_are_drawn_by_a_hash_of_seed_and_trace_and_a_second_time_they_are_the_same(
    run: Run, data: Path
) -> None:
    first = _drawn(run)
    names = {call["trace_id"] for call in first["drawn"]}
    least = 2**64 // 10
    assert names == {
        name
        for name in (number.to_bytes(16).hex() for number in range(1, 2_001))
        if int.from_bytes(hashlib.sha256(f"0/{name.upper()}".encode()).digest()[:8]) < least
    }
    assert (first["calls"], first["share"], first["seed"]) == (2_000, 0.1, 0)
    assert all(call["new"] and call["chance"] == 0.1 for call in first["drawn"])
    again = _drawn(run)
    assert {call["trace_id"] for call in again["drawn"]} == names
    assert not any(call["new"] for call in again["drawn"])
    _calls(data, range(3_000, 3_100), days=1.0)
    later = _drawn(run)
    new = {int(call["trace_id"], 16) for call in later["drawn"] if call["new"]}
    assert new
    assert new <= set(range(3_000, 3_100))
    code, out, _ = run(*DRAW)
    assert code == 0
    assert f"{len(later['drawn'])} of 2,100 calls are drawn, 0 of them now (10 %, seed 0)" in out
    assert f"{len(later['drawn'])} wait for the outcome qa on their trace" in out


def test_a_larger_share_holds_the_smaller_and_every_call_keeps_the_largest_chance_that_it_had(
    run: Run,
) -> None:
    small = {call["trace_id"] for call in _drawn(run, "--share", "2 %")["drawn"]}
    large = _drawn(run, "--share", "20 %")["drawn"]
    assert small < {call["trace_id"] for call in large}
    assert all(call["new"] and call["chance"] == 0.2 for call in large)
    kept = _drawn(run, "--share", "2 %")["drawn"]
    assert [call["chance"] for call in kept] == [0.2] * len(large)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--share", "0 %"), "not above 0"),
        (("--source", "qb"), "no source 'qb'"),
        (("--workflow", "chat"), "no workflow 'chat'"),
        (("--since", "often"), "6h or 7d"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, error = run(*DRAW, *arguments)
    assert (code, out) == (64, "")
    assert said in error


def test_another_seed_is_refused_since_no_one_chance_would_be_right(run: Run) -> None:
    _drawn(run, "--seed", "7")
    code, _, error = run(*DRAW)
    assert code == 64
    assert "drawn for qa with seed 7" in error
    assert "--seed 7" in error


def test_calls_that_nobody_saw_and_evaluations_are_not_drawn(run: Run, data: Path) -> None:
    _calls(data, range(5_000, 5_100), cohort="shadow")
    _calls(data, range(6_000, 6_100), cohort="evaluation")
    assert _drawn(run, "--share", "100 %")["calls"] == 2_000


def _label(data: Path, calls: list[dict[str, Any]]) -> None:
    """People say that every fifth call was answered wrong, and say nothing of a chance."""
    numbers = [int(call["trace_id"], 16) for call in calls]
    rows = [
        {
            "product": "shop",
            "event": "qa",
            "trace_id": number.to_bytes(16),
            "value": float((number % 3 == 0) != (number % 5 == 0)),
            "time": time.time_ns(),
        }
        for number in numbers
    ]
    _ingest(data, "outcomes", rows, batch=f"labels-{numbers[:1]}")


def _monitor(run: Run, claim: str = "right") -> dict[str, Any]:
    run("measure")
    _, out, _ = run("evidence", "list", "--claim", f"shop/{claim}", "--json")
    newest = json.loads(out)[0]
    assert isinstance(newest, dict)
    return newest


def test_labels_that_say_nothing_of_a_chance_prove_the_share_of_all_calls(run: Run, data: Path) -> None:
    calls = _drawn(run)["drawn"]
    _label(data, calls)
    piece = _monitor(run, "monitors/right")
    right = sum(int(call["trace_id"], 16) % 5 != 0 for call in calls)
    assert (piece["n"], piece["value"]) == (len(calls), pytest.approx(right / len(calls)))
    assert piece["low"] == pytest.approx(stats.beta.ppf(0.05, right, len(calls) - right + 1))
    cover = _monitor(run, "labels/sample/random")
    assert (cover["value"], cover["n"]) == (len(calls) / 2_000, 2_000)


def test_labels_of_calls_that_were_not_drawn_still_have_to_say_their_chance(run: Run, data: Path) -> None:
    drawn = _drawn(run)["drawn"]
    _label(data, [*drawn, {"trace_id": "1"}])
    assert "1" not in {call["trace_id"].lstrip("0") for call in drawn}
    assert "with which chance they were chosen" in _monitor(run, "monitors/right")["detail"]["reason"]
