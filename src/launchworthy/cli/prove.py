"""``launchworthy prove``: one proportion against a target."""

from __future__ import annotations

import click

from launchworthy.cli.figures import SHARE, VERDICT_CODES, echo_json


@click.command()
@click.option("--successes", type=int, required=True, help="Examples that count (for --at-most: bad ones).")
@click.option("--n", type=int, required=True, help="Examples in all.")
@click.option("--at-least", type=SHARE, help="The share must be at least this: 0.999 or '99.9 %'.")
@click.option("--at-most", type=SHARE, help="The share must be at most this.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True, help="Level of each bound.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    successes: int,
    n: int,
    at_least: float | None,
    at_most: float | None,
    confidence: float,
    as_json: bool,
) -> int:
    """Judge one proportion against a target, and say how much more is needed.

    Exit code: 0 met, 1 unmet, 2 unproven.

    Example: launchworthy prove --successes 200 --n 200 --at-least '99.9 %'
    """
    from launchworthy.quantity import format_interval, format_value
    from launchworthy.stats import bound_status, clopper_pearson, items_to_prove

    if (at_least is None) == (at_most is None):
        raise click.UsageError("give one of --at-least and --at-most")
    direction = "at_least" if at_most is None else "at_most"
    threshold = at_least if at_least is not None else at_most or 0.0
    interval = clopper_pearson(successes, n=n, level=confidence)
    plan = items_to_prove(successes, n=n, threshold=threshold, direction=direction, level=confidence)
    status = bound_status(interval.low, interval.high, direction=direction, threshold=threshold)
    words = f"{direction.replace('_', ' ')} {format_value(threshold, unit='ratio')}"
    bound, side = (interval.low, "least") if direction == "at_least" else (interval.high, "most")
    level = format_value(confidence, unit="ratio")
    reason = {
        "met": f"The share is proven to be {words}: at {level} it is at {side} "
        f"{format_value(bound, unit='ratio')}.",
        "unmet": f"The share is proven not to be {words}.",
        "unproven": f"{n:,} examples do not settle whether the share is {words}: at {level} it is only known "
        f"to be at {side} {format_value(bound, unit='ratio')}.",
    }[status]
    needed = None if status == "unmet" else plan.flawless
    if as_json:
        echo_json(
            {
                "metric": "proportion",
                "value": interval.value,
                "low": interval.low,
                "high": interval.high,
                "confidence": confidence,
                "n": n,
                "status": status,
                "needed": needed,
                "direction": direction,
                "threshold": threshold,
                "method": f"{interval.method}, each bound one-sided",
                "reason": reason,
                "plan": {
                    "flawless": plan.flawless,
                    "flawless_odds": plan.flawless_odds,
                    "steady": plan.steady,
                    "steady_odds": plan.steady_odds,
                    "settles": plan.settles,
                },
            }
        )
        return VERDICT_CODES[status]
    measured = format_interval(interval.value, interval.low, interval.high, n=n, unit="ratio")
    click.echo(f"{status}: {reason}")
    click.echo(f"measured  {measured}  Clopper-Pearson, each bound at {level}")
    if status != "unproven":
        return VERDICT_CODES[status]
    flaw = "flawless examples" if direction == "at_least" else "examples without one"
    if plan.flawless is not None:
        odds = format_value(plan.flawless_odds, unit="ratio", digits=2)
        click.echo(f"needed    {plan.flawless:,} further {flaw} (judged by these, the odds of that: {odds})")
    if plan.steady is not None and successes not in (0, n):
        odds = format_value(plan.steady_odds, unit="ratio", digits=2)
        click.echo(
            f"or        {plan.steady:,} further examples at this rate settle it as {plan.settles} ({odds})"
        )
    return VERDICT_CODES[status]
