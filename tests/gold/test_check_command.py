from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from launchworthy.cli.gold import command
from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.gold import split_of

QUESTION = "How do I sort a list of numbers by their absolute value in Python?"
ROWS = [
    {"id": "a", "input": QUESTION, "split": "dev"},
    {"id": "b", "input": "What is the quickest way to read a large file line by line?", "split": "holdout"},
    {"id": "c", "input": "Which module tells me how many days lie between two dates?", "split": "sealed"},
]


@pytest.fixture
def gold(store: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.setattr("launchworthy.server.open_workspace", lambda data: store)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(command, arguments, standalone_mode=False)
        if isinstance(result.exception, (LaunchworthyError, click.UsageError)):
            raise result.exception
        return result

    return call


def _write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_clean_set_exits_with_0_and_a_leak_with_1(gold: Any, tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", ROWS)
    clean = gold("check", file)
    assert clean.return_value == 0
    assert clean.output == f"{file}: 3 items; 0 leaks, 0 near-copies in one split\n"
    (tmp_path / "prompt.md").write_text(f"Answer.\n\nQ: {ROWS[1]['input']}\nA: with a loop\n")
    found = gold("check", file, "--against", str(tmp_path / "prompt.md"))
    assert found.return_value == 1
    assert "3 items, 1 text in 1 file; 1 leak," in found.output
    assert f"leak  b (holdout) stands in {tmp_path}/prompt.md:3, containment 100 %" in found.output


def test_a_stored_set_is_checked_without_a_look_and_without_its_kept_back_texts(
    gold: Any, store: Any, tmp_path: Path
) -> None:
    rows = [*ROWS, {"id": "d", "input": QUESTION + " Thanks", "split": "holdout"}]
    gold("import", _write(tmp_path / "a.jsonl", rows), "--name", "answer", "--product", "docs")
    found = gold("check", "answer", "--json")
    assert found.return_value == 1
    (pair,) = json.loads(found.output)["copies"]
    assert (pair["item"], pair["other"], pair["leak"], pair["texts"]) == ("a", "d", True, [QUESTION, None])
    assert "(kept back)" in gold("check", "answer").output
    assert store.seen == []


def test_of_a_file_too_the_texts_of_kept_back_items_are_not_printed(gold: Any, tmp_path: Path) -> None:
    rows = [*ROWS, {"id": "d", "input": ROWS[2]["input"] + " Thanks", "split": "holdout"}]
    file = _write(tmp_path / "a.jsonl", rows)
    prompt = tmp_path / "prompt.md"
    prompt.write_text(f"Examples.\n\n{ROWS[0]['input']}")
    for as_json in ((), ("--json",)):
        found = gold("check", file, "--against", str(prompt), *as_json)
        assert found.return_value == 1
        assert "c" in found.output
        assert "days lie between" not in found.output
        assert "absolute value" in found.output  # a dev item may be seen


def test_a_threshold_moves_what_is_told(gold: Any, tmp_path: Path) -> None:
    rows = [ROWS[0], {"id": "x", "input": "How do I sort a list of words by their last letter in Python?"}]
    file = _write(tmp_path / "a.jsonl", rows)
    assert gold("check", file).output.endswith("0 near-copies in one split\n")
    assert "resemble each other" in gold("check", file, "--threshold", "0.3").output
    with pytest.raises(InputError):
        gold("check", file, "--threshold", "0")


def test_what_was_not_read_is_said(gold: Any, tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [*ROWS, {"id": "n", "input": {"amount": 3}}])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "scan.pdf").write_bytes(b"%PDF")
    told = gold("check", file, "--against", str(tmp_path / "docs")).stderr
    assert "1 item without text could not be compared" in told
    assert "1 file not read: .pdf" in told
    with pytest.raises(InputError, match="no such file"):
        gold("check", file, "--against", str(tmp_path / "absent"))


def test_sealed_items_are_printed_only_on_demand_and_that_is_recorded(
    gold: Any, store: Any, tmp_path: Path
) -> None:
    gold("import", _write(tmp_path / "a.jsonl", ROWS), "--name", "answer", "--product", "docs")
    assert "days lie between" not in gold("show", "answer", "--items", "--holdout").output
    out = tmp_path / "out.jsonl"
    told = gold("export", "answer", "--out", str(out))
    assert "1 sealed left out" in told.stderr
    assert "days lie between" not in out.read_text()
    assert [look.split for look in store.seen] == ["holdout", "holdout"]
    shown = gold("show", "answer", "--sealed")
    assert "days lie between" in shown.output
    assert "sealed split read once" in shown.output
    assert [look.split for look in store.seen][2:] == ["sealed"]
    gold("export", "answer", "--sealed", "--out", str(out))
    again = json.loads(gold("import", str(out), "--name", "answer", "--json").output)
    assert again["new"] is False


def test_a_share_is_sealed_on_import(gold: Any, tmp_path: Path) -> None:
    rows = [{"id": f"q{n}", "input": f"question {n}"} for n in range(200)]
    file = _write(tmp_path / "a.jsonl", rows)
    told = gold("import", file, "--name", "a", "--product", "p", "--sealed", "20 %", "--json")
    assert set(json.loads(told.output)["splits"]) == {"dev", "holdout", "sealed"}
    with pytest.raises(InputError, match="more than all"):
        gold("import", file, "--name", "a", "--product", "p", "--sealed", "70 %")


def test_the_contract_of_the_folder_decides_the_shares_of_its_set(gold: Any, tmp_path: Path) -> None:
    (tmp_path / "launchworthy.yaml").write_text(
        "launchworthy: 1\nproduct: docs\nowners: {product: a@example.com}\n"
        "workflows:\n  answer: {user: customer, job: learn something, no_answer: refuse,"
        " quality: {exact_match: {at_least: 50 %}}}\n"
        "gold:\n  answer: {file: a.jsonl, holdout: 30 %, sealed: 20 %}\n"
        "rollout: {stages: [{name: launch, share: 100 %, needs: [quality]}]}\n"
    )
    rows = [{"id": f"q{n}", "input": f"question {n}", "expected": f"answer {n}"} for n in range(400)]
    file = _write(tmp_path / "a.jsonl", rows)

    def splits(*arguments: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(gold("import", file, *arguments, "--json").output)["splits"]
        return found

    own = splits("--name", "answer")
    assert own["holdout"] == sum(split_of(row["id"], holdout=0.3) == "holdout" for row in rows)
    assert own["sealed"] == sum(split_of(row["id"], sealed=0.2) == "sealed" for row in rows) > 0
    assert "sealed" not in splits("--name", "answer", "--sealed", "0 %")  # who says so decides
    assert "sealed" not in splits("--name", "another")
    assert "sealed" not in splits("--name", "answer", "--product", "other")
    version = json.loads(gold("import", file, "--name", "answer", "--json").output)["version"]
    told = gold("diff", file, f"answer@{version}").output
    assert told.startswith("0 added, 0 removed, 0 changed")
