"""The commands and the page of the docs, on a judge that is really asked."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.evals.judging.conftest import ChatServer, shown, verdict

from launchworthy.cli.main import cli
from launchworthy.evals.model_target import read_prompt
from launchworthy.gold import load_gold

PAGE = (Path(__file__).parents[3] / "docs" / "judges.md").read_text(encoding="utf-8")
APP = "def ask(question):\n    n = int(question.split()[1].strip('?'))\n    return f'{n % 5 > 0} {n}'\n"
REST = """\
launchworthy: 1
product: docs
kind: generative
owners: {product: ana}
gold:
  answer: {file: gold.jsonl, holdout: 50 %}
"""
WORKFLOW = """\
    user: reader
    job: answer
    no_answer: refuse
    failures:
      wrong: {kind: wrong, severity: high, reason: Wrong, fix: prompt, watched_by: quality/groundedness}
"""
Run = Callable[..., Result]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def _honest(body: dict[str, Any]) -> str:
    material = shown(body)
    if "first" in material:
        return verdict("first" if material["first"].startswith("True") else "second")
    n = int(material["output"].split()[1])
    return verdict(material["output"].startswith("True") != (n % 24 == 0))


@pytest.fixture
def server(chat_server: Any) -> ChatServer:
    started: ChatServer = chat_server(_honest)
    return started


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> Run:
    """Commands in a folder with the contract of the page, its gold set and an application."""
    contract = _blocks("yaml")[0].replace("http://127.0.0.1:8000/v1", server.url)
    contract = contract.replace("  answer:\n    quality:", f"  answer:\n{WORKFLOW}    quality:")
    (tmp_path / "launchworthy.yaml").write_text(REST + contract)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "labels.md").write_text("Round numbers are right.")
    (tmp_path / "judged_app.py").write_text(APP)
    (tmp_path / "gold.jsonl").write_text(
        "".join(
            json.dumps({"id": f"q{n:03}", "input": f"Question {n}?", "context": f"Passage {n}."}) + "\n"
            for n in range(500)
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "judged_app", raising=False)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / "data"))

    def invoke(*args: str) -> Result:
        return CliRunner().invoke(cli, args, standalone_mode=False)

    return invoke


def _json(result: Result) -> Any:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def _status(run: Run, claim: str) -> tuple[str, str]:
    found = _json(run("verdict", "--json"))
    (status,) = (each for each in found["claims"] if each["claim"].endswith(claim))
    return status["status"], status["reason"]


def test_from_a_judged_run_to_a_proven_claim(run: Run, server: ChatServer, tmp_path: Path) -> None:
    first = _json(run("eval", "--target", "judged_app:ask", "--json"))
    (measured,) = (row for row in first["measured"] if row["metric"] == "groundedness:grounding-v2")
    assert measured["n"] == 500
    assert any("before people's labels correct it" in remark for remark in first["remarks"])
    state, reason = _status(run, "quality/groundedness")
    assert state == "unproven"
    assert "never calibrated" in reason
    plan = next(
        each["plan"]
        for each in _json(run("verdict", "--json"))["claims"]
        if each["claim"].endswith("quality/groundedness")
    )
    assert plan["what"] == "launchworthy judge calibrate grounding-v2 --labels FILE"
    assert "Round numbers" in server.calls[0]["messages"][0]["content"]

    drawn = run("judge", "sample", "grounding-v2", first["run"], "--count", "220", "--out", "labels.jsonl")
    assert drawn.exception is None, drawn.exception
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert len({row["item"] for row in rows}) == len(rows) == 220
    looks = _json(run("gold", "show", "answer", "--json"))["looks"]
    assert [look["purpose"].split(" at ")[0] for look in looks] == [
        f"run {first['run']}",
        f"judge sample of {first['run']}",  # people read them
    ]
    assert not {"grade", "verdict", "score", "reasoning"} & {key for row in rows for key in row}
    draws = random.Random(4)
    for row in rows:
        row["human"] = row["output"].startswith("True") != (draws.random() < 0.02)
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert run("eval", "--target", "judged_app:ask").return_value == 0  # the labels are of the one before
    asked = len(server.calls)
    found = _json(run("judge", "calibrate", "grounding-v2", "--labels", "labels.jsonl", "--json"))
    assert (found["status"], found["n"]) == ("met", 220)
    assert len(server.calls) == asked  # the run had asked the same
    (corrected,) = found["corrected"]
    assert corrected["source"] == f"run:{first['run']}"
    assert "prediction-powered" in corrected["method"]
    assert corrected["low"] < 0.8 < corrected["high"]
    assert _status(run, "quality/groundedness")[0] == "met"
    assert _status(run, "proof/judges/grounding-v2")[0] == "met"
    text = run("judge", "show", "grounding-v2").stdout
    assert "kappa 0." in text
    assert "; corrected 7" in text or "; corrected 8" in text

    (tmp_path / "policies" / "labels.md").write_text("Round numbers are wrong.")
    assert "another version: label policy changed since" in run("judge", "show", "grounding-v2").stdout
    for claim in ("quality/groundedness", "proof/judges/grounding-v2"):
        state, reason = _status(run, claim)
        assert state == "unproven", claim
        assert reason.endswith("label policy changed since"), claim
    (tmp_path / "policies" / "labels.md").unlink()
    assert "cannot be read" in _status(run, "quality/groundedness")[1]
    (tmp_path / "policies" / "labels.md").write_text("Round numbers are right.")
    assert _status(run, "quality/groundedness")[0] == "met"
    contract = (tmp_path / "launchworthy.yaml").read_text()
    (tmp_path / "launchworthy.yaml").write_text(contract.replace("models: judge-1", "models: judge-2"))
    state, reason = _status(run, "quality/groundedness")
    assert (state, reason.endswith(": model changed since")) == ("unproven", True)
    (tmp_path / "launchworthy.yaml").write_text(contract)
    (tmp_path / "policies" / "labels.md").write_text("Round numbers are wrong.")
    again = _json(run("eval", "--target", "judged_app:ask", "--json"))
    (piece,) = (each for each in again["evidence"] if each["claim"].endswith("/groundedness"))
    assert piece["value"] is None
    assert "changed since, label policy" in piece["detail"]["reason"]


def test_labels_of_two_runs_correct_the_difference_that_was_stored_without_any(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(path.read_text().replace("proof:\n", "proof:\n  baseline: launched\n  margin: 10 %\n"))
    (tmp_path / "judged_app.py").write_text(APP + APP.replace("ask", "worse").replace("% 5 > 0", "% 2 > 0"))
    old = _json(run("eval", "--target", "judged_app:worse", "--json"))["run"]
    made = _json(run("eval", "--target", "judged_app:ask", "--baseline", old, "--json"))
    (bare,) = (each for each in made["evidence"] if each["kind"] == "delta")
    assert bare["value"] is None
    sides = {"candidate": made["run"], "baseline": old}
    for side, name in sides.items():
        drawn = run("judge", "sample", "grounding-v2", name, "--count", "210", "--out", f"{side}.jsonl")
        assert drawn.exception is None, drawn.exception
        rows = [json.loads(line) for line in (tmp_path / f"{side}.jsonl").read_text().splitlines()]
        for row in rows:
            row["human"] = row["output"].startswith("True")
        (tmp_path / f"{side}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def calibrated(side: str) -> dict[str, Any]:
        found = _json(run("judge", "calibrate", "grounding-v2", "--labels", f"{side}.jsonl", "--json"))
        (delta,) = (each for each in found["corrected"] if each["kind"] == "delta")
        return dict(delta)

    half = calibrated("candidate")
    assert half["value"] is None
    assert f"there are 0 of the baseline {old}" in half["detail"]["reason"]
    whole = calibrated("baseline")  # labels of the run itself came with the other file
    assert whole["source"] == f"run:{made['run']}"
    assert whole["value"] == pytest.approx(0.3, abs=0.1)
    assert whole["low"] > 0.1
    assert _status(run, "quality/groundedness/baseline")[0] == "met"


def test_named_scorers_ask_no_judge(run: Run, server: ChatServer) -> None:
    found = _json(run("eval", "--target", "judged_app:ask", "--scorer", "regex:pattern=.+", "--json"))
    assert server.calls == []
    assert {row["metric"] for row in found["measured"]} >= {"regex"}
    assert not any(":" in row["metric"] for row in found["measured"])


def test_a_plan_tells_what_a_judged_claim_takes(run: Run, server: ChatServer, tmp_path: Path) -> None:
    plain = run("eval", "--plan")
    assert plain.exception is None, plain.exception
    assert "quality/groundedness: " in plain.output
    assert re.search(r"its judge needs [0-9]+ labels of people", plain.output)
    contract = tmp_path / "launchworthy.yaml"
    text = re.sub(r"(groundedness: *\{ *at_least: *)[0-9.]+ *%", r"\g<1>99.9 %", contract.read_text())
    assert "99.9 %" in text
    contract.write_text(text)
    beyond = run("eval", "--plan")
    assert "cannot prove at least 99.9 %" in beyond.output
    assert beyond.return_value == 2
    assert server.calls == []


def test_a_sample_that_is_smaller_than_asked_for_says_why(run: Run) -> None:
    found = _json(run("eval", "--target", "judged_app:ask", "--json"))
    few = run("judge", "sample", "grounding-v2", found["run"], "--count", "40", "--out", "few.jsonl")
    assert "the contract asks for 100 labelled items" in few.stdout
    assert "no more than" not in few.stdout
    most = run("judge", "sample", "grounding-v2", found["run"], "--count", "450", "--out", "most.jsonl")
    held = sum(item.split == "holdout" for item in load_gold(Path("gold.jsonl"), holdout=0.5))
    assert f"the run holds no more than {held} that prove something" in most.stdout
    assert "asks for" not in most.stdout


def test_a_sample_overwrites_no_labels(run: Run, tmp_path: Path) -> None:
    found = _json(run("eval", "--target", "judged_app:ask", "--limit", "8", "--json"))
    (tmp_path / "labels.jsonl").write_text("people's work")
    refused = run("judge", "sample", "grounding-v2", found["run"], "--out", "labels.jsonl")
    assert "cannot be written" in str(refused.exception)
    assert (tmp_path / "labels.jsonl").read_text() == "people's work"


def test_rows_of_the_page_calibrate_and_too_few_are_unproven(
    run: Run, tmp_path: Path, server: ChatServer
) -> None:
    server.answer = lambda body: verdict(shown(body)["output"] == "30 days.")
    (tmp_path / "labels.jsonl").write_text(_blocks("json")[0])
    result = run("judge", "calibrate", "grounding-v2", "--labels", "labels.jsonl")
    assert result.return_value == 2
    assert "calibrated on 2 labelled items, and 100 are asked for" in result.stdout


def test_bias_is_asked_in_both_orders(run: Run, tmp_path: Path, server: ChatServer) -> None:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(
        path.read_text().replace(
            "    quality:\n", "    quality:\n      win_rate: {at_least: 50 %, judge: grounding-v2}\n"
        )
    )
    (tmp_path / "pairs.jsonl").write_text(
        "".join(
            json.dumps({"input": f"{n}?", "first": f"True {n}", "second": "No."}) + "\n" for n in range(12)
        )
    )
    found = _json(
        run("judge", "bias", "grounding-v2", "--metric", "win_rate", "--pairs", "pairs.jsonl", "--json")
    )
    assert (found["bias"]["pairs"], found["bias"]["first"]["value"]) == (12, 0.0)
    assert len(server.calls) == 24
    single = run("judge", "bias", "grounding-v2", "--metric", "groundedness", "--pairs", "pairs.jsonl")
    assert "judges one answer at a time" in str(single.exception)
    unclear = run("judge", "show", "grounding-v2")
    assert "groundedness, win_rate" in str(unclear.exception) or "win_rate, groundedness" in str(
        unclear.exception
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("show", "grounding-v3"), "no judge 'grounding-v3'"),
        (("show", "grounding-v2", "--metric", "f1"), "judges groundedness"),
        (("calibrate", "grounding-v2", "--labels", "none.jsonl"), "cannot be read"),
        (("sample", "grounding-v2", "no-run", "--out", "x.jsonl"), "no"),
    ],
)
def test_what_is_not_there_is_named(run: Run, args: tuple[str, ...], told: str) -> None:
    assert told in str(run("judge", *args).exception)


def test_a_key_that_is_not_set_stops_a_run_before_anything_is_asked(
    run: Run, tmp_path: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    path = tmp_path / "launchworthy.yaml"
    path.write_text(
        path.read_text().replace("      labels: 100", "      key_env: JUDGE_KEY\n      labels: 100")
    )
    (tmp_path / "judged_app.py").write_text("def ask(question):\n    raise SystemExit('asked')\n")
    result = run("eval", "--target", "judged_app:ask")
    assert "JUDGE_KEY is not set" in str(result.exception)
    assert server.calls == []


def test_a_model_and_the_prompt_of_the_page_are_a_target(
    run: Run, tmp_path: Path, server: ChatServer
) -> None:
    def answer(body: dict[str, Any]) -> str:
        return verdict(True) if body["model"] == "judge-1" else "True 1"

    server.answer = answer
    path = tmp_path / "answer.md"
    path.write_text(_blocks("markdown")[0])
    assert read_prompt(path).settings == {"temperature": 0, "max_tokens": 300}
    options = (
        "--target",
        "openai:m-1",
        "--base-url",
        server.url,
        "--prompt",
        str(path),
        "--limit",
        "3",
        "--json",
    )
    found = _json(run("eval", *options))
    assert (found["done"], found["errors"]) == (3, 0)
    asked = [call for call in server.calls if call["model"] == "m-1"]
    assert asked[0]["messages"][1]["content"].startswith("Passages: Passage")
    path.write_text(_blocks("markdown")[0].replace("Question:", "Asked:"))
    assert _json(run("eval", *options))["release"] != found["release"]
    resumed = run("eval", "--resume", found["run"])
    assert "the prompt has changed since the run began" in str(resumed.exception)
    wrong = run("eval", "--target", "judged_app:ask", "--prompt", str(path))
    assert "are for models" in str(wrong.exception)


def test_a_judging_that_was_killed_outright_repeats_only_calls_that_were_under_way(
    run: Run, tmp_path: Path, server: ChatServer
) -> None:
    def slow(body: dict[str, Any]) -> str:
        time.sleep(0.02)
        return _honest(body)

    server.answer = slow
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(gold.read_text().splitlines(keepends=True)[:80]))
    command = [
        sys.executable,
        "-m",
        "launchworthy",
        "eval",
        "--target",
        "judged_app:ask",
        "--concurrency",
        "4",
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while len(server.calls) < 30 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        child.kill()
        child.wait(10)
    assert 30 <= len(server.calls) < 80
    (killed,) = _json(run("runs", "--json"))
    resumed = _json(run("eval", "--resume", killed["id"], "--json"))
    (measured,) = (row for row in resumed["measured"] if row["metric"] == "groundedness:grounding-v2")
    assert (measured["n"], measured["unscored"]) == (80, 0)
    asked = Counter(shown(call)["input"] for call in server.calls)
    assert len(asked) == 80
    assert sum(asked.values()) - 80 <= 5  # the four that were under way, and one that was not yet put down
