"""``launchworthy labels``: the calls that people are to label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import SHARE, echo_json
from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.monitor import LabelDraw
    from launchworthy.server import Workspace

_SHARE = 0.02  # of calls, where nobody says
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Workflows whose calls are drawn, the outcome that is a label, and the chance of each call."""

    workflows: Sequence[str]
    event: str
    share: float


@click.group()
def command() -> None:
    """Draw calls at random for people to label, and record the chance of each."""


@command.command()
@PRODUCT
@click.option("--workflow", help="Workflow whose calls are drawn [each of the contract].")
@click.option("--source", help="Source of labels [the only one of the contract].")
@click.option(
    "--share", type=SHARE, help="Chance of each call [labels/sample/random of the contract, or 2 %]."
)
@click.option("--since", default="30d", show_default=True, help="How far back: 6h, 7d.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the drawing; the same each time.")
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def draw(
    product: str | None,
    workflow: str | None,
    source: str | None,
    share: float | None,
    since: str,
    seed: int,
    data: Path | None,
    as_json: bool,
) -> int:
    """Draw calls at random to be labelled; a label that comes to one then counts by its chance.

    Which calls are drawn depends on their trace ids and the seed alone: run it again, and only what came
    since is added; with a larger share, the larger sample holds the smaller.

    Example: launchworthy labels draw --source qa --share 2%
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.cli.since import since_of

    begin = since_of(since, now=datetime.now(UTC))
    with opened(data) as workspace:
        name = product_of(workspace, product)
        wanted = _wanted(workspace, name, workflow, source, share)
        draws = [
            workspace.draw_labels(
                product=name, workflow=each, event=wanted.event, share=wanted.share, since=begin, seed=seed
            )
            for each in wanted.workflows
        ]
    if as_json:
        echo_json({"product": name, "draws": [_plain(each) for each in draws]})
    else:
        for each in draws:
            _print(each)
    return 0


def _wanted(
    workspace: Workspace, product: str, workflow: str | None, source: str | None, share: float | None
) -> _Wanted:
    """What is drawn: as the contract says where nobody names it.

    Raises:
        InputError: The contract does not decide it, or knows no such name; says which there are.
    """
    from launchworthy.cli.in_force import contract_of
    from launchworthy.errors import InputError

    try:
        contract = contract_of(workspace, product)
    except InputError:
        if workflow is None or source is None:
            raise
        return _Wanted(workflows=[workflow], event=source, share=_SHARE if share is None else share)
    sources, workflows = contract.labels.sources, list(contract.workflows)
    for name, names, what in ((workflow, workflows, "workflow"), (source, list(sources), "source")):
        if name is not None and name not in names:
            raise InputError(
                f"the contract has no {what} {name!r:.80}",
                where=f"--{what}",
                hint=f"one of {', '.join(names)}" if names else "name it under labels: {sources: …}",
            )
    if source is None and len(sources) != 1:
        raise InputError(
            "which source of labels is not clear",
            where="--source",
            hint=f"one of {', '.join(sources)}" if sources else "name one under labels: {sources: …}",
        )
    source = source or next(iter(sources))
    declared = contract.labels.sample.get("random")
    return _Wanted(
        workflows=workflows if workflow is None else [workflow],
        event=sources[source].event or source,
        share=share if share is not None else _SHARE if declared is None else declared.value,
    )


def _plain(draw: LabelDraw) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(draw) | {"since": draw.since.isoformat(), "until": draw.until.isoformat()}


def _print(draw: LabelDraw) -> None:
    from launchworthy.quantity import format_value

    new = sum(call.new for call in draw.drawn)
    waiting = [call.trace_id for call in draw.drawn if not call.labelled]
    click.echo(
        f"{draw.workflow}: {len(draw.drawn):,} of {draw.calls:,} calls are drawn, {new:,} of them now"
        f" ({format_value(draw.share, unit='ratio')}, seed {draw.seed})"
    )
    if waiting:
        click.echo(f"{len(waiting):,} wait for the outcome {draw.event} on their trace:")
    for trace in waiting[:_SHOWN]:
        click.echo(f"  {trace}")
    if len(waiting) > _SHOWN:
        click.echo(f"… and {len(waiting) - _SHOWN:,} more; --json lists them all")
