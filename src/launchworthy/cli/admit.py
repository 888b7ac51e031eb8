"""``launchworthy admit``: the check before a deployment, and after it: is what serves what was admitted?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from launchworthy.cli.in_force import CONTRACT, DATA, HERE
from launchworthy.errors import InputError

_MARKS = {True: "●", False: "✕", None: "◌"}


@click.command()
@click.argument("envelope", type=click.Path(path_type=Path, dir_okay=False))
@CONTRACT
@click.option(
    "--release",
    "releases",
    multiple=True,
    help="Release that runs [what records say serves]; may be repeated.",
)
@click.option("--stage", help="Stage to enter [the first].")
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    envelope: Path,
    contract_file: Path | None,
    releases: tuple[str, ...],
    stage: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Say whether a release may run: a verdict that a trusted key signed says so.

    ENVELOPE is what `launchworthy sign verdict` wrote; the contract names the keys. Checks the signature, the
    product, the contract, the stage, the age, and that no other release runs.

    Exit code: 0 admitted, 1 not admitted, 2 it cannot be told.

    Example: launchworthy admit admitted.json --release r-5f0c2a9b11de --stage pilot
    """
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.contract import load_contract
    from launchworthy.evidence import admission, open_envelope

    contract = load_contract(contract_file or HERE)
    if contract.trust is None:
        raise InputError(
            "the contract trusts no key, so no signature can count",
            where=contract.file,
            hint="name one: `trust: {keys: {ci: …}}`; `launchworthy sign key` prints it",
        )
    try:
        text = envelope.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(envelope)) from error
    keys = {name: bytes.fromhex(key) for name, key in contract.trust.keys.items()}
    found = admission(
        open_envelope(text, keys=keys, where=str(envelope)),
        contract=contract,
        running=list(releases) or _serving(data, contract.product),
        stage=stage,
        now=datetime.now(UTC),
    )
    if as_json:
        echo_json(
            {
                "conclusion": found.conclusion,
                "exit_code": found.exit_code,
                "checks": [
                    {"name": check.name, "holds": check.holds, "message": check.message}
                    for check in found.checks
                ],
            }
        )
        return found.exit_code
    click.echo(printable(found.conclusion, most=300))
    for check in found.checks:
        click.echo(f"  {_MARKS[check.holds]} {printable(check.message, most=300)}")
    return found.exit_code


def _serving(data: Path | None, product: str) -> list[str]:
    """Releases among the records of the last day; none where there is no data folder."""
    from launchworthy.errors import NotFoundError
    from launchworthy.server import open_workspace

    try:
        workspace = open_workspace(data)
    except NotFoundError:
        return []
    try:
        held = workspace.verdict(product=product) or {}
    finally:
        workspace.close()
    return [row["release"] for row in held.get("serving", ())]
