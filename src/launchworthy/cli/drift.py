"""``launchworthy drift``: what changed in the data from one file to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import SHARE, columns_text, echo_json, finite, plain_interval, printable

if TYPE_CHECKING:
    from launchworthy.monitor.drifting import (
        Cause,
        Change,
        ColumnDrift,
        PartDrift,
        Rightness,
        ScoreColumns,
        Separation,
        Study,
        Tolerances,
    )

_FILE = click.Path(path_type=Path, dir_okay=False)
_MEASURES = ("jensen_shannon", "psi", "ks", "wasserstein", "cramer")
_CODES = {"within": 0, "drifted": 1, "cannot_say": 2}
_SHOWN = 40


@click.command()
@click.option(
    "--reference", type=_FILE, required=True, help="Parquet of what is normal, or what --keep has written."
)
@click.option(
    "--current", type=_FILE, required=True, multiple=True, help="Parquet of now; several are added up."
)
@click.option(
    "--measure",
    type=click.Choice(_MEASURES),
    default="jensen_shannon",
    show_default=True,
    help="Distance that decides; all are printed by --json.",
)
@click.option("--tolerance", type=float, help="Of the distance: 0.05, of psi and wasserstein 0.1.")
@click.option(
    "--share-tolerance",
    type=SHARE,
    default="0.01",
    show_default=True,
    help="How far the share of missing, new and out-of-range values may move.",
)
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Column that is not compared.")
@click.option("--by", default="", metavar="COLUMN", help="Say which of its values carries a change.")
@click.option(
    "--release", default="", metavar="COLUMN", help="Names a row's release: told apart from the world."
)
@click.option(
    "--unit", default="", metavar="COLUMN", help="Names the user behind a row: of each one row counts."
)
@click.option(
    "--blocks",
    default="",
    metavar="COLUMN",
    help="Rows of one value hang together, such as a day (of a time) or a user: all count, bounds are wider.",
)
@click.option("--classifier", is_flag=True, help="Let a classifier look at all columns together.")
@click.option("--score", default="", metavar="COLUMN", help="Score whose decisions may be right or wrong.")
@click.option("--label", default="", metavar="COLUMN", help="What came of it: 0, 1, or empty.")
@click.option("--decide-at", type=float, default=0.5, show_default=True, help="Score from which it says yes.")
@click.option(
    "--label-chance", default="", metavar="COLUMN", help="Chance that the row's label becomes known."
)
@click.option("--time", default="", metavar="COLUMN", help="When the row came; with --matures.")
@click.option("--matures", default="", metavar="DURATION", help="How old a row must be for its label.")
@click.option("--keep", type=_FILE, help="Write the reference's counts, to be the --reference from then on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", "page", type=_FILE, help="Write a report with plots to this file.")
def command(
    reference: Path,
    current: tuple[Path, ...],
    measure: str,
    tolerance: float | None,
    share_tolerance: float,
    confidence: float,
    ignore: tuple[str, ...],
    by: str,
    release: str,
    unit: str,
    blocks: str,
    classifier: bool,
    score: str,
    label: str,
    decide_at: float,
    label_chance: str,
    time: str,
    matures: str,
    keep: Path | None,
    as_json: bool,
    page: Path | None,
) -> int:
    """Say which columns of a file moved, which did not, and which cannot tell.

    A column moved where it is shown to be further from the reference than is tolerated.

    Exit code: 0 all within, 1 drifted, 2 cannot say: more rows are needed.

    Example: launchworthy drift --reference march.parquet --current april.parquet --html drift.html
    """
    from launchworthy.monitor.drifting import study

    scored = _scored(score, label, label_chance, time, matures, decide_at)
    found = study(
        reference,
        current=current,
        tolerances=_tolerances(measure, tolerance, share_tolerance, confidence),
        classifier=classifier,
        by=by,
        release=release,
        unit=unit,
        blocks=blocks,
        ignore=ignore,
        scored=scored,
        keep=keep,
    )
    if page is not None:
        from launchworthy.console.drift_report import drift_report
        from launchworthy.console.report import write_report

        write_report(page, drift_report(found, reference=reference.name, current=_named(current)))
    if as_json:
        echo_json(_plain(found, confidence))
    else:
        _print(found)
    return _CODES[found.state]


def _named(files: Sequence[Path]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name}{more}"


def _tolerances(measure: str, tolerance: float | None, share: float, confidence: float) -> Tolerances:
    from launchworthy.monitor.drifting import Tolerances
    from launchworthy.stats import Divergence

    if tolerance is not None and not 0.0 <= tolerance < float("inf"):
        raise click.BadParameter("write it as a positive number", param_hint="--tolerance")
    if not 0.5 <= confidence < 1.0:
        raise click.BadParameter("write it from 0.5 to below 1", param_hint="--confidence")
    return Tolerances(measure=Divergence(measure), distance=tolerance, share=share, confidence=confidence)


def _scored(
    score: str, label: str, chance: str, time: str, matures: str, decide_at: float
) -> ScoreColumns | None:
    from launchworthy.monitor.drifting import ScoreColumns
    from launchworthy.quantity import parse_quantity

    if bool(score) != bool(label):
        raise click.UsageError("--score and --label go together")
    if not score:
        if chance or time or matures:
            raise click.UsageError("--label-chance, --time and --matures go with --score and --label")
        return None
    if bool(time) != bool(matures):
        raise click.UsageError("--time and --matures go together")
    seconds = 0.0
    if matures:
        try:
            quantity = parse_quantity(matures)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--matures") from error
        if quantity.unit != "ms":
            raise click.BadParameter(f"{matures!r} is not a duration, such as 30d", param_hint="--matures")
        seconds = quantity.value / 1e3
    return ScoreColumns(
        score=score, label=label, chance=chance, time=time, matures_s=seconds, threshold=decide_at
    )


def _print(found: Study) -> None:
    comparison = found.comparison
    click.echo(printable(f"{found.state.value.replace('_', ' ')}: {comparison.conclusion}", most=300))
    rows = "1 row" if comparison.rows == 1 else f"{comparison.rows:,} rows"
    click.echo(f"{rows} against {comparison.reference_rows:,} of the reference")
    lines = [
        (printable(column.name, most=40), column.state.value.replace("_", " "), _told(column))
        for column in comparison.columns[:_SHOWN]
    ]
    for line in columns_text(lines):
        click.echo(f"  {printable(line, most=300)}")
    if len(comparison.columns) > _SHOWN:
        click.echo(f"  and {len(comparison.columns) - _SHOWN:,} more")
    for name, why in comparison.left_out.items():
        click.echo(printable(f"left out: {name}: {why}", most=200))
    for title, separation in found.separations.items():
        _print_separation(title, separation)
    _print_causes(found.causes)
    if found.by:
        _print_parts(found)
    if found.rightness is not None:
        click.echo(f"score       {found.rightness.told}")
        if found.rightness.measured is not None and found.rightness.reason:
            click.echo(f"            {found.rightness.reason}")


def _told(column: ColumnDrift) -> str:
    told = column.told
    if column.state.value == "drifted" and column.newest and column.main.what == "new":
        told += f": {', '.join(printable(name, most=20) for name in column.newest[:3])}"
    if column.state.value == "cannot_say":
        needed = column.needed
        told += "; no number of rows tells" if needed is None else f"; about {needed:,} rows would tell"
    return told


def _print_separation(title: str, found: Separation) -> None:
    state = found.state.value.replace("_", " ")
    shown = "too few rows" if found.auc is None else f"AUC {found.auc}"
    needed = f"; about {found.needed:,} rows a side would tell" if found.needed else ""
    click.echo(printable(f"classifier  {title}: {state}, {shown}{needed}", most=200))
    if found.features:
        click.echo(printable(f"            {', '.join(found.features[:6])}", most=240))


def _print_causes(causes: Sequence[Cause]) -> None:
    for each in causes:
        told = each.reason or " and ".join(
            f"{words} {change.told}"
            for words, change in (
                (f"within {each.kept}", each.world),
                (f"between {each.kept} and {each.newer}", each.release),
            )
            if change is not None
        )
        click.echo(printable(f"cause       {each.column}: {each.cause}; {told}", most=300))


def _print_parts(found: Study) -> None:
    from launchworthy.monitor.drifting import carried_by
    from launchworthy.quantity import format_value

    carried = carried_by(found.parts)
    if not carried:
        click.echo(printable(f"by {found.by}: no part by itself is shown to have moved", most=120))
    for name, parts in carried.items():
        moved = ", ".join(
            f"{each.value} ({format_value(each.share, unit='ratio')})" for each in parts.moved[:8]
        )
        more = f" and {len(parts.moved) - 8} more" if len(parts.moved) > 8 else ""
        still = f"; not in {', '.join(parts.still[:8])}" if parts.still else ""
        most = parts.moved[0].column.main.told
        click.echo(printable(f"by {found.by}: {name} moved in {moved}{more}{still}; {most}", most=300))


def _plain(found: Study, confidence: float) -> dict[str, Any]:
    comparison = found.comparison
    answer: dict[str, Any] = {
        "state": found.state.value,
        "conclusion": comparison.conclusion,
        "rows": comparison.rows,
        "reference_rows": comparison.reference_rows,
        "columns": [_plain_column(column, confidence) for column in comparison.columns],
        "left_out": dict(comparison.left_out),
    }
    if found.separations:
        answer["classifier"] = {
            title: {
                "state": each.state.value,
                **plain_interval(each.auc, confidence=confidence),
                "tolerance": each.tolerance,
                "needed": each.needed,
                "features": list(each.features),
            }
            for title, each in found.separations.items()
        }
    if found.release:
        answer["causes"] = [_plain_cause(each, confidence) for each in found.causes]
    if found.by:
        answer["by"] = found.by
        answer["parts"] = [_plain_part(each, confidence) for each in found.parts]
    if found.rightness is not None:
        answer["score"] = _plain_rightness(found.rightness, confidence)
    return answer


def _plain_column(column: ColumnDrift, confidence: float) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "state": column.state.value,
        "needed": column.needed,
        "changes": [_plain_change(change, confidence) for change in column.changes],
        "distances": {
            measure.value: plain_interval(interval, confidence=confidence)
            for measure, interval in column.distances.items()
        },
        "new": list(column.newest),
    }


def _plain_change(change: Change, confidence: float) -> dict[str, Any]:
    return {
        "what": change.what,
        "state": change.state.value,
        **plain_interval(change.interval, confidence=confidence),
        "tolerance": change.tolerance,
        "p_value": change.p,
        "e_value": finite(change.e),
        "false_share": change.found,
        "needed": change.needed,
        "needed_reference": change.needed_reference,
    }


def _plain_cause(each: Cause, confidence: float) -> dict[str, Any]:
    sides: Mapping[str, Change | None] = {"world": each.world, "between_releases": each.release}
    return {
        "column": each.column,
        "cause": each.cause,
        "kept": each.kept,
        "newer": each.newer,
        "reason": each.reason,
        **{name: None if side is None else _plain_change(side, confidence) for name, side in sides.items()},
    }


def _plain_part(each: PartDrift, confidence: float) -> dict[str, Any]:
    return {"value": each.value, "share": each.share, **_plain_column(each.column, confidence)}


def _plain_rightness(found: Rightness, confidence: float) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "told": found.told,
        "rows": found.rows,
        "matured": found.matured,
        "labels": found.labels,
        "reason": found.reason,
        **{
            name: plain_interval(getattr(found, name), confidence=confidence)
            for name in ("reference", "estimated", "measured", "gap")
        },
    }
