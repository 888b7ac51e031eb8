"""What a run prints: its progress, its table, the gate's answer, and the same as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import plain_interval

if TYPE_CHECKING:
    from launchworthy.evals import Outcome, Progress, Repeated
    from launchworthy.evidence import ClaimStatus
    from launchworthy.records import Run

__all__ = [
    "plain_gate",
    "plain_outcome",
    "print_gate",
    "print_matrix",
    "print_outcome",
    "progress",
    "resumable",
]

_REASONS = 3


@contextmanager
def progress() -> Iterator[Callable[[Progress], None] | None]:
    """A bar on standard error; nothing where that is no terminal."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(told: Progress) -> None:
            words = [f"{told.errors:,} errors" if told.errors else "", told.note]
            shown = "; ".join(word for word in words if word)
            bar.update(task, completed=told.done, total=told.items, description=shown)

        yield advance


@contextmanager
def resumable(run: Run) -> Iterator[None]:
    """Say how to go on, where the user interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"interrupted; go on with: launchworthy eval --resume {run.id}", err=True)
        raise


def print_outcome(outcome: Outcome, *, slices: bool) -> None:
    """The table of a run, why items have no score, and what it proved."""
    from launchworthy.evals import table_of

    run = outcome.run
    click.echo(_head(run))
    rows = [row for row in outcome.measured if slices or row.slice is None]
    repeats = [str(found) for found in _repeats(outcome)]
    for line in [*table_of(rows, outcome.comparisons), *repeats, *outcome.remarks]:
        click.echo(line)
    _print_reasons(outcome)
    _print_stop(run)
    if outcome.evidence:
        pieces, claims = len(outcome.evidence), len({piece.claim for piece in outcome.evidence})
        click.echo(
            f"{pieces:,} {'piece' if pieces == 1 else 'pieces'} of evidence for "
            f"{claims:,} {'claim' if claims == 1 else 'claims'}; to judge: launchworthy verdict"
        )


def _repeats(outcome: Outcome) -> list[Repeated]:
    from launchworthy.evals import metrics_of_run, repeats_of

    return repeats_of(outcome.items, metrics_of_run(outcome.run))


def _head(run: Run) -> str:
    errors = f", {run.errors:,} errors" if run.errors else ""
    reused = run.config.get("remembered", 0)
    remembered = f", {reused:,} of them remembered" if reused else ""
    label = "; simulated" if run.simulated else ""
    return (
        f"{run.id}  {run.status}  {run.release}  "
        f"{run.done:,} of {run.items:,} items{remembered}{errors}{label}"
    )


def _print_stop(run: Run) -> None:
    because = run.config.get("stopped_because")
    if because:
        click.echo(f"stopped: {because}; go on with: launchworthy eval --resume {run.id}")


def _print_reasons(outcome: Outcome) -> None:
    """Why items have no score: whoever wired a target wrongly learns it here, not from a second command."""
    from launchworthy.cli.figures import printable
    from launchworthy.evals import reasons_of

    reasons = reasons_of(outcome.items)
    for who, why, count in reasons[:_REASONS]:
        said = "the target failed" if who == "target" else f"{who} could not score"
        click.echo(f"{said}: {count:,} × {printable(why, most=200)}")
    if len(reasons) > _REASONS:
        click.echo(f"… and for other reasons; see: launchworthy runs {outcome.run.id}")


def print_gate(outcome: Outcome, claims: Sequence[ClaimStatus]) -> None:
    """Which claims are met; nothing of any item."""
    click.echo(_head(outcome.run))
    for each in claims:
        click.echo(f"{each.state:<8}  {each.claim.address}")
    for remark in outcome.remarks:
        click.echo(remark)
    _print_stop(outcome.run)


def plain_gate(outcome: Outcome, claims: Sequence[ClaimStatus]) -> dict[str, Any]:
    """The same as JSON."""
    return {
        **_plain_header(outcome.run),
        "claims": [{"claim": each.claim.address, "status": each.state.value} for each in claims],
        "remarks": list(outcome.remarks),
    }


def print_matrix(suites: Sequence[Sequence[Outcome]]) -> None:
    """One table: by suite and metric, each target, and its difference from the first."""
    from launchworthy.evals import table_of

    for outcomes in suites:
        click.echo(f"{outcomes[0].run.gold}, {outcomes[0].run.split}")
        names = [f"{outcome.run.target} {outcome.run.release}" for outcome in outcomes]
        width = max(map(len, names))
        for row in outcomes[0].measured:
            if row.slice is not None:
                continue
            click.echo(f"  {row.metric}")
            for name, outcome in zip(names, outcomes, strict=True):
                own = next((x for x in outcome.measured if (x.metric, x.slice) == (row.metric, None)), None)
                if own is None:
                    click.echo(f"    {name:<{width}}  not measured")
                    continue
                value, *difference = table_of([own], outcome.comparisons)
                click.echo(f"    {name:<{width}}  {value[len(own.metric) :].strip()}")
                for line in difference:
                    click.echo(f"    {'':<{width}}  {line.strip()}")


def plain_outcome(outcome: Outcome) -> dict[str, Any]:
    """Everything that a run measured, as JSON."""
    return {
        **_plain_header(outcome.run),
        "measured": [
            {
                "metric": row.metric,
                "slice": row.slice,
                "unit": row.unit,
                **plain_interval(row.interval, confidence=0.95),
                "unscored": row.unscored,
                "outside": row.outside,
            }
            for row in outcome.measured
        ],
        "comparisons": [
            {
                "metric": found.metric,
                **plain_interval(found.difference, confidence=0.95),
                "candidate": found.candidate,
                "baseline": found.baseline,
                "margin": found.margin,
                "status": found.status,
                "better": list(found.better),
                "worse": list(found.worse),
                "unpaired": found.unpaired,
                "unscored": found.unscored,
            }
            for found in outcome.comparisons
        ],
        "repeats": [
            {
                "metric": found.metric,
                "samples": found.k,
                "variance_within": found.spread.within,
                "variance_between": found.spread.between,
                "any_right": plain_interval(found.any_right, confidence=0.95),
                "all_right": plain_interval(found.all_right, confidence=0.95),
            }
            for found in _repeats(outcome)
        ],
        "evidence": [piece.as_json() for piece in outcome.evidence],
        "remarks": list(outcome.remarks),
    }


def _plain_header(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "status": run.status,
        "release": run.release,
        "target": run.target,
        "gold": run.gold,
        "split": run.split,
        "items": run.items,
        "done": run.done,
        "errors": run.errors,
        "remembered": run.config.get("remembered", 0),
        "cost_usd": run.cost_usd,
        "stopped_because": run.config.get("stopped_because"),
        "simulated": run.simulated,
    }
