"""``launchworthy audit replay`` and ``audit contract``: what was decided, judged again by what held then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, claims_of, opened
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.evidence import LedgerEntry
    from launchworthy.server import Workspace

__all__ = ["contract", "replay"]

_OTHERWISE, _UNKNOWN = 1, 2
_SHOWN = 20


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--entry", type=click.IntRange(min=1), help="Entry of the verdict [the newest one].")
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The contract that the verdict names [as the data folder keeps it].",
)
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(
    folder: Path | None,
    entry: int | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Give a recorded verdict again, by its contract, on the evidence that the chain held before it.

    FOLDER is one that was exported whole, or a data folder [--data]. Whether the chain itself is whole,
    `launchworthy audit verify` says.

    Exit code: 0 it comes out the same, 1 it comes out otherwise, 2 it cannot be told, since another version
    of this program gave it and judges otherwise.
    """
    from launchworthy import __version__
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import is_bundle, read_bundle, replayed

    text: str | None = None
    if folder is not None and is_bundle(folder):
        bundle = read_bundle(folder)
        if not bundle.complete:
            raise InputError("it holds single entries, not all before them", where=str(folder))
        entries: Sequence[LedgerEntry] = bundle.entries
        number, record = _verdict(entries, entry)
        if contract_file is None:
            raise click.UsageError("an exported folder has no contract in it: name it with --contract")
    else:
        with opened(folder or data) as workspace:
            name = product_of(workspace, product)
            entries = workspace.ledger_entries(product=name)
            number, record = _verdict(entries, entry)
            if contract_file is None:
                text = _kept(workspace, name, _version(record))
    named = _named(text, contract_file, _version(record), entries)
    found = replayed(record, contract=named, claims=claims_of(named), entries=entries[: number - 1])
    gave = str(record.get("launchworthy") or "an earlier version")
    code = 0 if not found.differences else _OTHERWISE if gave == __version__ else _UNKNOWN
    if as_json:
        echo_json(
            {
                "entry": number,
                "conclusion": record.get("conclusion"),
                "comes_out": found.verdict.conclusion,
                "contract": named.version,
                "pieces": len(found.verdict.evidence),
                "launchworthy": record.get("launchworthy"),
                "differences": list(found.differences),
                "exit_code": code,
            }
        )
        return code
    word = {0: "comes out the same", 1: "COMES OUT OTHERWISE", 2: "cannot be told"}[code]
    click.echo(f"verdict of entry {number:,}: {word}")
    click.echo(f"  {printable(found.verdict.conclusion, most=300)}")
    click.echo(
        f"  contract {named.version}, {len(found.verdict.evidence):,} pieces of evidence,"
        f" judged at {found.verdict.at.isoformat()}"
    )
    if code == _UNKNOWN:
        click.echo(f"  launchworthy {printable(gave, most=40)} gave it, and this is {__version__}")
    for line in found.differences[:_SHOWN]:
        click.echo(f"  {printable(line, most=300)}")
    if (more := len(found.differences) - _SHOWN) > 0:
        click.echo(f"  … and {more:,} more; --json lists them")
    return code


@click.command()
@click.argument("version")
@PRODUCT
@DATA
def contract(version: str, product: str | None, data: Path | None) -> None:
    """Print a version of the contract that entries of the chain name, as it was registered.

    Example: launchworthy audit contract c-9d2745270de2 > then.yaml
    """
    from launchworthy.cli.product import product_of

    with opened(data) as workspace:
        name = product_of(workspace, product)
        text = _kept(workspace, name, version)
        entries = workspace.ledger_entries(product=name)
    _named(text, None, version, entries)
    click.echo(text, nl=False)


def _verdict(entries: Sequence[LedgerEntry], number: int | None) -> tuple[int, Mapping[str, Any]]:
    """The entry of a verdict, and its body."""
    given = (each for each in reversed(entries) if each.kind == "verdict")
    found = next((each for each in given if number in (None, each.seq)), None)
    if found is None:
        raise InputError(
            "the chain has no verdict" if number is None else f"entry {number:,} is no verdict",
            where="--entry",
            hint="`launchworthy audit show --kind verdict` lists them",
        )
    body = json.loads(found.body)
    if not isinstance(body, dict):
        raise InputError("this entry is no verdict that can be given again", where=f"entry {found.seq:,}")
    return found.seq, body


def _version(record: Mapping[str, Any]) -> str:
    told = record.get("contract")
    return str(told.get("version", "")) if isinstance(told, Mapping) else ""


def _kept(workspace: Workspace, product: str, version: str) -> str:
    """The text of a version, as the data folder keeps it."""
    known = workspace.contract_version(product=product, version=version) if version else None
    if known is None:
        raise InputError(
            f"no contract {version!r:.40} of {product} was registered here",
            where="--contract",
            hint="name its file, or see `launchworthy audit show --kind contract`",
        )
    return known.text


def _named(text: str | None, file: Path | None, version: str, entries: Sequence[LedgerEntry]) -> Contract:
    """The contract, where it is the version that was named, down to the SHA-256 that the chain has of it."""
    from launchworthy.contract import load_contract, parse_contract

    found = load_contract(file) if file is not None else parse_contract(text or "")
    where = str(file) if file is not None else "the contract that the data folder keeps"
    if found.version != version:
        raise InputError(f"it is version {found.version}, and {version} was named", where=where)
    digest = hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).hexdigest()
    for entry in entries:
        told = json.loads(entry.body) if entry.kind == "contract" else {}
        if isinstance(told, dict) and told.get("version") == version and told.get("sha256") != digest:
            raise InputError(f"it is not the text of which entry {entry.seq:,} has the SHA-256", where=where)
    return found
