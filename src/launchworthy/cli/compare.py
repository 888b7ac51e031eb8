"""``launchworthy compare``: candidate against baseline, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.compare_groups import plain_groups, print_groups
from launchworthy.cli.figures import (
    SHARE,
    VERDICT_CODES,
    columns_text,
    echo_json,
    finite,
    format_p,
    plain_interval,
    printable,
    read_metric,
    shown,
)

if TYPE_CHECKING:
    from launchworthy.metrics import Comparison, GroupComparison, Metric

_FILE = click.Path(path_type=Path)
_SHOWN_IDS = 5


@click.command()
@click.option("--baseline", type=_FILE, required=True, help="File of what serves now, as score reads it.")
@click.option("--candidate", type=_FILE, required=True, help="File of what shall replace it.")
@click.option("--metric", "name", required=True, help="Such as hit@5; see launchworthy score --list.")
@click.option(
    "--margin",
    default="0",
    show_default=True,
    help="How much worse it may be: 0.01, '1 %', 50ms, '0.01 USD'.",
)
@click.option("--by", help="Field that names a pair's slice; says which slices differ beyond chance.")
@click.option("--group", help="Field that names a protected group; says whether the gap between groups grew.")
@click.option("--cluster", help="Field that names the user or conversation.")
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="What the metric takes, such as positive."
)
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--plan", is_flag=True, help="Say how many pairs would show the margin if both were alike.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    baseline: Path,
    candidate: Path,
    name: str,
    margin: str,
    by: str | None,
    group: str | None,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    plan: bool,
    as_json: bool,
) -> int:
    """Compare two files of results item by item (rows are paired by id).

    Exit code: 0 no worse than the margin allows, 1 worse, 2 not settled.
    """
    from launchworthy.cli.tables import score_file, without_field
    from launchworthy.metrics import PARITY, compare_groups, compare_scored

    if by is not None and group is not None:
        raise click.UsageError("--by and --group exclude each other")
    if name in PARITY:
        parts = " and ".join(PARITY[name])
        raise click.UsageError(f"{name} is a report of one side: compare {parts} by --group")
    metric = read_metric(name, options)
    allowed = _margin(margin, metric)
    if plan and not allowed:
        raise click.UsageError("--plan needs a --margin: no number of pairs shows that nothing is any worse")
    old, new = (
        score_file(metric, file, by=by or group, cluster=cluster, ids=side)
        for side, file in (("baseline", baseline), ("candidate", candidate))
    )
    found = compare_scored(
        metric, baseline=old, candidate=new, margin=allowed, cluster=cluster, level=confidence
    )
    if by is not None and not found.slices:
        raise without_field(by, where=str(candidate))
    if group is not None and not found.slices:
        raise without_field(group, where=str(candidate), option="--group")
    groups = None
    if group is not None:
        groups = compare_groups(metric, baseline=old, candidate=new, cluster=cluster, level=confidence)
    if as_json:
        _print_json(found, by, group, groups, confidence)
    else:
        _print(found)
        if by is not None:
            _print_slices(found, by, confidence)
        if group is not None and groups is not None:
            print_groups(groups, group)
        if plan:
            _print_plan(found)
    return VERDICT_CODES[found.status]


def _margin(text: str, metric: Metric) -> float:
    from launchworthy.quantity import parse_quantity

    try:
        quantity = parse_quantity(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--margin") from error
    if quantity.unit not in ("", metric.unit):
        unit = {"ratio": "a share, such as 1 %", "": "a plain number"}.get(metric.unit, f"in {metric.unit}")
        raise click.BadParameter(f"{text!r} is not {unit}, as {metric.name} is", param_hint="--margin")
    if quantity.value < 0:
        raise click.BadParameter("write it as a positive number", param_hint="--margin")
    return quantity.value


def _print_json(
    found: Comparison, by: str | None, group: str | None, groups: GroupComparison | None, confidence: float
) -> None:
    from launchworthy.metrics import slices_in_words

    answer: dict[str, Any] = {
        "metric": found.metric.name,
        **plain_interval(found.difference, confidence=confidence),
        "unit": found.metric.unit,
        "higher_is_better": found.metric.higher_is_better,
        "signature": found.metric.signature,
        "status": found.status,
        "needed": found.needed,
        "planned": found.planned,
        "e_value": finite(found.e_value),
        "reason": found.reason,
        "margin": found.margin,
        "baseline": plain_interval(found.baseline, confidence=confidence),
        "candidate": plain_interval(found.candidate, confidence=confidence),
        "pairs": found.pairs,
        "unscored": found.unscored,
        "only_baseline": list(found.only_baseline),
        "only_candidate": list(found.only_candidate),
        "changed": list(found.changed),
    }
    if by is not None:
        answer["by"] = by
        answer["slices_reason"] = slices_in_words(found.slices, unit=found.metric.unit, level=confidence)
        answer["slices"] = {
            part.name: {
                **plain_interval(part.difference, confidence=confidence),
                "p_value": part.p_value,
                "adjusted": part.adjusted,
                "change": part.change,
            }
            for part in found.slices
        }
    if group is not None and groups is not None:
        answer |= plain_groups(groups, group, confidence=confidence)
    echo_json(answer)


def _print(found: Comparison) -> None:
    from launchworthy.quantity import difference_unit, format_number

    unit = found.metric.unit
    click.echo(f"{found.status}: {found.reason}")
    for title, interval in (("baseline", found.baseline), ("candidate", found.candidate)):
        click.echo(f"{title:11} {shown(interval, unit=unit)}")
    gap = found.difference
    if gap is not None:
        click.echo(f"difference  {shown(gap, unit=difference_unit(unit))}")
        click.echo(f"            {gap.method}, each bound at {gap.confidence:.6g}")
    click.echo(f"signature   {found.metric.signature}")
    if gap is not None and found.e_value is not None:
        enough = format_number(1.0 / (1.0 - gap.confidence))
        click.echo(
            f"e-value     {format_number(found.e_value)}: whoever looks while results still come in "
            f"calls the two different from {enough} on"
        )
    if found.needed:
        click.echo(f"needed      about {found.needed:,} further pairs, if they differ as these do (80 %)")
    if found.unscored:
        click.echo(f"{found.unscored:,} of {found.pairs:,} pairs could not be scored; they count neither way")
    for what, ids in (
        ("only in the baseline", found.only_baseline),
        ("only in the candidate", found.only_candidate),
        ("with another right answer on each side, and left out", found.changed),
    ):
        if ids:
            some = ", ".join(printable(name) for name in ids[:_SHOWN_IDS])
            more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
            click.echo(f"{len(ids):,} {what}: {some}{more}")


def _print_slices(found: Comparison, by: str, confidence: float) -> None:
    from launchworthy.metrics import slices_in_words
    from launchworthy.quantity import difference_unit

    unit = found.metric.unit
    told = slices_in_words(found.slices, unit=unit, level=confidence)
    click.echo(f"by {printable(by)}: {printable(told, most=400)}")
    lines = [("", "difference, by itself", "p", "p among all", "")]
    lines += [
        (
            printable(part.name),
            shown(part.difference, unit=difference_unit(unit)),
            "" if part.p_value is None else format_p(part.p_value),
            "" if part.adjusted is None else format_p(part.adjusted),
            part.change or "",
        )
        for part in found.slices
    ]
    for line in columns_text(lines):
        click.echo(f"  {line}")


def _print_plan(found: Comparison) -> None:
    from launchworthy.quantity import difference_unit, format_value

    margin = format_value(found.margin, unit=difference_unit(found.metric.unit))
    if found.planned is None:
        click.echo("plan        how far items differ is not known from these pairs")
        return
    click.echo(
        f"plan        {found.planned:,} pairs show that it is not worse by more than {margin} (80 % odds), "
        "if both are alike on average and items differ as often as here"
    )
