"""``launchworthy evidence``: measurements made elsewhere come in, and the ledger goes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import DATA, PRODUCT, claims_of, contract_of, opened

if TYPE_CHECKING:
    from launchworthy.evidence import Evidence
    from launchworthy.server import Workspace

_SHOWN = 20
_CLAIM = click.option("--claim", help="Only this claim, or those below this part of the contract.")


@click.group()
def command() -> None:
    """Add, list and export evidence."""


@command.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
)
@PRODUCT
@DATA
def add(files: tuple[Path, ...], product: str | None, data: Path | None) -> None:
    """Append the pieces of JSONL files to the ledger; all of them, or none.

    What the ledger holds already is not added again.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import read_evidence

    pieces = {piece.id: piece for file in files for piece in read_evidence(file)}
    with opened(data, make=True) as workspace:
        name = product_of(workspace, product)
        _check(workspace, name, list(pieces.values()))
        held = {piece.id for piece in workspace.evidence(name)}
        new = [piece for key, piece in pieces.items() if key not in held]
        workspace.add_evidence(name, new)
    known = len(pieces) - len(new)
    again = f"; {known:,} were there already" if known else ""
    count = "1 piece" if len(new) == 1 else f"{len(new):,} pieces"
    click.echo(f"{count} of evidence added to {name}{again}")


@command.command(name="list")
@_CLAIM
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_evidence(claim: str | None, product: str | None, data: Path | None, as_json: bool) -> None:
    """List what the ledger holds, newest first."""
    import json

    from launchworthy.evidence.wording import clean, measured_text, origin_text

    _, pieces = _read(data, product, claim)
    pieces.sort(key=lambda piece: (piece.observed_at, piece.id), reverse=True)
    if as_json:
        rows = [{"id": piece.id, **piece.as_json()} for piece in pieces]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False))
        return
    if not pieces:
        click.echo("No evidence. Add some with: launchworthy evidence add FILE.jsonl")
    for piece in pieces:
        slice_ = "" if piece.slice is None else f" on {clean(piece.slice)}"
        click.echo(f"{clean(piece.claim)}{slice_}  {measured_text(piece)}")
        click.echo(f"    {origin_text(piece)}")


@command.command()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write [standard output]."
)
@_CLAIM
@PRODUCT
@DATA
def export(out: Path | None, claim: str | None, product: str | None, data: Path | None) -> None:
    """Write the ledger's evidence as JSON Lines, as `verdict --evidence` and `evidence add` read it."""
    from launchworthy.errors import InputError
    from launchworthy.evidence import write_evidence

    name, pieces = _read(data, product, claim)
    text = write_evidence(pieces)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(out)) from error
    count = "1 piece" if len(pieces) == 1 else f"{len(pieces):,} pieces"
    click.echo(f"{count} of evidence of {name} in {out}")


def _read(data: Path | None, product: str | None, claim: str | None) -> tuple[str, list[Evidence]]:
    from launchworthy.cli.product import product_of

    with opened(data) as workspace:
        name = product_of(workspace, product)
        pieces = workspace.evidence(name)
    if claim is None:
        return name, pieces
    paths = (claim, f"{name}/{claim}")
    return name, [
        piece
        for piece in pieces
        if any(piece.claim == path or piece.claim.startswith(f"{path}/") for path in paths)
    ]


def _check(workspace: Workspace, product: str, pieces: Sequence[Evidence]) -> None:
    """Refuse what could never count: the ledger only grows, so a misspelt claim would stay for good.

    Raises:
        InputError: A claim that the contract does not have, or a piece of another kind; names each.
    """
    import difflib

    from launchworthy.errors import InputError

    claims = {claim.address: claim for claim in claims_of(contract_of(workspace, product))}
    problems = []
    for piece in pieces:
        claim = claims.get(piece.claim)
        if claim is None:
            close = difflib.get_close_matches(piece.claim, claims, n=1)
            problems.append(
                f"no claim {piece.claim!r:.120}" + (f"; did you mean {close[0]}?" if close else "")
            )
        elif claim.kind != piece.kind:
            problems.append(f"{piece.claim} is of kind {claim.kind}, not {piece.kind}")
    unique = [*dict.fromkeys(problems)]
    if unique:
        more = f"\n  and {len(unique) - _SHOWN:,} more" if len(unique) > _SHOWN else ""
        raise InputError(
            "nothing was added, since the contract does not know all of it:\n  "
            + "\n  ".join(unique[:_SHOWN])
            + more,
            hint="`launchworthy claims` lists the addresses",
        )
