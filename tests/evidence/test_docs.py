"""The page on evidence tells what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.evidence import Evidence, State, read_evidence
from launchworthy.evidence.wording import MARKS

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_two_files_of_the_page_give_the_verdict_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("launchworthy.yaml").write_text(_blocks("yaml")[0], encoding="utf-8")
    Path("evidence.jsonl").write_text(_blocks("json")[0], encoding="utf-8")
    assert len(read_evidence(Path("evidence.jsonl"))) == 2
    command, *expected = _blocks("console")[0].splitlines()
    with pytest.raises(SystemExit) as stopped:
        main(command.removeprefix("$ launchworthy ").split())
    assert stopped.value.code == 2
    assert capsys.readouterr().out.splitlines()[: len(expected)] == expected


def test_every_field_every_state_and_its_mark_are_on_the_page() -> None:
    for name in Evidence.__dataclass_fields__:
        assert f"`{name}`" in PAGE, name
    for state in State:
        assert f"| {MARKS[state]} {state.value} |" in PAGE


def test_the_refusals_that_the_page_names_are_those_of_the_code() -> None:
    from launchworthy.evidence.judgement import MAX_UNSCORED_SHARE

    assert f"more than {MAX_UNSCORED_SHARE:.0%}".replace("%", " %") in PAGE
