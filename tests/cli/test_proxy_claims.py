"""From calls and what came of them to whether a metric deserves its target, as someone types it."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.server import open_workspace
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]
HOUR = 3_600_000_000_000
CONTRACT = """\
launchworthy: 1
product: docs
kind: generative
owners: {product: ana}
workflows:
  answer:
    user: reader
    job: answer
    no_answer: refuse
    failures:
      wrong: {kind: wrong, severity: high, reason: Wrong, fix: prompt, watched_by: quality/groundedness}
    quality:
      groundedness: {at_least: 70 %}
    outcomes:
      resolved: {at_least: 40 %}
fairness:
  groups: [language]
  min_group: 30
  ratio: {answer/outcomes/resolved: {at_least: 0.5}}
proof:
  proxies:
    answer/quality/groundedness: answer/outcomes/resolved
"""


def _calls(folder: Path) -> None:
    """Answers of which half stand in their passage; these resolve the matter more often."""
    draws = random.Random(6)
    spans, outcomes = [], []
    for number in range(1, 201):
        grounded = draws.random() < 0.5
        now = time.time_ns() - 5 * HOUR - number * 1_000_000
        trace = number.to_bytes(16)
        who = {"product": "docs", "workflow": "answer", "trace_id": trace, "user_id": f"u_{number}"}
        passage = "Goods may be sent back within thirty days of delivery."
        spans.append(
            who
            | {
                "kind": "workflow",
                "span_id": number.to_bytes(8),
                "status": "ok",
                "start_time": now,
                "input": json.dumps("How long may I return goods?"),
                "output": json.dumps(passage if grounded else "Refunds take the colour of purple elephants."),
                "context": json.dumps([{"id": "p1", "content": passage}]),
                "attributes": json.dumps({"launchworthy.slice": f"language:{'de' if number % 2 else 'en'}"}),
            }
        )
        if draws.random() < (0.8 if grounded else 0.3):
            outcomes.append(who | {"event": "resolved", "time": now + HOUR})
    store = Store.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        for table, rows in (("spans", spans), ("outcomes", outcomes)):
            columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
            store.ingest([Rows(table, columns)], batch_id=table)
    finally:
        store.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    _calls(tmp_path / "data")
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    workspace = open_workspace(tmp_path / "data", make=True)
    workspace.register_contract(
        product="docs", text=CONTRACT, path=str(tmp_path / "launchworthy.yaml")
    )  # as `launchworthy up` and `launchworthy eval` do
    workspace.close()
    monkeypatch.chdir(tmp_path)

    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(tmp_path / "data")])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def _claim(run: Run, address: str) -> tuple[str, str]:
    _, out, _ = run("verdict", "--json")
    (found,) = (each for each in json.loads(out)["claims"] if each["claim"] == address)
    return found["status"], found["reason"]


def test_a_scored_sample_of_traffic_and_its_outcomes_prove_a_proxy(run: Run) -> None:
    proxy = "docs/proof/proxies/answer/quality/groundedness"
    run("measure", "--product", "docs")
    state, reason = _claim(run, proxy)
    assert state == "unproven"
    assert "launchworthy score-traffic --workflow answer --scorer groundedness" in reason

    scored = ("score-traffic", "--workflow", "answer", "--scorer", "groundedness", "--product", "docs")
    assert run(*scored, "--share", "100 %")[0] == 0
    assert "1 piece of evidence for 1 claim of docs:" in run("measure", "--product", "docs")[1]
    told = run("measure", "--product", "docs")[1]
    assert re.fullmatch(
        r"Nothing new for docs: \d+ claims were measured before, last at \d{4}-\d\d-\d\d \d\d:\d\d UTC, "
        r"and the figures are the same\.\n",
        told,
    )
    state, reason = _claim(run, proxy)
    assert state == "met", reason
    assert "n = 200" in reason
    state, reason = _claim(run, "docs/fairness/ratio/answer/outcomes/resolved")
    assert state == "met", reason
