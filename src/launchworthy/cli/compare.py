"""``launchworthy compare``: candidate against baseline, item by item."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import (
    SHARE,
    VERDICT_CODES,
    echo_json,
    finite,
    plain_interval,
    printable,
    read_metric,
)

if TYPE_CHECKING:
    from launchworthy.metrics import Comparison, Metric

_FILE = click.Path(path_type=Path)
_SHOWN_IDS = 5


@click.command()
@click.option("--baseline", type=_FILE, required=True, help="JSONL file of what serves now.")
@click.option("--candidate", type=_FILE, required=True, help="JSONL file of what shall replace it.")
@click.option("--metric", "name", required=True, help="Such as hit@5; see launchworthy score --list.")
@click.option(
    "--margin",
    default="0",
    show_default=True,
    help="How much worse it may be: 0.01, '1 %', 50ms, '0.01 USD'.",
)
@click.option("--cluster", help="Field that names the user or conversation.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="positive, schema or pattern.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    baseline: Path,
    candidate: Path,
    name: str,
    margin: str,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    as_json: bool,
) -> int:
    """Compare two files of results item by item (rows are paired by id).

    Exit code: 0 no worse than the margin allows, 1 worse, 2 not settled.
    """
    from launchworthy.jsonl import read_jsonl
    from launchworthy.metrics import compare_rows

    metric = read_metric(name, options)
    found = compare_rows(
        metric,
        baseline=(row for _, row in read_jsonl(baseline, unique="id")),
        candidate=(row for _, row in read_jsonl(candidate, unique="id")),
        margin=_margin(margin, metric),
        cluster=cluster,
        level=confidence,
    )
    if as_json:
        _print_json(found, confidence)
    else:
        _print(found)
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


def _print_json(found: Comparison, confidence: float) -> None:
    echo_json(
        {
            "metric": found.metric.name,
            **plain_interval(found.difference, confidence=confidence),
            "unit": found.metric.unit,
            "higher_is_better": found.metric.higher_is_better,
            "signature": found.metric.signature,
            "status": found.status,
            "needed": found.needed,
            "reason": found.reason,
            "margin": found.margin,
            "baseline": plain_interval(found.baseline, confidence=confidence),
            "candidate": plain_interval(found.candidate, confidence=confidence),
            "pairs": found.pairs,
            "unscored": found.unscored,
            "only_baseline": list(found.only_baseline),
            "only_candidate": list(found.only_candidate),
        }
    )


def _print(found: Comparison) -> None:
    from launchworthy.quantity import format_interval

    unit = found.metric.unit
    click.echo(f"{found.status}: {found.reason}")
    for title, interval in (("baseline", found.baseline), ("candidate", found.candidate)):
        shown = (
            format_interval(None, None, None, n=0)
            if interval is None
            else format_interval(interval.value, interval.low, interval.high, n=interval.n, unit=unit)
        )
        click.echo(f"{title:11} {shown}")
    gap = found.difference
    if gap is not None:
        click.echo(f"difference  {replace(gap, unit=unit)}")
        click.echo(
            f"            {gap.method}, each bound at {finite(gap.confidence):.6g}; {found.metric.signature}"
        )
    if found.needed:
        click.echo(f"needed      about {found.needed:,} further pairs, if they differ as these do (80 %)")
    if found.unscored:
        click.echo(f"{found.unscored:,} of {found.pairs:,} pairs could not be scored; they count neither way")
    for side, ids in (("baseline", found.only_baseline), ("candidate", found.only_candidate)):
        if ids:
            some = ", ".join(printable(name) for name in ids[:_SHOWN_IDS])
            more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
            click.echo(f"{len(ids):,} only in the {side}: {some}{more}")
