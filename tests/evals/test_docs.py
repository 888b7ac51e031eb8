from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "evals.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_notebook_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(_blocks("python")[-1], {})
    assert capsys.readouterr().out == "complete 20\n"


def test_the_docs_name_every_option_of_the_command() -> None:
    from launchworthy.cli.eval import command

    told = DOCS.read_text(encoding="utf-8")
    for name in "scorer resume max-cost limit baseline split bearer-env request response".split():
        assert f"--{name}" in told
    known = {option for parameter in command.params for option in parameter.opts}
    used = set(re.findall(r"launchworthy eval [^`]*?(--[a-z-]+)", told))
    assert used <= known
