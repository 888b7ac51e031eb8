"""The demo as a newcomer meets it: one command, the board, a click down to a trace, a changed threshold."""

from __future__ import annotations

import html
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from launchworthy.demo import run
from launchworthy.demo.policy import read_policy
from launchworthy.demo.run import DemoOptions
from launchworthy.demo.tickets import Tickets
from launchworthy.quantity import format_number
from launchworthy.server import open_workspace, read_note

BOARD = "/products/python-docs"
UNMET = f"{BOARD}/claims/python-docs/answer/quality/hit@5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo whose board is open."""

    folder: Path
    url: str
    told: str

    def page(self, path: str) -> str:
        with urlopen(self.url + path, timeout=30) as response:
            return html.unescape(response.read().decode())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo")
    told = home / "told.txt"
    with told.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "launchworthy", "demo", "--questions", "60", "--port", "0"],
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 600  # on a busy machine
        while "The launch board is at" not in told.read_text() and process.poll() is None:
            assert time.monotonic() < deadline, told.read_text()
            time.sleep(0.2)
        note = read_note(home / "launchworthy-demo" / ".launchworthy")
        assert note is not None, told.read_text()
        yield Demo(folder=home / "launchworthy-demo", url=note.url, told=told.read_text())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert process.returncode == 0
    assert read_note(home / "launchworthy-demo" / ".launchworthy") is None


def test_it_prints_each_command_the_verdict_and_what_to_try_next(demo: Demo) -> None:
    for line in (
        "$ launchworthy up --contract launchworthy.yaml",
        "$ python -m launchworthy.demo.users --questions 60",
        "$ launchworthy eval --target launchworthy.demo.targets:baseline",
        "$ launchworthy guard calibrate prompt_injection",
        "The simulated maintainer approved 8 tickets and rejected 2: 8 were filed, and 2 wait for you.",
        "$ launchworthy eval --target launchworthy.demo.targets:candidate",
        "lines of python-docs were kept when what they guard failed",
        "attacks succeeded",
        "Records of python-docs hold nothing that the contract does not declare.",
        "$ launchworthy verdict",
        "Not ready for internal: ",
        "What to try next:",
    ):
        assert line in demo.told
    assert "Traceback" not in demo.told


def test_the_board_gives_the_same_verdict_and_names_what_was_simulated(demo: Demo) -> None:
    [conclusion] = re.findall(r"^Not ready for internal: .+$", demo.told, flags=re.MULTILINE)
    board = demo.page(BOARD)
    assert f"{conclusion} · Launchworthy</title>" in board
    assert "simulated" in board


def test_one_clicks_from_an_unmet_claim_down_to_the_trace_that_caused_it(demo: Demo) -> None:
    claim = re.search(rf'href="({re.escape(UNMET)})"', demo.page(BOARD))
    assert claim is not None
    trace = re.search(r'href="(/traces/[0-9a-f]{32})"', demo.page(claim[1]))
    assert trace is not None
    shown = demo.page(trace[1])
    assert "search python_docs" in shown or "retrieval" in shown
    assert "Launchworthy</title>" in shown


def test_a_changed_threshold_changes_the_verdict(demo: Demo) -> None:
    contract = demo.folder / "launchworthy.yaml"
    before = contract.read_text()
    assert "<title>Unmet" in demo.page(UNMET)
    contract.write_text(before.replace("{at_least: 80 %, every_slice: 60 %}", "{at_least: 50 %}"))
    try:
        deadline = time.monotonic() + 20
        while "<title>Met" not in demo.page(UNMET):
            assert time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        contract.write_text(before)


def test_approved_tickets_are_filed_once_and_two_wait(demo: Demo) -> None:
    filed = Tickets(demo.folder / "tickets.sqlite").find_tickets(document="list.sort")
    assert [each["problem"] for each in filed] == ["it does not say how items that compare equal are ordered"]
    waiting = demo.page(f"{BOARD}/approvals")
    assert "2 calls wait" in waiting
    assert "please delete my account with the package index" in waiting


@pytest.mark.parametrize(
    ("claim", "title"),
    [
        ("tools/file_ticket/approval", "Met"),
        ("tools/file_ticket/idempotent_by", "Met"),
        ("tools/unnamed", "Met"),
        ("guards/prompt_injection", "Met"),
        ("guards/prompt_injection/false_positives", "Met"),
        ("abuse/prompt_injection", "Met"),
        ("abuse/unapproved_change", "Met"),
        ("answer/fallbacks/extractive_answer", "Met"),
        ("monitors/fallback_drill", "Met"),
        ("data/unnamed", "Met"),
        ("data/pii/record", "Met"),
    ],
)
def test_what_was_drilled_attacked_and_scanned_stands(demo: Demo, claim: str, title: str) -> None:
    assert f"<title>{title}" in demo.page(f"{BOARD}/claims/python-docs/{claim}")


@pytest.mark.parametrize("page", ["approvals", "guards", "permissions", "budgets", "audit", "redteam"])
def test_each_page_of_what_is_enforced_opens(demo: Demo, page: str) -> None:
    assert "Launchworthy</title>" in demo.page(f"{BOARD}/{page}")


def test_the_chain_alone_says_why_each_decision_was_made(demo: Demo) -> None:
    from launchworthy.evidence import AuditEntry, entry_words

    workspace = open_workspace(demo.folder / ".launchworthy")
    try:
        [contract] = workspace.audit_trail(product="python-docs", kind="contract")[:1]

        def of(kind: str, *, tool: str = "", case: str = "") -> dict[str, list[AuditEntry]]:
            found: dict[str, list[AuditEntry]] = {}
            for each in workspace.audit_trail(
                product="python-docs", kind=kind, tool=tool, case=case, limit=1_000
            ):
                found.setdefault(str(each.body.get("outcome")), []).append(each)
            return found

        runs = of("tool_run", tool="file_ticket")["done"]
        live = next(each for each in runs if each.body.get("cohort") is None)
        case = of("approval", case=live.body["approval"])
        permissions, fallbacks, budgets = of("permission"), of("fallback"), of("budget")
        decided = [*runs, *permissions["allowed"], *fallbacks["answered"], *budgets["overrun"]]
        guards, rejected, verdict = of("guard")["hit"], of("approval")["rejected"], of("verdict")["None"][0]
    finally:
        workspace.close()
    assert {outcome: len(found) for outcome, found in case.items()} == {
        "requested": 1, "approved": 1, "claimed": 1, "settled": 1,
    }  # fmt: skip
    assert case["approved"][0].detail is not None
    assert case["approved"][0].detail["decided_by"] == "simulated maintainer"
    assert "confirmed by: simulated maintainer" in entry_words(live)
    assert all(each.detail and each.detail["reason"] for each in rejected)
    [denied] = (each for each in permissions["denied"] if each.body.get("cohort") is None)
    assert denied.body["rule"].endswith("tools/file_ticket/arguments/problem/most_characters")
    assert {each.facts["contract"] for each in [*decided, *guards, denied]} == {contract.body["version"]}
    assert any(each.body.get("cohort") is None for each in fallbacks["answered"])
    assert {each.body["rule"].rpartition("/")[2] for each in budgets["overrun"]} == {"timeout"}
    assert any(each.facts["stage"] == "retrieved" and each.facts["passage_sha256"] for each in guards)
    words = entry_words(verdict)
    # Of some 990 calls a day, at what hour days begin decides whether 1,000 are ruled out.
    [unmet] = (line.removeprefix("unmet: ") for line in words if line.startswith("unmet: "))
    assert unmet.removeprefix("answer/frequency, ").startswith("answer/quality/")


def test_every_record_of_a_simulated_user_says_so_and_evaluations_are_apart(demo: Demo) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "launchworthy", "export", "spans", "--out", "spans.parquet"],
        cwd=demo.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    import pyarrow.parquet as parquet

    names = ["simulated", "cohort", "trace_id", "span_id"]
    table = parquet.read_table(demo.folder / "spans.parquet", columns=names).to_pylist()
    assert {row["simulated"] for row in table if row["cohort"] != "evaluation"} == {True}
    assert {row["cohort"] for row in table} >= {"evaluation"}
    assert all(len(row["trace_id"]) == 32 and len(row["span_id"]) == 16 for row in table)


def test_the_documented_commands_choose_the_threshold_that_the_policy_has(demo: Demo) -> None:
    page = (Path(__file__).parents[2] / "docs" / "demo-product.md").read_text()
    [block] = re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)
    first, second = (line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ "))
    shown = [line for line in block.splitlines() if not line.startswith("$ ")]

    def typed(command: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", *shlex.split(command)]
        return subprocess.run(words, cwd=demo.folder, capture_output=True, text=True, check=False)

    asked = typed(first)
    assert asked.returncode == 0, asked.stderr
    [run_id] = re.findall(r"run (\S+): .*, dev$", asked.stderr, flags=re.MULTILINE)
    policy = demo.folder / "policy.json"
    before = read_policy(policy)
    listed = {"fitted_on": before.evidence["fitted_on"]}
    policy.write_text(replace(before, threshold=1.0, evidence=listed).as_json())
    chosen = typed(second.replace("RUN", run_id))
    assert (chosen.returncode, chosen.stderr) == (0, "")
    told = read_policy(policy)
    assert (told.weights, told.intercept) == (before.weights, before.intercept)
    # Documents differ a little from Python to Python, and with them the figures.
    assert told.threshold == pytest.approx(before.threshold, abs=0.05)
    # What a guard stopped has no confidence, here and there.
    assert (told.evidence["n"], told.evidence["rows"]) == (before.evidence["n"], before.evidence["rows"])
    assert f"Answer at {format_number(before.threshold, digits=6)} or above" in shown[0]
    assert [told.evidence[name] for name in ("target", "confidence", "method")] == [
        before.evidence[name] for name in ("target", "confidence", "method")
    ]
    assert told.evidence["wrong"]["high"] < told.evidence["target"]
    figure = re.compile(r"\d+(\.\d+)?")
    printed = [figure.sub("#", line) for line in chosen.stdout.splitlines()]
    assert printed[: len(shown) - 1] == [figure.sub("#", line) for line in shown[:-1]]
    drawn = demo.page(f"/runs/{run_id}/threshold?metric=selective-risk&target=15")
    assert re.search(r"<title>Answer from confidence 0\.\d+ on: ", drawn)


def test_once_keeps_what_was_edited_answers_the_verdicts_code_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def step(words: Sequence[str], *, folder: Path, **_: object) -> int:
        assert read_note(folder / ".launchworthy") is not None or "launchworthy.demo.ramp" in words
        ran.append(" ".join(words[3:]))
        return 2 if words[-1] == "verdict" else 0

    def beside(words: Sequence[str], **_: object) -> AbstractContextManager[None]:
        ran.append(words[0])
        return nullcontext()

    monkeypatch.setattr(run, "_run", step)  # the steps themselves run whole, for the board above
    monkeypatch.setattr(run, "_beside", beside)
    gold = tmp_path / "gold" / "answer.jsonl"
    gold.parent.mkdir()
    gold.write_text("mine\n")
    told: list[str] = []
    assert run.run_demo(DemoOptions(folder=tmp_path, port=0, once=True), say=told.append) == 2
    assert [words.split()[0] for words in ran if words][-3:] == ["scan", "measure", "verdict"]
    assert "as you left it" in told[0]
    assert gold.read_text() == "mine\n"
    assert (tmp_path / "launchworthy.yaml").exists()
    assert read_note(tmp_path / ".launchworthy") is None


def test_harm_is_taken_back_and_the_fix_is_verified_offline_and_in_use(demo: Demo) -> None:
    assert "seed 2026" in demo.told
    workspace = open_workspace(demo.folder / ".launchworthy")
    try:
        second, first = workspace.ramps(product="python-docs")
        (incident,) = (
            each for each in workspace.incidents(product="python-docs") if each.source == "rollback"
        )
        shown = workspace.trace(incident.traces[0])
        faults = [each for each in workspace.audit(product="python-docs") if each.fault.proves_tampering]
    finally:
        workspace.close()
    assert (first["state"], first["steps"][-1]["by"]) == ("rolled_back", None)
    assert first["steps"][-1]["facts"]["claims"][0]["claim"].endswith("answer/outcomes/resolved")
    assert (second["state"] in ("running", "held"), second["stage"]) == (True, "pilot")
    assert next(each["state"] for each in second["harms"] if each["of"].endswith("resolved")) == "met"
    assert (incident.failure_mode, incident.severity) == ("leaves_without", "high")
    assert incident.release == first["release"]
    assert {(span["release"], span["simulated"]) for span in shown} == {(first["release"], True)}
    assert (incident.state, incident.verified) == ("closed", True)
    assert incident.verification is not None
    assert [(proof.where, proof.fallen) for proof in incident.verification.proofs] == [
        ("production", True),
        ("evals", True),
    ]
    assert faults == []


def test_a_flag_was_switched_off_for_a_reason_came_back_and_its_experiment_goes_on(demo: Demo) -> None:
    page = demo.page(f"{BOARD}/flags?users=simulated")
    assert "<title>1 flag in force, and the release on its way" in page
    assert "six lines push the answer off a small screen; off until the list folds" in page
    assert all(words in page for words in ("1 tester named in it", "those in the segment maintainers"))
    workspace = open_workspace(demo.folder / ".launchworthy")
    try:
        read = workspace.experiment(product="python-docs", key="nearest", simulated=True)
        real = workspace.experiments(product="python-docs")
    finally:
        workspace.close()
    assert read["conclusion"] == "go_on"
    assert read["declared"] is not None
    assert read["plans_after_start"] == 0
    assert sum(arm["users"] for arm in read["arms"].values()) > 7_000  # of the weeks before, and of today
    assert real == []
