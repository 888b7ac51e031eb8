"""``launchworthy correct``: what people would have said, from a judge and some labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.columns import require_rows, row_number, row_text
from launchworthy.cli.figures import SHARE, VERDICT_CODES, echo_json, plain_interval

if TYPE_CHECKING:
    from launchworthy.stats import Interval

_NOTHING_ASKED = 0


@dataclass(slots=True)
class _Table:
    """Columns of one file; ``human`` is NaN where nobody labelled."""

    ids: list[str] = field(default_factory=list)
    judge: list[float] = field(default_factory=list)
    human: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    rows: int = 0
    unscored: int = 0


@click.command()
@click.option(
    "--input", "file", type=click.Path(path_type=Path), required=True, help="JSONL file: judge and human."
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="The same of what serves now, paired by id."
)
@click.option(
    "--at-least", type=SHARE, help="The mean must be at least this; with --baseline, the difference."
)
@click.option("--at-most", type=SHARE, help="The mean must be at most this.")
@click.option("--cluster", help="Field that names the user or conversation.")
@click.option(
    "--calibration",
    is_flag=True,
    help="The labels were not drawn at random from these items (a calibration set).",
)
@click.option(
    "--scale", type=(float, float), default=(0.0, 1.0), show_default=True, help="Lowest and highest score."
)
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path,
    baseline: Path | None,
    at_least: float | None,
    at_most: float | None,
    cluster: str | None,
    calibration: bool,
    scale: tuple[float, float],
    confidence: float,
    as_json: bool,
) -> int:
    """Correct a judge's scores with the labels that people gave some of the items.

    Rows hold judge (a number or true/false) and, where known, human. From 200 labels up they correct the
    judge; fewer speak alone. Exit code: 0 met, 1 unmet, 2 unproven; 0 where no target is given.

    Example: launchworthy correct --input judged.jsonl --at-least '90 %'
    """
    from launchworthy.stats import bound_status

    if at_least is not None and at_most is not None:
        raise click.UsageError("give one of --at-least and --at-most")
    if not scale[0] < scale[1] or not all(map(math.isfinite, scale)):
        raise click.BadParameter("the lowest score comes first", param_hint="--scale")
    if baseline is not None and calibration:
        raise click.UsageError("--calibration does not go with --baseline: a difference needs random labels")
    target = at_least if at_least is not None else at_most
    sides = 2 if target is None else 1
    table = _read(file, cluster, paired=baseline is not None)
    if baseline is None:
        found = _mean(table, cluster, calibration, scale, confidence, sides)
    else:
        found = _difference(_read(baseline, cluster, paired=True), table, cluster, scale, confidence, sides)
    status = None
    if target is not None:
        direction = "at_most" if at_least is None else "at_least"
        status = bound_status(found.low, found.high, direction=direction, threshold=target)
    if as_json:
        echo_json(
            {
                "metric": "difference" if baseline is not None else "mean",
                **plain_interval(found, confidence=confidence),
                "unit": found.unit,
                "status": status,
                "at_least": at_least,
                "at_most": at_most,
                "rows": table.rows,
                "unscored": table.unscored,
            }
        )
    else:
        _print(found, status, at_least, at_most, table)
    return _NOTHING_ASKED if status is None else VERDICT_CODES[status]


def _read(file: Path, cluster: str | None, *, paired: bool) -> _Table:
    from launchworthy.jsonl import read_jsonl

    table = _Table()
    for line, row in read_jsonl(file, unique="id"):
        where = f"{file}:{line}"
        table.rows += 1
        judge, human = (row_number(row, name, where=where) for name in ("judge", "human"))
        if judge is None:
            table.unscored += 1
            continue
        table.judge.append(judge)
        table.human.append(math.nan if human is None else human)
        if paired:
            table.ids.append(row_text(row, "id", where=where))
        if cluster is not None:
            table.clusters.append(row_text(row, cluster, where=where))
    require_rows(table.rows, file=file)
    return table


def _mean(
    table: _Table,
    cluster: str | None,
    calibration: bool,
    scale: tuple[float, float],
    confidence: float,
    sides: int,
) -> Interval:
    from launchworthy.stats import corrected_mean

    return corrected_mean(
        table.judge,
        human=table.human,
        level=confidence,
        sides=sides,
        clusters=None if cluster is None else table.clusters,
        bounds=scale,
        at_random=not calibration,
        unit=_unit(scale),
    )


def _difference(
    baseline: _Table,
    candidate: _Table,
    cluster: str | None,
    scale: tuple[float, float],
    confidence: float,
    sides: int,
) -> Interval:
    from launchworthy.errors import InputError
    from launchworthy.stats import corrected_difference

    place = {name: index for index, name in enumerate(baseline.ids)}
    pairs = [(place[name], index) for index, name in enumerate(candidate.ids) if name in place]
    if not pairs:
        raise InputError("the two files share no id that the judge scored in both")

    def columns(table: _Table, side: int) -> tuple[list[float], list[float]]:
        chosen = [pair[side] for pair in pairs]
        return [table.judge[index] for index in chosen], [table.human[index] for index in chosen]

    (judge_old, human_old), (judge_new, human_new) = columns(baseline, 0), columns(candidate, 1)
    return corrected_difference(
        judge_old,
        judge_candidate=judge_new,
        human_baseline=human_old,
        human_candidate=human_new,
        level=confidence,
        sides=sides,
        clusters=None if cluster is None else [candidate.clusters[index] for _, index in pairs],
        bounds=scale,
        unit=_unit(scale),
    )


def _unit(scale: tuple[float, float]) -> str:
    return "ratio" if scale == (0.0, 1.0) else ""


def _print(
    found: Interval, status: str | None, at_least: float | None, at_most: float | None, table: _Table
) -> None:
    from launchworthy.quantity import difference_unit, format_value

    sample: dict[str, Any] = found.sample
    if status is not None:
        direction, target = ("at least", at_least) if at_least is not None else ("at most", at_most)
        words = f"{direction} {format_value(target, unit=found.unit)}"
        what = {"met": "is proven to be", "unmet": "is proven not to be", "unproven": "is not proven to be"}
        click.echo(f"{status}: by people's labels the score {what[status]} {words}")
    click.echo(f"corrected  {found}")
    click.echo(f"           {found.method}, {found.confidence:.6g}")
    apart = difference_unit(found.unit)
    bias, items = sample["judge_bias"], sample["labels"] + sample["unlabelled"]
    click.echo(
        f"judge raw  {format_value(sample['judge_mean'], unit=found.unit)}; "
        f"{format_value(abs(bias), unit=apart)} {'above' if bias >= 0 else 'below'} people "
        f"on the {sample['labels']:,} labelled of {items:,} items"
    )
    if table.unscored:
        click.echo(
            f"{table.unscored:,} of {table.rows:,} rows have no score of the judge; they count nowhere"
        )
