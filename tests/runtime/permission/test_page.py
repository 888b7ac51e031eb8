"""docs/permission.md: its contract, commands and program print what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from launchworthy.cli.main import main

PAGE = (Path(__file__).parents[3] / "docs" / "permission.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(_blocks("yaml")[0], encoding="utf-8")
    (tmp_path / "calls.jsonl").write_text(_blocks("json")[0], encoding="utf-8")
    commands = [block.removeprefix("$ launchworthy ") for block in _blocks("console")]
    printed = []
    for command in commands:
        with pytest.raises(SystemExit):
            main(shlex.split(command))
        printed.append(capsys.readouterr().out)
    for program in _blocks("python"):
        exec(compile(program, "page", "exec"), {})
        printed.append(capsys.readouterr().out)
    assert printed == _blocks("text")
    with pytest.raises(SystemExit) as stopped:
        main(["lint", "launchworthy.yaml"])
    assert stopped.value.code == 0
