"""The page on ranking and text prints what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from launchworthy.cli.main import cli

PAGE = Path(__file__).parents[2] / "docs" / "ranking-and-text.md"


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_example_of_the_page_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [answers] = _blocks("json")
    Path("answers.jsonl").write_text(answers, encoding="utf-8")
    [program] = _blocks("python")
    exec(program, {})
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
    assert tried == 5


def test_the_page_names_every_option_of_its_metrics() -> None:
    text = PAGE.read_text(encoding="utf-8")
    from launchworthy.metrics import collection, likelihood, ranking, rouge, similarity, translation

    for family in (rouge.FAMILY, translation.FAMILY, similarity.FAMILY, likelihood.FAMILY):
        for name, (_, options) in family.items():
            assert f"`{name}`" in text
            for option in options:
                assert f"`{option}=" in text, option
    for by_depth in (ranking.BY_DEPTH, collection.BY_DEPTH):
        for _, options, _ in by_depth.values():
            for option in options:
                assert f" {option}=" in text, option
