"""audit replay and audit contract: a verdict given again by what the chain held, and the contract of then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from launchworthy import __version__
from launchworthy.cli.main import main
from launchworthy.evidence import Evidence
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}}
rollout:
  stages:
    - {name: pilot, share: 5 %, needs: [answer/quality]}
    - {name: launch, share: 100 %, needs: [answer/quality]}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its chain has a verdict, then more evidence, then a laxer contract; tests change copies."""
    folder = tmp_path_factory.mktemp("replay") / "data"

    def workspace() -> LocalWorkspace:
        return LocalWorkspace.open(folder, options=StoreOptions(min_free_bytes=0))

    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LAUNCHWORTHY_HEADS", raising=False)
        patched.setenv("LAUNCHWORTHY_DATA", str(folder))
        opened = workspace()
        opened.register_contract(product="docs-bot", text=CONTRACT, path="")
        opened.add_evidence("docs-bot", [_measured(250)])
        opened.close()
        with pytest.raises(SystemExit) as stopped:
            main(["verdict"])
        assert stopped.value.code == 1
        opened = workspace()
        opened.add_evidence("docs-bot", [_measured(390)])
        opened.register_contract(product="docs-bot", text=CONTRACT.replace("80 %", "40 %"), path="")
        opened.close()
    return folder


@pytest.fixture
def run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    shutil.copytree(made, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHWORTHY_DATA", "data")
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def _measured(successes: int) -> Evidence:
    return Evidence(
        claim="docs-bot/answer/quality/hit@5",
        kind="bound",
        value=successes / 400,
        n=400,
        unit="ratio",
        sample={"successes": successes, "n": 400},
        source="run:1",
        producer="nightly",
        observed_at=datetime.now(UTC) - timedelta(hours=1, minutes=-successes / 10),
    )


def _edit(change: Callable[[dict[str, Any]], None]) -> None:
    """Write the verdict's entry anew, as only somebody who has the file can."""
    with sqlite3.connect("data/metadata.sqlite") as metadata:
        [(seq, body)] = metadata.execute("SELECT seq, body FROM ledger WHERE kind = 'verdict'").fetchall()
        told = json.loads(body)
        change(told)
        metadata.execute("UPDATE ledger SET body = ? WHERE seq = ?", (json.dumps(told), seq))
    metadata.close()


def test_a_verdict_comes_out_the_same_though_evidence_and_contract_have_moved_on(run: Run) -> None:
    assert run("verdict")[0] == 0  # today
    code, out, _ = run("audit", "replay", "--entry", "3")
    assert (code, out.splitlines()[0]) == (0, "verdict of entry 3: comes out the same")
    assert "Not ready for pilot: 1 claim unmet" in out
    code, out, _ = run("audit", "replay", "--json")
    told = json.loads(out)
    assert (code, told["entry"], told["comes_out"][:16], told["pieces"]) == (0, 6, "Ready for launch", 2)
    assert told["launchworthy"] == __version__


def test_an_export_and_the_contract_are_all_that_it_takes(run: Run) -> None:
    version = json.loads(run("audit", "show", "--kind", "verdict", "--json")[1])["entries"][0]["body"]
    code, text, _ = run("audit", "contract", version["contract"]["version"])
    assert (code, text) == (0, CONTRACT)
    Path("then.yaml").write_text(text, encoding="utf-8")
    assert run("audit", "export", "--out", "out")[0] == 0
    assert run("audit", "replay", "out", "--contract", "then.yaml")[0] == 0
    code, _, err = run("audit", "replay", "out")
    assert (code, "name it with --contract" in err) == (64, True)
    Path("lax.yaml").write_text(CONTRACT.replace("80 %", "40 %"), encoding="utf-8")
    code, _, err = run("audit", "replay", "out", "--contract", "lax.yaml")
    assert (code, "was named" in err) == (64, True)
    assert run("audit", "export", "--out", "part", "--kind", "verdict")[0] == 0
    assert run("audit", "replay", "part", "--contract", "then.yaml")[0] == 64


def test_what_was_written_into_a_verdict_does_not_come_out(run: Run) -> None:
    _edit(lambda told: told["statuses"].update({"docs-bot/answer/quality/hit@5": "met"}))
    code, out, _ = run("audit", "replay")
    assert (code, "COMES OUT OTHERWISE" in out) == (1, True)
    assert "docs-bot/answer/quality/hit@5 was met, and comes out unmet" in out
    _edit(lambda told: told.update({"evidence": "0" * 64, "may_enter": "launch"}))
    out = run("audit", "replay")[1]
    assert "is not the evidence that it was given on" in out
    assert "may enter was 'launch', and comes out None" in out
    _edit(lambda told: told.update({"launchworthy": "0.0.9"}))
    code, out, _ = run("audit", "replay")
    assert (code, "launchworthy 0.0.9 gave it" in out) == (2, True)


@pytest.mark.parametrize(
    "broken",
    [
        {"at": "yesterday"},
        {"at": "2026-01-01T00:00:00"},
        {"release": 3},
        {"pieces": "many"},
        {"judges": ["?"]},
        {"statuses": None},
        {"contract": "c-1"},
    ],
)
def test_an_entry_that_is_no_verdict_is_refused(run: Run, broken: dict[str, Any]) -> None:
    _edit(lambda told: told.update(broken))
    code, out, err = run("audit", "replay")
    assert (code, out) == (64, "")
    assert err.startswith("error: ")


def test_a_contract_that_was_changed_where_it_is_kept_is_not_taken(run: Run) -> None:
    with sqlite3.connect("data/metadata.sqlite") as metadata:
        metadata.execute("UPDATE contracts SET text = replace(text, '80 %', '10 %')")
    metadata.close()
    code, _, err = run("audit", "replay")
    assert (code, "was named" in err) == (64, True)
    assert run("audit", "contract", "c-000000000000")[0] == 64
    assert run("audit", "replay", "--entry", "1")[0] == 64
