from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from launchworthy.cli.gold import command
from launchworthy.errors import InputError, LaunchworthyError, NotFoundError, StorageError

ROWS = [
    {"id": f"q{n}", "input": f"question {n}", "expected": n, "slices": ["odd"] if n % 2 else []}
    for n in range(10)
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


def test_a_set_is_imported_listed_shown_and_exported_to_the_same_version(gold: Any, tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", ROWS)
    first = json.loads(gold("import", file, "--name", "answer", "--product", "docs", "--json").output)
    assert (first["items"], first["new"], first["slices"]) == (10, True, {"odd": 5})
    assert "nothing changed" in gold("import", file, "--name", "answer").output
    assert f"answer@{first['version']}" in gold("list").output
    out = tmp_path / "out.jsonl"
    gold("export", "answer", "--out", str(out))
    again = json.loads(gold("import", str(out), "--name", "answer", "--json").output)
    assert (again["version"], again["new"]) == (first["version"], False)
    shown = json.loads(gold("show", f"answer@{first['version'][:8]}", "--items", "--json").output)
    assert {row["split"] for row in shown["rows"]} == {"dev"}
    assert len(shown["looks"]) == 1
    assert "gold export" in gold("show", "answer").output
    with pytest.raises(StorageError, match="cannot be written"):
        gold("export", "answer", "--out", str(tmp_path / "absent" / "out.jsonl"))


def test_broken_rows_are_all_told_and_nothing_is_imported(gold: Any, store: Any, tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [*ROWS, {"id": "q1", "input": "again"}, {"id": "x"}])
    result = gold("import", file, "--name", "answer", "--product", "docs")
    assert "2 rows are broken, so nothing was imported" in result.stderr
    assert f"{file}:11: the id 'q1' stands at line 2 already" in result.stderr
    assert f"{file}:12: the input is missing" in result.stderr
    assert store.versions == []


def test_of_many_broken_rows_the_first_are_told_and_json_lists_all(
    gold: Any, store: Any, tmp_path: Path
) -> None:
    file = _write(tmp_path / "a.jsonl", [{"id": f"x{n}"} for n in range(300)])
    lines = gold("import", file, "--name", "answer", "--product", "docs").stderr.splitlines()
    assert len(lines) == 22
    assert f"{file}:20: " in lines[19]
    assert lines[20] == "… and 280 more; --json lists them all"
    assert "300 rows are broken" in lines[21]
    told = json.loads(gold("import", file, "--name", "answer", "--product", "docs", "--json").stdout)
    assert [one["where"] for one in told["problems"]] == [f"{file}:{n}" for n in range(1, 301)]
    assert store.versions == []


def test_a_difference_names_items_and_costs_no_look(gold: Any, store: Any, tmp_path: Path) -> None:
    old = _write(tmp_path / "a.jsonl", ROWS)
    new = _write(
        tmp_path / "b.jsonl",
        [*ROWS[1:8], {**ROWS[8], "slices": ["odd"]}, ROWS[9], {"id": "q10", "input": "n"}],
    )
    assert gold("import", old, "--name", "answer", "--product", "docs").exit_code == 0
    text = gold("diff", "answer", new).output
    assert text.splitlines() == [
        "1 added, 1 removed, 1 changed, 8 the same",
        "+ q10",
        "- q0",
        "~ q8: slices (joined odd)",
    ]
    assert json.loads(gold("diff", old, new, "--json").output)["added"] == ["q10"]
    assert store.seen == []


def test_printing_a_holdout_is_counted_before_it_is_read(gold: Any, store: Any, tmp_path: Path) -> None:
    gold("import", _write(tmp_path / "a.jsonl", ROWS), "--name", "answer", "--product", "docs")
    store.log.clear()
    result = gold("show", "answer", "--holdout")
    assert store.log[:2] == ["look", "read holdout"]
    assert "holdout read once" in result.output


@pytest.mark.parametrize("share", ["140 %", "two", "3 s", "-1"])
def test_a_holdout_that_is_no_share_is_refused(gold: Any, tmp_path: Path, share: str) -> None:
    with pytest.raises(click.BadParameter):
        gold(
            "import", _write(tmp_path / "a.jsonl", ROWS), "--name", "a", "--product", "p", "--holdout", share
        )


def test_what_is_not_there_is_said(gold: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no product is known here yet"):
        gold("show", "answer")
    with pytest.raises(NotFoundError, match="no gold set"):
        gold("show", "answer", "--product", "docs")
    assert "No gold sets" in gold("list").output
