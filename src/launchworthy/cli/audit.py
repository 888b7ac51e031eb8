"""``launchworthy audit``: whether the ledger is what was written into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, opened

if TYPE_CHECKING:
    from launchworthy.evidence import ChainFault
    from launchworthy.server import Workspace

_TAMPERED, _UNKNOWN = 1, 2


@click.group()
def command() -> None:
    """Verify the audit chain."""


@command.command()
@click.option("--product", "products", multiple=True, help="Product [every one]; may be repeated.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of signed heads that was kept elsewhere; goes with one product [that of the data folder].",
)
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(products: tuple[str, ...], heads: Path | None, data: Path | None, as_json: bool) -> int:
    """Check every link of the chain, and the newest signed head against it.

    Shows an edited, a deleted and a moved entry, and, by the head, a tail that was cut off.

    Exit code: 0 whole, 1 tampered with, 2 it cannot be told, since there is no ledger, no
    signed head or no key.
    """
    from launchworthy.cli.figures import echo_json

    with opened(data) as workspace:
        names = list(products) or workspace.products()
        if heads is not None and len(names) != 1:
            raise click.UsageError("--heads goes with one product: name it with --product")
        found = [_verified(workspace, name, heads) for name in names]
    # Where there is no ledger nothing was verified, as when a folder is misspelt or was emptied.
    code = max((row["exit_code"] for row in found), key=_worst, default=_UNKNOWN)
    if as_json:
        echo_json({"products": found, "exit_code": code})
    else:
        if not found:
            click.echo("No product has a ledger here.")
        for row in found:
            _print(row)
    return code


def _worst(code: int) -> int:
    """Tampering before not knowing before whole."""
    return (0, _UNKNOWN, _TAMPERED).index(code)


def _verified(workspace: Workspace, product: str, heads: Path | None) -> dict[str, Any]:
    from launchworthy.evidence import read_heads, read_public_key, verify

    entries = workspace.ledger_entries(product=product)
    faults: Sequence[ChainFault]
    if heads is None:
        faults = workspace.audit(product=product)
    else:
        kept = read_heads(heads)
        faults = verify(entries, head=kept[-1] if kept else None, public_key=read_public_key(heads))
    return {
        "product": product,
        "entries": len(entries),
        "exit_code": _code(faults),
        "faults": [
            {
                "fault": each.fault.value,
                "entry": each.seq,
                "message": each.message,
                "tampered": each.fault.proves_tampering,
            }
            for each in faults
        ],
    }


def _code(faults: Sequence[ChainFault]) -> int:
    from launchworthy.evidence import Fault

    if any(each.fault.proves_tampering for each in faults):
        return _TAMPERED
    # Entries that came after the last signature are how a ledger looks between two signatures.
    return _UNKNOWN if any(each.fault is not Fault.UNSIGNED_TAIL for each in faults) else 0


def _print(row: dict[str, Any]) -> None:
    from launchworthy.cli.figures import printable

    count = "1 entry" if row["entries"] == 1 else f"{row['entries']:,} entries"
    verdict = {0: "whole", _TAMPERED: "TAMPERED WITH", _UNKNOWN: "cannot be told"}[row["exit_code"]]
    click.echo(f"{printable(row['product'])}: {verdict}, {count}")
    for fault in row["faults"]:
        click.echo(f"  {fault['message']}")
