"""``launchworthy rollout``: a release on its way to its users, stage by stage."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.cli.simulating import simulate

if TYPE_CHECKING:
    from launchworthy.server import Workspace

_BY = click.option("--by", help="Who decides [whoever runs the command].")
_BECAUSE = click.option("--because", required=True, help="Why, in a sentence; it stands in the audit chain.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_MARKS = {"met": "●", "unmet": "✕", "unproven": "◌"}
_OVER = ("complete", "rolled_back", "stopped")


@click.group()
def command() -> None:
    """Bring a release to its users stage by stage, and simulate what a plan would do.

    The stages, what each needs, who approves and which metrics count as harm stand in the contract. A server
    decides by itself; without one, `rollout status --evaluate` does.

    Examples: launchworthy rollout start; launchworthy rollout status; launchworthy rollout hold --because
    "the provider changes its model tonight"
    """


command.add_command(simulate)


@command.command()
@click.option("--release", help="Id of the candidate [the one that the contract describes].")
@click.option("--baseline", help="Id of the release that the others get [the one that most are served].")
@click.option("--because", default="", help="Why, in a sentence.")
@_BY
@PRODUCT
@DATA
def start(
    release: str | None,
    baseline: str | None,
    because: str,
    by: str | None,
    product: str | None,
    data: Path | None,
) -> None:
    """Begin to bring a release to its users; one at a time."""
    with opened(data) as workspace:
        name = _product(workspace, product)
        ramp = workspace.start_ramp(
            product=name, release=release, baseline=baseline, reason=because, by=by or _user()
        )
    _print(ramp)


@command.command()
@click.option("--evaluate", is_flag=True, help="Measure the harms and decide now.")
@click.option("--all", "every", is_flag=True, help="Those before it too.")
@PRODUCT
@DATA
@_JSON
def status(evaluate: bool, every: bool, product: str | None, data: Path | None, as_json: bool) -> int:
    """Say where the release is, what follows and when, and what is known of each harm.

    Exit code: 0 on its way or with everybody, 1 held, taken back or given up, 2 there is none.
    """
    from launchworthy.cli.figures import echo_json

    with opened(data) as workspace:
        name = _product(workspace, product)
        if evaluate:
            workspace.evaluate_ramp(product=name)
        found = workspace.ramps(product=name)
    if as_json:
        echo_json({"product": name, "ramps": found if every else found[:1]})
    elif not found:
        click.echo(f"No release of {name} is on its way; `launchworthy rollout start` begins with one.")
    else:
        for place, ramp in enumerate(found if every else found[:1]):
            if place:
                click.echo()
            _print(ramp)
    if not found:
        return 2
    return 0 if found[0]["state"] in ("running", "complete") else 1


@command.command()
@PRODUCT
@DATA
@_JSON
def drill(product: str | None, data: Path | None, as_json: bool) -> int:
    """Plant harm in a folder of its own, see how soon the release is taken back, and keep the evidence.

    Exit code: 0 it was taken back in time and an incident opened, 1 not.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.cli.in_force import contract_of
    from launchworthy.quantity import format_value
    from launchworthy.server.app import RAMPS_EVERY_S
    from launchworthy.server.ramp_drill import drill_roll_back

    with opened(data) as workspace:
        name = _product(workspace, product)
        version = workspace.contract_version(product=name)
        text = "" if version is None else version.text
        piece = drill_roll_back(contract_of(workspace, name), text=text, every_s=RAMPS_EVERY_S)
        workspace.add_evidence(name, [piece])
    held = piece.value == 1.0
    if as_json:
        echo_json({"product": name, "evidence": piece.as_json()})
    else:
        took, within = (format_value(piece.detail[key], unit="ms") for key in ("took_ms", "within_ms"))
        told = f"taken back within {took} of {within}, with an incident" if held else piece.detail["remark"]
        click.echo(
            f"{'met' if held else 'unmet'}: {piece.detail['harm']} planted at {piece.detail['stage']}: {told}"
        )
    return 0 if held else 1


def _decision(action: str, summary: str) -> click.Command:
    @_BECAUSE
    @_BY
    @PRODUCT
    @DATA
    def decide(because: str, by: str | None, product: str | None, data: Path | None) -> None:
        with opened(data) as workspace:
            name = _product(workspace, product)
            ramp = _under_way(workspace, name)
            ramp = workspace.step_ramp(
                product=name, ramp_id=ramp["id"], action=action, reason=because, by=by or _user()
            )
        _print(ramp)

    decide.__doc__ = summary
    return command.command(name=action.replace("_", "-"))(decide)


approve = _decision("approve", "Say yes to the next stage, as the one whom the contract asks.")
enter = _decision("enter", "Enter the next stage though something it needs is missing.")
hold = _decision("hold", "Keep the release where it is until somebody resumes it.")
resume = _decision("resume", "Let a held release go on.")
roll_back = _decision(
    "roll_back", "Take the release back for harm: the baseline serves everybody again, and an incident opens."
)
stop = _decision("stop", "Give the release up without harm: the baseline serves everybody again.")


def _under_way(workspace: Workspace, product: str) -> dict[str, Any]:
    from launchworthy.errors import NotFoundError

    found = workspace.ramps(product=product)
    if not found:
        raise NotFoundError(f"no release of {product} is on its way", hint="launchworthy rollout start")
    return found[0]


def _product(workspace: Workspace, given: str | None) -> str:
    from launchworthy.cli.product import product_of

    return product_of(workspace, given)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _print(ramp: dict[str, Any]) -> None:
    from launchworthy.cli.figures import columns_text, printable
    from launchworthy.quantity import format_value

    state, stage = ramp["state"].replace("_", " "), ramp["stage"]
    share = format_value(ramp["share"], unit="ratio")
    where = "not begun" if stage is None else f"{stage}, {share} of {ramp['unit']}s"
    against = f" against {ramp['baseline']}" if ramp["baseline"] else ", a first release"
    click.echo(f"{ramp['product']}: {ramp['release']}{against}: {state} ({where})")
    rows = []
    names = [each["name"] for each in ramp["stages"]]
    at = names.index(stage) if stage in names else -1
    for place, each in enumerate(ramp["stages"]):
        mark = "▸" if place == at and ramp["state"] not in _OVER else "✓" if place <= at else " "
        lasts = "" if each["dwell_ms"] is None else format_value(each["dwell_ms"], unit="ms")
        asks = "" if each["approver"] is None else f"{each['approver']} approves"
        rows.append([f"  {mark}", each["name"], format_value(each["share"], unit="ratio"), lasts, asks])
    for line in columns_text(rows):
        click.echo(line.rstrip())
    for harm in ramp.get("harms", ()):
        mark = _MARKS.get(harm["state"], "◐")
        click.echo(f"  {mark} {harm['state']:9} {harm['of']}: {printable(harm['reason'], most=200)}")
    for said in (ramp.get("shadow") or {}).get("said", ()):
        click.echo(f"shadow: {printable(said, most=300)}")
    following = ramp.get("next")
    if following is not None:
        click.echo(f"next: {printable(following['because'], most=300)}")
    if ramp["steps"]:
        last = ramp["steps"][-1]
        who = last["by"] or "the ramp itself"
        action = last["action"].replace("_", " ")
        reason = printable(last["reason"], most=300)
        click.echo(f"last: {action} {last['stage']} by {printable(who)} at {last['at'][:16]}: {reason}")
