"""``launchworthy incidents``: limits that calls passed, until somebody has seen to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.monitor.incidents import Incident
    from launchworthy.server import Workspace


class _Incidents(click.Group):
    """``incidents`` alone lists them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Incidents)
def command() -> None:
    """List incidents, or close one.

    A call that passes a limit of the contract, or is stopped at one, opens an incident of that limit; further
    ones join it until somebody closes it.

    Examples: launchworthy incidents; launchworthy incidents close i-3f2a --by ana --because "a larger model"
    """


@command.command(name="list")
@PRODUCT
@DATA
@click.option("--all", "closed_too", is_flag=True, help="Closed ones too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_incidents(product: str | None, data: Path | None, closed_too: bool, as_json: bool) -> int:
    """List incidents, the newest first; the word list may be left out.

    Exit code: 0 none is open, 1 some are.
    """
    from launchworthy.cli.figures import echo_json

    with opened(data) as workspace:
        name = _product(workspace, product)
        found = _incidents(workspace, name)
    shown = [each for each in found if closed_too or each.closed is None]
    if as_json:
        echo_json({"incidents": [each.as_json() for each in shown]})
    elif not shown:
        click.echo(f"No {'incident' if closed_too else 'open incident'} of {name}.")
    else:
        for each in shown:
            _print(each, name)
    return 1 if any(each.closed is None for each in shown) else 0


@command.command()
@click.argument("incident", metavar="ID")
@click.option("--by", required=True, help="Who closes it.")
@click.option("--because", required=True, help="What was done about it, in a sentence.")
@PRODUCT
@DATA
def close(incident: str, by: str, because: str, product: str | None, data: Path | None) -> None:
    """Close an incident; a later overrun of the same limit opens another.

    Who closed it and why stands in the audit chain.
    """
    from datetime import UTC, datetime

    from launchworthy.errors import NotFoundError
    from launchworthy.monitor.incidents import INCIDENT

    if not by.strip() or not because.strip():
        raise click.UsageError("say who closes it, and what was done about it")
    with opened(data) as workspace:
        name = _product(workspace, product)
        one = [each for each in _incidents(workspace, name) if each.id == incident and each.closed is None]
        if not one:
            raise NotFoundError(
                f"no open incident {incident!r:.80}", where=name, hint="`launchworthy incidents` lists them"
            )
        body = {
            "incident": one[0].id,
            "rule": one[0].rule,
            "state": "closed",
            "until_ns": int(datetime.now(UTC).timestamp() * 1_000_000) * 1_000,
            "by": by,
            "because": because,
        }
        workspace.record(product=name, kind=INCIDENT, body=body)
    click.echo(f"closed {one[0].id}: {one[0].rule.removeprefix(f'{name}/')}")


def _product(workspace: Workspace, given: str | None) -> str:
    from launchworthy.cli.product import product_of

    return product_of(workspace, given)


def _incidents(workspace: Workspace, product: str) -> list[Incident]:
    from launchworthy.monitor.incidents import INCIDENT, closing_of, incidents

    entries, after = [], 0
    while page := workspace.ledger_entries(product=product, after=after):
        entries += [each for each in page if each.kind == INCIDENT]
        after = page[-1].seq
    closings = [closing for each in entries if (closing := closing_of(each.body)) is not None]
    return incidents(workspace.query, product=product, closings=closings)


def _print(each: Incident, product: str) -> None:
    from launchworthy.cli.figures import printable

    mode = f", which is {each.failure_mode}" if each.failure_mode else ""
    stopped = f", {each.stopped:,} of them stopped" if each.stopped else ""
    calls = "1 call" if each.calls == 1 else f"{each.calls:,} calls"
    click.echo(printable(f"{each.id}  {each.state}  {each.rule.removeprefix(f'{product}/')}{mode}", most=200))
    click.echo(
        f"  {calls}{stopped}, from {each.opened_at:%Y-%m-%d %H:%M} to {each.last_at:%Y-%m-%d %H:%M} UTC"
    )
    click.echo(printable(f"  {each.reason}; newest: {', '.join(each.traces)}", most=300))
    if each.closed is not None:
        click.echo(printable(f"  closed by {each.closed.by}: {each.closed.because}", most=300))
