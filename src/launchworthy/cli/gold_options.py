"""What the commands under ``launchworthy gold`` share. No command of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from launchworthy.server import Workspace

__all__ = ["DATA", "JSON", "MANY", "PRODUCT", "times", "user", "workspace_at"]

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy]."
)
PRODUCT = click.option("--product", help="Product [that of launchworthy.yaml, or the only one].")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
MANY = 20  # lines of a kind that are printed; --json prints all


@contextmanager
def workspace_at(data: Path | None) -> Iterator[Workspace]:
    """The data folder, opened here or spoken to where a server owns it."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data)
    try:
        yield workspace
    finally:
        workspace.close()


def user() -> str:
    """Who runs the command, for the record."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def times(count: int) -> str:
    """How often."""
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")
