"""What is printed of a judge and its calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import plain_interval, printable

if TYPE_CHECKING:
    from launchworthy.evals.judging import Bias, Calibration, CalibrationView, Judge, JudgeView
    from launchworthy.evidence import ClaimStatus, Evidence
    from launchworthy.stats import Interval

__all__ = ["plain_calibrated", "print_bias", "print_calibrated", "print_view"]

_SHOWN = 5


def plain_calibrated(
    found: Calibration, judged: ClaimStatus, piece: Evidence, again: Sequence[Evidence]
) -> dict[str, Any]:
    """A calibration as JSON has it."""
    level = piece.confidence
    return {
        "judge": found.judge.name,
        "version": found.judge.version.id,
        "parts": dict(found.judge.version.parts),
        "metric": found.metric,
        "n": found.n,
        "kappa": plain_interval(found.kappa, confidence=level),
        "agreed": plain_interval(found.agreed, confidence=level),
        "raters_agreed": plain_interval(found.raters_agreed, confidence=level),
        "grades": list(found.table.grades),
        "table": found.table.rows(),
        "unscored": dict(found.unscored),
        "divided": found.divided,
        "panel_disagreed": found.disagreed,
        "position_bias": found.bias and found.bias.as_json(),
        "disagreements": [dict(each) for each in found.disagreements],
        "cost_usd": found.cost_usd,
        "tokens": found.tokens,
        "status": judged.state.value,
        "reason": judged.reason,
        "evidence": piece.as_json(),
        "corrected": [each.as_json() for each in again],
    }


def print_calibrated(found: Calibration, judged: ClaimStatus, again: Sequence[Evidence]) -> None:
    """A calibration in words."""
    judge = found.judge
    click.echo(f"{judge.name}  {judge.version.id}  {found.metric}: {found.n:,} labelled items")
    click.echo(f"kappa             {_interval(found.kappa, '')}")
    click.echo(f"same grade        {_interval(found.agreed, 'ratio')}")
    if found.raters_agreed is not None:
        click.echo(f"people agree      {_interval(found.raters_agreed, 'ratio')}")
    heads = "".join(f"{grade:>8g}" for grade in found.table.grades)
    click.echo(f"judge \\ people  {heads}")
    for grade, row in zip(found.table.grades, found.table.rows(), strict=True):
        click.echo(f"{grade:>14g}  " + "".join(f"{count:>8,}" for count in row))
    if found.divided:
        click.echo(f"left out since people are divided: {found.divided:,}")
    if found.disagreed:
        click.echo(f"the models of the panel disagreed on {found.disagreed:,}")
    for reason, count in list(found.unscored.items())[:_SHOWN]:
        click.echo(f"could not be graded: {count:,} × {printable(reason, most=200)}")
    if found.bias is not None:
        print_bias(found.bias)
    for each in found.disagreements[:_SHOWN]:
        reasons = printable(str(each["reasoning"]), most=160)
        click.echo(
            f"apart: {printable(str(each['id']))}: judge {each['judge']:g}, people {each['human']:g}; "
            f"{reasons}"
        )
    click.echo(f"{judged.state.value}: {judged.reason}")
    if again:
        click.echo(
            f"{len(again):,} {'piece' if len(again) == 1 else 'pieces'} of evidence of runs judged before, "
            "corrected with these labels; to judge: launchworthy verdict"
        )


def print_bias(found: Bias) -> None:
    """How far a judge of pairs leans to a place."""
    from launchworthy.quantity import difference_unit

    click.echo(f"leans to first    {_interval(found.first, difference_unit('ratio'))} (0 is no bias)")
    click.echo(f"same in both      {_interval(found.consistent, 'ratio')}")
    if found.missing:
        click.echo(f"not graded in both orders: {found.missing:,}")


def print_view(judge: Judge, view: JudgeView) -> None:
    """A judge, its newest calibrations, and what its grades became once corrected."""
    version = judge.version
    models = ", ".join(model.model for model in judge.models)
    click.echo(f"{judge.name}  {version.id}  {judge.criterion.name}, {judge.scale.name}  {printable(models)}")
    if not view.calibrations:
        click.echo(f"not calibrated; to do so: launchworthy judge calibrate {judge.name} --labels FILE")
    for each in view.calibrations[:_SHOWN]:
        _print_calibration(each, version.changed(each.parts) if each.version != version.id else [])
    if view.since is not None:
        told = view.since.detail.get("remark") or view.since.detail.get("reason", "")
        click.echo(printable(f"by labels since, {view.since.observed_at:%Y-%m-%d}: {told}", most=300))
    for corrected in view.corrections[:_SHOWN]:
        own = corrected.evidence
        raw = "nothing graded" if corrected.raw is None else _value(corrected.raw["value"], own.unit)
        slice_ = "" if own.slice is None else f" on {printable(own.slice)}"
        shown = (
            _bounds(own) if own.value is not None else f"unproven: {printable(corrected.reason, most=300)}"
        )
        shown += _labels(own)
        click.echo(f"{own.claim}{slice_}  {own.observed_at:%Y-%m-%d}: raw {raw}; corrected {shown}")


def _print_calibration(each: CalibrationView, changed: list[str]) -> None:
    piece = each.evidence
    shown = _bounds(piece) if piece.value is not None else f"unproven: {piece.detail.get('reason', '')}"
    agreed = "" if each.same_grade_share is None else f", same grade {_value(each.same_grade_share, 'ratio')}"
    stale = f"; another version: {', '.join(changed)} changed since" if changed else ""
    click.echo(f"calibrated {piece.observed_at:%Y-%m-%d} as {each.version}: kappa {shown}{agreed}{stale}")


def _interval(found: Interval | None, unit: str) -> str:
    from launchworthy.quantity import format_interval

    if found is None:
        return "not defined"
    return format_interval(found.value, found.low, found.high, n=found.n, unit=unit)


def _bounds(piece: Evidence) -> str:
    from launchworthy.quantity import format_interval

    return format_interval(piece.value, piece.low, piece.high, n=piece.n, unit=piece.unit)


def _labels(piece: Evidence) -> str:
    labels = piece.sample.get("labels")
    return "" if labels is None else f", with {labels:,} labels"


def _value(value: float, unit: str) -> str:
    from launchworthy.quantity import format_value

    return format_value(value, unit=unit)
