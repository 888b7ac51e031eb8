"""A threshold from a run: what its answers said of themselves, and whether they were right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from launchworthy.cli.main import main
from launchworthy.metrics import find_metric
from launchworthy.records import Run, RunItem
from launchworthy.server import open_workspace

RUN = Run(
    id="20261124-090000-abc123",
    product="shop",
    workflow="answer",
    release="r-1",
    target="app:ask",
    gold="answer@g-1",
    split="dev",
    scorers=("selective-risk|v1", "hit@5|v1"),
    status="complete",
    started_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
)
Call = Callable[..., tuple[int, str, str]]


def _items() -> list[RunItem]:
    """400 questions: 120 cannot be answered; of the answers to the rest, 40 find nothing relevant."""
    rng = np.random.default_rng(7)
    items = []
    for n in range(400):
        due = n >= 120
        confidence = round(float(np.clip(rng.normal(0.75 if due else 0.35, 0.15), 0, 1)), 3)
        row = {
            "answered": confidence >= 0.5,
            "should_answer": due,
            "ranked": ["a"],
            **({"relevant": {"b" if n < 160 else "a": 1}} if due else {}),
        }
        scores = {"selective-risk": find_metric("selective-risk").score(row)}
        if due:
            scores["hit@5"] = find_metric("hit@5").score(row)
        output = {"output": "x", "answered": row["answered"], "confidence": confidence}
        slices = () if due else ("unanswerable",)
        items.append(RunItem(item_id=f"q{n}", output=output, scores=scores, slices=slices))
    said = items[-1].output
    items[-1] = replace(items[-1], output={name: said[name] for name in ("output", "answered")})
    return items


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / "data"))
    workspace = open_workspace(None)
    try:
        for run in (RUN, replace(RUN, id="20261124-090000-all000", split="all")):
            workspace.add_run(run)
            workspace.add_run_items(run.id, _items())
    finally:
        workspace.close()

    def run_it(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["threshold", *arguments])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run_it


@pytest.mark.parametrize(("metric", "wrong"), [("selective-risk", 120), ("hit@5", 160)])
def test_a_run_gives_the_threshold_of_its_rows_written_by_hand(call: Call, metric: str, wrong: int) -> None:
    rows = [
        {"confidence": item.output["confidence"], "correct": n >= wrong}
        for n, item in enumerate(_items())
        if "confidence" in item.output
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    by_hand = json.loads(call("--input", "rows.jsonl", "--target", "30 %", "--json")[1])
    code, out, err = call("--run", RUN.id, "--metric", metric, "--target", "30 %", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["threshold"] == by_hand["threshold"]
    assert (found["coverage"], found["wrong"], found["curve"]) == (
        by_hand["coverage"],
        by_hand["wrong"],
        by_hand["curve"],
    )
    assert (found["n"], found["rows"], found["unlabelled"]) == (399, 400, 1)
    assert found["source"] == f"run:{RUN.id}, dev, right by {metric}"


def test_samples_of_one_item_count_once_so_that_asking_again_certifies_nothing(call: Call) -> None:
    few = _items()[120:180]
    samples = [
        replace(item, item_id=f"{item.item_id}#{again}", cluster=item.item_id)
        for item in few
        for again in range(20)
    ]
    workspace = open_workspace(None, make=False)
    for name, items in (("once", few), ("again", samples)):
        workspace.add_run(replace(RUN, id=name))
        workspace.add_run_items(name, items)
    workspace.close()
    asked = ("--metric", "selective-risk", "--target", "4 %")
    code, once, _ = call("--run", "once", *asked)
    assert code == 2, "60 answers cannot show 4 %"
    code, again, _ = call("--run", "again", *asked)
    assert code == 2
    assert again.splitlines()[0] == once.splitlines()[0]
    assert "1,140 further answers share a cluster with one that counts" in again
    told = json.loads(call("--run", "again", *asked, "--json")[1])
    assert told["n"] == 60


def test_a_row_that_stands_twice_in_a_file_certifies_nothing(call: Call) -> None:
    row = json.dumps({"id": "q1", "confidence": 0.8, "correct": True}) + "\n"
    Path("copies.jsonl").write_text(row * 400)
    code, _, err = call("--input", "copies.jsonl", "--target", "5 %")
    assert code == 64
    assert "copies.jsonl:2" in err
    assert "id 'q1' stands in line 1 already" in err


def test_items_that_fitted_the_confidence_are_left_out_of_a_run(call: Call) -> None:
    fitted = [item.item_id for item in _items()[::4]]
    Path("policy.json").write_text(json.dumps({"threshold": 1, "fitted_on": fitted}))
    asked = ("--run", RUN.id, "--metric", "selective-risk", "--target", "30 %", "--out", "policy.json")
    code, out, _ = call(*asked)
    assert (code, "100 further rows fitted the confidence" in out) == (0, True)
    kept = json.loads(Path("policy.json").read_text())
    assert kept["fitted_on"] == fitted
    assert kept["rows"] == 300
    assert kept["source"].endswith("right by selective-risk, without 100 rows that fitted the confidence")
    Path("policy.json").write_text(json.dumps({"threshold": 1, "fitted_on": [i.item_id for i in _items()]}))
    assert "every item fitted the confidence" in call(*asked)[2]


def test_a_policys_file_keeps_what_else_it_says(call: Call) -> None:
    Path("policy.json").write_text('{"weights": {"a": 1.5}, "threshold": 0.1}')
    Path("policy.yaml").write_text("# ours\nweights: {a: 1.5}  # fitted\nthreshold: 0.1\n")
    asked = ("--run", RUN.id, "--metric", "selective_risk", "--target", "0.15")
    for name in ("policy.json", "policy.yaml", "new.json"):
        code, out, _ = call(*asked, "--out", name)
        assert code == 0
        assert f"written to {name}" in out
        assert "1 of 400 rows have no confidence or no score of selective-risk" in out
        kept = YAML(typ="safe").load(Path(name).read_text())
        assert kept["threshold"] > 0.1
        assert (kept["target"], kept["confidence"], kept["n"]) == (0.15, 0.95, 399)
        assert kept.get("weights") == (None if name == "new.json" else {"a": 1.5})
    assert "# ours" in Path("policy.yaml").read_text()
    assert "# fitted" in Path("policy.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.json", "[1]"),
        ("p.json", "{"),
        ("p.json", '{"a": NaN, "threshold": 1}'),
        ("p.json", "[" * 100_000),
        ("p.json", "\udcff"),
        ("p.yaml", "- a"),
        ("p.yaml", "a: ["),
        ("p.yaml", "hello"),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(call: Call, name: str, text: str) -> None:
    before = text.encode(errors="surrogateescape")
    Path(name).write_bytes(before)
    code, _, err = call("--run", RUN.id, "--metric", "selective-risk", "--target", "0.15", "--out", name)
    assert code == 64
    assert "holds no mapping" in err
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("launchworthy.yaml", "launchworthy: 1\nproduct: shop  # ours\n"),
        ("package.json", '{"name": "shop", "version": "1.0"}'),
    ],
)
def test_a_file_without_a_threshold_is_none_of_its_own_and_stays(call: Call, name: str, text: str) -> None:
    Path(name).write_text(text)
    code, _, err = call("--run", RUN.id, "--metric", "selective-risk", "--target", "0.15", "--out", name)
    assert code == 64
    assert "holds no threshold" in err
    assert Path(name).read_text() == text


def test_whoever_chooses_on_what_should_prove_is_told(call: Call) -> None:
    code, out, err = call("--run", "20261124-090000-all000", "--metric", "selective-risk", "--target", "15 %")
    assert code == 0
    assert out.startswith("Answer at ")
    assert "read the all split: what chooses a threshold cannot prove it" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name either a file (--input) or a run (--run)"),
        (("--run", RUN.id, "--input", "a.jsonl"), "name either a file"),
        (("--run", RUN.id), "--run and --metric go together"),
        (("--input", "a.jsonl", "--metric", "hit@5"), "--run and --metric go together"),
        (("--run", RUN.id, "--metric", "mrr"), "the run was not scored by 'mrr'"),
        (("--run", "nothing", "--metric", "mrr"), "nothing"),
    ],
)
def test_what_cannot_be_chosen_from_is_said(call: Call, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = call(*arguments, "--target", "0.15")
    assert (code, out) == (64, "")
    assert says in err


def test_a_run_whose_answers_do_not_say_how_sure_they_are_gives_none(call: Call) -> None:
    workspace = open_workspace(None)
    try:
        silent = replace(RUN, id="20261124-090000-silent")
        workspace.add_run(silent)
        workspace.add_run_items(silent.id, [replace(item, output="x") for item in _items()])
    finally:
        workspace.close()
    code, _, err = call("--run", silent.id, "--metric", "hit@5", "--target", "0.15")
    assert code == 64
    assert "no answer of the run has both a confidence and a score of hit@5" in err
