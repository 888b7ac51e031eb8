"""``launchworthy experiment``: what an experiment says, and how many users one takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.experiment_logs import allocate, interleave, policy
from launchworthy.cli.experiment_stored import declare, show
from launchworthy.cli.figures import SHARE, columns_text, echo_json, format_p, printable

if TYPE_CHECKING:
    from launchworthy.rollout.experiment import ExperimentReading, MetricReading, PairReading, Plan, Sizing

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


command.add_command(allocate)
command.add_command(declare)
command.add_command(interleave)
command.add_command(policy)
command.add_command(show)


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


@command.command("plan")
@click.option("--rate", type=SHARE, help="Share of the baseline, for yes or no.")
@click.option("--sd", type=float, help="Standard deviation over users, for scores.")
@click.option("--detect", help="Change to be shown, such as '1 %' or 0.2.")
@click.option("--margin", help="Or how much worse it may be, to be shown when nothing differs.")
@click.option("--share", type=SHARE, default="50 %", show_default=True, help="Of users, to the candidate.")
@click.option(
    "--look", "looks", type=SHARE, multiple=True, help="Share of the users at which it may ship; repeatable."
)
@click.option("--odds", type=SHARE, default="80 %", show_default=True, help="To show it if it is so.")
@click.option(
    "--confidence", type=SHARE, default="0.95", show_default=True, help="Of each two-sided interval."
)
@click.option("--goals", type=int, default=1, show_default=True, help="Among how many goals it is one.")
@click.option("--per-day", type=float, help="Users who come each day.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan_(
    rate: float | None,
    sd: float | None,
    detect: str | None,
    margin: str | None,
    share: float,
    looks: tuple[float, ...],
    odds: float,
    confidence: float,
    goals: int,
    per_day: float | None,
    as_json: bool,
) -> int:
    """Say how many users an experiment takes and how long that is, before it starts.

    Exit code: 0, or 2 where no number of users would do.

    Example: launchworthy experiment plan --rate '12 %' --detect '1 %' --look '50 %' --per-day 4000
    """
    from launchworthy.rollout.experiment import size_of

    if (detect is None) == (margin is None):
        raise click.UsageError("give one of --detect and --margin")
    if (rate is None) == (sd is None):
        raise click.UsageError("give one of --rate and --sd")
    if per_day is not None and not per_day > 0.0:
        raise click.BadParameter("users come, or it takes forever", param_hint="--per-day")
    if any(look > 1.0 for look in looks):
        raise click.BadParameter("nobody looks after all users are in", param_hint="--look")
    gap = _gap(detect if detect is not None else margin or "", "--margin" if detect is None else "--detect")
    found = size_of(
        gap=gap if detect is not None else abs(gap),
        # With nothing different in truth both arms vary as the baseline does.
        rate=rate if detect is not None else None,
        sd=sd if detect is not None or sd is not None else _spread(rate),
        share=share,
        looks=tuple(sorted({*looks, 1.0})),
        level=confidence,
        odds=odds,
        goals=goals,
        per_day=per_day,
    )
    if as_json:
        echo_json(
            {
                "users": found.users,
                "candidate_users": found.candidate,
                "days": found.days,
                "inflation": found.inflation,
                "watched_users": found.watched,
                "smallest_by_day": [{"day": day, "shown": size} for day, size in found.smallest_by_day],
            }
        )
    else:
        _print_size(found, "ratio" if rate is not None else "")
    return 0 if found.users is not None else _SETTLED_OTHERWISE


def _gap(text: str, option: str) -> float:
    from launchworthy.quantity import parse_quantity

    try:
        return parse_quantity(text).value
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _spread(rate: float | None) -> float | None:
    return None if rate is None else (rate * (1.0 - rate)) ** 0.5


def _print_size(found: Sizing, unit: str) -> None:
    from launchworthy.quantity import difference_unit, format_number, format_value

    if found.users is None or found.candidate is None:
        click.echo("no number of users up to a billion shows it")
        return
    days = "" if found.days is None else f", {format_number(found.days)} days"
    click.echo(f"{found.users:,} users ({found.candidate:,} of them in the candidate's arm){days}")
    if found.inflation > 1.0005:
        click.echo(f"looking early makes it {format_value(found.inflation - 1.0, unit='ratio')} more users")
    if found.watched is not None:
        click.echo(f"a harm of this size is shown, whenever one looks, after about {found.watched:,} users")
    shown = difference_unit(unit)
    for line in columns_text(
        [
            (f"after {day:,} {'day' if day == 1 else 'days'}", f"shows {format_value(size, unit=shown)}")
            for day, size in found.smallest_by_day
        ]
    ):
        click.echo(f"  {line}")
