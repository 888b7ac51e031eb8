"""``launchworthy erase``: leave none of a person's data behind."""

from __future__ import annotations

from pathlib import Path

import click

from launchworthy.cli.figures import echo_json


@click.command()
@click.option("--product", required=True, help="Product whose records to search.")
@click.option(
    "--user", "user_id", required=True, help="User id as the application knows it, or the pseudonym u_…."
)
@click.option("--by", required=True, help="Who asks for it; stands in the audit chain.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(product: str, user_id: str, by: str, data: Path | None, as_json: bool) -> None:
    """Erase one user's records from every file, and put that on record."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=False)
    try:
        known = workspace.products()
        done = workspace.erase_subject(product=product, user_id=user_id, by=by)
    finally:
        workspace.close()
    if as_json:
        echo_json(dict(done))
        return
    removed = [f"{table}: {rows:,}" for table, rows in done["removed"].items() if rows]
    if removed:
        click.echo(f"erased from every file of {product}: {', '.join(removed)}")
    else:
        if product not in known:  # not refused: records that are minutes old make no product known yet
            there = ", ".join(known) or "none"
            click.echo(f"warning: no product {product} is known here; there are: {there}", err=True)
        click.echo(f"{product} held no record of this user; nothing was erased")
    click.echo(f"the request is in the audit chain as {done['id']}")
