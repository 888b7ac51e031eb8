"""``launchworthy score``: a metric over a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import SHARE, echo_json, plain_interval, printable, read_metric

if TYPE_CHECKING:
    from launchworthy.metrics import ScoreReport, SliceReport

_NOTHING_MEASURED = 1


@click.command()
@click.argument("metric", required=False)
@click.option("--input", "file", type=click.Path(path_type=Path), help="JSONL file, one example a line.")
@click.option("--by", help="Field that names an example's slice, or lists its slices.")
@click.option(
    "--cluster", help="Field that names the user or conversation; examples that share it count once."
)
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="positive, schema or pattern.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Of the interval.")
@click.option("--list", "list_all", is_flag=True, help="List the metrics and their fields.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    metric: str | None,
    file: Path | None,
    by: str | None,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    list_all: bool,
    as_json: bool,
) -> int:
    """Compute a metric over a file, with its interval.

    Exit code: 0 if anything could be measured, whatever it was; 1 if nothing could.

    Example: launchworthy score ndcg@10 --input answers.jsonl --by topic
    """
    if list_all:
        return _list(as_json)
    if metric is None or file is None:
        raise click.UsageError("give a METRIC and --input FILE, or --list")
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl
    from launchworthy.metrics import score_rows

    chosen = read_metric(metric, options)
    report = score_rows(
        chosen, (row for _, row in read_jsonl(file)), by=by, cluster=cluster, level=confidence
    )
    if not report.overall.rows:
        raise InputError("the file holds no rows", where=str(file), hint="one JSON object a line")
    if as_json:
        answer = {
            "metric": chosen.name,
            **_plain(report.overall, confidence),
            "unit": chosen.unit,
            "higher_is_better": chosen.higher_is_better,
            "unit_of_analysis": cluster or chosen.unit_of_analysis,
            "signature": chosen.signature,
            "unscored_reasons": dict(report.reasons),
        }
        if by is not None:
            answer["by"] = by
            answer["slices"] = {name: _plain(part, confidence) for name, part in report.slices.items()}
        echo_json(answer)
    else:
        _print(report, by)
    if report.overall.interval is None:
        why = "no row could be scored" if report.overall.unscored == report.overall.rows else "see the metric"
        click.echo(f"error: nothing was measured: {why}", err=True)
        return _NOTHING_MEASURED
    return 0


def _plain(part: SliceReport, confidence: float) -> dict[str, Any]:
    return {
        **plain_interval(part.interval, confidence=confidence),
        "rows": part.rows,
        "unscored": part.unscored,
    }


def _shown(part: SliceReport, unit: str) -> str:
    from launchworthy.quantity import format_interval

    found = part.interval
    text = (
        format_interval(None, None, None, n=part.rows - part.unscored)
        if found is None
        else format_interval(found.value, found.low, found.high, n=found.n, unit=unit)
    )
    return f"{text}, {part.unscored:,} could not be scored" if part.unscored else text


def _print(report: ScoreReport, by: str | None) -> None:
    metric = report.metric
    width = max([len(metric.name), *(len(printable(name)) + 2 for name in report.slices)])
    click.echo(f"{metric.name:{width}}  {_shown(report.overall, metric.unit)}")
    if by is not None:
        click.echo(f"by {printable(by)}:" if report.slices else f"no example has the field {printable(by)!r}")
        for name, part in report.slices.items():
            click.echo(f"  {printable(name):{width - 2}}  {_shown(part, metric.unit)}")
    if report.overall.interval is not None:
        interval = report.overall.interval
        click.echo(f"{interval.method}, {interval.confidence:.6g}; {metric.signature}")
    for reason, count in list(report.reasons.items())[:5]:
        click.echo(f"could not be scored: {count:,} × {printable(reason, most=200)}")


def _list(as_json: bool) -> int:
    from launchworthy.metrics import METRICS

    if as_json:
        echo_json(
            {
                "metrics": [
                    {
                        "name": metric.name,
                        "doc": metric.doc,
                        "unit": metric.unit,
                        "higher_is_better": metric.higher_is_better,
                        "fields": {field.name: field.doc for field in metric.fields},
                        "signature": metric.signature,
                    }
                    for metric in METRICS.values()
                ]
            }
        )
        return 0
    for metric in METRICS.values():
        fields = ", ".join(field.name if field.required else f"[{field.name}]" for field in metric.fields)
        click.echo(f"{metric.name:22} {metric.doc}\n{'':22} fields: {fields}")
    click.echo("Any depth works (hit@3, ndcg, mrr@10), and any percentile (latency-p99.9).")
    return 0
