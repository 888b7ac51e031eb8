from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from launchworthy.cli.gold import command
from launchworthy.errors import ConflictError, InputError, NotFoundError
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

TRACE = random.Random(4).randbytes(16)


Gold = Callable[..., Any]


@pytest.fixture
def gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gold]:
    """Calls the command on a data folder with one call in it, which stays open in between."""
    row = {
        "product": "docs",
        "workflow": "answer",
        "kind": "workflow",
        "release": "r-1",
        "trace_id": TRACE,
        "span_id": b"12345678",
        "start_time": time.time_ns() - 10**9,
        "input": json.dumps("How do I sort a list?"),
    }
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    columns = {name: [row.get(name)] for name in TABLES["spans"].names}
    workspace._store.ingest([Rows("spans", columns)], batch_id="b")
    workspace._store.flush()
    close = workspace.close
    monkeypatch.setattr(workspace, "close", lambda: None)
    monkeypatch.setattr("launchworthy.server.open_workspace", lambda data: workspace)

    def call(*arguments: str) -> Any:
        result = CliRunner().invoke(command, [*arguments, "--product", "docs"], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result

    yield call
    close()


def test_from_a_trace_to_a_reviewed_item_that_an_export_carries(gold: Gold, tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text('{"sorted": 2}')
    item = f"t-{TRACE.hex()[:16]}"
    told = gold("promote", TRACE.hex(), "--name", "answer", "--expected-file", str(truth), "--slice", "new")
    assert f"{item}, which waits for review" in told.output
    assert "1 item (1 not reviewed)" in gold("show", "answer").output
    (waiting,) = json.loads(gold("review", "answer", "--json").output)["waiting"]
    assert (waiting["id"], waiting["expected"], waiting["slices"]) == (item, {"sorted": 2}, ["new"])
    assert waiting["provenance"]["release"] == "r-1"
    accepted = gold("review", "answer", item, "--accept", "--because", "checked with the docs")
    assert f"{item} is reviewed; 0 wait" in accepted.output
    assert gold("review", "answer").output == "No item waits for review.\n"
    assert "1 item (1 " in gold("show", "answer").output
    (line,) = gold("export", "answer").output.splitlines()
    row = json.loads(line)
    assert (row["review"]["status"], row["review"]["because"]) == ("reviewed", "checked with the docs")
    assert row["canary"] == gold("canary", "answer").output.strip()
    versions = json.loads(gold("list", "--json").output)
    told = gold("diff", f"answer@{versions[1]['version']}", f"answer@{versions[0]['version']}")
    assert f"~ {item}: review (proposed → reviewed)" in told.output


def test_an_item_is_rejected_for_a_reason_and_then_neither_asked_nor_counted(gold: Gold) -> None:
    item = f"t-{TRACE.hex()[:16]}"
    gold("promote", TRACE.hex(), "--name", "answer", "--expected", "sorted()")
    with pytest.raises(InputError, match="for a reason"):
        gold("review", "answer", item, "--reject")
    gold("review", "answer", item, "--reject", "--because", "no question")
    assert "1 item (1 rejected)" in gold("show", "answer").output
    with pytest.raises(ConflictError):
        gold("promote", TRACE.hex(), "--name", "answer")


def test_what_cannot_be_promoted_or_reviewed_is_said(gold: Gold, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no trace"):
        gold("promote", "0" * 32, "--name", "answer")
    with pytest.raises(InputError):
        gold("promote", "not hex", "--name", "answer")
    with pytest.raises(InputError, match="cannot name a gold set"):
        gold("promote", TRACE.hex(), "--name", "a@b")
    with pytest.raises(click.UsageError):
        gold("promote", TRACE.hex(), "--name", "a", "--expected", "x", "--expected-file", "y")
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "absent.json"):
        with pytest.raises(InputError):
            gold("promote", TRACE.hex(), "--name", "a", "--expected-file", str(tmp_path / name))
    for arguments in (("answer", "x"), ("answer", "--accept")):
        with pytest.raises(click.UsageError):
            gold("review", *arguments)
    for arguments in (("review", "answer"), ("canary", "answer")):
        with pytest.raises(NotFoundError):
            gold(*arguments)


def test_columns_are_mapped_on_import(gold: Gold, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("q,label\nWhat?,yes\n")
    arguments = ["import", str(file), "--name", "answer", "--map", "q=input", "--map", "label=expected"]
    assert json.loads(gold(*arguments, "--json").output)["items"] == 1
    for wrong in ("q", "=input", "q=", "label=input"):
        with pytest.raises(click.BadParameter):
            gold("import", str(file), "--name", "b", "--map", "q=input", "--map", wrong)


def test_a_difference_shows_what_a_dev_item_was_and_is(gold: Gold, tmp_path: Path) -> None:
    for name, expected in (("a", "x"), ("b", "y")):
        rows = [
            {"id": split, "input": split, "expected": expected, "split": split}
            for split in ("dev", "holdout")
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = gold("diff", str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), "--values").output
    assert told.splitlines()[1:] == [
        "~ dev: expected",
        '    expected: "x" → "y"',
        "~ holdout: expected",
        "    expected: (kept back)",
    ]
