"""``launchworthy export``: records to a Parquet file that any engine reads."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("table", type=click.Choice(["spans", "outcomes", "feedback", "scores"]))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Parquet file to write."
)
@click.option("--product", help="Only this product.")
@click.option("--workflow", help="Only this workflow.")
def command(table: str, data: Path | None, out: Path, product: str | None, workflow: str | None) -> None:
    """Write a table of records to a Parquet file; ids are hexadecimal text."""
    from launchworthy.errors import InputError
    from launchworthy.server import open_workspace

    if not out.parent.is_dir():
        raise InputError(f"the folder {out.parent} is not there", where=str(out), hint="make it first")
    where = {
        name: value for name, value in (("product", product), ("workflow", workflow)) if value is not None
    }
    workspace = open_workspace(data, make=False)
    try:
        rows = workspace.export(table, out=out, where=where or None)
    finally:
        workspace.close()
    click.echo(f"{rows:,} {table} in {out}")
