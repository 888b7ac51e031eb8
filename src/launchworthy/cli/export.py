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
@click.option("--learn", is_flag=True, help="Only what the contract lets be learnt from.")
def command(
    table: str, data: Path | None, out: Path, product: str | None, workflow: str | None, learn: bool
) -> None:
    """Write a table of records to a Parquet file; ids are hexadecimal text.

    What trains or tunes a model is exported with --learn: rows of traces that read a source which may not be
    learnt from, or which the contract does not name, are left out, and so are rows past their retention.
    """
    from launchworthy.errors import InputError
    from launchworthy.server import open_workspace

    if not out.parent.is_dir():
        raise InputError(f"the folder {out.parent} is not there", where=str(out), hint="make it first")
    where = {
        name: value for name, value in (("product", product), ("workflow", workflow)) if value is not None
    }
    workspace = open_workspace(data, make=False)
    try:
        if learn and product is None:
            raise click.UsageError("--learn needs --product, whose contract says what may be learnt")
        rows = workspace.export(table, out=out, where=where or None, learn=learn)
        refused = workspace.refused_traces(product=product) if learn and product is not None else []
    finally:
        workspace.close()
    click.echo(f"{rows:,} {table} in {out}")
    for each in refused:
        why = f"read {each['source']}" if each["source"] is not None else "read what does not say its source"
        count = "1 trace" if each["traces"] == 1 else f"{each['traces']:,} traces"
        click.echo(f"left out: {count} that {why}, which may not be learned from")
