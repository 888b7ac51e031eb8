"""launchworthy verdict, on files alone and on a data folder: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from launchworthy.cli.main import main
from launchworthy.evidence import Evidence, terms_of, verdict_on, verdict_record, write_evidence

AT = "2026-11-24T09:00:00Z"
NOW = datetime.fromisoformat(AT)
CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com, security: noor@example.com}
release: {model: {name: vendor/chat-small}, prompt: prompt.md}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}, mrr: {at_least: 0.5}}
rollout:
  stages:
    - {name: pilot, share: 5 %, needs: [quality/hit@5]}
    - {name: launch, share: 100 %, needs: [quality, attest]}
attest:
  dpia: {by: security, every: 365d}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The real command line, in a folder of its own that holds a contract."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAUNCHWORTHY_DATA", raising=False)
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "prompt.md").write_text("Answer briefly.", encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def hits(successes: int, n: int = 200, **changes: Any) -> Evidence:
    plain = Evidence(
        claim="docs-bot/answer/quality/hit@5",
        kind="bound",
        value=successes / n,
        confidence=0.5,
        n=n,
        unit="ratio",
        sample={"successes": successes, "n": n},
        source="run:a",
        producer="launchworthy.evals 0.1.0",
        observed_at=NOW - timedelta(hours=1),
    )
    return replace(plain, **changes)


def write(*pieces: Evidence, name: str = "e.jsonl") -> str:
    Path(name).write_text(write_evidence(pieces), encoding="utf-8")
    return name


@pytest.mark.parametrize(
    ("successes", "code", "title"),
    [
        (195, 0, "Ready for pilot: 1 claim met"),
        (120, 1, "Not ready for pilot: 1 claim unmet"),
        (165, 2, "Not ready for pilot: 1 claim unproven"),
    ],
)
def test_the_exit_code_is_the_verdict_on_the_stage(run: Run, successes: int, code: int, title: str) -> None:
    file = write(hits(successes))
    found, out, err = run("verdict", "--evidence", file, "--stage", "pilot", "--at", AT)
    assert (found, out.splitlines()[0], err) == (code, title, "")
    for form in ("--json", "--markdown", "--junit"):
        again, out, _ = run("verdict", "--evidence", file, "--stage", "pilot", "--at", AT, form)
        assert again == code
        assert title in out
    assert not Path(".launchworthy").exists()


def test_without_a_stage_the_verdict_is_about_the_next_one(run: Run) -> None:
    code, out, _ = run("verdict", "--evidence", write(hits(195)), "--at", AT)
    assert code == 2
    assert out.startswith("May enter pilot; not ready for launch: 2 claims unproven\n")


def test_it_says_how_much_more_is_needed(run: Run) -> None:
    text = CONTRACT.replace("at_least: 80 %", "at_least: 99.9 %")
    Path("strict.yaml").write_text(text, encoding="utf-8")
    arguments = ("verdict", "--contract", "strict.yaml", "--evidence", write(hits(200)), "--at", AT)
    code, out, _ = run(*arguments, "--stage", "pilot")
    assert code == 2
    assert "next: measure 2,795 further items, enough if each is flawless" in out
    _, out, _ = run(*arguments, "--stage", "pilot", "--json")
    claim = next(row for row in json.loads(out)["claims"] if row["claim"].endswith("hit@5"))
    assert (claim["status"], claim["needed"]) == ("unproven", 2795)


def test_json_and_junit_are_whole_documents(run: Run) -> None:
    file = write(hits(195), hits(100, observed_at=NOW - timedelta(days=2), source="run:old"))
    _, out, _ = run("verdict", "--evidence", file, "--at", AT, "--json")
    plain = json.loads(out)
    assert plain["release"].startswith("r-")
    assert plain["parts"]["prompt"]["sha256"]
    claim = next(row for row in plain["claims"] if row["claim"].endswith("hit@5"))
    assert claim["contradicting"][0]["source"] == "run:old"
    _, out, _ = run("verdict", "--evidence", file, "--at", AT, "--junit")
    assert ET.fromstring(out).tag == "testsuites"


def test_evidence_for_no_claim_of_the_contract_is_named_with_the_one_that_may_be_meant(run: Run) -> None:
    pieces = [hits(195, claim="answer/quality/hit@5"), hits(195, claim="docs-bot/answer/quality/mmr")]
    code, out, error = run("verdict", "--evidence", write(*pieces), "--at", AT, "--json")
    assert code == 2
    assert json.loads(out)["exit_code"] == 2
    assert "no claim answer/quality/hit@5; did you mean docs-bot/answer/quality/hit@5?" in error
    assert "no claim docs-bot/answer/quality/mmr; did you mean docs-bot/answer/quality/mrr?" in error
    assert "no claim" not in run("verdict", "--evidence", write(hits(195)), "--at", AT)[2]


def test_the_prompt_is_part_of_the_release_that_is_judged(run: Run) -> None:
    def release(*more: str) -> Any:
        return json.loads(run("verdict", "--evidence", write(hits(195)), "--at", AT, "--json", *more)[1])[
            "release"
        ]

    first = release()
    file = write(hits(195, release=first), name="of-first.jsonl")
    assert run("verdict", "--evidence", file, "--at", AT, "--stage", "pilot")[0] == 0
    Path("prompt.md").write_text("Answer at length.", encoding="utf-8")
    code, out, _ = run("verdict", "--evidence", file, "--at", AT, "--stage", "pilot")
    assert code == 2
    assert f"measured on another release, {first}" in out
    assert run("verdict", "--evidence", file, "--at", AT, "--stage", "pilot", "--release", first)[0] == 0
    Path("parts.yaml").write_text("model: other\n", encoding="utf-8")
    assert release("--release", "parts.yaml") not in (first, release())


def test_a_contract_that_describes_no_release_takes_the_one_that_all_evidence_names(run: Run) -> None:
    lines = [line for line in CONTRACT.splitlines(keepends=True) if not line.startswith("release:")]
    Path("launchworthy.yaml").write_text("".join(lines), encoding="utf-8")
    one = write(hits(195, release="r-1"), hits(196, release="r-1"))
    assert run("verdict", "--evidence", one, "--at", AT, "--stage", "pilot")[0] == 0
    two = write(hits(195, release="r-1"), hits(196, release="r-2"))
    code, out, _ = run("verdict", "--evidence", two, "--at", AT, "--stage", "pilot")
    assert code == 2
    assert "no release is named to judge" in out
    assert run("verdict", "--evidence", two, "--at", AT, "--stage", "pilot", "--release", "r-2")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--evidence", "none.jsonl"), "cannot be read"),
        (("--evidence", "broken.jsonl"), "broken.jsonl:2: not JSON"),
        (("--evidence", "e.jsonl", "--stage", "pilott"), "did you mean 'pilot'"),
        (("--evidence", "e.jsonl", "--at", "yesterday"), "not a time with its zone"),
        (("--evidence", "e.jsonl", "--at", "2026-11-24T09:00"), "not a time with its zone"),
        (("--evidence", "e.jsonl", "--release", "r-9"), "no release 'r-9' is known"),
        (("--evidence", "e.jsonl", "--contract", "none.yaml"), "no such contract"),
        (("--evidence", "e.jsonl", "--contract", "e.jsonl"), "error"),
        (("--evidence", "e.jsonl", "--data", "d"), "leave out --data"),
        (
            ("--contract", "launchworthy.yaml", "--product", "other", "--data", "d"),
            "is the contract of docs-bot",
        ),
        (("--colour",), "No such option"),
    ],
)
def test_what_cannot_be_judged_is_a_usage_error_and_no_verdict(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    write(hits(195))
    Path("broken.jsonl").write_text(write_evidence([hits(195)]) + "{\n", encoding="utf-8")
    assert run("keys", "create", "reader", "--data", "d")[0] == 0  # there is a data folder
    code, out, err = run("verdict", *arguments)
    assert (code, out) == (64, "")
    assert words in err


def test_any_moment_can_be_asked_about(run: Run) -> None:
    file = write(hits(195))
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        code, out, _ = run("verdict", "--evidence", file, "--at", moment)
        assert code == 2
        assert "no evidence that counts" in out


# ── On a data folder ─────────────────────────────────────────────────────────────────────────────────


def ledger(folder: str) -> list[dict[str, Any]]:
    from launchworthy.server import open_workspace

    workspace = open_workspace(Path(folder))
    try:
        return [
            {"kind": entry.kind, "body": json.loads(entry.body)}
            for entry in workspace.ledger_entries(product="docs-bot")
        ]
    finally:
        workspace.close()


def test_on_a_data_folder_the_verdict_is_put_on_record_and_can_be_made_again(run: Run) -> None:
    recent = datetime.now(UTC) - timedelta(hours=1)
    file = write(hits(195, observed_at=recent), hits(100, observed_at=recent - timedelta(days=40)))
    assert run("evidence", "add", file, "--data", "d")[0] == 0
    code, out, err = run("verdict", "--data", "d", "--stage", "pilot")
    assert (code, out.splitlines()[0], err) == (0, "Ready for pilot: 1 claim met", "")
    entries = ledger("d")
    assert [entry["kind"] for entry in entries] == ["evidence", "evidence", "verdict"]
    record = entries[-1]["body"]

    from launchworthy.cli.in_force import claims_of
    from launchworthy.contract import load_contract

    contract = load_contract("launchworthy.yaml")
    again = verdict_on(
        terms_of(contract, claims_of(contract)),
        [Evidence.from_json(entry["body"]) for entry in entries[:-1]],
        release=record["release"],
        now=datetime.fromisoformat(record["at"]),
        stage=record["asked"],
    )
    assert verdict_record(again) == record
    then = run(
        "verdict", "--data", "d", "--stage", "pilot", "--at", (recent - timedelta(days=20)).isoformat()
    )
    assert then[0] == 1
    assert len(ledger("d")) == 3, "a verdict on the past is an answer, not an event"


def test_a_reader_who_may_not_write_gets_the_verdict_and_a_warning(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launchworthy.errors import LaunchworthyError
    from launchworthy.server.local import LocalWorkspace

    def refuse(*_: Any, **__: Any) -> None:
        raise LaunchworthyError("this key may only read")

    assert run("keys", "create", "reader", "--data", "d")[0] == 0  # there is a data folder
    monkeypatch.setattr(LocalWorkspace, "record", refuse)
    code, out, err = run("verdict", "--data", "d", "--stage", "pilot")
    assert code == 2
    assert out.startswith("Not ready for pilot")
    assert "not in the audit chain: this key may only read" in err


def test_a_reader_that_goes_away_does_not_make_it_a_verdict(run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "launchworthy", "evidence", "export", "--product", "docs-bot"]
    recent = datetime.now(UTC) - timedelta(hours=1)
    run("evidence", "add", write(*(hits(195, n=200 + i, observed_at=recent) for i in range(600))))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_crash_does_not_read_as_a_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("launchworthy.evidence.verdict_on", crash)
    code, out, err = run("verdict", "--evidence", write(hits(195)), "--at", AT)
    assert (code, out) == (70, "")
    assert "RuntimeError: a bug" in err


def test_the_process_itself_ends_with_the_code(run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "launchworthy", "verdict", "--evidence", write(hits(120)), "--at", AT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("Not ready for pilot: 1 claim unmet\n")
    assert "\x1b" not in done.stdout
