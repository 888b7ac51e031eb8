"""``launchworthy measure``: let the provers that read records look again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.evidence import Evidence


@click.command()
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(product: str | None, data: Path | None, as_json: bool) -> None:
    """Measure what records and gold sets prove now, and keep the evidence.

    A running server does so every minute by itself. Only what says something else than before is appended:
    by hand at once, by itself once an hour where no state changes.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import measured_text

    with opened(data) as workspace:
        name = product_of(workspace, product)
        found = workspace.measure(product=name)
        before = [] if found else workspace.evidence(product=name)
    if as_json:
        echo_json({"evidence": [piece.as_json() for piece in found]})
        return
    if not found:
        click.echo(f"Nothing new for {name}: {_stands(before)}")
        return
    different = len({piece.claim for piece in found})
    claims = "1 claim" if different == 1 else f"{different:,} claims"
    count = "1 piece" if len(found) == 1 else f"{len(found):,} pieces"
    click.echo(f"{count} of evidence for {claims} of {name}:")
    for piece in found:
        slice_ = f" [{piece.slice}]" if piece.slice else ""
        label = "  simulated" if piece.simulated else ""
        click.echo(f"  {piece.claim.removeprefix(f'{name}/')}{slice_}  {measured_text(piece)}{label}")


def _stands(pieces: list[Evidence]) -> str:
    """What was measured before, and when."""
    if not pieces:
        return "nothing that it claims can be measured from what is recorded yet."
    newest = max(piece.observed_at for piece in pieces)
    claims = len({piece.claim for piece in pieces})
    counted = "1 claim was" if claims == 1 else f"{claims:,} claims were"
    return f"{counted} measured before, last at {newest:%Y-%m-%d %H:%M} UTC, and the figures are the same."
