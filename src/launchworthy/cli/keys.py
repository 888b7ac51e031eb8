"""``launchworthy keys``: who may call a server that is bound beyond loopback."""

from __future__ import annotations

from pathlib import Path

import click

_DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy]."
)


@click.group()
def command() -> None:
    """Make, list and end API keys."""


@command.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["ingest", "read", "write"]),
    default="ingest",
    show_default=True,
    help="Each includes the one before.",
)
@click.option("--person", default="", help="Whose key it is [NAME].")
@click.option(
    "--acts-as",
    "acts_as",
    multiple=True,
    metavar="ROLE",
    help="Role of a contract in which they approve calls; may be repeated.",
)
@_DATA
def create(name: str, role: str, person: str, acts_as: tuple[str, ...], data: Path | None) -> None:
    """Make a key and show it once; only its hash is kept."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data)
    try:
        secret = workspace.add_api_key(name=name, role=role, person=person, acts_as=acts_as)
    finally:
        workspace.close()
    click.echo(secret)
    click.echo(f"This is the key {name!r} ({role}). It is not shown again.", err=True)


@command.command(name="list")
@_DATA
def list_keys(data: Path | None) -> None:
    """List the keys, without their secrets."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data)
    try:
        keys = workspace.api_keys()
    finally:
        workspace.close()
    if not keys:
        click.echo("No keys. Make one with: launchworthy keys create NAME --role ROLE")
    for key in keys:
        ended = f"ended {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else "live"
        who = f"  {key.person}, {', '.join(key.acts_as) or 'no role'}" if key.person else ""
        click.echo(f"{key.name:24} {key.role:8} made {key.created_at:%Y-%m-%d %H:%M} UTC  {ended}{who}")


@command.command()
@click.argument("name")
@_DATA
def revoke(name: str, data: Path | None) -> None:
    """End a key at once."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data)
    try:
        workspace.revoke_api_key(name=name)
    finally:
        workspace.close()
    click.echo(f"The key {name!r} is ended.")
