"""``launchworthy incidents``, from an overrun in an application to its closing in the audit chain."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.server import open_workspace
from launchworthy.store import Store, StoreOptions

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example}
workflows:
  answer: {user: customer, job: get an answer, no_answer: refuse, limits: {timeout: 2s}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    _overrun(tmp_path, "e-1")
    return tmp_path


def _overrun(here: Path, event: str) -> None:
    row = {
        "product": "shop", "workflow": "answer", "event_id": event, "trace_id": event.encode().ljust(16),
        "kind": "budget", "subject": "timeout", "outcome": "overrun", "time": time.time_ns() - 1_000,
        "rule": "shop/answer/limits/timeout", "reason": "too slow\x1b[31m",
        "facts": '{"failure_mode": "long_wait"}',
    }  # fmt: skip
    with Store.open(here / ".launchworthy", options=StoreOptions()) as store:
        store.ingest(
            [Rows("decisions", {name: [row.get(name)] for name in TABLES["decisions"].names})], batch_id=event
        )
        store.flush()


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["incidents", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_an_overrun_is_open_until_somebody_closes_it_and_the_next_one_opens_another(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = _run(capsys, "--json")
    [found] = json.loads(out)["incidents"]
    assert (code, found["state"], found["failure_mode"]) == (1, "open", "long_wait")
    code, out = _run(capsys)
    assert "answer/limits/timeout, which is long_wait" in out
    assert "\x1b" not in out
    because = ("--by", "ana", "--because", "a faster model")
    assert _run(capsys, "close", found["id"], *because)[0] == 64, "neither a cure, nor noise, nor unknown"
    code, out = _run(capsys, "close", found["id"], *because, "--was", "unknown")
    assert code == 0
    assert _run(capsys) == (0, "No open incident of shop.\n")
    code, out = _run(capsys, "--all")
    assert (code, "closed by ana: a faster model" in out) == (0, True)
    assert _run(capsys, "close", found["id"], "--by", "ana", "--because", "again")[0] == 64
    _overrun(here, "e-2")
    code, out = _run(capsys, "--json")
    [later] = json.loads(out)["incidents"]
    assert later["id"] != found["id"]
    workspace = open_workspace(here / ".launchworthy")
    try:
        assert workspace.audit(product="shop") == []
        assert [each.kind for each in workspace.ledger_entries(product="shop")].count("incident") == 3
    finally:
        workspace.close()


@pytest.mark.parametrize(
    "arguments",
    [["close", "i-none", "--by", "ana", "--because", "x"], ["close", "i-1", "--by", " ", "--because", "x"],
     ["close", "i-1"], ["open"]],
)  # fmt: skip
def test_what_cannot_be_closed_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out = _run(capsys, *arguments)
    assert code == 64
    assert out


def test_an_incident_is_opened_shown_noted_assigned_and_reopened_by_hand(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = _run(
        capsys, "open", "Guests get no refund\x1b[31m", "--by", "ana", "--claim", "answer/reliability/error",
        "--severity", "critical", "--trace", "0" * 31 + "1",
    )  # fmt: skip
    assert code == 0
    name = out.split()[0]
    assert "critical  answer/reliability/error" in out
    assert "\x1b" not in out
    _, out = _run(
        capsys, "open", "Hosts get none either", "--by", "wei", "--claim", "answer/reliability/error"
    )
    assert out.startswith(f"{name} was open already; “Hosts get none either” stands in its timeline:\n")
    assert _run(capsys, "note", name, "looking into it", "--by", "wei")[0] == 0
    assert _run(capsys, "assign", name, "wei", "--by", "ana") == (0, f"{name} is wei's\n")
    assert _run(capsys, "close", name, "--by", "wei", "--because", "x", "--was", "real")[0] == 64
    code, out = _run(capsys, "close", name, "--by", "wei", "--because", "a retry", "--mechanism", "tool")
    assert (code, "is watched until" in out) == (0, True)
    code, out = _run(capsys, "show", name)
    assert code == 0
    for told in ("fix under watch", "again by wei: Hosts get none either",
                 "first look is at 50 calls", "noted by wei: looking into it",
                 "assigned by ana: wei", "fixed by wei: a retry", "calls: " + "0" * 31 + "1"):  # fmt: skip
        assert told in out
    assert _run(capsys, "reopen", name, "--by", "ana", "--because", "still so")[0] == 0
    code, out = _run(capsys, "show", name, "--json")
    shown = json.loads(out)
    assert shown["incident"]["state"] == "open"
    assert [each["kind"] for each in shown["events"]] == [
        "opened", "again", "noted", "assigned", "fixed", "reopened",
    ]  # fmt: skip
    code, out = _run(capsys, "rules", "--json")
    [rule] = json.loads(out)["rules"]
    assert (rule["address"], rule["waiting"]) == ("shop/answer/limits/timeout", 1)  # people are no rule
    assert _run(capsys, "rules")[1] == "answer/limits/timeout (budget)  1 alert, not judged yet\n"
    assert _run(capsys, "failure-modes") == (0, "The contract of shop names no failure mode.\n")


def test_who_is_told_is_read_from_a_file_and_tried_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = here / "notices.yaml"
    settings.write_text("targets: {hook: {to: webhook, url: 'http://127.0.0.1:9/x'}}\n")
    code, out = _run(capsys, "notify", "--settings", str(settings))
    assert (code, out.startswith("Webhooks are signed with ")) == (0, True)
    code, out = _run(capsys, "notify", "--test")
    assert (code, out.startswith("hook: ConnectionRefusedError")) == (1, True)
    assert _run(capsys, "notify", "--nobody") == (0, "Nobody is told of incidents of shop.\n")
    assert _run(capsys, "notify", "--test")[0] == 64


@pytest.mark.parametrize(
    "text", ["", "[]", "a: &a [*a", "\x00", "targets: {a: {to: pigeon}}", "{" * 1_000, "true"]
)
def test_settings_that_are_none_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (here / "notices.yaml").write_text(text)
    code, out = _run(capsys, "notify", "--settings", "notices.yaml")
    assert code == 64
    assert out
