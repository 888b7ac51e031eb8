"""``launchworthy incidents``: what went wrong, until it is shown to be cured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened

if TYPE_CHECKING:
    from launchworthy.records.incident import Incident, IncidentDetail, Proof
    from launchworthy.server import Workspace

_MECHANISMS = ("prompt", "retrieval", "tool", "policy", "data", "model")
_SEVERITIES = ("low", "medium", "high", "critical")
_ID = click.argument("incident", metavar="ID")
_BY = click.option("--by", required=True, help="Who does it.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WORDS = {"open": "open", "watched": "fix under watch", "closed": "closed"}


class _Incidents(click.Group):
    """``incidents`` alone lists them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Incidents)
def command() -> None:
    """Show what went wrong, and what is done about it until it is shown to be cured.

    Limits that calls pass, promises that records show not to be kept, silent monitors, rollbacks and people
    open incidents. A failure that was real is closed by what cured it, and watched until its rate is
    shown to have fallen.

    Examples: launchworthy incidents; launchworthy incidents show i-3f2a5c81d90e;
    launchworthy incidents close i-3f2a5c81d90e --by ana --was noise --because "a test of ours"
    """


@command.command(name="list")
@PRODUCT
@DATA
@click.option("--all", "closed_too", is_flag=True, help="Closed ones too.")
@_JSON
def list_incidents(product: str | None, data: Path | None, closed_too: bool, as_json: bool) -> int:
    """List incidents, open ones first; the word list may be left out.

    Exit code: 0 none is open, 1 some are.
    """
    from launchworthy.cli.figures import echo_json

    with opened(data) as workspace:
        name = _product(workspace, product)
        found = workspace.incidents(product=name)
    shown = [each for each in found if closed_too or each.state != "closed"]
    if as_json:
        echo_json({"incidents": [_row(each) for each in shown]})
    elif not shown:
        click.echo(f"No {'incident' if closed_too else 'open incident'} of {name}.")
    else:
        for each in shown:
            _print(each)
    return 1 if any(each.state == "open" for each in shown) else 0


@command.command()
@_ID
@PRODUCT
@DATA
@_JSON
def show(incident: str, product: str | None, data: Path | None, as_json: bool) -> None:
    """Show an incident: its timeline, what changed before it, what to do meanwhile, and who was told."""
    from launchworthy.cli.figures import echo_json
    from launchworthy.records.incident import plain_incident

    with opened(data) as workspace:
        found = workspace.incident(product=_product(workspace, product), incident_id=incident)
    if as_json:
        echo_json({**plain_incident(found), "incident": _row(found.incident)})
    else:
        _print_detail(found)


@command.command(name="open")
@click.argument("title")
@_BY
@click.option("--claim", "address", default="", help="Address of the claim or line that is not kept.")
@click.option("--failure-mode", help="What the contract calls it.")
@click.option(
    "--severity",
    type=click.Choice(_SEVERITIES),
    help="How bad it is. [default: the failure mode's, or medium]",
)
@click.option("--release", help="Release in which it was seen.")
@click.option("--trace", "traces", multiple=True, help="Trace id of an example; may be given again.")
@PRODUCT
@DATA
def open_(
    title: str,
    by: str,
    address: str,
    failure_mode: str | None,
    severity: str | None,
    release: str | None,
    traces: tuple[str, ...],
    product: str | None,
    data: Path | None,
) -> None:
    """Open an incident with a TITLE that says what is being lost.

    It joins the one that is open for the same claim, if there is one.
    """
    with opened(data) as workspace:
        found = workspace.open_incident(
            product=_product(workspace, product),
            title=title,
            address=address,
            failure_mode=failure_mode,
            severity=severity,
            release=release,
            traces=list(traces),
            by=by,
        )
    if found.count > 1:
        _say(f"{found.id} was open already; “{' '.join(title.split())}” stands in its timeline:")
    _print(found)


@command.command()
@_ID
@click.argument("text")
@_BY
@PRODUCT
@DATA
def note(incident: str, text: str, by: str, product: str | None, data: Path | None) -> None:
    """Write TEXT into the timeline of an incident."""
    with opened(data) as workspace:
        workspace.note_incident(product=_product(workspace, product), incident_id=incident, text=text, by=by)
    click.echo(f"noted in {incident}")


@command.command()
@_ID
@click.argument("owner")
@_BY
@PRODUCT
@DATA
def assign(incident: str, owner: str, by: str, product: str | None, data: Path | None) -> None:
    """Give an incident to OWNER: an owner of the contract, or somebody by name."""
    with opened(data) as workspace:
        found = workspace.assign_incident(
            product=_product(workspace, product), incident_id=incident, owner=owner, by=by
        )
    _say(f"{found.id} is {found.owner}'s")


@command.command()
@_ID
@_BY
@click.option("--because", required=True, help="What was done about it, in a sentence.")
@click.option(
    "--was",
    type=click.Choice(("real", "noise", "unknown")),
    help="Whether the alert was right. [default: real, which takes a mechanism]",
)
@click.option("--mechanism", type=click.Choice(_MECHANISMS), help="Which part was changed to cure it.")
@click.option(
    "--gold", "gold_items", multiple=True, help="Gold item added for it, ID or SET/ID; may be given again."
)
@click.option("--release", help="Id of the release that has the fix.")
@PRODUCT
@DATA
def close(
    incident: str,
    by: str,
    because: str,
    was: str | None,
    mechanism: str | None,
    gold_items: tuple[str, ...],
    release: str | None,
    product: str | None,
    data: Path | None,
) -> None:
    """Close an incident, or watch its fix.

    With a mechanism it stays under watch until its rate is shown to have fallen, in production and in runs
    that ask its gold items, and opens again when the rate returns. Noise, or what nobody can tell, is closed
    at once.
    """
    from launchworthy.records.incident import Mechanism, Was

    with opened(data) as workspace:
        found = workspace.close_incident(
            product=_product(workspace, product),
            incident_id=incident,
            by=by,
            because=because,
            was=Was(was or "real"),
            mechanism=None if mechanism is None else Mechanism(mechanism),
            gold_items=list(gold_items),
            release=release,
        )
    if found.state == "closed":
        _say(f"closed {found.id}: {_place(found)}")
    else:
        _say(f"{found.id} is watched until its rate is shown to have fallen: {_place(found)}")


@command.command()
@_ID
@_BY
@click.option("--because", required=True, help="Why, in a sentence.")
@PRODUCT
@DATA
def reopen(incident: str, by: str, because: str, product: str | None, data: Path | None) -> None:
    """Open an incident again."""
    with opened(data) as workspace:
        found = workspace.reopen_incident(
            product=_product(workspace, product), incident_id=incident, by=by, because=because
        )
    _say(f"{found.id} is open again")


@command.command()
@PRODUCT
@DATA
@_JSON
def rules(product: str | None, data: Path | None, as_json: bool) -> None:
    """Show how often the alerts of each rule were right, as those said who closed them; noisy ones first."""
    from launchworthy.cli.figures import echo_json
    from launchworthy.quantity import format_interval
    from launchworthy.records.incident import plain_incident

    with opened(data) as workspace:
        name = _product(workspace, product)
        found = workspace.incident_rules(product=name)
    if as_json:
        echo_json({"rules": plain_incident(found)})
        return
    if not found:
        click.echo(f"No rule of {name} has opened an incident.")
    for row in found:
        judged = "not judged yet"
        if row.precision is not None and row.low is not None and row.high is not None:
            right = format_interval(row.precision, row.low, row.high, n=row.real + row.noise, unit="ratio")
            judged = f"right in {right}"
        noisy = "  NOISY: shown to be wrong more often than right" if row.noisy else ""
        alerts = "1 alert" if row.alerts == 1 else f"{row.alerts:,} alerts"
        _say(f"{row.address.removeprefix(f'{name}/')} ({row.source})  {alerts}, {judged}{noisy}")


@command.command(name="failure-modes")
@PRODUCT
@DATA
@_JSON
def failure_modes(product: str | None, data: Path | None, as_json: bool) -> None:
    """Show every failure mode: how often users say so, where that is going, and what is being done."""
    from launchworthy.cli.figures import echo_json
    from launchworthy.quantity import format_interval
    from launchworthy.records.incident import plain_incident

    with opened(data) as workspace:
        name = _product(workspace, product)
        found = workspace.failure_board(product=name)
    if as_json:
        echo_json({"failure_modes": plain_incident(found)})
        return
    if not found:
        click.echo(f"The contract of {name} names no failure mode.")
    for row in found:
        rate = "no calls"
        if row.rate is not None:
            rate = format_interval(row.rate.value, row.rate.low, row.rate.high, n=row.rate.n, unit="ratio")
        _say(f"{row.workflow}/{row.name}  {row.severity}  {rate}")
        cure = "" if row.days_to_cure is None else f", {_lasted(row.days_to_cure)} to a proven fix"
        _say(f"  {row.open} open, {row.watched} under watch, {row.cured} cured{cure}")


@command.command()
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File (YAML or JSON) that says who is told; replaces what was set.",
)
@click.option("--nobody", is_flag=True, help="Tell nobody any more.")
@click.option("--test", is_flag=True, help="Send each target a message that says that it is a test.")
@PRODUCT
@DATA
def notify(settings: Path | None, nobody: bool, test: bool, product: str | None, data: Path | None) -> int:
    """Say who is told of incidents: by webhook, Slack, PagerDuty or e-mail.

    Exit code: 0, or 1 where a test was not heard.
    """
    if (settings is None) + (not nobody) + (not test) != 2:
        raise click.UsageError("give one of --settings FILE, --nobody, --test")
    with opened(data) as workspace:
        name = _product(workspace, product)
        if test:
            failures = workspace.test_incident_notices(product=name)
            for target, failure in failures.items():
                _say(f"{target}: {failure or 'heard'}")
            return 1 if any(failures.values()) else 0
        plain = {} if settings is None else _settings(settings)
        secret = workspace.tell_incidents(product=name, settings=plain)
    if not plain:
        click.echo(f"Nobody is told of incidents of {name}.")
    else:
        click.echo(f"Webhooks are signed with {secret}")
    return 0


def _settings(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from launchworthy.errors import InputError

    try:
        plain = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError, RecursionError) as error:
        raise InputError(f"the file cannot be read: {str(error)[:200]}", where=str(path)) from error
    if not isinstance(plain, dict) or not plain:
        raise InputError("the file holds no settings", where=str(path), hint="see docs/incidents.md")
    return plain


def _product(workspace: Workspace, given: str | None) -> str:
    from launchworthy.cli.product import product_of

    return product_of(workspace, given)


def _row(each: Incident) -> dict[str, Any]:
    from launchworthy.records.incident import plain_incident

    return {
        **plain_incident(each),
        "rule": each.address,
        "calls": each.count,
        "stopped": each.facts.get("stopped", 0),
        "reason": each.title,
    }


def _lasted(days: float) -> str:
    from launchworthy.quantity import format_value

    return format_value(days * 86_400_000.0, unit="ms")


def _say(text: str) -> None:
    from launchworthy.cli.figures import printable

    click.echo(printable(text, most=400))


def _place(each: Incident) -> str:
    return each.address.removeprefix(f"{each.product}/") or each.title


def _print(each: Incident) -> None:
    mode = f", which is {each.failure_mode}" if each.failure_mode else ""
    _say(f"{each.id}  {_WORDS[each.state]}  {each.severity}  {_place(each)}{mode}")
    _say(f"  {each.title}")
    owner = f"; {each.owner} sees to it" if each.owner else ""
    _say(f"  from {each.opened_at:%Y-%m-%d %H:%M} to {each.last_at:%Y-%m-%d %H:%M} UTC{owner}")
    if each.state != "open":
        by = f" by {each.closed_by}" if each.closed_by else ""
        _say(f"  {'fixed' if each.state == 'watched' else 'closed'}{by}: {each.because}")


def _print_detail(found: IncidentDetail) -> None:
    one = found.incident
    _print(one)
    carried = one.facts.get("carried")
    if isinstance(carried, str):
        _say(f"  carried by: {carried}")
    for each in one.suspected:
        _say(f"  changed before: {each.kind} {each.what} at {each.at:%Y-%m-%d %H:%M} UTC")
    if found.playbook:
        _say(f"  do meanwhile: {found.playbook}")
    if one.traces:
        _say(f"  calls: {', '.join(one.traces)}")
    if one.verification is not None:
        for proof in one.verification.proofs:
            _say(f"  {_proof(proof)}")
    elif one.fix is not None and one.state == "watched":
        click.echo("  the fix was not looked at yet: the first look is at 50 calls")
    for event in found.events:
        altered = "  ALTERED: not what the audit chain committed to" if event.altered else ""
        by = f" by {event.by}" if event.by else ""
        _say(f"  {event.at:%Y-%m-%d %H:%M} {event.kind}{by}: {event.text}{altered}")
    for notice in found.notices:
        how = "told" if notice.told_at else "is told later" if notice.due_at else "not told"
        why = f": {notice.failure}" if notice.failure else ""
        _say(f"  {notice.target} {how} of {notice.kind}{why}")


def _proof(proof: Proof) -> str:
    told = {True: "better", False: "worse", None: "not proven"}[proof.fallen]
    return f"{proof.where}: {told}; {proof.reason}"
