"""launchworthy evidence import: another tool's results become a run, evidence, and part of the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from launchworthy.cli.main import main

FILES = Path(__file__).parents[1] / "evals" / "importing" / "files"
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer about an order
    no_answer: refuse
    quality:
      exact_match: {at_least: 80 %}
      over_refusal: {at_most: 5 %, slice: answerable}
    reliability: {latency_p95: {at_most: 2s}}
rollout:
  stages:
    - {name: pilot, share: 5 %, needs: [quality/exact_match]}
    - {name: launch, share: 100 %, needs: [quality]}
gold:
  answer: {file: gold.jsonl, slices: {answerable: 10}}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / ".launchworthy"))
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def promptfoo(path: Path, passed: int, failed: int, *, errors: int = 0) -> Path:
    """A file of rows that all read success, as promptfoo writes it where the last reason is empty."""

    def row(number: int, ok: bool | None) -> dict[str, Any]:
        base = {"testIdx": number, "provider": {"id": "shop"}, "vars": {"id": f"i-{number}"}, "success": True}
        if ok is None:
            return base | {"error": "503", "failureReason": 2, "gradingResult": None}
        parts = [
            {"pass": ok, "score": float(ok), "reason": "", "assertion": {"type": "equals", "metric": "right"}}
        ]
        grading = {"pass": True, "score": 1, "reason": "", "componentResults": parts}
        return base | {"response": {"output": "x"}, "gradingResult": grading}

    outcomes = [True] * passed + [False] * failed + [None] * errors
    rows = [row(number, ok) for number, ok in enumerate(outcomes)]
    summary = {"version": 3, "timestamp": "2026-11-01T10:00:00.000Z", "results": rows, "stats": {}}
    path.write_text(json.dumps({"evalId": "e", "results": summary}))
    return path


def test_a_promptfoo_file_is_judged_with_exact_bounds_from_its_assertions(run: Run, tmp_path: Path) -> None:
    file = promptfoo(tmp_path / "r.json", 180, 20)
    code, out, _ = run("evidence", "import", str(file), "--map", "right=answer/quality/exact_match")
    assert code == 0
    assert "run import-" in out
    code, out, _ = run("evidence", "list", "--json")
    (piece,) = json.loads(out)
    assert (piece["value"], piece["n"], piece["unit"], piece["unscored"]) == (0.9, 200, "ratio", 0)
    assert piece["low"] == pytest.approx(stats.beta.ppf(0.05, 180, 21), abs=1e-9)
    assert piece["observed_at"].startswith("2026-11-01T10:00:00")
    assert piece["producer"].startswith("promptfoo, imported by launchworthy")
    run_id = piece["source"].removeprefix("run:")
    code, out, _ = run("runs", run_id)
    assert "right" in out
    assert "200 of 200" in out
    release = piece["release"]
    code, out, _ = run("verdict", "--stage", "pilot", "--release", release, "--at", "2026-11-05T00:00:00Z")
    assert code == 0, out
    assert out.startswith("Ready for pilot")
    # As the page has it: the contract describes no release, and the one that was imported is judged.
    code, plain, _ = run("verdict", "--stage", "pilot", "--at", "2026-11-05T00:00:00Z")
    assert (code, plain) == (0, out)


def test_answers_that_failed_are_not_measured_and_hold_the_verdict(run: Run, tmp_path: Path) -> None:
    file = promptfoo(tmp_path / "r.json", 180, 0, errors=20)
    _, out, _ = run("evidence", "import", str(file), "--map", "right=exact_match")
    assert "20 without an answer" in out
    (piece,) = json.loads(run("evidence", "list", "--json")[1])
    assert (piece["value"], piece["n"], piece["unscored"]) == (1.0, 180, 20)
    code, out, _ = run(
        "verdict", "--stage", "pilot", "--release", piece["release"], "--at", "2026-11-05T00:00:00Z"
    )
    assert code == 2, out


def test_the_same_file_twice_adds_nothing_and_another_release_is_compared_item_by_item(
    run: Run, tmp_path: Path
) -> None:
    old = promptfoo(tmp_path / "old.json", 180, 20)
    arguments = ("evidence", "import", str(old), "--map", "right=exact_match")
    run(*arguments)
    code, out, _ = run(*arguments)
    assert code == 0
    assert "1 piece was there already" in out
    assert len(json.loads(run("evidence", "list", "--json")[1])) == 1
    assert len(json.loads(run("runs", "--json")[1])) == 1
    (tmp_path / "next.yaml").write_text("model: next\n")
    new = promptfoo(tmp_path / "new.json", 190, 10)
    run("evidence", "import", str(new), "--map", "right=exact_match", "--release", "next.yaml")
    runs = json.loads(run("runs", "--json")[1])
    assert len({one["release"] for one in runs}) == 2
    from launchworthy.evals import compare_runs, metrics_of_run
    from launchworthy.server import open_workspace

    workspace = open_workspace(None, make=False)
    try:
        first, second = sorted(workspace.runs(), key=lambda one: one.gold == runs[0]["gold"])
        (metric,) = [each for each in metrics_of_run(first) if each.name == "right"]
        found = compare_runs(workspace.run_items(second.id), workspace.run_items(first.id), metric)
    finally:
        workspace.close()
    assert abs(len(found.better) - len(found.worse)) == 10
    assert found.unpaired == 0


def test_without_a_mapping_it_lists_what_the_file_holds_and_adds_nothing(run: Run) -> None:
    code, out, err = run("evidence", "import", str(FILES / "deepeval.json"))
    assert code == 64
    assert out.startswith("DeepEval: 3 items of DeepEval test cases")
    assert "Right answer " in out
    assert "1 could not be scored" in out
    assert "--map METRIC=CLAIM" in err
    assert json.loads(run("evidence", "list", "--json", "--product", "shop")[1] or "[]") == []


def test_a_file_of_failed_calls_alone_says_why_none_of_it_was_scored(run: Run, tmp_path: Path) -> None:
    file = promptfoo(tmp_path / "r.json", 0, 0, errors=3)
    code, out, _ = run("evidence", "import", str(file))
    assert code == 64
    assert "without an answer: 3 × " in out
    assert "no item of the file was scored" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--map", "right=nowhere"), "the contract has no claim 'nowhere'"),
        (("--map", "rihgt=exact_match"), "the file has no metric 'rihgt'"),
        (("--map", "right"), "is not METRIC=CLAIM"),
        (("--map", "right=exact_match", "--map", "all=exact_match"), "mapped twice"),
        (("--map", "right=latency_p95"), "cannot speak for shop/answer/reliability/latency_p95"),
        (("--map", "right=over_refusal"), "if all of them are: --slice answerable"),
        (("--map", "right=exact_match", "--release", "r-unknown"), "no release 'r-unknown'"),
        (("--map", "right=exact_match", "--format", "ragas"), "one of auto, promptfoo"),
        (("--map", "right=exact_match", "--target", "other"), "no target 'other'"),
    ],
)
def test_a_wrong_mapping_is_told_and_leaves_nothing_behind(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    file = promptfoo(tmp_path / "r.json", 5, 5)
    code, _, err = run("evidence", "import", str(file), *arguments)
    assert code == 64
    assert message in err
    assert "Traceback" not in err
    assert json.loads(run("runs", "--json")[1] or "[]") == []


def test_grades_beyond_a_share_cannot_speak_for_a_share(run: Run, tmp_path: Path) -> None:
    log = json.loads((FILES / "inspect.json").read_text())
    log["samples"][0]["scores"]["length"]["value"] = 7
    (tmp_path / "log.json").write_text(json.dumps(log))
    code, _, err = run("evidence", "import", "log.json", "--map", "length=exact_match")
    assert code == 64
    assert "is about a share, and 'length' of the file has the value 7" in err


def test_results_from_the_future_are_refused(run: Run, tmp_path: Path) -> None:
    file = promptfoo(tmp_path / "r.json", 5, 5)
    file.write_text(file.read_text().replace("2026-11-01", "2096-11-01"))
    code, _, err = run("evidence", "import", str(file), "--map", "right=exact_match")
    assert code == 64
    assert "which is to come" in err


def test_garak_attempts_count_by_attempt_and_a_slice_can_be_said(run: Run) -> None:
    arguments = ("--map", "all=over_refusal", "--slice", "answerable")
    code, out, err = run("evidence", "import", str(FILES / "garak.report.jsonl"), *arguments)
    assert code == 0, err
    assert "attempts were never evaluated" in out
    (piece,) = json.loads(run("evidence", "list", "--json")[1])
    assert piece["slice"] == "answerable"
    assert piece["unit_of_analysis"] == "cluster"
    assert piece["unscored"] == 2
