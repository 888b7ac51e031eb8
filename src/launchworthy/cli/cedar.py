"""``launchworthy cedar``: permissions to and from Cedar."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def command() -> None:
    """Write the permissions of a contract as Cedar policies, or read Cedar policies as tools."""


@command.command("export")
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="launchworthy.yaml",
    show_default=True,
    help="Contract that allows and denies.",
)
@click.option("--schema", is_flag=True, help="Print the schema instead of the policies.")
def export(contract_file: Path, schema: bool) -> int:
    """Print Cedar policies, or their schema; what Cedar does not enforce is told beside them.

    Exit code: 0.

    Example: launchworthy cedar export --contract launchworthy.yaml > tools.cedar
    """
    from launchworthy.contract import load_contract
    from launchworthy.runtime.permission import cedar_export

    found = cedar_export(load_contract(contract_file))
    click.echo(found.schema if schema else found.policies, nl=False)
    if found.not_expressed and not schema:
        click.echo("Cedar does not enforce:", err=True)
        for rule, told in found.not_expressed:
            click.echo(f"  {rule}: {told}", err=True)
    return 0


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> int:
    """Print the block `tools` of a contract that says what the Cedar policies of FILE say.

    Policies may permit and forbid actions to roles; every other one is named and refused. Needs the extra
    cedar.

    Exit code: 0 read, 64 a policy says what a contract cannot.

    Example: launchworthy cedar import tools.cedar
    """
    import json

    from launchworthy.errors import InputError
    from launchworthy.runtime.permission import cedar_import

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"the file cannot be read: {reason}", where=str(file)) from error
    tools = cedar_import(text, where=str(file))
    click.echo("tools:" if tools else "tools: {}")
    for name, tool in tools.items():
        parts = ", ".join(
            f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in tool.items()
        )
        click.echo(f"  {json.dumps(name)}: {{{parts}}}")
    return 0
