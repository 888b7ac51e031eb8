"""``launchworthy retention``: remove what is older than the contracts allow."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
def command(data: Path | None) -> None:
    """Remove the records that are older than the contracts allow; a running server does so every hour."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=False)
    try:
        removed = workspace.apply_retention()
    finally:
        workspace.close()
    if not removed:
        click.echo("no contract in force here limits how long records are kept; nothing was removed")
    for table, rows in removed.items():
        click.echo(f"{table}: {rows:,} rows removed")
