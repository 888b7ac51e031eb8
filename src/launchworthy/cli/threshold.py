"""``launchworthy threshold``: from which confidence on may the product answer?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.columns import require_rows, row_number
from launchworthy.cli.figures import SHARE, echo_json
from launchworthy.cli.threshold_file import (
    ENDINGS,
    fitted_ids,
    keep_threshold,
    threshold_fields,
    threshold_reason,
)

if TYPE_CHECKING:
    from launchworthy.stats import RiskCoverage, Threshold

_NOT_CERTIFIED = 2
_SHOWN = 12
_CURVE = 200


@click.command()
@click.option("--input", "file", type=click.Path(path_type=Path), help="JSONL file: confidence and correct.")
@click.option("--run", help="Instead of a file: an evaluation run whose answers have a confidence.")
@click.option("--metric", help="With --run: the metric of it that says which answers are right.")
@click.option("--target", type=SHARE, required=True, help="Wrong answers allowed among those given: 0.02.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Of the guarantee.")
@click.option(
    "--guarantee",
    type=click.Choice(["probability", "expectation"]),
    default="probability",
    show_default=True,
    help="Of answers given, with the confidence; or of all questions, on average.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the threshold and its evidence to this .json, .yaml or .yml file; it keeps its other keys.",
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path | None,
    run: str | None,
    metric: str | None,
    target: float,
    confidence: float,
    guarantee: str,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Propose the confidence from which on to answer, so that wrong answers stay under a target.

    Rows hold confidence (any number, higher is surer) and correct (true/false); rows without correct count
    apart. Or name a run, best one of the dev split, so that the holdout can prove what the threshold keeps.
    Rows that fitted the confidence flatter it, and certify nothing: list their ids as `fitted_on` in the file
    that --out names, and they are left out.

    Exit code: 0 certified, 2 no threshold can be certified with these rows.

    Examples: launchworthy threshold --input answers.jsonl --target 0.02 --confidence 0.95;
    launchworthy threshold --run RUN --metric selective-risk --target 0.15 --out policy.json
    """
    from launchworthy.stats import certified_threshold, expected_threshold, risk_coverage

    if out is not None and out.suffix not in ENDINGS:
        raise click.BadParameter("the name ends in .json, .yaml or .yml", param_hint="--out")
    if (file is None) == (run is None):
        raise click.UsageError("name either a file (--input) or a run (--run)")
    if (metric is None) != (run is None):
        raise click.UsageError("--run and --metric go together: the metric says which answers are right")
    fitted = frozenset[str]() if out is None else fitted_ids(out)
    told = _of_run(run, metric or "", data, fitted) if run is not None else _of_file(file or Path(), fitted)
    curve = risk_coverage(told.scores, correct=told.right)
    if guarantee == "probability":
        found = certified_threshold(told.scores, correct=told.right, target=target, level=confidence)
    else:
        found = expected_threshold(told.scores, correct=told.right, target=target)
    answer = threshold_fields(found, level=confidence, source=told.source, rows=told.rows, aurc=curve.aurc)
    if as_json:
        echo_json(answer | {"curve": _points(curve, _CURVE)})
    else:
        _print(found, curve, told)
    if out is not None and found.threshold is not None:
        keep_threshold(out, answer | {"date": datetime.now(UTC).isoformat(timespec="seconds")})
        if not as_json:
            click.echo(f"written to {out}")
    return 0 if found.threshold is not None else _NOT_CERTIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """How sure each answer was and whether it was right; ``apart`` says of the rest why it counts nowhere.

    ``fitted`` is how many further rows were left out since they fitted the confidence, ``repeated`` how many
    since another of their cluster counts.
    """

    source: str
    scores: list[float]
    right: list[float]
    rows: int
    apart: str
    fitted: int
    repeated: int = 0

    @property
    def unlabelled(self) -> int:
        return self.rows - len(self.scores)


def _of_file(file: Path, fitted: frozenset[str]) -> _Told:
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl

    scores: list[float] = []
    right: list[float] = []
    rows = left_out = 0
    for line, row in read_jsonl(file, unique="id"):
        where = f"{file}:{line}"
        if fitted and row.get("id") is None:
            raise InputError(
                "the row has no id, so that nobody knows whether it fitted the confidence",
                where=where,
                hint="the file that --out names lists by id which rows did (fitted_on)",
            )
        if fitted and str(row["id"]) in fitted:
            left_out += 1
            continue
        rows += 1
        score, correct = (row_number(row, name, where=where) for name in ("confidence", "correct"))
        if score is None:
            raise InputError("the row has no confidence", where=where, hint="every answer has one")
        if correct not in (None, 0.0, 1.0):
            raise InputError(f"correct is {correct:g}, neither true nor false", where=where)
        if correct is not None:
            scores.append(score)
            right.append(correct)
    require_rows(rows + left_out, file=file)
    if not rows:
        raise InputError("every row fitted the confidence", where=str(file), hint="label others")
    return _Told(
        source=_source(str(file), left_out),
        scores=scores,
        right=right,
        rows=rows,
        apart="have no correct",
        fitted=left_out,
    )


def _of_run(run_id: str, name: str, data: Path | None, fitted: frozenset[str]) -> _Told:
    from launchworthy.errors import InputError
    from launchworthy.evals import metrics_of_run, stated_confidences
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=False)
    try:
        run, asked = workspace.run(run_id), workspace.run_items(run_id)
    finally:
        workspace.close()
    items = [item for item in asked if item.item_id not in fitted]
    if asked and not items:
        raise InputError("every item fitted the confidence", where=f"run {run.id}", hint="ask others")
    known = {metric.name: metric for metric in metrics_of_run(run)}
    metric = known.get(name.replace("_", "-"))
    if metric is None:
        raise InputError(
            f"the run was not scored by {name[:80]!r}",
            where=f"run {run.id}",
            hint=f"it was by {', '.join(known) or 'nothing'}; launchworthy eval --scorer adds more",
        )
    stated = stated_confidences(items, metric)
    if not stated.confidence:
        raise InputError(
            f"no answer of the run has both a confidence and a score of {metric.name}",
            where=f"run {run.id}",
            hint="let the target answer a number in `confidence`",
        )
    if run.split != "dev":
        click.echo(
            f"run {run.id} read the {run.split} split: what chooses a threshold cannot prove it; "
            "launchworthy eval --split dev",
            err=True,
        )
    return _Told(
        source=_source(f"run:{run.id}, {run.split}, right by {metric.name}", len(asked) - len(items)),
        scores=list(stated.confidence),
        right=list(stated.correct),
        rows=len(items) - stated.repeated,
        apart=f"have no confidence or no score of {metric.name}",
        fitted=len(asked) - len(items),
        repeated=stated.repeated,
    )


def _source(name: str, fitted: int) -> str:
    return f"{name}, without {fitted:,} rows that fitted the confidence" if fitted else name


def _points(curve: RiskCoverage, most: int) -> list[dict[str, float]]:
    """So many points of the curve at most, evenly spaced, the last among them."""
    step = -(-len(curve.thresholds) // most)
    last = len(curve.thresholds) - 1
    return [
        {
            "threshold": curve.thresholds[i],
            "coverage": curve.answered[i] / curve.n,
            "wrong": curve.wrong[i] / curve.answered[i],
            "answered": curve.answered[i],
        }
        for i in sorted({*range(step - 1, last, step), last})
    ]


def _print(found: Threshold, curve: RiskCoverage, told: _Told) -> None:
    from launchworthy.quantity import format_number, format_value

    click.echo(threshold_reason(found))
    if found.coverage is not None and found.wrong is not None:
        click.echo(f"answered  {found.coverage} of questions")
        click.echo(f"wrong     {found.wrong} of the answers given")
    click.echo(f"{found.method}; {found.n:,} labelled rows; AURC {format_number(curve.aurc)}")
    if told.unlabelled:
        click.echo(f"{told.unlabelled:,} of {told.rows:,} rows {told.apart}; they count nowhere")
    if told.repeated:
        click.echo(
            f"{told.repeated:,} further answers share a cluster with one that counts (samples, one user): "
            "they are not independent"
        )
    if told.fitted:
        click.echo(f"{told.fitted:,} further rows fitted the confidence (fitted_on); they certify nothing")
    else:
        click.echo(
            "This holds if none of these rows fitted the confidence: list the ids that did as fitted_on"
        )
    click.echo(f"{'confidence ≥':>12}  {'answered':>9}  {'wrong':>8}")
    for point in _points(curve, _SHOWN):
        shown = format_number(point["threshold"], digits=4)
        given, wrong = (format_value(point[name], unit="ratio") for name in ("coverage", "wrong"))
        click.echo(f"{shown:>12}  {given:>9}  {wrong:>8}")
