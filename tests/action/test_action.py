"""The GitHub Action: its steps run in bash as a runner runs them, and no input becomes part of a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
CONTRACT = """\
launchworthy: 1
product: help-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer about an order within a minute
    no_answer: refuse
    quality: {exact_match: {at_least: 60 %}}
gold:
  answer: {file: gold.jsonl, holdout: 0 %}
rollout:
  stages: [{name: pilot, share: 5 %, needs: [quality/exact_match]}]
"""
HOSTILE = (
    """x"; touch "$PWD/owned"; echo "$(touch owned) `touch owned` ${IFS}' && touch owned #\n::error::hi"""
)


def expression(text: str, values: dict[str, str]) -> str:
    """What the runner puts in place of ``${{ … }}``."""
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: values.get(match[1], ""), text)


class Runner:
    """A job's machine: a folder, an environment, and the files that GitHub gives a step."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temp = folder / "work", folder / "temp"
        for made in (self.folder, self.temp):
            made.mkdir()
        self.output, self.summary = folder / "output", folder / "summary"
        self.outputs: dict[str, str] = {}

    def run(self, *, skip: str = "", **inputs: str) -> tuple[int, str]:
        """Every step of bash whose input is given, until one fails: its code, and what was printed."""
        values = {f"inputs.{name}": str(spec["default"]) for name, spec in ACTION["inputs"].items()}
        values |= {f"inputs.{name.replace('_', '-')}": text for name, text in inputs.items()}
        values["runner.temp"] = str(self.temp)
        printed = ""
        for step in STEPS:
            if "run" not in step or step["id"] in ("install", "comment", skip):
                continue
            condition = re.fullmatch(r"inputs\.([\w-]+) != ''", step.get("if", ""))
            if condition and not values[f"inputs.{condition[1]}"]:
                continue
            self.output.write_text("")
            given = {name: expression(text, values) for name, text in step.get("env", {}).items()}
            done = self.bash(step["run"], given)
            printed += done.stdout + done.stderr
            for line in self.output.read_text().splitlines():
                name, _, value = line.partition("=")
                values[f"steps.{step['id']}.outputs.{name}"] = self.outputs[name] = value
            if done.returncode:
                return done.returncode, printed
        return 0, printed

    def bash(self, script: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.temp),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "PYTHONPATH": str(self.folder),
            **given,
        }
        # As the runner calls ``shell: bash``.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    assert shutil.which("bash")
    made = Runner(tmp_path)
    (made.folder / "launchworthy.yaml").write_text(CONTRACT)
    rows = [{"id": f"i{n}", "input": f"q{n}", "expected": f"Q{n}"} for n in range(60)]
    (made.folder / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (made.folder / "app.py").write_text(
        "def right(q):\n    return q.upper()\n\ndef wrong(q):\n    return 'no'\n\n"
        "def half(q):\n    return q.upper() if int(q[1:]) % 3 else 'no'\n"
    )
    return made


def test_a_target_that_meets_its_claims_passes_and_leaves_summary_and_outputs(runner: Runner) -> None:
    code, printed = runner.run(target="app:right")
    assert code == 0, printed
    assert runner.outputs["exit-code"] == "0"
    assert runner.outputs["conclusion"] == "Ready for pilot: 1 claim met"
    assert runner.summary.read_text().startswith("## ● Ready for pilot")
    assert (
        json.loads((runner.temp / "launchworthy-verdict" / "verdict.sarif").read_text())["version"] == "2.1.0"
    )
    assert (runner.temp / "launchworthy-verdict" / "verdict.xml").is_file()


def test_an_unmet_claim_fails_the_job_with_an_annotation_at_its_line(runner: Runner) -> None:
    code, printed = runner.run(target="app:wrong", fail_on_unproven="false")
    assert code == 1
    assert re.search(r"^::error file=launchworthy\.yaml,line=9,", printed, flags=re.MULTILINE)
    assert runner.outputs["exit-code"] == "1"


def test_an_unproven_claim_fails_the_job_unless_it_is_let_through(runner: Runner) -> None:
    code, printed = runner.run(target="app:half")
    assert code == 2, printed
    assert "::warning file=launchworthy.yaml" in printed
    code, _ = runner.run(target="app:half", fail_on_unproven="false", skip="eval")
    assert code == 0
    assert runner.outputs["exit-code"] == "2", "it is still told"


def test_evidence_files_are_judged_without_a_target(runner: Runner) -> None:
    piece = {
        "claim": "help-bot/answer/quality/exact_match",
        "kind": "bound",
        "value": 0.9,
        "n": 200,
        "unit": "ratio",
        "method": "Clopper-Pearson",
        "sample": {"successes": 180, "n": 200},
        "low": 0.85,
        "high": 0.94,
        "observed_at": "2026-11-23T21:00:00Z",
        "valid_until": "2999-01-01T00:00:00Z",
    }
    contract = runner.folder / "launchworthy.yaml"
    contract.write_text(CONTRACT + "proof: {valid_for: 36500d}\n")
    (runner.folder / "my evidence.jsonl").write_text(json.dumps(piece))
    code, printed = runner.run(evidence="my evidence.jsonl\n", stage="pilot")
    assert code == 0, printed


def test_a_broken_contract_and_a_target_that_is_not_there_fail_the_job(runner: Runner) -> None:
    code, printed = runner.run(target="app:gone")
    assert code not in (0, 1, 2), printed
    code, printed = runner.run(contract="none.yaml")
    assert code == 64, printed
    assert runner.outputs["exit-code"] == "64"


@pytest.mark.parametrize("step", [step["id"] for step in STEPS if "run" in step])
def test_no_input_is_run_by_the_shell(runner: Runner, step: str) -> None:
    """Every variable that a caller can influence is hostile at once."""
    (script,) = [each for each in STEPS if each.get("id") == step]
    given = dict.fromkeys(script["env"], HOSTILE) | {"LW_OUT": str(runner.temp / "out")}
    (runner.temp / "out").mkdir()
    (runner.temp / "out" / "verdict.md").write_text("told")
    text = script["run"].replace("python -m pip", "printf '%s\\n'")  # nothing is to be loaded
    done = runner.bash(text, given)
    assert not list(runner.folder.parent.rglob("owned")), done.stdout + done.stderr
    if step == "install":
        assert HOSTILE in done.stdout, "one word, as it was given"


def test_scripts_hold_no_expression_and_steps_name_what_they_run() -> None:
    for step in STEPS:
        if "run" in step:
            assert "${{" not in step["run"], "an input would become part of the script"
            assert step["shell"] == "bash"
        else:
            assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step["uses"])
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"]), "every input is used, and every used one declared"


def test_the_page_about_ci_shows_only_inputs_that_exist() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    shown = [
        YAML(typ="safe").load(block) for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    ]
    used = [
        step["with"]
        for workflow in shown
        for job in workflow.get("jobs", {}).values()
        for step in job["steps"]
        if str(step.get("uses", "")).startswith("launchworthy/")
    ]
    assert used
    for given in used:
        assert set(given) <= set(ACTION["inputs"])
