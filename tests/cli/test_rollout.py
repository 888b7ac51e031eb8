"""``launchworthy rollout``: a person follows a release on its way, and decides about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.server import open_workspace

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example, safety: kim@shop.example}
release: {model: {name: vendor/new}}
workflows:
  answer: {user: customer, job: get an answer, no_answer: refuse, quality: {exact_match: {at_least: 80 %}}}
gold: {answer: {file: gold.jsonl}}
rollout:
  stages:
    - {name: shadow, share: 0 %, for: 1h, approve: safety}
    - {name: pilot, share: 5 %, needs: [quality]}
    - {name: launch, share: 100 %}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    workspace = open_workspace(None)
    workspace.register_contract(product="shop", text=CONTRACT, path=str(path))
    workspace.close()
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["rollout", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_a_person_follows_a_release_and_decides_about_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = _run(capsys, "status")
    assert (code, out) == (
        2,
        "No release of shop is on its way; `launchworthy rollout start` begins with one.\n",
    )
    code, out = _run(capsys, "start", "--because", "a new\x1b[31m model", "--by", "ana")
    assert code == 0
    assert ", a first release: running (not begun)\n" in out
    assert "next: shadow waits for safety to approve it" in out
    assert "\x1b" not in out
    assert _run(capsys, "approve", "--because", "read the shadows' answers", "--by", "ana")[0] == 64
    assert _run(capsys, "approve", "--because", "I did", "--by", "kim@shop.example")[0] == 0
    code, out = _run(capsys, "status", "--evaluate")
    assert code == 0
    assert re.search(r"▸ +shadow +0 % +1 h +safety approves", out)
    assert "next: shadow lasts 60 min more" in out
    code, out = _run(capsys, "hold", "--because", "the provider changes its model tonight", "--by", "ana")
    assert (code, "held (shadow, 0 % of users)" in out) == (0, True)
    code, out = _run(capsys, "status", "--json")
    ramp = json.loads(out)["ramps"][0]
    assert (code, ramp["state"], ramp["steps"][-1]["by"]) == (1, "held", "ana")
    code, out = _run(capsys, "enter", "--because", "now", "--by", "ana")
    assert (code, "it is held: resume it first" in out) == (64, True)
    assert _run(capsys, "resume", "--because", "it did", "--by", "ana")[0] == 0
    code, out = _run(capsys, "enter", "--because", "our own people ask for it", "--by", "ana")
    assert (code, "running (pilot, 5 % of users)" in out) == (0, True)
    code, out = _run(capsys, "roll-back", "--because", "wrong prices", "--by", "ana")
    assert (code, "rolled back (pilot, 0 % of users)" in out) == (0, True)
    code, out = _run(capsys, "resume", "--because", "again", "--by", "ana")
    assert (code, "it is over: rolled back" in out) == (64, True)


def test_a_decision_needs_a_reason_and_a_release_to_be_about(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Missing option '--because'" in _run(capsys, "hold")[1]
    assert "no release of shop is on its way" in _run(capsys, "hold", "--because", "x")[1]
    assert "there is no release 'r-nothing'" in _run(capsys, "start", "--release", "r-nothing")[1]
