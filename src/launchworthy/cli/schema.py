"""``launchworthy schema``: the language of the contract as JSON Schema, for editors."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the JSON Schema of the contract, for editors.

    Save it and name it in the first line of a contract, and editors that speak YAML complete and check keys:

    \b
        launchworthy schema > launchworthy.schema.json
        # yaml-language-server: $schema=launchworthy.schema.json
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.contract import contract_schema

    echo_json(contract_schema())
