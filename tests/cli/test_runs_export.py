"""Runs go where others look: files that pandas, pyarrow and DuckDB read, and a real MLflow store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.cli.main import main
from launchworthy.gold import GoldItem, freeze
from launchworthy.records import Run, RunItem, Score
from launchworthy.server import open_workspace

RUN = Run(
    id="20261124-090000-abc123",
    product="shop",
    workflow="answer",
    release="r-1",
    target="app:ask",
    gold="answer@g-1",
    split="all",
    scorers=("exact-match|v1",),
    status="complete",
    started_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
    finished_at=datetime(2026, 11, 24, 9, 1, tzinfo=UTC),
    items=3,
    done=3,
    errors=1,
    config={},
)
ITEMS = [
    RunItem(
        item_id="a",
        input={"q": "Größe?"},
        expected="42",
        output="42",
        latency_ms=12.5,
        cost_usd=0.01,
        slices=("easy", "size"),
        scores={"exact-match": Score(value=1.0)},
    ),
    RunItem(
        item_id="b",
        input='two\nlines, "quoted"',
        output=["x"],
        scores={"exact-match": Score(value=None, error="no reference")},
    ),
    RunItem(item_id="c", input="=1+1", error="down", slices=("easy",)),
]

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / "data"))
    workspace = open_workspace(None)
    try:
        workspace.add_run(RUN)
        workspace.add_run_items(RUN.id, ITEMS)
    finally:
        workspace.close()

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["runs", *arguments])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


def test_parquet_arrow_and_jsonl_hold_the_same_rows_as_other_readers_see_them(call: Call) -> None:
    for form in ("parquet", "arrow", "jsonl"):
        code, out, err = call("export", RUN.id, "--out", f"items.{form}")
        assert (code, out) == (0, f"3 items in items.{form}\n"), err
    rows: list[dict[str, Any]] = pq.read_table("items.parquet").to_pylist()
    with pa.memory_map("items.arrow") as source:
        assert pa.ipc.open_file(source).read_all().to_pylist() == rows
    assert [json.loads(line) for line in Path("items.jsonl").read_text().splitlines()] == rows
    first, second, third = rows
    assert first["input"] == '{"q": "Größe?"}'
    assert (first["exact-match"], first["latency_ms"], first["slices"]) == (1.0, 12.5, ["easy", "size"])
    assert (second["exact-match"], second["exact-match:error"]) == (None, "no reference")
    assert (third["error"], third["output"], third["exact-match"]) == ("down", None, None)


def test_csv_is_read_by_pandas(call: Call) -> None:
    import pandas as pd  # type: ignore[import-untyped]

    assert call("export", RUN.id, "--out", "items.csv")[0] == 0
    frame = pd.read_csv("items.csv")
    assert list(frame["item"]) == ["a", "b", "c"]
    assert frame["input"][1] == 'two\nlines, "quoted"'
    assert frame["exact-match"].isna().tolist() == [False, True, True]
    assert frame["slices"][0] == "easy;size"


def test_who_takes_the_items_of_a_holdout_elsewhere_has_read_it(call: Call) -> None:
    items = [GoldItem(id=name, input=name, split="holdout") for name in "abc"]
    version, frozen = freeze(items, product="shop", name="answer", created_at=RUN.started_at)
    workspace = open_workspace()
    workspace.add_gold(version, frozen)
    for number, split in enumerate(("dev", "holdout", "all")):
        gold = f"answer@{version.version}"
        workspace.add_run(replace(RUN, id=f"20261124-09000{number}-{split}", gold=gold, split=split))
    workspace.close()
    call("20261124-090000-dev", "--json")
    call("export", "20261124-090000-dev", "--out", "a.csv")
    call("20261124-090001-holdout")  # figures alone
    call("20261124-090001-holdout", "--json")
    call("export", "20261124-090002-all", "--out", "a.csv")
    call("export", "20261124-090002-all", "--out", "a.csv")
    workspace = open_workspace()
    looks = workspace.looks(product="shop", name="answer")
    workspace.close()
    assert [look.purpose.split(" at ")[0] for look in looks] == [
        "runs --json of 20261124-090001-holdout",
        "runs export of 20261124-090002-all",
        "runs export of 20261124-090002-all",
    ]


def test_a_run_without_items_is_an_empty_table(call: Call) -> None:
    workspace = open_workspace(None)
    try:
        workspace.add_run(Run(**{**{f: getattr(RUN, f) for f in RUN.__dataclass_fields__}, "id": "empty"}))
    finally:
        workspace.close()
    for form in ("parquet", "arrow", "jsonl", "csv"):
        code, _, err = call("export", "empty", "--out", f"none.{form}")
        assert code == 0, err
    assert pq.read_table("none.parquet").num_rows == 0


def test_wrong_endings_runs_and_places_are_told_and_nothing_is_left_behind(
    call: Call, tmp_path: Path
) -> None:
    code, _, err = call("export", RUN.id, "--out", "items.xlsx")
    assert code == 64
    assert "must end in .parquet, .arrow, .jsonl, .csv" in err
    code, _, err = call("export", "no-such-run", "--out", "items.csv")
    assert code == 64
    assert "no run 'no-such-run'" in err
    code, _, err = call("export", RUN.id, "--out", "no/folder/items.csv")
    assert code == 64
    assert "cannot be written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_runs_and_runs_with_an_id_show_as_before(call: Call) -> None:
    assert RUN.id in call()[1]
    assert json.loads(call("--json")[1])[0]["id"] == RUN.id
    assert "exact-match" in call(RUN.id)[1]
    assert len(json.loads(call(RUN.id, "--json")[1])["items"]) == 3
    code, out, _ = call("--help")
    assert code == 0
    assert "log-mlflow" in out


@pytest.mark.filterwarnings("default")  # MLflow's own store uses what SQLAlchemy deprecates
def test_mlflow_holds_figures_with_bounds_release_and_the_items(call: Call, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code, out, err = call("log-mlflow", RUN.id, "--tracking-uri", uri, "--experiment", "help desk")
    assert code == 0, err
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("help desk")
    assert experiment is not None
    (logged,) = client.search_runs([experiment.experiment_id])
    assert logged.info.run_id in out
    assert logged.info.run_name == RUN.id
    assert logged.info.status == "FINISHED"
    assert logged.data.params["release"] == "r-1"
    metrics = logged.data.metrics
    assert (metrics["exact-match"], metrics["exact-match.n"], metrics["exact-match.unscored"]) == (
        1.0,
        1.0,
        2.0,
    )
    assert metrics["exact-match.low"] < 1.0, "with its bounds"
    assert metrics["exact-match/easy.unscored"] == 1.0
    assert metrics["errors"] == 1.0


def test_an_mlflow_that_cannot_be_reached_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, _, err = call("log-mlflow", RUN.id, "--tracking-uri", "http://127.0.0.1:9")
    assert code == 64
    assert "MLflow did not take it" in err
    assert "Traceback" not in err


@pytest.mark.filterwarnings("default")
def test_mlflow_takes_the_figures_of_hundreds_of_slices(call: Call, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    items = [replace(ITEMS[0], item_id=f"i{number}", slices=(f"s{number // 2:03}",)) for number in range(420)]
    workspace = open_workspace(None, make=False)
    workspace.add_run(replace(RUN, id="many", items=len(items), done=len(items)))
    workspace.add_run_items("many", items)
    workspace.close()
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code, _, err = call("log-mlflow", "many", "--tracking-uri", uri)
    assert code == 0, err
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("shop")
    assert experiment is not None
    (logged,) = client.search_runs([experiment.experiment_id])
    assert len(logged.data.metrics) > 1_000, "more than MLflow takes in one batch"
    assert logged.data.metrics["exact-match/s209.n"] == 2.0
