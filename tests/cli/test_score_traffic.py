"""``score-traffic`` as someone types it, on a data folder without a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]
SCORED = ("score-traffic", "--workflow", "answer", "--share", "100 %", "--scorer", r"regex:pattern=\d+ pages")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten calls, of which one failed and one was made by a simulated user."""
    folder = tmp_path / "data"
    rows = [
        {
            "product": "shop",
            "workflow": "answer",
            "kind": "workflow",
            "trace_id": number.to_bytes(16),
            "span_id": number.to_bytes(8),
            "status": "error" if number == 3 else "ok",
            "error_type": "timeout" if number == 3 else None,
            "start_time": time.time_ns() - number * 1_000_000_000,
            "duration_ms": 10.0 * number,
            "input": json.dumps(f"question {number}"),
            "output": json.dumps(f"{number} pages" if number % 2 else "pages"),
            "simulated": number == 10,
        }
        for number in range(1, 11)
    ]
    store = Store.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        store.ingest([Rows("spans", columns)], batch_id="first")
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


def test_a_sample_is_scored_and_kept_as_a_run_with_its_traces(run: Run) -> None:
    code, out, _ = run(*SCORED, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["calls"], answer["sampled"], answer["errors"]) == (9, 9, 1)
    regex = next(row for row in answer["measured"] if row["metric"] == "regex")
    assert (regex["value"], regex["n"], regex["unscored"]) == (0.5, 8, 1)
    code, out, _ = run("runs", answer["run"], "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["split"] == "traffic"
    assert "timeout: the call failed" in out


def test_it_says_how_many_of_how_many_and_why_the_rest_could_not_be_scored(run: Run) -> None:
    code, out, _ = run(*SCORED, "--simulated")
    assert code == 0
    assert "10 of 10 calls" in out
    assert "could not be scored: 1 × target: timeout: the call failed" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "1x"), "unknown unit 'x'"),
        (("--since", "5 USD"), "is no length of time"),
        (("--workflow", "nobody"), "no call was drawn of the 0"),
        (("--release", "r-unknown"), "no call was drawn"),
        (("--share", "0"), "is not above 0"),
        (("--scorer", "no-such-metric"), "unknown metric"),
    ],
)
def test_what_cannot_be_drawn_or_scored_is_told(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(*SCORED, *arguments)
    assert code == 64
    assert said in err


def test_a_metric_that_needs_a_truth_measures_nothing_on_traffic(run: Run) -> None:
    code, _, err = run("score-traffic", "--workflow", "answer", "--share", "100 %", "--scorer", "accuracy")
    assert code == 1
    assert "traffic has no truth to compare with" in err
