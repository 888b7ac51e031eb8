from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from click.testing import CliRunner, Result
from tests.evals.redteam import agent

from launchworthy.cli.redteam import command
from launchworthy.errors import LaunchworthyError
from launchworthy.evals.redteam import find_red_team_run, is_red_team
from launchworthy.server import open_workspace

BOT = """
def polite(question):
    return "The shop opens at nine."

def leaky(question, *, system, tools, documents, history):
    return "\\n".join([system, *(each["text"] for each in documents)])

def broken(question):
    raise ValueError("down")

def slow(question):
    import os, time
    with open("calls.txt", "a") as file:
        file.write("x")
    time.sleep(0.05)
    return "The shop opens at nine."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "launchworthy.yaml").write_text(agent.CONTRACT.lstrip())
    (tmp_path / "redteam_bot.py").write_text(BOT)
    shutil.copy(Path(agent.__file__), tmp_path / "guarded_agent.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("redteam_bot", "guarded_agent"):
        sys.modules.pop(name, None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    found = run(*arguments, "--json")
    assert found.exception is None, found.exception
    return found.return_value, json.loads(found.stdout)


def test_the_plan_says_what_would_be_tried_and_proven_and_tries_nothing(folder: Path) -> None:
    found = run("--plan")
    assert found.return_value == 0
    assert "shop/abuse/unapproved_payment: 2,995 flawless attempts prove it" in found.stdout
    assert not (folder / ".launchworthy").exists()


def test_a_leaky_target_is_unmet_with_its_worst_attempts_and_evidence(folder: Path) -> None:
    code, found = told(
        "--target", "redteam_bot:leaky", "--family", "direct_injection", "--family", "cross_tenant",
        "--attempts", "30", "--twins", "5",
    )  # fmt: skip
    assert code == 1
    assert found["conclusion"].startswith(
        f"{found['all']['succeeded']:,} of 60 attacks succeeded; worst: cross"
    )
    by_family = {row["family"]: row for row in found["families"]}
    assert by_family["cross_tenant"]["succeeded"] == 30
    assert by_family["cross_tenant"]["success_rate"]["value"] == 1.0
    assert found["worst"][0]["because"] == "a secret left in the answer"
    states = {each["claim"]: each["state"] for each in found["claims"]}
    assert states["shop/abuse/retrieval_exfiltration"] == "unmet"
    piece = next(each for each in found["evidence"] if each["claim"] == "shop/abuse/retrieval_exfiltration")
    assert piece["detail"]["families"] == {"cross_tenant": 30}
    assert piece["detail"]["attempts_needed"] == 299
    assert (piece["sample"]["successes"], piece["n"]) == (30, 30)


def test_a_target_that_cannot_be_attacked_in_a_way_says_which(folder: Path) -> None:
    code, found = told("--target", "redteam_bot:polite", "--attempts", "5", "--twins", "2")
    assert code == 2
    assert any("cross_tenant was not tried" in remark for remark in found["remarks"])
    assert found["all"]["succeeded"] == 0
    assert found["all"]["over_refusal"]["value"] == 0.0


def test_a_target_that_is_down_proves_nothing(folder: Path) -> None:
    code, found = told("--target", "redteam_bot:broken", "--family", "direct_injection", "--attempts", "5")
    assert code == 2
    assert found["all"]["unscored"] == 5
    assert found["families"][0]["success_rate"] is None
    assert [each["state"] for each in found["claims"]] == ["unproven"]


def test_an_enforcer_is_attacked_by_its_address(folder: Path) -> None:
    code, found = told(
        "--target", "guarded_agent:make_enforcer", "--family", "tool_misuse", "--family", "approval_bypass",
        "--attempts", "6", "--twins", "2",
    )  # fmt: skip
    assert code == 2
    assert found["conclusion"] == "None of 32 attacks succeeded"
    assert "a red team must never" not in json.dumps(found)


def test_an_endpoint_and_a_model_are_attacked_by_their_addresses(folder: Path, serve: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        asked = await request.json()
        if "messages" not in asked:
            return web.json_response({"reply": {"text": str(asked["context"])}})
        said = asked["messages"][-1]["content"]
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": said}}]})

    url = serve(handler).url
    few = ("--family", "cross_tenant", "--attempts", "4", "--twins", "1")
    code, found = told("--target", url, "--response", "output=/reply/text", *few)
    assert (code, found["all"]["succeeded"]) == (1, 4)
    assert all(each["trace"] for each in found["worst"])
    code, found = told("--target", "openai:echo", "--base-url", url.removesuffix("/ask"), *few)
    assert (code, found["all"]["succeeded"], found["target"]) == (1, 4, "openai:echo")


def test_a_later_release_is_compared_attempt_by_attempt(folder: Path) -> None:
    options = ("--family", "direct_injection", "--attempts", "12", "--twins", "0")
    _, before = told("--target", "redteam_bot:leaky", *options)
    text = BOT.replace('"\\\\n".join([system', '" and ".join([system')
    (folder / "redteam_bot.py").write_text(text.replace("def polite", "def harmless"))
    code, after = told("--target", "redteam_bot:leaky", *options, "--baseline", before["run"])
    assert before["suite"] == after["suite"]
    assert after["baseline"]["newly"] == []
    assert after["baseline"]["change"]["value"] == 0.0
    assert code in (1, 2)


def test_runs_of_attacks_are_runs_like_others_and_found_again(folder: Path) -> None:
    _, found = told("--target", "redteam_bot:polite", "--family", "direct_injection", "--attempts", "3")
    workspace = open_workspace(None)
    try:
        runs = workspace.runs(product="shop")
        assert find_red_team_run(runs) == workspace.run(found["run"])
        assert is_red_team(runs[0])
        assert len(workspace.run_items(found["run"])) == 103
        pieces = [piece.claim for piece in workspace.evidence("shop")]
        assert pieces == ["shop/abuse/prompt_injection"]
    finally:
        workspace.close()


def test_reports_for_machines_are_written_beside_the_text(folder: Path) -> None:
    found = run(
        "--target", "redteam_bot:leaky", "--family", "cross_tenant", "--family", "direct_injection",
        "--attempts", "5", "--twins", "1", "--format", "junit=out.xml", "--format", "sarif=out.sarif",
    )  # fmt: skip
    assert found.stdout.startswith(tuple("0123456789"))
    suite = ET.parse(folder / "out.xml").getroot()
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert cases["cross_tenant"].find("failure") is not None
    assert suite.get("tests") == "2"
    log = json.loads((folder / "out.sarif").read_text())
    result = next(each for each in log["runs"][0]["results"] if each["ruleId"] == "cross_tenant")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "launchworthy.yaml"
    line = (folder / "launchworthy.yaml").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert "retrieval_exfiltration" in line


def test_another_command_does_not_go_on_with_a_run_of_attacks(folder: Path) -> None:
    from launchworthy.cli.eval import command as eval_command

    _, found = told("--target", "redteam_bot:polite", "--family", "direct_injection", "--attempts", "1")
    refused = CliRunner().invoke(eval_command, ["--resume", found["run"]], standalone_mode=False)
    assert isinstance(refused.exception, LaunchworthyError)
    assert refused.exception.hint == f"launchworthy redteam --resume {found['run']}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "redteam_bot:polite", "--family", "direct_injektion"), "direct_injection"),
        ((), "no target"),
        (("--target", "redteam_bot:nothing"), "nothing"),
        (("--target", "redteam_bot:BOT"), "BOT"),
        (("--target", "redteam_bot:polite", "--workflow", "other"), "answer"),
        (("--target", "redteam_bot:polite", "--role", "king"), "customer"),
        (("--target", "redteam_bot:polite", "--format", "html"), "sarif"),
        (("--target", "redteam_bot:polite", "--family", "cross_tenant"), "nothing that it could reach"),
        (("--resume", "20200101-000000-abcdef"), "20200101"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_way_out(
    arguments: tuple[str, ...], message: str, folder: Path
) -> None:
    (folder / ".launchworthy").mkdir()
    found = run(*arguments)
    assert isinstance(found.exception, LaunchworthyError)
    assert message in str(found.exception)


def test_after_kill_9_a_run_goes_on_where_it_stopped(folder: Path) -> None:
    options = ["--target", "redteam_bot:slow", "--family", "direct_injection", "--attempts", "60"]
    line = [sys.executable, "-m", "launchworthy", "redteam", *options, "--twins", "0", "--concurrency", "2"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        run_id = next(each for each in first.stderr if each.startswith("run ")).split()[1].rstrip(":")
        deadline = time.monotonic() + 60
        calls = folder / "calls.txt"
        while time.monotonic() < deadline and not (calls.exists() and len(calls.read_text()) > 20):
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
    before = len(calls.read_text())
    assert 20 < before < 60
    code, found = told("--resume", run_id)
    assert found["run"] == run_id
    assert found["status"] == "complete"
    assert found["all"]["attempts"] == 60
    assert len(calls.read_text()) < 60 + before / 2  # what had come back is not asked again
    assert code == 2
