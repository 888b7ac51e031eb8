"""The page on decisions, probabilities and groups prints what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from launchworthy.cli.main import cli

PAGE = Path(__file__).parents[2] / "docs" / "classification.md"


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_example_of_the_page_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [program], [costs] = _blocks("python"), _blocks("json")
    exec(program, {})
    Path("costs.json").write_text(costs, encoding="utf-8")
    tried = 0
    for block in _blocks("console"):
        for part in re.split(r"^\$ launchworthy ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            said = CliRunner().invoke(cli, shlex.split(command), standalone_mode=False)
            printed = said.stdout.splitlines()
            assert len(printed) == len(shown), (command, said.output)
            for line, expected in zip(printed, shown, strict=True):
                assert re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line), line
            tried += 1
    assert tried == 6
