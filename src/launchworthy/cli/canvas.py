"""``launchworthy canvas``: the contract on one page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--contract",
    "contract_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract to draw.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="HTML file to write."
)
def command(contract_path: Path, out: Path) -> None:
    """Draw a contract on one page as an AI Product Canvas, printable and in one file.

    Example: launchworthy canvas --contract launchworthy.yaml --out canvas.html
    """
    from launchworthy.console.canvas_file import canvas_html
    from launchworthy.contract import load_contract
    from launchworthy.errors import StorageError

    html = canvas_html(load_contract(contract_path))
    try:
        out.write_text(html, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror or error}", where=str(out)) from error
    click.echo(f"The canvas is in {out}")
