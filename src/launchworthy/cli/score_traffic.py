"""``launchworthy score-traffic``: a random sample of what users really asked, scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import SHARE, echo_json, plain_interval
from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from launchworthy.evals import Measured
    from launchworthy.evals.judging import Judged
    from launchworthy.records import Run, RunItem

_NOTHING_MEASURED = 1


@click.command("score-traffic")
@PRODUCT
@click.option("--workflow", required=True, help="Workflow whose calls are drawn.")
@click.option("--scorer", "scorers", multiple=True, help="Metric that needs no truth; repeat.")
@click.option(
    "--judges",
    is_flag=True,
    help="Have the contract's judges grade too, within their ceilings.",
)
@click.option(
    "--contract", type=click.Path(path_type=Path), help="Contract of the judges [launchworthy.yaml]."
)
@click.option("--share", type=SHARE, default="2 %", show_default=True, help="Chance of each call.")
@click.option("--most", type=click.IntRange(min=1), default=1_000, show_default=True, help="Calls at most.")
@click.option("--since", default="1d", show_default=True, help="How far back: 6h, 7d.")
@click.option("--release", help="Calls of this release only; then the run is of it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the drawing.")
@click.option("--simulated", is_flag=True, help="Count calls of simulated users too; the run says so.")
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    product: str | None,
    workflow: str,
    scorers: tuple[str, ...],
    judges: bool,
    contract: Path | None,
    share: float,
    most: int,
    since: str,
    release: str | None,
    seed: int,
    simulated: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Score a random sample of production traffic; nobody is asked again.

    The sample is kept as a run, each item with its trace: see `launchworthy runs`. Exits with 0 if anything
    could be measured, whatever it was.

    Example: launchworthy score-traffic --workflow answer --scorer groundedness --share 5% --since 7d
    """
    import secrets
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.cli.since import since_of
    from launchworthy.errors import InputError
    from launchworthy.evals import evaluate, measure_run, sample_calls, scorer_of
    from launchworthy.evals.judging import check_keys, judge_run, judged_once
    from launchworthy.records import Run

    now = datetime.now(UTC)
    metrics = [scorer_of(name) for name in scorers]
    judging = _judging(contract, workflow) if judges else {}
    if not metrics and not judging:
        raise InputError(
            "nothing to score with", hint="name a --scorer, or let the contract's --judges grade"
        )
    check_keys(judging)
    with opened(data, make=False) as workspace:
        name = product_of(workspace, product)
        found = sample_calls(
            workspace.query,
            product=name,
            workflow=workflow,
            release=release,
            since=since_of(since, now=now),
            until=now,
            share=share,
            most=most,
            simulated=simulated,
            seed=seed,
        )
        if not found.items:
            raise InputError(
                f"no call was drawn of the {found.calls:,} that there are",
                where=f"{name}/{workflow}",
                hint="a longer --since, a larger --share, or --simulated where only simulated users asked",
            )
        run = Run(
            id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            product=name,
            workflow=workflow,
            release=release or "",
            target=found.name,
            gold=f"traffic@{now:%Y-%m-%d}",
            split="traffic",
            scorers=tuple(metric.signature for metric in metrics),
            status="running",
            started_at=now,
            config={"scorers": list(scorers), "share": share, "since": since, "seed": seed},
            simulated=simulated,
        )
        done = evaluate(found.items, target=found, scorers=metrics, runs=workspace, run=run)
        done, remarks = judge_run(workspace, done, judging, gold=found.items)
        items = workspace.run_items(run.id)
    metrics += [judged.metric for judged in judged_once(judging)]
    measured = measure_run(items, metrics)
    if as_json:
        echo_json(_plain(done, measured, calls=found.calls))
    else:
        _print(done, items, measured, calls=found.calls, remarks=remarks)
    names = {metric.name for metric in metrics}
    if all(row.interval is None for row in measured if row.metric in names):
        click.echo(
            "error: nothing was measured: no scorer could score a call; traffic has no truth to compare with",
            err=True,
        )
        return _NOTHING_MEASURED
    return 0


def _judging(contract: Path | None, workflow: str) -> dict[str, Judged]:
    """What the contract's claims want judged.

    Raises:
        InputError: There is no contract, or no judge of it can judge; says why.
    """
    from launchworthy.cli.in_force import HERE
    from launchworthy.errors import InputError
    from launchworthy.evals import promised
    from launchworthy.evals.judging import judgings

    path = contract or HERE
    if not path.is_file():
        raise InputError("no contract names a judge", where=str(path), hint="name its file: --contract FILE")
    found, told = judgings(promised(path, workflow).claims, workflow=workflow)
    if not found:
        raise InputError("; ".join(told) or f"no claim of {workflow} names a judge", where=str(path))
    return found


def _plain(run: Run, measured: Sequence[Measured], *, calls: int) -> dict[str, Any]:
    return {
        "run": run.id,
        "calls": calls,
        "sampled": run.items,
        "errors": run.errors,
        "measured": [
            {
                "metric": row.metric,
                "slice": row.slice,
                **plain_interval(row.interval, confidence=0.95),
                "unit": row.unit,
                "unscored": row.unscored,
            }
            for row in measured
        ],
    }


def _print(
    run: Run,
    items: Sequence[RunItem],
    measured: Sequence[Measured],
    *,
    calls: int,
    remarks: Sequence[str],
) -> None:
    from launchworthy.cli.figures import printable
    from launchworthy.evals import reasons_of, table_of

    click.echo(f"run {run.id}: {run.items:,} of {calls:,} calls")
    for line in table_of(measured):
        click.echo(line)
    for remark in remarks:
        click.echo(remark)
    for who, why, count in reasons_of(items)[:3]:
        click.echo(f"could not be scored: {count:,} × {who}: {printable(why, most=160)}")
