"""``launchworthy score``: a metric over a file, by slice or by protected group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import (
    SHARE,
    columns_text,
    echo_json,
    plain_interval,
    printable,
    read_metric,
    shown,
)

if TYPE_CHECKING:
    from launchworthy.metrics import ConfusionTable, GroupReport, ScoreReport, Scores, SliceReport

_NOTHING_MEASURED = 1
_TABLE = "confusion-matrix"


@click.command()
@click.argument("metric", required=False)
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    help="JSON Lines, Parquet or Arrow: one example a line or row.",
)
@click.option("--by", help="Field that names an example's slice, or lists its slices.")
@click.option("--group", help="Field that names a protected group; groups are compared with each other.")
@click.option(
    "--cluster", help="Field that names the user or conversation; examples that share it count once."
)
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="What the metric takes, such as positive."
)
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Of the interval.")
@click.option("--list", "list_all", is_flag=True, help="List the metrics and their fields.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    metric: str | None,
    file: Path | None,
    by: str | None,
    group: str | None,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    list_all: bool,
    as_json: bool,
) -> int:
    """Compute a metric over a file, with its interval.

    METRIC may also be confusion-matrix, or with --group demographic-parity or equalised-odds.

    Exit code: 0 if anything could be measured, whatever it was; 1 if nothing could.

    Example: launchworthy score ndcg@10 --input answers.jsonl --by topic
    """
    if list_all:
        return _list(as_json)
    if metric is None or file is None:
        raise click.UsageError("give a METRIC and --input FILE, or --list")
    if by is not None and group is not None:
        raise click.UsageError("--by and --group exclude each other")
    from launchworthy.metrics import PARITY

    name = metric.strip().lower().replace("_", "-").replace("equalized", "equalised")
    if name in PARITY and group is None:
        raise click.UsageError(f"{name} compares groups: name their field with --group")
    if group is not None:
        return _score_groups(name, file, group, cluster, options, confidence, as_json)
    if name == _TABLE:
        if options or cluster is not None:
            raise click.UsageError(f"{_TABLE} is over all classes, item by item: no --option, no --cluster")
        return _score_table(file, by, confidence, as_json)
    return _score(metric, file, by, cluster, options, confidence, as_json)


def _score(
    name: str,
    file: Path,
    by: str | None,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    as_json: bool,
) -> int:
    from launchworthy.cli.tables import score_file, without_field
    from launchworthy.metrics import report_scored

    chosen = read_metric(name, options)
    found = score_file(chosen, file, by=by, cluster=cluster)
    report = report_scored(chosen, found, cluster=cluster, level=confidence)
    _refuse_empty(report.overall.rows, file)
    if by is not None and not report.slices:
        raise without_field(by, where=str(file))
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
        return _nothing(_why_nothing(report, found.scores))
    return 0


def _refuse_empty(rows: int, file: Path) -> None:
    from launchworthy.errors import InputError

    if not rows:
        raise InputError("the file holds no rows", where=str(file), hint="one JSON object a line")


def _why_nothing(report: ScoreReport, scores: Scores) -> str:
    """Why a metric could not be told from the rows that were scored."""
    if report.overall.unscored == report.overall.rows:
        return "no row could be scored"
    if any(field.name == "label" for field in report.metric.fields):
        positives = scores.total("positive", "tp", "fn")
        measured = report.overall.rows - report.overall.unscored
        if positives in (0, measured):
            return f"all labels are one class: {'no' if positives == 0 else 'every'} row is positive"
    return f"the rows do not determine it: {report.metric.convention or report.metric.doc}"


def _nothing(why: str) -> int:
    click.echo(f"error: nothing was measured: {why}", err=True)
    return _NOTHING_MEASURED


def _plain(part: SliceReport, confidence: float) -> dict[str, Any]:
    return {
        **plain_interval(part.interval, confidence=confidence),
        "rows": part.rows,
        "unscored": part.unscored,
    }


def _shown(part: SliceReport, unit: str) -> str:
    text = shown(part.interval, unit=unit, n=part.rows - part.unscored)
    return f"{text}, {part.unscored:,} could not be scored" if part.unscored else text


def _print(report: ScoreReport, by: str | None) -> None:
    metric = report.metric
    width = max([len(metric.name), *(len(printable(name)) + 2 for name in report.slices)])
    click.echo(f"{metric.name:{width}}  {_shown(report.overall, metric.unit)}")
    if by is not None:
        click.echo(f"by {printable(by)}:")
        for name, part in report.slices.items():
            click.echo(f"  {printable(name):{width - 2}}  {_shown(part, metric.unit)}")
    interval = report.overall.interval
    told = "" if interval is None else f"{interval.method}, {interval.confidence:.6g}; "
    click.echo(f"{told}{metric.signature}")
    if interval is not None and (missing := interval.sample.get("missing")):
        click.echo(f"{missing:,} of {report.overall.rows:,} are missing, and count 0")
    _print_reasons(report.reasons)


def _print_reasons(reasons: Mapping[str, int]) -> None:
    for reason, count in list(reasons.items())[:5]:
        click.echo(f"could not be scored: {count:,} × {printable(reason, most=200)}")


def _score_groups(
    name: str,
    file: Path,
    group: str,
    cluster: str | None,
    options: tuple[str, ...],
    confidence: float,
    as_json: bool,
) -> int:
    from launchworthy.cli.tables import score_file
    from launchworthy.metrics import PARITY, report_groups, widest

    parts = PARITY.get(name, (name,))
    reports, reasons = [], Counter[str]()
    for part in parts:
        metric = read_metric(part, options)
        found = score_file(metric, file, by=group, cluster=cluster)
        _refuse_empty(len(found.scores), file)
        reasons |= Counter(found.scores.errors.values())
        reports.append(report_groups(metric, found, cluster=cluster, level=confidence, share=len(parts)))
    worst = widest(reports)
    title = name if name in PARITY else reports[0].metric.name
    if as_json:
        echo_json(
            {
                "metric": title,
                **plain_interval(None if worst is None else worst.gap, confidence=confidence),
                "unit": reports[0].metric.unit,
                "ratio": plain_interval(None if worst is None else worst.ratio, confidence=confidence),
                "signature": "; ".join(report.metric.signature for report in reports),
                "by": group,
                "smallest": min(report.smallest for report in reports),
                "unscored_reasons": dict(reasons),
                "of": {report.metric.name: _plain_groups(report, confidence) for report in reports},
            }
        )
    else:
        _print_groups(title, reports, worst, group)
        _print_reasons(reasons)
    return 0 if worst is not None else _nothing("fewer than two groups could be measured")


def _plain_groups(report: GroupReport, confidence: float) -> dict[str, Any]:
    return {
        "signature": report.metric.signature,
        "gap": plain_interval(report.gap, confidence=confidence),
        "ratio": plain_interval(report.ratio, confidence=confidence),
        "highest": report.highest,
        "lowest": report.lowest,
        "ungrouped": report.ungrouped,
        "groups": {
            row.name: {
                **plain_interval(row.value, confidence=confidence),
                "difference": plain_interval(row.difference, confidence=confidence),
                "ratio": plain_interval(row.ratio, confidence=confidence),
                "rows": row.rows,
                "unscored": row.unscored,
            }
            for row in report.groups
        },
    }


def _print_groups(title: str, reports: list[GroupReport], worst: GroupReport | None, group: str) -> None:
    from launchworthy.quantity import difference_unit

    unit = reports[0].metric.unit
    apart = difference_unit(unit)
    click.echo(f"{title}, widest gap between groups: {shown(worst.gap if worst else None, unit=apart)}")
    if worst is not None:
        click.echo(f"highest {printable(worst.highest or '')}, lowest {printable(worst.lowest or '')}")
        click.echo(f"lowest over highest: {shown(worst.ratio, unit='')}")
    for report in reports:
        click.echo(f"{report.metric.name} by {printable(group)}, and against all others:")
        lines = [
            (
                printable(row.name),
                shown(row.value, unit=unit, n=row.rows - row.unscored),
                f"difference {shown(row.difference, unit=apart, count=False)}",
                f"ratio {shown(row.ratio, unit='', count=False)}",
            )
            for row in report.groups
        ]
        for line in columns_text(lines):
            click.echo(f"  {line}")
        if report.ungrouped:
            click.echo(f"  {report.ungrouped:,} rows name no group")
    smallest = min(report.smallest for report in reports)
    click.echo(f"smallest group n = {smallest:,}; gaps, differences and ratios hold for all groups at once")
    click.echo("; ".join(report.metric.signature for report in reports))


def _score_table(file: Path, by: str | None, confidence: float, as_json: bool) -> int:
    from launchworthy.cli.tables import score_file, without_field
    from launchworthy.metrics import confusion_table, find_metric

    metric = find_metric("macro-f1")
    found = score_file(metric, file, by=by)
    _refuse_empty(len(found.scores), file)
    if by is not None and not found.slices:
        raise without_field(by, where=str(file))
    parts: dict[str | None, Scores] = {
        None: found.scores,
        **{name: found.scores.take(at) for name, at in found.slices.items()},
    }
    tables = {name: confusion_table(scores, level=confidence) for name, scores in parts.items()}
    unscored = len(found.scores.errors)
    signature = f"{_TABLE}|v{metric.version}"
    if as_json:
        answer: dict[str, Any] = {
            "metric": _TABLE,
            **_plain_table(tables[None], confidence),
            "signature": signature,
            "unscored": unscored,
        }
        if by is not None:
            answer["by"] = by
            answer["slices"] = {
                name: _plain_table(table, confidence) for name, table in tables.items() if name is not None
            }
        echo_json(answer)
    else:
        for name, table in tables.items():
            if name is not None:
                click.echo(f"{printable(by or '')} {printable(name)}:")
            _print_table(table)
        click.echo(f"each interval by itself, Wilson, {confidence:.6g}; {signature}")
        if unscored:
            click.echo(f"{unscored:,} of {len(found.scores):,} rows could not be scored")
    return 0 if tables[None].n else _nothing("no row could be scored")


def _plain_table(table: ConfusionTable, confidence: float) -> dict[str, Any]:
    return {
        "n": table.n,
        "classes": list(table.classes),
        "rows": {
            truth: {
                said: {"count": count, "share": plain_interval(share, confidence=confidence)}
                for said, (count, share) in zip(table.classes, row, strict=True)
            }
            for truth, row in zip(table.classes, table.cells, strict=True)
        },
        "by_class": {
            row.name: {
                "true": row.true,
                "predicted": row.said,
                "precision": plain_interval(row.precision, confidence=confidence),
                "recall": plain_interval(row.recall, confidence=confidence),
                "f1": plain_interval(row.f1, confidence=confidence),
            }
            for row in table.by_class
        },
    }


def _print_table(table: ConfusionTable) -> None:
    lines: list[tuple[str, ...]] = [("true \\ predicted", *map(printable, table.classes))]
    lines += [
        (
            printable(truth),
            *(
                f"{count:,}, {shown(share, unit='ratio', count=False)}" if share else "0"
                for count, share in row
            ),
        )
        for truth, row in zip(table.classes, table.cells, strict=True)
    ]
    for line in columns_text(lines):
        click.echo(line)
    by_class: list[tuple[str, ...]] = [("class", "precision", "recall", "F1")]
    by_class += [
        (printable(row.name), *(shown(found, unit="ratio") for found in (row.precision, row.recall, row.f1)))
        for row in table.by_class
    ]
    for line in columns_text(by_class):
        click.echo(line)


def _list(as_json: bool) -> int:
    from launchworthy.metrics import FAMILIES, METRICS, PARITY, options_of

    families = {title: [METRICS[name] for name in names] for title, names in FAMILIES.items()}
    if as_json:
        echo_json(
            {
                "metrics": [
                    {
                        "name": metric.name,
                        "family": title,
                        "doc": metric.doc,
                        "unit": metric.unit,
                        "higher_is_better": metric.higher_is_better,
                        "fields": {field.name: field.doc for field in metric.fields},
                        "options": list(options_of(metric.name)),
                        "signature": metric.signature,
                    }
                    for title, metrics in families.items()
                    for metric in metrics
                ]
            }
        )
        return 0
    for title, metrics in families.items():
        click.echo(f"{title}:")
        for metric in metrics:
            fields = ", ".join(field.name if field.required else f"[{field.name}]" for field in metric.fields)
            takes = f"; options: {', '.join(options)}" if (options := options_of(metric.name)) else ""
            click.echo(f"  {metric.name:26} {metric.doc}\n{'':28} fields: {fields}{takes}")
    click.echo("Any depth works (hit@3, ndcg, mrr@10), and any percentile (latency-p99.9).")
    click.echo(f"Reports: {_TABLE}; with --group {', '.join(PARITY)}, and every metric above.")
    return 0
