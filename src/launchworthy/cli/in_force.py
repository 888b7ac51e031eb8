"""The data folder a command opens, and the contract that is in force there. No command of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.contract import Claim, Contract
    from launchworthy.server import Workspace

__all__ = ["CONTRACT", "DATA", "HERE", "PRODUCT", "claims_of", "contract_of", "find_claim", "opened"]

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy]."
)
PRODUCT = click.option("--product", help="Product [that of launchworthy.yaml, or the only one].")
CONTRACT = click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Contract [the one in force in the data folder, else launchworthy.yaml].",
)
HERE = Path("launchworthy.yaml")


@contextmanager
def opened(data: Path | None, *, make: bool = False) -> Iterator[Workspace]:
    """The workspace of a data folder, closed at the end; only what adds something makes one."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data, make=make)
    try:
        yield workspace
    finally:
        workspace.close()


def contract_of(workspace: Workspace, product: str) -> Contract:
    """The contract in force of a product: the registered one, else its ``launchworthy.yaml`` here.

    Raises:
        InputError: There is none.
        ContractError: It cannot be used.
    """
    from launchworthy.contract import load_contract, parse_contract

    version = workspace.contract_version(product=product)
    if version is not None:
        for problem in version.problems:
            click.echo(f"warning: {problem}", err=True)
        if version.problems:
            click.echo(f"warning: the last version that could be read, {version.version}, counts", err=True)
        return parse_contract(version.text, file=version.path or HERE.name)
    if HERE.is_file():
        contract = load_contract(HERE)
        if contract.product == product:
            return contract
    raise InputError(
        f"no contract of {product!r:.80} is known here",
        where="--contract",
        hint="name its file, or start in the folder of launchworthy.yaml",
    )


def claims_of(contract: Contract) -> tuple[Claim, ...]:
    """The claims of a contract, each with what measures it."""
    from launchworthy.contract import claims
    from launchworthy.provers import PROVERS

    return claims(contract, provers=PROVERS)


def find_claim(claims: Sequence[Claim], name: str, *, product: str) -> Claim:
    """The claim of an address, with or without its product, or of an end of it that only one has.

    Raises:
        InputError: None, or several; says which are close.
    """
    import difflib

    by_address = {claim.address: claim for claim in claims}
    for address in (name, f"{product}/{name}"):
        if address in by_address:
            return by_address[address]
    ending = [address for address in by_address if address.endswith(f"/{name}")]
    if len(ending) == 1:
        return by_address[ending[0]]
    if ending:
        raise InputError(
            f"several claims end in {name!r:.80}", hint=f"one of {', '.join(sorted(ending)[:10])}"
        )
    short = {address.removeprefix(f"{product}/"): address for address in by_address}
    known = {**short, **{address: address for address in by_address}}
    known |= {address.rpartition("/")[2]: address for address in by_address}
    close = difflib.get_close_matches(name, known, n=1)
    raise InputError(
        f"the contract has no claim {name!r:.80}",
        hint=f"did you mean {known[close[0]]}?" if close else "`launchworthy claims` lists them all",
    )
