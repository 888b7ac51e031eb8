"""Dependency points one way: a room imports only from the floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import launchworthy

ROOT = Path(launchworthy.__file__).parent

# Rooms by floor, ground floor first. A room may import any room of a lower floor, and itself.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "quantity"),
    ("functions", "jsonl", "model_files", "records", "stats"),
    ("contract", "metrics"),
    ("gold", "evidence", "capture"),
    ("runtime",),
    ("store",),
    ("evals", "monitor", "rollout"),
    ("provers",),
    ("gateway", "pack", "server"),
    ("console", "mcp"),
    ("cli", "demo", "notebook"),
)
LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}
# Two rooms that stand on top together: the commands start the server and the demo, the server shows pages.
BESIDE = {("cli", "demo"), ("demo", "cli"), ("server", "console")}
TOP_FILES = {"__init__.py", "__main__.py", "pytest_plugin.py", "pytest_suite.py", "testing.py"}


def _imports(path: Path) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("launchworthy."):
            found.append((node.module.split(".")[1], node.lineno))
        elif isinstance(node, ast.Import):
            found += [
                (alias.name.split(".")[1], node.lineno)
                for alias in node.names
                if alias.name.startswith("launchworthy.")
            ]
    return found


def _modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in TOP_FILES)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_lower_floors(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    wrong = [
        f"line {line}: {other}"
        for other, line in _imports(path)
        if other != room and (room, other) not in BESIDE and LEVEL[other] >= LEVEL[room]
    ]
    assert not wrong, f"{room} may not import {wrong}"


def test_every_room_stands_on_a_floor() -> None:
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in _modules()}
    assert rooms <= set(LEVEL), rooms - set(LEVEL)
