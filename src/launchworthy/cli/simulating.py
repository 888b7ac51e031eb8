"""``launchworthy rollout simulate``: what a plan would do before it meets users."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import columns_text, echo_json, finite, printable

if TYPE_CHECKING:
    from launchworthy.rollout.experiment import Outcome, Peeking, SimulatedPlan, Simulation

__all__ = ["simulate"]

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--plan", "file", type=_FILE, help="YAML or JSON: stages, per_day, metrics; see the docs.")
@click.option("--contract", "contract_file", type=_FILE, help="Or a contract: its stages, its harms.")
@click.option("--per-day", type=float, help="Users who come each day, with --contract.")
@click.option(
    "--repetitions", type=int, default=1_000, show_default=True, help="How often each world is run."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same numbers.")
@click.option("--html", "page", type=_FILE, help="Write a report with plots to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(
    file: Path | None,
    contract_file: Path | None,
    per_day: float | None,
    repetitions: int,
    seed: int,
    page: Path | None,
    as_json: bool,
) -> None:
    """Say what a plan would do: how often it errs, finds harm, ships, and after how many days.

    Each world is run many times: nothing differs, all is as hoped, and each harm in turn. Then the ways to
    read the first goal are compared, from looking all the time to one look at the end. Of a contract, it is
    what its ramp does: a stage that cannot be passed where it ends is looked at again.

    Examples: launchworthy rollout simulate --plan ramp.yaml --html ramp.html; launchworthy rollout simulate
    --contract launchworthy.yaml --per-day 4000
    """
    from launchworthy.rollout.experiment import read_simulated, simulate_ramp
    from launchworthy.rollout.experiment import simulate as run

    left_out: dict[str, str] = {}
    if (file is None) == (contract_file is None):
        raise click.UsageError("give one of --plan and --contract")
    if file is not None:
        if per_day is not None:
            raise click.UsageError("a plan says itself how many come per_day")
        plan = read_simulated(file)
    else:
        plan, left_out = _of_contract(contract_file, per_day)
    simulated = run if contract_file is None else simulate_ramp
    found = simulated(plan, repetitions=repetitions, seed=seed)
    if page is not None:
        from launchworthy.console.report import write_report
        from launchworthy.console.simulation_report import simulation_report

        write_report(page, simulation_report(found))
    if as_json:
        echo_json({**_plain(found), "left_out": left_out})
    else:
        _print(found)
        for name, why in left_out.items():
            click.echo(f"left out: {printable(name)}: {why}")


def _of_contract(file: Path | None, per_day: float | None) -> tuple[SimulatedPlan, dict[str, str]]:
    from launchworthy.contract import claims, load_contract, stages
    from launchworthy.rollout.experiment import ramp_of

    if per_day is None or not per_day > 0.0:
        raise click.UsageError("say how many users come: --per-day 4000")
    contract = load_contract(file or Path("launchworthy.yaml"))
    return ramp_of(stages(contract), claims=claims(contract), per_day=per_day)


def _plain(found: Simulation) -> dict[str, Any]:
    return {
        "repetitions": found.repetitions,
        "seed": found.seed,
        "days": found.days,
        "followed_days": found.followed,
        "users": found.users,
        "looks": list(found.looks),
        "bounds": [finite(bound) for bound in found.bounds],
        "worlds": [
            {
                "world": one.world,
                "ships": one.ships,
                "rolls_back": one.rolls_back,
                "neither": one.neither,
                "days_median": one.days,
                "days_p90": one.days_late,
                "exposed_users": one.exposed,
                "rolled_back_by": dict(one.by_metric),
            }
            for one in found.outcomes
        ],
        "readings": [
            {
                "reading": one.reading,
                "looks": one.looks,
                "false_finds": one.false_finds,
                "finds": finite(one.finds) if not math.isnan(one.finds) else None,
            }
            for one in found.peeking
        ],
    }


def _print(found: Simulation) -> None:
    from launchworthy.quantity import format_number, format_value

    click.echo(
        f"{found.users:,} users in {format_number(found.days)} days, {found.repetitions:,} repetitions of "
        f"each world (shares are right to about {format_value(found.noise, unit='points')})"
    )
    lines: list[tuple[str, ...]] = [
        ("world", "ships", "rolls back", "neither", "days to decide", "met it by then")
    ]
    lines += [_world(one) for one in found.outcomes]
    for line in columns_text(lines):
        click.echo(f"  {line}")
    if found.followed > found.days:
        click.echo(
            f"each was followed for {format_number(found.followed)} days; neither: it still waits then"
        )
    if found.peeking:
        click.echo("the first goal, by how it is read")
        lines = [("", "looks", "finds where nothing differs", "finds where it is as hoped")]
        lines += [_reading(one) for one in found.peeking]
        for line in columns_text(lines):
            click.echo(f"  {line}")


def _world(one: Outcome) -> tuple[str, ...]:
    from launchworthy.quantity import format_number, format_value

    days = "never"
    if one.days is not None and one.days_late is not None:
        days = f"{format_number(one.days)} (9 of 10 within {format_number(one.days_late)})"
    shares = (format_value(share, unit="ratio") for share in (one.ships, one.rolls_back, one.neither))
    return (printable(one.world), *shares, days, f"{one.exposed:,.0f} users")


def _reading(one: Peeking) -> tuple[str, ...]:
    from launchworthy.quantity import format_value

    finds = "" if math.isnan(one.finds) else format_value(one.finds, unit="ratio")
    return (one.reading, f"{one.looks:,}", format_value(one.false_finds, unit="ratio"), finds)
