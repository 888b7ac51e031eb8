"""``launchworthy judge``: calibrate judges with people's labels, and show what they are worth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import VERDICT_CODES, echo_json, plain_interval, printable
from launchworthy.cli.in_force import DATA, HERE, PRODUCT, claims_of, contract_of, opened

if TYPE_CHECKING:
    from launchworthy.contract import Claim
    from launchworthy.evals import Limits
    from launchworthy.evals.cache import ReplyCache
    from launchworthy.evals.judging import Bias, Calibration, CalibrationView, Judge
    from launchworthy.evidence import ClaimStatus, Evidence
    from launchworthy.server import Workspace
    from launchworthy.stats import Interval

_CONTRACT = click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Contract [launchworthy.yaml here, else the one in force].",
)
_METRIC = click.option("--metric", help="Metric it judges [the only one that the contract names it for].")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SHOWN = 5


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--retries", type=int, default=2, show_default=True, help="Further attempts."),
        click.option(
            "--timeout", type=float, default=60.0, show_default=True, help="Seconds for a question."
        ),
        click.option("--concurrency", type=int, default=16, show_default=True, help="Questions at once."),
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Calibrate judges with people's labels, and show what their grades are worth."""


@command.command()
@click.argument("name")
@click.option(
    "--labels", type=click.Path(path_type=Path), required=True, help="JSONL or CSV of labelled answers."
)
@_METRIC
@_CONTRACT
@_asking
@PRODUCT
@DATA
@_JSON
def calibrate(
    name: str,
    labels: Path,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
    **asking: Any,
) -> int:
    """Ask a judge about answers that people labelled, and keep how well they agree.

    Rows hold input, output, context or reference as the judge needs them, and human. Exit code: that of the
    claim that they agree: 0 met, 1 unmet, 2 unproven.
    """
    from datetime import UTC, datetime

    from launchworthy.evals.judging import (
        calibrate as ask,
    )
    from launchworthy.evals.judging import (
        calibration_evidence,
        corrected_again,
        judge_for,
        read_labels,
    )
    from launchworthy.evidence.claim_status import status

    with opened(data, make=True) as workspace, _cache(data) as cache:
        product, claims = _claims(workspace, contract_file, product)
        claim = _agreement(claims, name)
        asked = _metric(claims, name, metric)
        judge = judge_for(claim, metric=asked)
        people = read_labels(labels, judge)
        found = ask(
            judge,
            people,
            metric=asked,
            level=claim.confidence,
            sides=1,
            cache=cache,
            limits=_limits(asking),
        )
        now = datetime.now(UTC)
        piece = calibration_evidence(claim, found, now=now)
        workspace.add_evidence(product, [piece])
        again = corrected_again(
            workspace,
            claims,
            name,
            product=product,
            now=now,
            labelled={item.run for item in people.items if item.run is not None},
        )
        if again:
            workspace.add_evidence(product, again)
    judged = status(claim, [piece], release=None, now=now)
    if as_json:
        echo_json(_plain(found, judged, piece, again))
    else:
        _print(found, judged, again)
    return VERDICT_CODES[judged.state.value]


@command.command()
@click.argument("name")
@_METRIC
@_CONTRACT
@PRODUCT
@DATA
@_JSON
def show(
    name: str,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show a judge: its version, its calibrations, and what its grades become once corrected."""
    from launchworthy.evals.judging import judge_for, judge_view

    with opened(data, make=True) as workspace:
        product, claims = _claims(workspace, contract_file, product)
        judge = judge_for(_agreement(claims, name), metric=_metric(claims, name, metric))
        view = judge_view(workspace.evidence(product), name)
    version = judge.version
    if as_json:
        echo_json(
            {
                "judge": name,
                "version": version.id,
                "parts": dict(version.parts),
                "models": [model.parameters() for model in judge.models],
                "calibrations": [
                    {"version": each.version, "changed": version.changed(each.parts)}
                    | each.evidence.as_json()
                    for each in view.calibrations
                ],
                "corrections": [each.evidence.as_json() for each in view.corrections],
            }
        )
        return
    models = ", ".join(model.model for model in judge.models)
    click.echo(f"{name}  {version.id}  {judge.criterion.name}, {judge.scale.name}  {printable(models)}")
    if not view.calibrations:
        click.echo(f"not calibrated; to do so: launchworthy judge calibrate {name} --labels FILE")
    for each in view.calibrations[:_SHOWN]:
        _print_calibration(each, version.changed(each.parts) if each.version != version.id else [])
    for corrected in view.corrections[:_SHOWN]:
        own = corrected.evidence
        raw = "nothing graded" if corrected.raw is None else _value(corrected.raw["value"], own.unit)
        slice_ = "" if own.slice is None else f" on {printable(own.slice)}"
        shown = (
            _bounds(own) if own.value is not None else f"unproven: {printable(corrected.reason, most=300)}"
        )
        shown += _labels(own)
        click.echo(f"{own.claim}{slice_}  {own.observed_at:%Y-%m-%d}: raw {raw}; corrected {shown}")


@command.command()
@click.argument("name")
@click.option(
    "--pairs", type=click.Path(path_type=Path), required=True, help="JSONL of input, first, second."
)
@_METRIC
@_CONTRACT
@_asking
@PRODUCT
@DATA
@_JSON
def bias(
    name: str,
    pairs: Path,
    metric: str | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
    **asking: Any,
) -> int:
    """Ask a judge of pairs in both orders, and say whether it prefers a place to an answer."""
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import ask_all, judge_for, position_bias
    from launchworthy.jsonl import read_jsonl

    with opened(data, make=True) as workspace, _cache(data) as cache:
        product, claims = _claims(workspace, contract_file, product)
        judge = judge_for(_agreement(claims, name), metric=_metric(claims, name, metric))
        if not judge.is_pairwise:
            raise InputError(
                f"{name} judges one answer at a time, so it has no place to prefer",
                hint="a judge of pairs is one that the contract names for win_rate",
            )
        questions = {str(number): _pair(row, judge, f"{pairs}:{number}") for number, row in read_jsonl(pairs)}
        votes, _ = ask_all(judge, questions, cache=cache, limits=_limits(asking))
    found = position_bias(votes)
    if as_json:
        echo_json({"judge": name, "version": judge.version.id, "bias": found and found.as_json()})
    elif found is not None:
        _print_bias(found)
    if found is None:
        click.echo("error: nothing was measured: no pair was graded in both orders", err=True)
        return 1
    return 0


@command.command()
@click.argument("name")
@click.argument("run_id", metavar="RUN")
@click.option("--count", type=click.IntRange(min=1), default=200, show_default=True, help="Items to draw.")
@click.option("--baseline", help="Run whose answers are the second of each pair.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file to write.")
@_CONTRACT
@DATA
def sample(
    name: str,
    run_id: str,
    count: int,
    baseline: str | None,
    seed: int,
    out: Path,
    contract_file: Path | None,
    data: Path | None,
) -> None:
    """Draw items of a run at random for people to label: fill in `human`, then calibrate with the file.

    Labels of this very run correct its numbers best; from about 200 up they do so with the judge's help.
    Items of the holdout are shown to people by this, so it counts as a reading.
    """
    from launchworthy.cli.gold_options import count_reading
    from launchworthy.evals.judging import draw

    with opened(data) as workspace:
        run = workspace.run(run_id)
        _, claims = _claims(workspace, contract_file, run.product)
        other = None if baseline is None else workspace.run(baseline)
        rows = list(draw(workspace, run, claims, name, count=count, seed=seed, baseline=other))
        if not out.exists():
            count_reading(workspace, run, "judge sample of")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        from launchworthy.errors import InputError

        raise InputError(f"the file cannot be written: {error.strerror or error}", where=str(out)) from error
    if len(rows) < count:
        click.echo(f"the run holds no more than {len(rows):,} that prove something and that {name} can judge")
    needed = int(_agreement(claims, name).options.get("labels") or 0)
    if len(rows) < needed:
        click.echo(f"the contract asks for {needed:,} labelled items: add rows of other answers to the file")
    click.echo(
        f"{len(rows):,} items to label in {out}; then: launchworthy judge calibrate {name} --labels {out}"
    )


def _claims(
    workspace: Workspace, contract_file: Path | None, product: str | None
) -> tuple[str, Sequence[Claim]]:
    from launchworthy.cli.product import product_of
    from launchworthy.contract import load_contract
    from launchworthy.evals import in_folder

    path = contract_file or (HERE if product is None and HERE.is_file() else None)
    contract = load_contract(path) if path else contract_of(workspace, product_of(workspace, product))
    folder = Path(contract.file).parent
    return contract.product, [in_folder(claim, folder) for claim in claims_of(contract)]


def _agreement(claims: Sequence[Claim], name: str) -> Claim:
    from launchworthy.contract import ClaimKind
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import calibration_claim

    claim = calibration_claim(claims, name)
    if claim is None:
        known = [
            each.address.rpartition("/")[2]
            for each in claims
            if each.kind is ClaimKind.AGREE and each.metric == "judges"
        ]
        raise InputError(
            f"the contract has no judge {name!r:.80}",
            hint=f"it has {', '.join(known)}" if known else "declare it under proof/judges",
        )
    return claim


def _metric(claims: Sequence[Claim], name: str, given: str | None) -> str:
    from launchworthy.errors import InputError
    from launchworthy.evals.judging import judged_metrics

    known = judged_metrics(claims, name)
    if given is not None and given in known:
        return given
    if given is None and len(known) == 1:
        return known[0]
    raise InputError(
        f"{name} judges {', '.join(known) or 'no metric of the contract'}",
        where="--metric",
        hint="name one of them" if known else f"write judge: {name} for a line of quality",
    )


def _pair(row: dict[str, Any], judge: Judge, where: str) -> dict[str, Any]:
    from launchworthy.errors import InputError

    for field in judge.criterion.needs:
        if row.get(field) in (None, ""):
            raise InputError(f"the row has no {field}", where=where, hint="rows hold input, first and second")
    return row


def _limits(asking: dict[str, Any]) -> Limits:
    from launchworthy.evals import Limits

    return Limits(concurrency=asking["concurrency"], timeout_s=asking["timeout"], retries=asking["retries"])


@contextmanager
def _cache(data: Path | None) -> Iterator[ReplyCache]:
    from launchworthy.evals.cache import CACHE_FILE, ReplyCache
    from launchworthy.server.opening import data_folder

    cache = ReplyCache(
        data_folder(data) / CACHE_FILE, on_trouble=lambda text: click.echo(f"warning: {text}", err=True)
    )
    try:
        yield cache
    finally:
        cache.close()


def _print(found: Calibration, judged: ClaimStatus, again: Sequence[Evidence]) -> None:
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
        _print_bias(found.bias)
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


def _print_bias(found: Bias) -> None:
    from launchworthy.quantity import difference_unit

    click.echo(f"leans to first    {_interval(found.first, difference_unit('ratio'))} (0 is no bias)")
    click.echo(f"same in both      {_interval(found.consistent, 'ratio')}")
    if found.missing:
        click.echo(f"not graded in both orders: {found.missing:,}")


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


def _plain(
    found: Calibration, judged: ClaimStatus, piece: Evidence, again: Sequence[Evidence]
) -> dict[str, Any]:
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
