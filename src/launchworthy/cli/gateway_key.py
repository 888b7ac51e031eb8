"""``launchworthy gateway-key``: make a key for a client of the gateway."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gateway-keys.json"),
    show_default=True,
    help="File that keeps the hashes of the keys.",
)
@click.option(
    "--trusted",
    is_flag=True,
    help="May say by headers who its user is; only for clients that never leave a server.",
)
@click.option("--role", "roles", multiple=True, help="Role of whoever calls with it; repeatable.")
@click.option("--workflow", "workflows", multiple=True, help="Workflow that it may call [all]; repeatable.")
def command(name: str, keys: Path, trusted: bool, roles: tuple[str, ...], workflows: tuple[str, ...]) -> None:
    """Make a key for a client of the gateway.

    The key is shown once; the file keeps its hash. Take its entry out of the file to end it.
    """
    from launchworthy.gateway import add_key

    click.echo(add_key(keys, name, trusted=trusted, roles=roles, workflows=workflows))
