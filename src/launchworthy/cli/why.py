"""``launchworthy why``: why may a call of a tool run, or not, and what would change that?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.contract import Contract

_CODES = {"allow": 0, "deny": 1, "needs_approval": 2}


@click.command()
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract that allows and denies.",
)
@click.option("--tool", required=True, help="Tool that would be called.")
@click.option("--role", "roles", multiple=True, help="Role of the caller; may be given again.")
@click.option(
    "--arguments", default="{}", metavar="JSON", help="What the tool would be given: '{\"amount\": 50}'."
)
@click.option("--user", default="", help="Who calls, for budgets of a user.")
@click.option(
    "--on-behalf-of", "behalf", multiple=True, metavar="ROLE,ROLE", help="Roles of someone it is done for."
)
@click.option("--data", multiple=True, help="Source or class of data that flows into the arguments.")
@click.option(
    "--provenance",
    multiple=True,
    metavar="ARGUMENT=ORIGIN",
    help="Who chose it: application, user, tool_result, retrieved or model.",
)
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE=VALUE", help="Whose rows may be reached.")
@click.option("--lowered", is_flag=True, help="An injection was found in what the user sent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    contract_file: Path,
    tool: str,
    roles: tuple[str, ...],
    arguments: str,
    user: str,
    behalf: tuple[str, ...],
    data: tuple[str, ...],
    provenance: tuple[str, ...],
    scopes: tuple[str, ...],
    lowered: bool,
    as_json: bool,
) -> int:
    """Say why a call of a tool may run or not, rule by rule, and what would change it.

    Budgets are taken for unspent.

    Exit code: 0 allowed, 1 denied, 2 needs approval.

    Example: launchworthy why --tool refund --role agent --arguments '{"order": "A-17", "amount": 50}'
    """
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.contract import load_contract
    from launchworthy.runtime.permission import Policy, changes, request_of, why

    contract = load_contract(contract_file)
    row = {
        "tool": tool,
        "roles": list(roles),
        "arguments": _object(arguments),
        "on_behalf_of": [{"roles": [part for part in each.split(",") if part]} for each in behalf],
        "data": list(data),
        "provenance": _pairs(provenance, "--provenance"),
        "scopes": _pairs(scopes, "--scope"),
        "lowered": lowered,
    } | ({"user": user} if user else {})
    decision = Policy.of(contract).decide(request_of(row, where="the call"))
    if as_json:
        place = _place(contract, decision.rule)
        echo_json(decision.as_json() | {"where": place or None, "change": list(changes(decision))})
    else:
        for line in why(decision, place=lambda rule: _place(contract, rule)):
            click.echo(printable(line, most=1_000))
    return _CODES[decision.ruling.value]


def _object(text: str) -> dict[str, Any]:
    import json

    from launchworthy.errors import InputError

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not JSON: {str(error)[:80]}", where="--arguments", hint="write '{\"amount\": 50}'"
        ) from error
    if not isinstance(value, dict):
        raise InputError("not an object", where="--arguments", hint="write '{\"amount\": 50}'")
    return value


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (equals and key and value):
            raise click.BadParameter(f"{each!r} is not NAME=VALUE", param_hint=option)
        found[key] = value
    return found


def _place(contract: Contract, rule: str) -> str:
    """Line of the contract in which a rule stands, or the block around it; empty for one by default."""
    parts = rule.split("/")
    while len(parts) > 2:
        found = contract.place("/".join(parts))
        if found is not None:
            return str(found)
        parts.pop()
    return ""
