"""``launchworthy gold coverage``: what users ask that the gold set does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import SHARE, echo_json, plain_interval, printable
from launchworthy.cli.gold_options import DATA, JSON, MANY, PRODUCT, workspace_at

if TYPE_CHECKING:
    from launchworthy.gold import Asked, Coverage, GoldItem
    from launchworthy.server import Workspace

__all__ = ["coverage"]


@click.command()
@click.argument("reference", metavar="NAME[@VERSION]")
@click.option("--since", default="30d", show_default=True, help="How far back questions are read.")
@click.option("--workflow", help="Workflow whose questions are read [the one of the set's name].")
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    help="Questions of a file instead: JSONL, CSV, Parquet, or a text file with one a line.",
)
@click.option("--simulated", is_flag=True, help="Read what simulated users asked, instead of real ones.")
@click.option(
    "--threshold", type=SHARE, default="45 %", show_default=True, help="Least nearness that is covered."
)
@PRODUCT
@DATA
@JSON
def coverage(
    reference: str,
    since: str,
    workflow: str | None,
    file: Path | None,
    simulated: bool,
    threshold: float,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Say which share of real questions has no gold item near it, and show them in clusters.

    Nearness is of words, not of meaning: questions asked in entirely other words count as not covered.
    Evaluation traffic is left out, and what simulated users asked is told apart.

    Exit code: 0 measured, 2 there was no question.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.gold import Asked, coverage_of, find_version, questions_in_file

    with workspace_at(data) as workspace:
        version = find_version(workspace, reference, product=product_of(workspace, product))
        items: Sequence[GoldItem] = workspace.gold_items(
            product=version.product, name=version.name, version=version.version, split=None
        )
        asked = (
            Asked(real=tuple(questions_in_file(file)), simulated=(), unstored=0)
            if file is not None
            else _asked(workspace, version.product, workflow or version.name, since)
        )
    questions = asked.simulated if simulated else asked.real
    found = coverage_of(items, questions, threshold=threshold)
    name = f"{version.name}@{version.version}"
    if as_json:
        plain = asdict(found) | {
            "gold": name,
            "uncovered": plain_interval(found.uncovered, confidence=0.95),
            "simulated": len(asked.simulated),
            "real": len(asked.real),
            "unstored": asked.unstored,
            "whole": asked.whole,
        }
        echo_json(plain)
    else:
        _print(name, found, asked, simulated=simulated)
    return 0 if found.questions else 2


def _asked(workspace: Workspace, product: str, workflow: str, since: str) -> Asked:
    from datetime import UTC, datetime

    from launchworthy.cli.since import since_of
    from launchworthy.gold import asked_of

    now = datetime.now(UTC)
    begin = since_of(since, now=now)
    return asked_of(workspace.query, product=product, workflow=workflow, since=begin, until=now)


def _print(name: str, found: Coverage, asked: Asked, *, simulated: bool) -> None:
    from launchworthy.quantity import format_interval, format_value

    if found.uncovered is None:
        click.echo(f"{name}: there is no question to compare with")
    else:
        share = format_interval(
            found.uncovered.value, found.uncovered.low, found.uncovered.high, n=found.questions, unit="ratio"
        )
        who = "simulated" if simulated else "real"
        click.echo(f"{name}: {share} of {who} questions have no gold item near them")
    for cluster in found.clusters[:MANY]:
        click.echo(f"{cluster.questions:>7,}  {printable(cluster.examples[0], most=90)}")
        for example in cluster.examples[1:]:
            click.echo(f"         {printable(example, most=90)}")
        if cluster.nearest is not None:
            near = format_value(cluster.score, unit="ratio")
            click.echo(f"         nearest: {cluster.nearest}, {near}")
    if len(found.clusters) > MANY:
        click.echo(f"… and {len(found.clusters) - MANY:,} more clusters; --json lists them all")
    other = asked.real if simulated else asked.simulated
    if other:
        option = "without --simulated" if simulated else "--simulated"
        click.echo(
            f"{len(other):,} questions of {'real' if simulated else 'simulated'} users are not among them "
            f"({option} reads those)",
            err=True,
        )
    for number, what in (
        (found.unclustered, "questions without an item are in no cluster: there are too many kinds"),
        (asked.unstored, "calls keep no text"),
        (found.without_text, "questions have no word in them"),
    ):
        if number:
            click.echo(f"{number:,} {what}", err=True)
    if not asked.whole:
        click.echo("there are more questions than the newest 20,000 that were read", err=True)
