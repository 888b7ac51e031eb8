"""Subcommands of ``launchworthy experiment`` on a data folder: write a plan down, read records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from launchworthy.cli.figures import columns_text, echo_json, equal_p, printable
from launchworthy.cli.in_force import DATA, PRODUCT, opened

__all__ = ["declare", "show"]

_CODES = {"ship": 0, "harm": 1}


@click.command()
@click.option(
    "--plan", "file", type=click.Path(path_type=Path), required=True, help="YAML or JSON; see the docs."
)
@PRODUCT
@DATA
def declare(file: Path, product: str | None, data: Path | None) -> None:
    """Write an experiment's plan into the audit chain, before users meet it.

    The plan's experiment is the key of the flag whose variants are its arms; where the plan names none, they
    and their shares are those by which the flag splits now. A column of it is an outcome
    event, value:EVENT or count:EVENT, calls, errors, no_answers, latency_ms, cost_usd, score:NAME or
    scores:NAME.

    Example: launchworthy experiment declare --plan experiment.yaml --product support
    """
    from launchworthy.errors import InputError
    from launchworthy.quantity import format_value
    from launchworthy.rollout.experiment import PLAN_KIND, plan_of
    from launchworthy.rollout.experiment.plan import read_mapping

    value = read_mapping(file)
    plan = plan_of(value, where=str(file))
    if not plan.name:
        raise InputError("the plan names no experiment", where=str(file), hint="experiment: answer-v2")
    if not plan.metrics:
        raise InputError("the plan names no metric", where=str(file), hint="metrics: {resolved: {}}")
    with opened(data) as workspace:
        name = _product(workspace, product)
        body = dict(value)
        if not plan.shares:
            body |= _arms_of_flag(workspace, name, plan.name)
        if "arms" in body:
            # The chain keeps names in the order of the alphabet: which arm came first would be lost.
            body["baseline"] = plan_of(body, where=str(file)).with_arms([]).baseline
        entry = workspace.record(product=name, kind=PLAN_KIND, body=body)
    click.echo(f"the plan of {printable(plan.name)} is entry {entry.seq:,} of the audit chain of {name}")
    if not plan.shares and "arms" in body:
        arms = ", ".join(
            f"{printable(arm)} {format_value(share, unit='ratio')}" for arm, share in body["arms"].items()
        )
        click.echo(f"arms of the flag: {arms}")
    elif not plan.shares:
        click.echo(
            "no flag says what its arms are: those that users meet are taken to be as large as each other"
        )


@click.command()
@click.argument("key", required=False)
@click.option("--simulated", is_flag=True, help="Of simulated users instead of real ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@PRODUCT
@DATA
def show(key: str | None, simulated: bool, as_json: bool, product: str | None, data: Path | None) -> int:
    """Say what an experiment's records show now; without KEY, list the experiments.

    Exit code: 0 ship, 1 harm, 2 anything else; 0 for the list.

    Example: launchworthy experiment show answer-v2
    """
    with opened(data) as workspace:
        name = _product(workspace, product)
        if key is None:
            listed = workspace.experiments(product=name, simulated=simulated)
            if as_json:
                echo_json({"product": name, "experiments": listed})
            else:
                _list(listed)
            return 0
        found = workspace.experiment(product=name, key=key, simulated=simulated)
    if as_json:
        echo_json(found)
    else:
        _print(found)
    if found["declared"] is None:
        return 2
    return _CODES.get(found["conclusion"], 2)


def _arms_of_flag(workspace: Any, product: str, key: str) -> dict[str, Any]:
    """The arms that a flag splits its units into and their shares, as a plan says them; empty: no such flag.

    Raises:
        InputError: Its rules split by different shares, so that the plan has to say which are meant.
    """
    from launchworthy.errors import InputError, NotFoundError
    from launchworthy.rollout.flags import read_flags

    try:
        flags = read_flags(workspace.flags(product=product)["flags"]).flags
    except NotFoundError:
        return {}
    splits = []
    for rule in flags[key].rules if key in flags else ():
        whole = sum(weight for weight in rule.split.values() if weight > 0.0)
        shares = {arm: round(weight / whole, 9) for arm, weight in rule.split.items() if weight > 0.0}
        if len(shares) > 1 and shares not in splits:
            splits.append(shares)
    if len(splits) > 1:
        raise InputError(
            f"the rules of the flag {key!r:.80} split by different shares",
            where="arms",
            hint="say in the plan which are meant: arms: {control: 50 %, candidate: 50 %}",
        )
    if not splits:
        return {}
    # The one that everybody else gets comes first: the baseline, where no name says which is.
    return {"arms": dict(sorted(splits[0].items(), key=lambda arm: arm[0] != flags[key].otherwise))}


def _product(workspace: Any, given: str | None) -> str:
    from launchworthy.cli.product import product_of

    return product_of(workspace, given)


def _list(listed: list[dict[str, Any]]) -> None:
    if not listed:
        click.echo("no unit met two variants of anything yet")
        return
    lines: list[tuple[str, ...]] = [("experiment", "units", "first", "last", "plan")]
    for each in listed:
        units = ", ".join(f"{printable(name)} {count:,}" for name, count in each["variants"].items())
        plan = "none" if each["declared"] is None else each["declared"][:10]
        lines.append((printable(each["key"]), units, each["first"][:10], each["last"][:10], plan))
    for line in columns_text(lines):
        click.echo(line)


def _print(found: dict[str, Any]) -> None:
    if found["declared"] is None:
        click.echo("no plan was declared, so nothing is concluded; see launchworthy experiment declare")
    else:
        click.echo(f"{found['conclusion']}: {printable(found['reason'], most=2_000)}")
    users = ", ".join(f"{printable(name)} {arm['users']:,}" for name, arm in found["arms"].items())
    click.echo(f"units       {users} (sample ratio {equal_p(found['sample_ratio']['p_value'])})")
    if found["in_two_arms"]:
        click.echo(f"            {found['in_two_arms']:,} met two variants and count nowhere")
    for note in found["notes"]:
        click.echo(f"            {printable(note, most=400)}")
    if late := found["plans_after_start"]:
        times = "once" if late == 1 else f"{late:,} times"
        click.echo(f"            the plan was written {times} after the first unit")
    for name, why in found["left_out"].items():
        click.echo(f"            {printable(name)} is left out: {why}")
    for pair in found["comparisons"]:
        click.echo(f"\n{printable(pair['arm'])} minus {printable(found['baseline'])}")
        lines = [_line(name, each) for name, each in pair["metrics"].items()]
        if not lines:
            click.echo("  nothing of what units did from then on is recorded yet: no outcome, no call")
        for line in columns_text(lines):
            click.echo(f"  {line}")


def _line(name: str, each: dict[str, Any]) -> tuple[str, ...]:
    from launchworthy.quantity import difference_unit, format_interval

    unit = "ratio" if each["relative_to_baseline"] else difference_unit(each["unit"])
    p_value = each["p_value"]
    return (
        printable(name),
        each["role"],
        format_interval(each["value"], each["low"], each["high"], unit=unit),
        "" if p_value is None else equal_p(p_value),
        each["status"],
    )
