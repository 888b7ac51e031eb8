"""``launchworthy approvals``: the calls that wait for a person, and what people do with them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, opened

if TYPE_CHECKING:
    from launchworthy.runtime.approval import Approval
    from launchworthy.server import Workspace
    from launchworthy.server.caller import Caller

_PRODUCT = click.option("--product", help="Product [the only one there is].")
_KEY = click.option(
    "--key",
    help="Your key, which says who you are [$LAUNCHWORTHY_KEY]; others on a machine may see a command.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_STATES = [
    "pending",
    "approved",
    "rejected",
    "expired",
    "withdrawn",
    "executing",
    "done",
    "failed",
    "unknown",
]


@click.group()
def command() -> None:
    """List, show, approve, correct and reject calls that wait for a person."""


@command.command(name="list")
@_PRODUCT
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state [pending and unknown].")
@click.option("--all", "every", is_flag=True, help="Those that ended too.")
@DATA
@_JSON
def list_approvals(
    product: str | None, state: str | None, every: bool, data: Path | None, as_json: bool
) -> None:
    """List calls, newest first."""
    from launchworthy.cli.figures import echo_json, printable

    with opened(data) as workspace:
        name = _only(workspace, product)
        states = [None] if every else [state] if state else ["unknown", "pending"]
        found = [each for one in states for each in workspace.approvals(product=name, state=one)]
    if as_json:
        echo_json({"product": name, "approvals": [each.as_json() for each in found]})
        return
    if not found:
        click.echo("No call waits." if not (state or every) else "No such call.")
    for each in found:
        steps = ", ".join(f"{step.by} {'✓' if step.decided else '…'}" for step in each.steps)
        click.echo(printable(f"{each.id:32} {each.state.value:10} {each.tool:20} {steps}", most=300))


@command.command()
@click.argument("approval_id", metavar="ID")
@_PRODUCT
@DATA
@_JSON
def show(approval_id: str, product: str | None, data: Path | None, as_json: bool) -> None:
    """Show a call: its exact arguments, what the model had read, and what happened."""
    from launchworthy.cli.figures import echo_json

    with opened(data) as workspace:
        found = workspace.approval(product=_only(workspace, product), approval_id=approval_id)
    if as_json:
        echo_json(found.as_json())
    else:
        _print(found)


@command.command()
@click.argument("approval_id", metavar="ID")
@click.option("--hash", "bound_to", help="Hash of the arguments that you were shown [shown now, and asked].")
@_PRODUCT
@_KEY
@DATA
def approve(
    approval_id: str, bound_to: str | None, product: str | None, key: str | None, data: Path | None
) -> None:
    """Confirm a call with exactly the arguments that are shown."""
    with as_person(data, key) as (workspace, who):
        name = _only(workspace, product)
        if bound_to is None:
            found = workspace.approval(product=name, approval_id=approval_id)
            _print(found)
            click.confirm("Let it run with exactly these arguments?", abort=True)
            bound_to = found.hash
        done = workspace.approve(product=name, approval_id=approval_id, arguments_hash=bound_to, **who)
    _said(done)


@command.command()
@click.argument("approval_id", metavar="ID")
@click.option("--reason", required=True, help="Why, for whoever asked and for the record.")
@_PRODUCT
@_KEY
@DATA
def reject(approval_id: str, reason: str, product: str | None, key: str | None, data: Path | None) -> None:
    """Reject a call, with a reason."""
    with as_person(data, key) as (workspace, who):
        name = _only(workspace, product)
        _said(workspace.reject(product=name, approval_id=approval_id, reason=reason, **who))


@command.command()
@click.argument("approval_id", metavar="ID")
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="New value of an argument, as JSON or as text; may be repeated.",
)
@_PRODUCT
@_KEY
@DATA
def edit(
    approval_id: str, changes: tuple[str, ...], product: str | None, key: str | None, data: Path | None
) -> None:
    """Correct arguments that the contract lets people correct; the call is checked anew."""
    given = dict(_change(each) for each in changes)
    with as_person(data, key) as (workspace, who):
        name = _only(workspace, product)
        shown = workspace.approval(product=name, approval_id=approval_id)
        done = workspace.edit_approval(
            product=name, approval_id=approval_id, arguments=given, arguments_hash=shown.hash, **who
        )
    _print(done)


@command.command()
@click.argument("approval_id", metavar="ID")
@click.option("--ran/--did-not-run", required=True, help="What you found.")
@click.option("--reason", required=True, help="Where you looked and what you found.")
@_PRODUCT
@_KEY
@DATA
def resolve(
    approval_id: str, ran: bool, reason: str, product: str | None, key: str | None, data: Path | None
) -> None:
    """Say whether a call ran of which nothing was heard."""
    with as_person(data, key) as (workspace, who):
        name = _only(workspace, product)
        _said(
            workspace.resolve_approval(product=name, approval_id=approval_id, ran=ran, reason=reason, **who)
        )


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_PRODUCT
@DATA
def seed(file: Path, product: str | None, data: Path | None) -> None:
    """Put wrong calls among those that wait, to see whether people stop them.

    Each line of FILE is a call as an application sends it, with "wrong": why nobody should
    confirm it. It looks like any other, never runs, and says what it was once it is decided.
    """
    from launchworthy.errors import InputError
    from launchworthy.jsonl import read_jsonl

    with opened(data) as workspace:
        name = _only(workspace, product)
        count = 0
        for line, row in read_jsonl(file):
            wrong = row.pop("wrong", None)
            if not isinstance(wrong, str):
                raise InputError(
                    "the call does not say why it is wrong", where=f"{file}:{line}", hint='"wrong": "…"'
                )
            workspace.seed_approval(product=name, call=row, wrong=wrong)
            count += 1
    click.echo(f"{count} wrong {'call waits' if count == 1 else 'calls wait'} among the others.")


@command.command()
@click.argument("url")
@click.option("--console", default="http://127.0.0.1:8321", show_default=True, help="Where links lead.")
@click.option(
    "--link-for", "people", multiple=True, metavar="PERSON", help="Add a link for them; may be repeated."
)
@_PRODUCT
@DATA
def tell(url: str, console: str, people: tuple[str, ...], product: str | None, data: Path | None) -> None:
    """Post to URL whenever a call waits; an empty URL ends it. Prints the signing secret."""
    with opened(data) as workspace:
        name = _only(workspace, product)
        secret = workspace.tell_approvals(product=name, url=url, console=console, people=list(people))
    if secret:
        click.echo(secret)
        click.echo(f"Messages about {name} are signed with this secret.", err=True)
    else:
        click.echo(f"Nobody is told of approvals of {name}.")


def _only(workspace: Workspace, product: str | None) -> str:
    names = [product] if product else workspace.products()
    if len(names) != 1:
        raise click.UsageError(f"name the product with --product: {', '.join(names) or 'there is none'}")
    return names[0]


@contextlib.contextmanager
def as_person(data: Path | None, key: str | None) -> Iterator[tuple[Any, dict[str, Caller]]]:
    """The workspace as the person whose key it is, over HTTP while a server owns the folder."""
    from launchworthy.errors import LaunchworthyError
    from launchworthy.server.caller import Caller
    from launchworthy.server.local import LocalWorkspace
    from launchworthy.server.opening import data_folder, read_note
    from launchworthy.server.remote import RemoteWorkspace

    given = key or os.environ.get("LAUNCHWORTHY_KEY")
    if not given:
        raise LaunchworthyError(
            "nobody knows who you are",
            code="LW401",
            hint="set LAUNCHWORTHY_KEY to your key; whoever owns the folder makes one with: "
            "launchworthy keys create NAME --role read --acts-as ROLE",
        )
    note = read_note(data_folder(data))
    if note is not None:
        yield RemoteWorkspace(note.url, key=given), {}
        return
    with opened(data) as workspace:
        if not isinstance(workspace, LocalWorkspace):
            raise LaunchworthyError("a server has just taken the folder; try again", code="LW409")
        role = workspace.role_of_key(given)
        if role is None:
            raise LaunchworthyError("this key is not in force", code="LW401")
        yield workspace, {"caller": Caller(role=role, key=workspace.name_of_key(given))}


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{text!r:.80} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _said(found: Approval) -> None:
    waits = [step.by for step in found.steps if step.decided is None]
    more = f": {' and '.join(waits)} must confirm it too" if found.state.value == "pending" and waits else ""
    click.echo(f"{found.id} is {found.state.value}{more}.")


def _print(found: Approval) -> None:
    from launchworthy.cli.figures import printable

    request = found.call.request
    lines = [f"{found.tool}  {found.state.value}  {found.id}", f"  {found.reason}"]
    lines.append(f"  asked by {found.call.requester} for {', '.join(found.call.people) or 'nobody named'}")
    if found.call.question:
        lines.append(f"  question  {found.call.question}")
    first = [name for name in found.previewed if name in request.arguments]
    for name in (*first, *sorted(set(request.arguments) - set(first))):
        origin = request.provenance.get(name)
        note = "" if origin is None else f"   (from: {origin.value})"
        note += "   (can be corrected)" if name in found.editable else ""
        value = json.dumps(request.arguments[name], ensure_ascii=False)
        lines.append(f"  {name} = {value}{note}")
    for step in found.steps:
        told = f"{step.decided.person}" if step.decided else "waits"
        lines.append(f"  needs {step.by}{f' above {step.above}' if step.above else ''}: {told}")
    lines += [f"  had read {each.title or each.id}: {each.text[:200]}" for each in found.call.evidence]
    lines += [
        f"  {each.what.value} {each.by}{f': {each.reason}' if each.reason else ''}" for each in found.history
    ]
    lines.append(f"  hash {found.hash}")
    for line in lines:
        click.echo(printable(line, most=300_000))  # whoever approves sees all of it
