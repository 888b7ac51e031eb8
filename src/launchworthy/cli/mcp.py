"""``launchworthy mcp``: the state of products for assistants, over the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, opened

if TYPE_CHECKING:
    from launchworthy.server import Workspace


@click.command()
@DATA
@click.option("--server", metavar="URL", help="Ask this server, with the key in LAUNCHWORTHY_KEY.")
@click.option(
    "--decide",
    is_flag=True,
    help="Offer to approve and reject calls too, as the person whose key is in LAUNCHWORTHY_KEY.",
)
def command(data: Path | None, server: str | None, decide: bool) -> None:
    """Serve the state of products to an assistant, over stdio.

    Verdicts, claims, evidence, decisions and the queue of approvals. Read-only: an assistant confirms
    nothing, unless a person gives it their own key and says --decide; then the rules for that person hold.
    """
    import os

    from launchworthy.errors import InputError
    from launchworthy.mcp import build_server

    key = os.environ.get("LAUNCHWORTHY_KEY")
    if decide and not key:
        raise InputError(
            "nobody knows who decides",
            where="--decide",
            hint="set LAUNCHWORTHY_KEY to a key of: launchworthy keys create NAME --role read --acts-as ROLE",
        )

    @contextmanager
    def reach() -> Iterator[tuple[Workspace, Mapping[str, Any]]]:
        if server is not None:
            from launchworthy.server.remote import RemoteWorkspace

            yield RemoteWorkspace(server, key=key), {}
        elif decide:
            from launchworthy.cli.approvals import as_person

            with as_person(data, key) as found:
                yield found
        else:
            with opened(data) as workspace:
                yield workspace, {}

    build_server(reach, decides=decide).run("stdio")
