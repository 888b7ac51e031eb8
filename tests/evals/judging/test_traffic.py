"""Judges grade what users really asked, on a sample and within their ceilings."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.evals.judging.conftest import shown, verdict

from launchworthy.cli.main import cli
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import Store, StoreOptions

CONTRACT = """\
launchworthy: 1
product: shop
owners: {{product: ana@example.com}}
workflows:
  answer:
    user: customer
    job: learn what to do
    no_answer: refuse
    quality:
      groundedness: {{at_least: 90 %, judge: grounding-v1}}
proof:
  judges:
    grounding-v1: {{models: [tiny], base_url: "{url}", agreement: {{at_least: 0.6}}, tokens: 1500}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty calls with a passage each; every fourth answer says something else."""
    rows = [
        {
            "product": "shop",
            "workflow": "answer",
            "kind": "workflow",
            "trace_id": number.to_bytes(16),
            "span_id": number.to_bytes(8),
            "status": "ok",
            "start_time": time.time_ns() - number * 1_000_000_000,
            "duration_ms": 10.0,
            "input": json.dumps(f"question {number}"),
            "context": json.dumps([{"id": "d", "content": f"The answer is {number}."}]),
            "output": json.dumps("Something else." if number % 4 == 0 else f"The answer is {number}."),
        }
        for number in range(1, 21)
    ]
    with Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0)) as store:
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        store.ingest([Rows("spans", columns)], batch_id="first")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / "data"))
    return tmp_path


def test_a_sample_is_judged_until_the_ceiling_and_the_rest_is_told(folder: Path, chat_server: Any) -> None:
    server = chat_server(lambda body: verdict("The answer" in shown(body)["output"]))
    Path("launchworthy.yaml").write_text(CONTRACT.format(url=server.url))
    command = ["score-traffic", "--workflow", "answer", "--share", "100 %", "--judges"]
    done = CliRunner().invoke(cli, [*command, "--json"], standalone_mode=False)
    assert done.exception is None, done.exception
    told = json.loads(done.stdout)
    (row,) = (row for row in told["measured"] if row["metric"].startswith("groundedness"))
    assert told["sampled"] == 20
    assert 0 < row["n"] < 20, "1,500 tokens are enough for a part of them, at 110 a call"
    assert row["n"] + row["unscored"] == 20
    assert len(server.calls) < 20, "what is under way when the ceiling is reached is finished, no more"
    shown_run = CliRunner().invoke(cli, ["runs", told["run"]], standalone_mode=False)
    assert "groundedness:grounding-v1" in shown_run.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to score with"),
        (["--judges"], "no contract names a judge"),
        (["--judges", "--contract", "plain.yaml"], "no claim of answer names a judge"),
    ],
)
def test_without_a_judge_it_says_what_is_missing(folder: Path, options: list[str], said: str) -> None:
    plain = CONTRACT.format(url="http://127.0.0.1:1").split("proof:")[0].replace(", judge: grounding-v1", "")
    Path("plain.yaml").write_text(plain)
    done = CliRunner().invoke(cli, ["score-traffic", "--workflow", "answer", *options], standalone_mode=False)
    assert said in str(done.exception)


def test_new_labels_of_scored_calls_say_whether_the_judge_still_agrees_with_people(
    folder: Path, chat_server: Any
) -> None:
    """From the calibration by way of traffic and people to the claim, as a user does it."""
    server = chat_server(lambda body: verdict("The answer" in shown(body)["output"]))
    text = CONTRACT.format(url=server.url).replace("tokens: 1500", "tokens: 100000, labels: 10")
    text += "labels: {sources: {reviewer: {truth: true}}}\nmonitors:\n"
    text += "  judge: {signal: proof/judges/grounding-v1, labels: [reviewer], window: 7d, page: product}\n"
    Path("launchworthy.yaml").write_text(text)
    rows = [
        {"input": "q", "context": "c", "output": said, "human": said.startswith("The answer")}
        for number in range(40)
        for said in ([f"The answer is {number}."] if number % 2 else [f"Something else {number}."])
    ]
    Path("labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(*command: str) -> str:
        done = CliRunner().invoke(cli, list(command), standalone_mode=False)
        assert done.exception is None, done.exception
        return done.stdout

    assert "claims" in run("lint", "launchworthy.yaml")
    run("judge", "calibrate", "grounding-v1", "--labels", "labels.jsonl")
    run("score-traffic", "--workflow", "answer", "--share", "100 %", "--judges")
    with Store.open(folder / "data", options=StoreOptions(min_free_bytes=0)) as store:
        labels = [
            {
                "product": "shop",
                "workflow": "answer",
                "trace_id": number.to_bytes(16),
                "event": "reviewer",
                # People have come to see half of what the judge lets pass as wrong.
                "value": float(number % 4 != 0 and number % 2 == 0),
                "time": time.time_ns(),
            }
            for number in range(1, 21)
        ]
        columns = {name: [row.get(name) for row in labels] for name in TABLES["outcomes"].names}
        store.ingest([Rows("outcomes", columns)], batch_id="labels")
    opened = LocalWorkspace.open(folder / "data", options=StoreOptions(min_free_bytes=0))
    with contextlib.closing(opened) as workspace:
        workspace.follow_contract(Path("launchworthy.yaml"))
        (piece,) = (each for each in workspace.measure(product="shop") if each.claim == "shop/monitors/judge")
    assert piece.n == 20
    assert piece.value is not None
    assert piece.value < 0.6 < piece.detail["admitted"]["value"]
    assert piece.detail["fall"]["low"] > 0.0
    assert "it agrees less than it did" in piece.detail["remark"]
    assert "it agrees less than it did" in run("judge", "show", "grounding-v1")
