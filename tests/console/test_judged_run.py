"""From a run that a judge really graded, through people's labels, to what its page says."""

from __future__ import annotations

import html
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.console.conftest import press
from tests.evals.judging.conftest import chat_server, shown, verdict  # noqa: F401 (a fixture)

from launchworthy.cli.main import cli
from launchworthy.console import routes
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading

CONTRACT = """
launchworthy: 1
product: docs
owners: {{product: ana@example.com}}
workflows:
  answer:
    user: reader
    job: answer
    no_answer: refuse
    failures:
      wrong: {{kind: wrong, fix: prompt, reason: Wrong, watched_by: quality/groundedness}}
    quality:
      groundedness: {{at_least: 60 %, judge: grounding-v2}}
proof:
  judges:
    grounding-v2:
      {{agreement: {{at_least: 0.30}}, labels: 60, models: judge-1, base_url: {url}, policy: policy.md}}
gold:
  answer: {{file: gold.jsonl, holdout: 60 %}}
"""
APP = "def ask(question):\n    n = int(question.split()[1].strip('?'))\n    return f'{n % 4 > 0} {n}'\n"


def _judge(body: dict[str, Any]) -> str:
    right = shown(body)["output"].startswith("True")
    return verdict(right, "It stands in the passage." if right else "It stands in no passage.")


@pytest.fixture
def folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chat_server: Any,  # noqa: F811
) -> Path:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT.format(url=chat_server(_judge).url))
    (tmp_path / "policy.md").write_text("Round numbers are right.")
    (tmp_path / "console_judged_app.py").write_text(APP)
    rows = [{"id": f"q{n:03}", "input": f"Question {n}?", "context": f"Passage {n}."} for n in range(200)]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LAUNCHWORTHY_DATA", str(tmp_path / "data"))
    return tmp_path


def _run(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    return result


def _page(folder: Path, *, look: bool = False) -> str:
    workspace = LocalWorkspace.open(folder / "data")
    try:
        workspace.follow_contract(folder / "launchworthy.yaml")
        client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace))))
        address = "/products/docs/judges/grounding-v2"
        answer = press(client, address) if look else client.get(address)
        assert answer.status_code == 200
        return html.unescape(answer.text)
    finally:
        workspace.close()


def _title(text: str) -> str:
    return " ".join(
        re.sub(r"<span.*?</span></span>", "", text.partition("<h1>")[2].partition("</h1>")[0]).split()
    )


def test_the_page_follows_a_judge_from_its_first_grades_to_a_changed_policy(folder: Path) -> None:
    first = json.loads(_run("eval", "--target", "console_judged_app:ask", "--json").stdout)
    text = _page(folder)
    assert _title(text) == "grounding-v2 was never calibrated: its grades prove nothing yet"
    assert "was never calibrated with people's labels" in text, (
        "the claim has a raw value and no corrected one"
    )

    _run("judge", "sample", "grounding-v2", first["run"], "--count", "110", "--out", "labels.jsonl")
    rows = [json.loads(line) for line in Path("labels.jsonl").read_text().splitlines()]
    rng = random.Random(5)
    for row in rows:
        row["human"] = row["output"].startswith("True") != (rng.random() < 0.06)
    Path("labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(
        _run("judge", "calibrate", "grounding-v2", "--labels", "labels.jsonl", "--json").stdout
    )
    text = _page(folder)
    assert re.match(r"grounding-v2 agrees with people: kappa 0\.\d+, at least 0\.\d+ proven", _title(text))
    corrections = text.partition('id="corrections"')[2].partition("</table>")[0]
    assert re.search(r"as judged [\d.]+ % .*; corrected [\d.]+ % ", corrections)
    apart = text.partition('id="apart"')[2].partition("</table>")[0]
    links = [(match[1], match[2]) for match in re.finditer(r'href="/runs/([^"]+)/items/([^"]+)"', apart)]
    assert {run for run, _ in links} == {first["run"]}
    wrong = {row["item"] for row in rows if row["human"] != row["output"].startswith("True")}
    assert {item for _, item in links} == wrong
    assert "It stands in the passage." not in text, "they are of the holdout, and nobody has looked here"
    assert "It stands in the passage." in _page(folder, look=True)
    assert "It stands in the passage." in _page(folder)
    assert found["n"] == 110

    Path("policy.md").write_text("Round numbers are wrong.")
    assert _title(_page(folder)) == "grounding-v2 is not calibrated as it is now: the label policy changed"
