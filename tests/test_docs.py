"""The docs say what is there: every page is listed, every link leads somewhere, every command exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from launchworthy.cli.main import COMMANDS, cli
from launchworthy.cli.reference import cli_reference

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if page.name != "cli.md"]


def test_the_page_of_the_command_line_is_current() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == cli_reference(), "run: python -m launchworthy.cli.reference > docs/cli.md"


def test_every_command_has_a_file_and_the_summary_it_is_listed_with() -> None:
    root = click.Context(cli)
    for name, summary in COMMANDS.items():
        command = cli.get_command(root, name)
        assert command is not None
        assert (command.help or "").startswith(summary.rstrip(".")), name


def test_every_page_is_listed_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\(([^)#]+)\)", index))
    there = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").glob("*.md")}
    assert there - {"README.md"} <= listed
    assert "decisions/README.md" in listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def _command_lines(page: Path) -> Iterator[list[str]]:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```(?:console|sh|)\n(.*?)```", text, flags=re.DOTALL):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            match = re.match(r"\s*(?:\$ )?(?:launchworthy|lw) (.+)", line)
            if match:
                yield shlex.split(match[1].replace("…", ""), comments=True)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_shown_names_commands_and_options_that_exist(page: Path) -> None:
    root = click.Context(cli)
    for words in _command_lines(page):
        name, *rest = words
        if name.startswith("-"):
            continue
        assert name in COMMANDS, words
        command = cli.get_command(root, name)
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            command, rest = command.get_command(root, rest[0]), rest[1:]
        assert command is not None, words
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, words
