"""``launchworthy burn``: how fast the budgets behind promises are used up, of a product or of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.monitor.pacing import Pacing
    from launchworthy.stats import Pace

_BUCKET_S = 60.0
_HOUR_MS = 3_600_000.0


@click.command()
@click.option(
    "--input",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON Lines or Parquet of events, in place of a product: time, and bad (0, 1, or a count).",
)
@click.option(
    "--target", default="", metavar="SHARE", help="Share that is promised to be good, such as 99 %."
)
@click.option("--time", default="time", show_default=True, metavar="FIELD", help="ISO time or seconds.")
@click.option("--bad", default="bad", show_default=True, metavar="FIELD", help="Whether it was bad.")
@click.option("--events", default="", metavar="FIELD", help="How many events a row stands for [1].")
@click.option("--period", default="30d", show_default=True, help="What the budget is for.")
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report with plots to this file.",
)
def command(
    path: Path | None,
    target: str,
    time: str,
    bad: str,
    events: str,
    period: str,
    product: str | None,
    data: Path | None,
    as_json: bool,
    page: Path | None,
) -> int:
    """Say how fast the budget of each promise is used up, and when it ends.

    "At most 1 % fail" is a budget, and so is "P95 at most 4 s": one call in twenty may be slower. It fires
    where a budget is used up fast over a long and a short window, and chance is ruled out. What a whole
    workflow may spend, such as 900 USD a month, is an allowance: it fires where it is shown not to last.

    Exit code: 0 nothing fires, 1 something does, 2 nothing was heard.

    Examples: launchworthy burn; launchworthy burn --input calls.jsonl --target "99 %" --html burn.html
    """
    from launchworthy.cli.figures import echo_json

    period_s = _period_s(period)
    if (path is None) != (not target):
        raise click.UsageError("--input and --target go together")
    if path is not None:
        rows = [_of_file(path, target=target, time=time, bad=bad, events=events, period_s=period_s)]
        allowances: list[Pacing] = []
    else:
        rows, allowances = _of_product(product, data, period_s=period_s)
    if page is not None:
        from launchworthy.console.burn_report import burn_report
        from launchworthy.console.report import write_report

        write_report(page, burn_report(rows, allowances, period_s=period_s))
    if as_json:
        echo_json(
            {
                "period_ms": period_s * 1e3,
                "budgets": [_plain(row) for row in rows],
                "allowances": [_plain_allowance(each) for each in allowances],
            }
        )
    elif not rows and not allowances:
        click.echo("No promise of the contract is a share of calls, or no record tells of one.")
    else:
        for row in rows:
            _print(row)
        for each in allowances:
            _print_allowance(each)
    paces = [each.pace for each in allowances if each.pace is not None]
    if any(burn.fires for row in rows for burn in row["burns"]) or any(map(_is_lost, paces)):
        return 1
    return 0 if paces or any(not burn.silent for row in rows for burn in row["burns"]) else 2


def _period_s(text: str) -> float:
    from launchworthy.quantity import parse_quantity

    try:
        quantity = parse_quantity(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--period") from error
    if quantity.unit != "ms" or quantity.value <= 0:
        raise click.BadParameter(f"{text!r} is not a duration, such as 30d", param_hint="--period")
    return quantity.value / 1e3


def _budget(text: str) -> float:
    from launchworthy.quantity import parse_quantity

    try:
        quantity = parse_quantity(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--target") from error
    share = quantity.value
    if quantity.unit not in ("ratio", "") or not 0.0 < share < 1.0:
        raise click.BadParameter(
            f"{text!r} is not a share between 0 and 1, such as 99 %", param_hint="--target"
        )
    return 1.0 - share


def _of_file(path: Path, *, target: str, time: str, bad: str, events: str, period_s: float) -> dict[str, Any]:
    from launchworthy.cli.event_counts import event_counts
    from launchworthy.stats import budget_used, burn_rates

    budget = _budget(target)
    counts = event_counts(path, time=time, bad=bad, events=events, bucket_s=_BUCKET_S)
    now_s = max((at for at, _, _ in counts), default=0.0)
    heard = {} if not counts else {"heard": _heard(counts)}
    return heard | {
        "name": path.name,
        "promise": f"at least {target} good",
        "budget": budget,
        "counts": counts,
        "used": budget_used(counts, budget=budget, now_s=now_s, period_s=period_s),
        "burns": burn_rates(counts, budget=budget, now_s=now_s, period_s=period_s),
        "noun": "event",
        "traces": (),
    }


def _heard(counts: Sequence[tuple[float, int, int]]) -> str:
    """From when to when events came: a time that is wrong shows there, since windows end at the newest."""
    first, last = (datetime.fromtimestamp(counts[at][0] - _BUCKET_S, UTC) for at in (0, -1))
    total = sum(events for _, events, _ in counts)
    noun = "event" if total == 1 else "events"
    return f"{total:,} {noun} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _of_product(
    product: str | None, data: Path | None, *, period_s: float
) -> tuple[list[dict[str, Any]], list[Pacing]]:
    from launchworthy.cli.in_force import contract_of
    from launchworthy.cli.product import product_of
    from launchworthy.contract import claims
    from launchworthy.monitor.burning import burning, most_called
    from launchworthy.monitor.pacing import pacing
    from launchworthy.provers import PROVERS

    with opened(data) as workspace:
        name = product_of(workspace, product)
        contract = contract_of(workspace, name)
        known = claims(contract, provers=PROVERS)
        now = datetime.now(UTC)
        release = most_called(workspace.query, product=name)
        found = burning(
            known, product=name, query=workspace.query, release=release, now=now, period_s=period_s
        )
        allowances = pacing(contract, query=workspace.query, now=now)
    rows = [
        {
            "name": each.claim.address.partition("/")[2],
            "promise": each.claim.sentence,
            "budget": each.budget,
            "counts": each.counts,
            "used": each.used,
            "burns": each.burns,
            "noun": each.noun,
            "traces": each.traces,
        }
        for each in found
    ]
    return rows, allowances


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from launchworthy.cli.figures import finite

    return {
        "name": row["name"],
        "promise": row["promise"],
        "budget": row["budget"],
        "used": row["used"],
        "events": sum(each[1] for each in row["counts"]),
        "bad": sum(each[2] for each in row["counts"]),
        "traces": list(row["traces"]),
        "windows": [
            {
                "long_ms": burn.window.long_s * 1e3,
                "short_ms": burn.window.short_s * 1e3,
                "factor": burn.window.factor,
                "severity": burn.window.severity,
                "long_rate": finite(burn.long_rate),
                "short_rate": finite(burn.short_rate),
                "chance": burn.chance,
                "fires": burn.fires,
                "silent": burn.silent,
                "ends_ms": finite(burn.ends_s * 1e3),
            }
            for burn in row["burns"]
        ],
    }


def _print(row: dict[str, Any]) -> None:
    from launchworthy.cli.figures import columns_text, printable
    from launchworthy.console.burn import burn_told, rates_told
    from launchworthy.quantity import format_value

    firing = [burn for burn in row["burns"] if burn.fires]
    unknown = all(burn.silent for burn in row["burns"]) or any(burn.may_be_chance for burn in row["burns"])
    mark = "✕" if firing else "◌" if unknown else "●"
    told = printable(burn_told(row["burns"]), most=200)
    if any(events for _, events, _ in row["counts"]):
        told = f"{format_value(row['used'], unit='ratio')} of its budget is used; {told}"
    click.echo(f"{mark} {printable(row['name'], most=80)}: {told}")
    if "heard" in row:
        click.echo(f"    {row['heard']}")
    lines = []
    for burn in row["burns"]:
        windows = " and ".join(
            format_value(each * 1e3, unit="ms") for each in (burn.window.long_s, burn.window.short_s)
        )
        verb = burn.window.severity if burn.fires else ""
        lines.append([f"    {windows}", rates_told(burn), f"fires from {burn.window.factor:g}", verb])
    for line in columns_text(lines):
        click.echo(line.rstrip())


def _is_lost(pace: Pace) -> bool:
    return pace.surely_passes_h < math.inf


def _plain_allowance(each: Pacing) -> dict[str, Any]:
    from launchworthy.cli.figures import finite

    pace = each.pace
    found: dict[str, Any] = {
        "rule": each.rule,
        "allowed": str(each.allowed),
        "window_ms": each.window_h * _HOUR_MS,
    }
    if pace is None:
        return {**found, "spent": 0.0, "days": 0}
    return {
        **found,
        "spent": pace.spent,
        "most": pace.most,
        "days": pace.days,
        "fires": _is_lost(pace),
        "passes_ms": finite(pace.passes_h * _HOUR_MS),
        "passes_at_the_soonest_ms": finite(pace.may_pass_h * _HOUR_MS),
        "passes_at_the_latest_ms": finite(pace.surely_passes_h * _HOUR_MS),
    }


def _print_allowance(each: Pacing) -> None:
    from launchworthy.cli.figures import printable
    from launchworthy.console.allowances import allowance_state, pace_told

    _, mark, _ = allowance_state(each.pace)
    name = each.rule.partition("/")[2]
    click.echo(f"{mark} {printable(name, most=80)}: {printable(pace_told(each), most=200)}")
