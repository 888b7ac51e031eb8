"""``launchworthy experiment``: what an experiment says, and how many users one takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import SHARE, columns_text, echo_json, format_p, printable

if TYPE_CHECKING:
    from launchworthy.rollout.experiment import ExperimentReading, MetricReading, PairReading, Plan

_FILE = click.Path(path_type=Path)
_CODES = {"ship": 0, "harm": 1}
_SETTLED_OTHERWISE = 2
_MARKS = {"met": "●", "unmet": "✕", "unproven": "◌"}


@click.group()
def command() -> None:
    """Read an experiment, plan one, and compare rankings or policies from logs.

    Examples: launchworthy experiment analyze --input sums.json; launchworthy experiment plan --rate '12 %'
    --detect '1 %' --per-day 4000
    """


@command.command()
@click.option(
    "--input", "file", type=_FILE, required=True, help="JSON with sums of each arm, or rows as Parquet."
)
@click.option(
    "--plan", "plan_file", type=_FILE, help="YAML or JSON: arms, metrics, margins, looks; see the docs."
)
@click.option("--baseline", help="Arm that the others are compared with.")
@click.option("--confidence", type=SHARE, help="Of each two-sided interval [0.95].")
@click.option(
    "--despite-mismatch",
    metavar="REASON",
    default="",
    help="Read on although users did not fall into the arms as planned; say why.",
)
@click.option("--html", "page", type=_FILE, help="Write a report with plots to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def analyze(
    file: Path,
    plan_file: Path | None,
    baseline: str | None,
    confidence: float | None,
    despite_mismatch: str,
    page: Path | None,
    as_json: bool,
) -> int:
    """Read an experiment: ship, harm, no harm, underpowered, or not to be read at all.

    JSON holds n, sum and sum_squares of each arm (without sum_squares: yes or no), for ratios and covariates
    the other sums too. Parquet rows hold user, arm and a column a metric.

    Exit code: 0 ship, 1 harm, 2 anything else.

    Example: launchworthy experiment analyze --input sums.json --plan experiment.yaml --html report.html
    """
    from dataclasses import replace

    from launchworthy.errors import InputError
    from launchworthy.rollout.experiment import (
        Plan,
        analyse,
        gather_document,
        gather_rows,
        plain_reading,
        read_document,
        read_plan,
    )

    plan: Plan | None = None if plan_file is None else read_plan(plan_file)
    if baseline is not None:
        plan = replace(plan or Plan(), baseline=baseline)
    if confidence is not None:
        if not 0.5 <= confidence < 1.0:
            raise click.BadParameter("write 0.95 or 95 %", param_hint="--confidence")
        plan = replace(plan or Plan(), confidence=confidence)
    try:
        if _is_json(file):
            plan, gathered = gather_document(read_document(file), where=str(file), plan=plan)
        else:
            plan, gathered = gather_rows(file, plan=plan)
        reading = analyse(plan, gathered, despite=despite_mismatch)
    except InputError as error:
        raise InputError(error.message, where=error.where or str(file), hint=error.hint) from error
    if page is not None:
        from launchworthy.console.experiment_report import experiment_report
        from launchworthy.console.report import write_report

        write_report(page, experiment_report(reading))
    if as_json:
        echo_json(plain_reading(reading))
    else:
        _print(reading)
    return _CODES.get(str(reading.conclusion), _SETTLED_OTHERWISE)


def _is_json(file: Path) -> bool:
    from launchworthy.errors import InputError

    try:
        with file.open("rb") as opened:
            return opened.read(4) != b"PAR1"
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(file)) from error


def _print(reading: ExperimentReading) -> None:
    from launchworthy.quantity import format_number, format_value
    from launchworthy.rollout.experiment import ratio_in_words, title_of

    click.echo(f"{printable(title_of(reading), most=200)}: {printable(reading.reason, most=2_000)}")
    click.echo(f"users       {printable(ratio_in_words(reading), most=400)}")
    if reading.ratio.mismatch:
        click.echo(
            "            the shares differ from the plan beyond chance: find out why before you read on"
        )
    if reading.despite:
        click.echo(f"            read all the same: {printable(reading.despite, most=400)}")
    if reading.gathered.in_two_arms:
        click.echo(f"            {reading.gathered.in_two_arms:,} users were in two arms and count nowhere")
    for note in reading.gathered.notes:
        click.echo(f"            {printable(note, most=400)}")
    bound = reading.looks.bounds[-1]
    count = len(reading.looks.bounds)
    if reading.pairs and (count > 1 or reading.fraction < 1.0):
        click.echo(
            f"look        {count} so far, at {format_value(min(1.0, reading.fraction), unit='ratio')} of the "
            f"plan; a z of {format_number(bound)} is needed ({reading.plan.spending})"
        )
    for pair in reading.pairs:
        _print_pair(reading, pair)


def _print_pair(reading: ExperimentReading, pair: PairReading) -> None:
    click.echo("")
    click.echo(f"{printable(pair.arm)} minus {printable(reading.plan.baseline)}")
    lines: list[tuple[str, ...]] = [
        ("", "", "difference, by itself", "p", "relative", "at this look", "always", "")
    ]
    lines += [_line(each) for each in pair.metrics.values()]
    for line in columns_text(lines):
        click.echo(f"  {line}")
    for each in pair.metrics.values():
        for note in each.notes:
            click.echo(f"  {printable(each.metric.name)}: {printable(note, most=300)}")


def _line(each: MetricReading) -> tuple[str, ...]:
    from launchworthy.quantity import difference_unit, format_interval
    from launchworthy.rollout.experiment import ends_in_words

    own = each.difference
    unit = "ratio" if each.metric.relative else difference_unit(own.unit)

    relative = each.relative
    p_value = each.p_value
    return (
        printable(each.metric.name),
        str(each.metric.role),
        format_interval(own.value, own.low, own.high, unit=unit),
        "" if p_value is None else format_p(p_value),
        ""
        if relative is None
        else format_interval(relative.value, relative.low, relative.high, unit="ratio"),
        ends_in_words(each.look, unit=unit),
        ends_in_words(each.always, unit=unit),
        _word(each),
    )


def _word(each: MetricReading) -> str:
    if each.harmed:
        return "✕ harm"
    if each.shown:
        return "● better"
    words = {"met": "not worse", "unmet": "worse", "unproven": "not settled"}
    return f"{_MARKS[each.status]} {words[each.status]}"
