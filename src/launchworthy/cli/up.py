"""``launchworthy up``: serve the console, the API and OTLP from one data folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port", default=8321, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option(
    "--contract",
    "contracts",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Contract to follow; repeatable [launchworthy.yaml, if there].",
)
def command(host: str, port: int, data: Path | None, contracts: tuple[Path, ...]) -> None:
    """Serve the console, the API and OTLP from one data folder."""
    from launchworthy.server import data_folder, serve

    default = Path("launchworthy.yaml")
    if not contracts and default.is_file():
        contracts = (default,)
    folder = data_folder(data)
    serve(
        folder,
        host=host,
        port=port,
        contracts=contracts,
        announce=lambda url: click.echo(
            f"Launchworthy is at {url}  (data in {folder}; OTLP to {url}/v1/traces; stop with Ctrl-C)"
        ),
    )
