"""``launchworthy runs``: what was evaluated, when, and how it went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.runs_export import export, log_mlflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from launchworthy.records import Run, RunItem
    from launchworthy.server import Workspace

_WORST = 20


class _Runs(click.Group):
    """``runs`` and ``runs RUN`` show; a run's id is no subcommand, and so is shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Runs)
def command() -> None:
    """List evaluation runs, show one, or take it elsewhere.

    Examples: launchworthy runs; launchworthy runs RUN; launchworthy runs export RUN --out items.parquet
    """


command.add_command(export)
command.add_command(log_mlflow)


@command.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--product", help="Only this product's.")
@click.option("--workflow", help="Only this workflow's.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with RUN, every item and its scores.")
def show(
    run: str | None, product: str | None, workflow: str | None, data: Path | None, as_json: bool
) -> None:
    """List evaluation runs, or show one; the word show may be left out."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=False)
    try:
        if run is None:
            headers = workspace.runs(product=product, workflow=workflow)
            if as_json:
                click.echo(json.dumps([_plain(header) for header in headers]))
            else:
                _print_list(headers, waiting=_waiting(workspace, headers, data))
            return
        header = workspace.run(run)
        if as_json:  # it prints what the holdout asks
            from launchworthy.cli.gold_options import count_reading

            count_reading(workspace, header, "runs --json of")
        items = workspace.run_items(run)
        waiting = {} if as_json else _waiting(workspace, [header], data)
    finally:
        workspace.close()
    if as_json:
        click.echo(json.dumps(_plain(header) | {"items": [_plain(item) for item in items]}))
    else:
        _print_run(header, items, waiting=waiting)


def _plain(record: Any) -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import datetime

    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }


def _waiting(workspace: Workspace, headers: list[Run], data: Path | None) -> dict[str, int]:
    """By run that was killed, how many answers came and stand in no count of its header."""
    from launchworthy.evals.cache import CACHE_FILE, ReplyCache
    from launchworthy.evals.remembering import held_of
    from launchworthy.evals.samples import sampled
    from launchworthy.evals.suite import known_of
    from launchworthy.server.opening import data_folder

    killed = [header for header in headers if header.status == "running"]
    path = data_folder(data) / CACHE_FILE
    if not killed or not path.is_file():
        return {}
    cache, found = ReplyCache(path), {}
    try:
        for header in killed:
            name, _, version = header.gold.partition("@")
            gold = workspace.gold_items(product=header.product, name=name, version=version, split=None)
            asked = sampled(gold, header.config.get("samples", 1))
            came = held_of(cache, asked, known=known_of(header))
            came |= {item.item_id for item in workspace.iter_run_items(header.id) if item.error is None}
            found[header.id] = min(len(came), header.items) - header.done
    finally:
        cache.close()
    return found


def _print_list(headers: list[Run], *, waiting: Mapping[str, int] | None = None) -> None:
    if not headers:
        click.echo("No runs. Make one with: launchworthy eval --target module:function --gold FILE")
    for header in headers:
        errors = f", {header.errors:,} errors" if header.errors else ""
        click.echo(
            f"{header.id}  {header.status:<11}  {header.product}/{header.workflow}  {header.release}  "
            f"{header.gold} {header.split}  {header.done:,} of {header.items:,}{errors}"
            + (f", {more:,} more answered" if (more := (waiting or {}).get(header.id, 0)) > 0 else "")
            + ("  simulated" if header.simulated else "")
        )


def _print_run(header: Run, items: list[RunItem], *, waiting: Mapping[str, int]) -> None:
    from launchworthy.cli.figures import printable
    from launchworthy.evals import measure_run, metrics_of_run, table_of
    from launchworthy.quantity import format_value

    _print_list([header], waiting=waiting)
    click.echo(f"target {header.target}; started {header.started_at:%Y-%m-%d %H:%M:%S} UTC")
    if header.config.get("source"):
        click.echo(
            f"code {header.config['source'][:12]}: the target's module and those beside it that it imports"
        )
    if header.config.get("remembered"):
        click.echo(f"{header.config['remembered']:,} answers were remembered")
    if header.config.get("stopped_because"):
        click.echo(f"stopped: {header.config['stopped_because']}")
    if header.status != "complete":
        click.echo(f"go on with: launchworthy eval --resume {header.id}")
    if header.cost_usd is not None:
        click.echo(f"cost {format_value(header.cost_usd, unit='USD')}")
    for line in table_of(measure_run(items, metrics_of_run(header))):
        click.echo(line)
    failed = [item for item in items if item.error is not None]
    for item in failed[:_WORST]:
        click.echo(f"{item.item_id}: {printable(item.error or '', most=200)} after {item.attempts} attempts")
    if len(failed) > _WORST:
        click.echo(f"… and {len(failed) - _WORST:,} more; see --json")
