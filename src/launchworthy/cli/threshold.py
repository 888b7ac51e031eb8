"""``launchworthy threshold``: from which confidence on may the product answer?"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.columns import require_rows, row_number
from launchworthy.cli.figures import SHARE, echo_json, plain_interval

if TYPE_CHECKING:
    from launchworthy.stats import RiskCoverage, Threshold

_NOT_CERTIFIED = 2
_SHOWN = 12
_CURVE = 200


@click.command()
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    help="JSONL file: confidence and correct.",
)
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
    help="Write the threshold and its evidence to this .json, .yaml or .yml file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path, target: float, confidence: float, guarantee: str, out: Path | None, as_json: bool
) -> int:
    """Propose the confidence from which on to answer, so that wrong answers stay under a target.

    Rows hold confidence (any number, higher is surer) and correct (true/false); rows without correct count
    apart. Exit code: 0 certified, 2 no threshold can be certified with these rows.

    Example: launchworthy threshold --input answers.jsonl --target 0.02 --confidence 0.95
    """
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl
    from launchworthy.stats import certified_threshold, expected_threshold, risk_coverage

    if out is not None and out.suffix not in (".json", ".yaml", ".yml"):
        raise click.BadParameter("the name ends in .json, .yaml or .yml", param_hint="--out")
    scores: list[float] = []
    right: list[float] = []
    rows = unlabelled = 0
    for line, row in read_jsonl(file):
        where = f"{file}:{line}"
        rows += 1
        score, correct = (row_number(row, name, where=where) for name in ("confidence", "correct"))
        if score is None:
            raise InputError("the row has no confidence", where=where, hint="every answer has one")
        if correct not in (None, 0.0, 1.0):
            raise InputError(f"correct is {correct:g}, neither true nor false", where=where)
        if correct is None:
            unlabelled += 1
            continue
        scores.append(score)
        right.append(correct)
    require_rows(rows, file=file)
    curve = risk_coverage(scores, correct=right)
    if guarantee == "probability":
        found = certified_threshold(scores, correct=right, target=target, level=confidence)
    else:
        found = expected_threshold(scores, correct=right, target=target)
    answer = {
        **_plain(found, confidence),
        "rows": rows,
        "unlabelled": unlabelled,
        "aurc": curve.aurc,
        "reason": _reason(found),
    }
    if as_json:
        echo_json(answer | {"curve": _points(curve, _CURVE)})
    else:
        _print(found, curve, rows, unlabelled)
    if out is not None and found.threshold is not None:
        _write(out, answer)
        if not as_json:
            click.echo(f"written to {out}")
    return 0 if found.threshold is not None else _NOT_CERTIFIED


def _plain(found: Threshold, confidence: float) -> dict[str, Any]:
    level = found.confidence or confidence
    return {
        "threshold": found.threshold,
        "answer_when": "confidence >= threshold",
        "guarantee": found.guarantee,
        "target": found.target,
        "confidence": found.confidence,
        "n": found.n,
        "method": found.method,
        "coverage": plain_interval(found.coverage, confidence=level),
        "wrong": plain_interval(found.wrong, confidence=level),
        "needed": found.needed,
    }


def _reason(found: Threshold) -> str:
    from launchworthy.quantity import format_number, format_value

    if found.threshold is not None:
        return f"Answer at {format_number(found.threshold, digits=6)} or above: {found.guarantee}."
    start = f"No threshold can be certified with {found.n:,} labelled answers"
    target = format_value(found.target, unit="ratio")
    if found.needed is None:
        return (
            f"{start}: at every confidence {target} or more are wrong, "
            "so the answers or their confidence must improve."
        )
    return f"{start}: about {found.needed:,} would be needed, if they are like these (80 %)."


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


def _print(found: Threshold, curve: RiskCoverage, rows: int, unlabelled: int) -> None:
    from launchworthy.quantity import format_number, format_value

    click.echo(_reason(found))
    if found.coverage is not None and found.wrong is not None:
        click.echo(f"answered  {found.coverage} of questions")
        click.echo(f"wrong     {found.wrong} of the answers given")
    click.echo(f"{found.method}; {found.n:,} labelled rows; AURC {format_number(curve.aurc)}")
    if unlabelled:
        click.echo(f"{unlabelled:,} of {rows:,} rows have no correct; they count nowhere")
    click.echo(f"{'confidence ≥':>12}  {'answered':>9}  {'wrong':>8}")
    for point in _points(curve, _SHOWN):
        shown = format_number(point["threshold"], digits=4)
        given, wrong = (format_value(point[name], unit="ratio") for name in ("coverage", "wrong"))
        click.echo(f"{shown:>12}  {given:>9}  {wrong:>8}")


def _write(out: Path, answer: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from launchworthy.errors import StorageError

    document = {**answer, "date": datetime.now(UTC).isoformat(timespec="seconds")}
    if out.suffix == ".json":
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        from ruamel.yaml import YAML

        written = io.StringIO()
        YAML(typ="safe", pure=True).dump(document, written)
        text = written.getvalue()
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the file cannot be written: {error.strerror or error}", where=str(out)
        ) from error
