"""``launchworthy judge``: calibrate judges with people's labels, and show what they are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from launchworthy.cli.figures import VERDICT_CODES, echo_json
from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.cli.judging.options import (
    agreement_of,
    asking,
    judge_claims,
    limits_of,
    metric_named,
    pair_of,
    reply_cache,
)
from launchworthy.cli.judging.printing import plain_calibrated, print_bias, print_calibrated, print_view

_CONTRACT = click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Contract [launchworthy.yaml here, else the one in force].",
)
_METRIC = click.option("--metric", help="Metric it judges [the only one that the contract names it for].")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Calibrate judges with people's labels, and show what their grades are worth."""


@command.command()
@click.argument("name")
@click.option(
    "--labels", type=click.Path(path_type=Path), required=True, help="JSONL or CSV of labelled answers."
)
@_METRIC
@_CONTRACT
@asking
@PRODUCT
@DATA
@_JSON
def calibrate(
    name: str,
    labels: Path,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask a judge about answers that people labelled, and keep how well they agree.

    Rows hold input, output, context or reference as the judge needs them, and human. Exit code: that of the
    claim that they agree: 0 met, 1 unmet, 2 unproven.
    """
    from datetime import UTC, datetime

    from launchworthy.evals.judging import (
        calibrate as ask,
    )
    from launchworthy.evals.judging import (
        calibration_evidence,
        corrected_again,
        judge_for,
        read_labels,
    )
    from launchworthy.evidence.claim_status import status

    with opened(data, make=True) as workspace, reply_cache(data) as cache:
        product, claims = judge_claims(workspace, contract_file, product)
        claim = agreement_of(claims, name)
        asked = metric_named(claims, name, metric)
        judge = judge_for(claim, metric=asked)
        people = read_labels(labels, judge)
        found = ask(
            judge,
            people,
            metric=asked,
            level=claim.confidence,
            sides=1,
            cache=cache,
            limits=limits_of(options),
        )
        now = datetime.now(UTC)
        piece = calibration_evidence(claim, found, now=now)
        workspace.add_evidence(product, [piece])
        again = corrected_again(
            workspace,
            claims,
            name,
            product=product,
            now=now,
            labelled={item.run for item in people.items if item.run is not None},
        )
        if again:
            workspace.add_evidence(product, again)
    judged = status(claim, [piece], release=None, now=now)
    if as_json:
        echo_json(plain_calibrated(found, judged, piece, again))
    else:
        print_calibrated(found, judged, again)
    return VERDICT_CODES[judged.state.value]


@command.command()
@click.argument("name")
@_METRIC
@_CONTRACT
@PRODUCT
@DATA
@_JSON
def show(
    name: str,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show a judge: its version, its calibrations, and what its grades become once corrected."""
    from launchworthy.evals.judging import judge_for, judge_view

    with opened(data, make=True) as workspace:
        product, claims = judge_claims(workspace, contract_file, product)
        judge = judge_for(agreement_of(claims, name), metric=metric_named(claims, name, metric))
        view = judge_view(workspace.evidence(product), name)
    if as_json:
        version = judge.version
        echo_json(
            {
                "judge": name,
                "version": version.id,
                "parts": dict(version.parts),
                "models": [model.parameters() for model in judge.models],
                "calibrations": [
                    {"version": each.version, "changed": version.changed(each.parts)}
                    | each.evidence.as_json()
                    for each in view.calibrations
                ],
                "corrections": [each.evidence.as_json() for each in view.corrections],
            }
        )
        return
    print_view(judge, view)


@command.command()
@click.argument("name")
@click.option(
    "--pairs", type=click.Path(path_type=Path), required=True, help="JSONL of input, first, second."
)
@_METRIC
@_CONTRACT
@asking
@PRODUCT
@DATA
@_JSON
def bias(
    name: str,
    pairs: Path,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask a judge of pairs in both orders, and say whether it prefers a place to an answer."""
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import ask_all, judge_for, position_bias
    from launchworthy.jsonl import read_jsonl

    with opened(data, make=True) as workspace, reply_cache(data) as cache:
        product, claims = judge_claims(workspace, contract_file, product)
        judge = judge_for(agreement_of(claims, name), metric=metric_named(claims, name, metric))
        if not judge.is_pairwise:
            raise InputError(
                f"{name} judges one answer at a time, so it has no place to prefer",
                hint="a judge of pairs is one that the contract names for win_rate",
            )
        questions = {
            str(number): pair_of(row, judge, f"{pairs}:{number}") for number, row in read_jsonl(pairs)
        }
        votes, _ = ask_all(judge, questions, cache=cache, limits=limits_of(options))
    found = position_bias(votes)
    if as_json:
        echo_json({"judge": name, "version": judge.version.id, "bias": found and found.as_json()})
    elif found is not None:
        print_bias(found)
    if found is None:
        click.echo("error: nothing was measured: no pair was graded in both orders", err=True)
        return 1
    return 0


@command.command()
@click.argument("name")
@click.argument("run_id", metavar="RUN")
@click.option("--count", type=click.IntRange(min=1), default=200, show_default=True, help="Items to draw.")
@click.option("--baseline", help="Run whose answers are the second of each pair.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file to write.")
@_CONTRACT
@DATA
def sample(
    name: str,
    run_id: str,
    count: int,
    baseline: str | None,
    seed: int,
    out: Path,
    contract_file: Path | None,
    data: Path | None,
) -> None:
    """Draw items of a run at random for people to label: fill in `human`, then calibrate with the file.

    Labels of this very run correct its numbers best; from about 200 up they do so with the judge's help.
    Items of the holdout are shown to people by this, so it counts as a reading.
    """
    from launchworthy.cli.gold_options import count_reading
    from launchworthy.evals.judging import draw

    with opened(data) as workspace:
        run = workspace.run(run_id)
        _, claims = judge_claims(workspace, contract_file, run.product)
        other = None if baseline is None else workspace.run(baseline)
        rows = list(draw(workspace, run, claims, name, count=count, seed=seed, baseline=other))
        if not out.exists():
            count_reading(workspace, run, "judge sample of")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        from launchworthy.errors import InputError

        raise InputError(f"the file cannot be written: {error.strerror or error}", where=str(out)) from error
    if len(rows) < count:
        click.echo(f"the run holds no more than {len(rows):,} that prove something and that {name} can judge")
    needed = int(agreement_of(claims, name).options.get("labels") or 0)
    if len(rows) < needed:
        click.echo(f"the contract asks for {needed:,} labelled items: add rows of other answers to the file")
    click.echo(
        f"{len(rows):,} items to label in {out}; then: launchworthy judge calibrate {name} --labels {out}"
    )
