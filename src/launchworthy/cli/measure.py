"""``launchworthy measure``: let the provers that read records look again."""

from __future__ import annotations

from pathlib import Path

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened


@click.command()
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(product: str | None, data: Path | None, as_json: bool) -> None:
    """Measure what records and gold sets prove now, and keep the evidence.

    A running server does so every minute by itself. Only what is new is appended.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import measured_text

    with opened(data) as workspace:
        name = product_of(workspace, product)
        found = workspace.measure(product=name)
    if as_json:
        echo_json({"evidence": [piece.as_json() for piece in found]})
        return
    if not found:
        click.echo(f"Nothing new for {name}: what was measured before still stands.")
        return
    count = "1 piece" if len(found) == 1 else f"{len(found):,} pieces"
    click.echo(f"{count} of evidence for {len({piece.claim for piece in found}):,} claims of {name}:")
    for piece in found:
        slice_ = f" [{piece.slice}]" if piece.slice else ""
        label = "  simulated" if piece.simulated else ""
        click.echo(f"  {piece.claim.removeprefix(f'{name}/')}{slice_}  {measured_text(piece)}{label}")
