"""The tutorial, done as a new user would: each file saved, each command typed, each answer as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"(?P<before>[^\n]*\n)\n```(?P<language>console|python|yaml)\n(?P<body>.*?)```", re.DOTALL)


def _steps(block: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.rstrip("\n").partition("\n")
        yield command, shown


def _pattern(shown: str) -> str:
    """``…`` stands for anything."""
    return ".*?".join(re.escape(part) for part in shown.split("…"))


def test_the_tutorial_answers_what_it_says(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LAUNCHWORTHY_DATA": str(tmp_path / ".launchworthy"),
        "COLUMNS": "200",
        "PYTHONDONTWRITEBYTECODE": "1",  # a file edited within a second is read anew
    }
    codes: list[int] = []
    for block in BLOCK.finditer((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        if block["language"] != "console":
            (name,) = re.findall(r"[Ss]ave (?:it|this) as `([^`]+)`:", block["before"])
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(block["body"], encoding="utf-8")
            continue
        for command, shown in _steps(block["body"]):
            done = subprocess.run(
                command,
                shell=True,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert "Traceback" not in done.stderr, (command, done.stderr)
            assert re.match(_pattern(shown), done.stdout, flags=re.DOTALL), (
                command,
                done.stdout,
                done.stderr,
            )
            if command.startswith("launchworthy verdict"):
                codes.append(done.returncode)
            else:
                assert done.returncode == 0, (command, done.stderr)
    assert codes == [2, 0, 1], "unproven, then met, then unmet"


def test_the_notebook_page_runs_from_top_to_bottom() -> None:
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "notebook.md").read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(block, names)
    assert "proven no worse than" in names["better"].conclusion  # type: ignore[attr-defined]
    assert len(names["frame"]) == 40  # type: ignore[arg-type]


def test_the_markers_of_the_pytest_page_are_those_that_the_plugin_takes() -> None:
    from launchworthy.pytest_plugin import _NAMES, MARKER

    page = (DOCS / "pytest.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == _NAMES
    assert all(name in MARKER for name in _NAMES)
