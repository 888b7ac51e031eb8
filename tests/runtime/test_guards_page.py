"""docs/guards.md: its contract, command and program print what the page says, and it lists every guard."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.contract.guard_words import GUARD_WORDS, OTHER_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(_blocks("yaml")[0], encoding="utf-8")
    (tmp_path / "answers.jsonl").write_text(_blocks("json")[0], encoding="utf-8")
    (command,) = (block.removeprefix("$ launchworthy ") for block in _blocks("console"))
    with pytest.raises(SystemExit):
        main(shlex.split(command))
    printed = [capsys.readouterr().out]
    exec(compile(_blocks("python")[0], "page", "exec"), {})
    printed.append(capsys.readouterr().out)
    assert printed == _blocks("text")
    with pytest.raises(SystemExit) as stopped:
        main(["lint", "launchworthy.yaml"])
    assert stopped.value.code == 0


def test_the_page_lists_every_guard_with_what_it_takes() -> None:
    rows = {
        tuple(re.findall(r"`([a-z_]+)`", cells[0])): cells
        for line in PAGE.splitlines()
        if line.startswith("| `") and len(cells := line.strip("| ").split(" | ")) == 4
    }
    assert {names[0] for names in rows} == set(GUARD_WORDS)
    for (name, *others), cells in rows.items():
        word = GUARD_WORDS[name]
        assert others == [other for other, of in OTHER_NAMES.items() if of == name]
        taken = set(re.findall(r"`([a-z_:, ]+)`", cells[2]))
        shared = {"calibration", "false_positives"}
        assert taken == (word.takes - shared) | {f"options: {option}" for option in word.options}
        assert word.doc in cells[1]
