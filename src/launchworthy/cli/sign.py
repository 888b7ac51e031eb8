"""``launchworthy sign``: verdicts and evidence as signed statements, for whoever must trust them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.errors import InputError, StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_FILE = click.Path(path_type=Path, dir_okay=False)
_KEY = click.option("--key", "key_file", required=True, type=_FILE, help="Signing key.")
_OUT = click.option("--out", required=True, type=_FILE, help="File of the envelope.")


@click.group()
def command() -> None:
    """Sign verdicts and evidence as in-toto statements in DSSE envelopes."""


@command.command()
@click.option("--out", required=True, type=_FILE, help="File of the key, made with mode 0600 if it is new.")
def key(out: Path) -> None:
    """Make a signing key, and print the public key that a contract trusts.

    Example: launchworthy sign key --out ci.key
    """
    made = _load(out, make=True)
    click.echo(made.public_key().public_bytes_raw().hex())


@command.command()
@_KEY
@_OUT
@click.option(
    "--verdict", "verdict_file", type=_FILE, help="What `verdict --json` printed [that of the data folder]."
)
@click.option("--stage", help="Stage to judge [the first that may not be entered, else the last].")
@PRODUCT
@DATA
def verdict(
    key_file: Path,
    out: Path,
    verdict_file: Path | None,
    stage: str | None,
    product: str | None,
    data: Path | None,
) -> None:
    """Sign the verdict on a release: what `launchworthy admit` asks for.

    Example: launchworthy sign verdict --key ci.key --out admitted.json
    """
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import seal, verdict_statement

    signer = _load(key_file)
    head = None
    if verdict_file is not None:
        judged = _judged(verdict_file)
    else:
        with opened(data) as workspace:
            name = product_of(workspace, product)
            found = workspace.verdict(product=name, stage=stage)
            if found is None:
                raise InputError(f"{name!r:.80} has no contract here", where="--product")
            judged = found
            entries = workspace.ledger_entries(product=name)
            head = (entries[-1].seq, entries[-1].hash) if entries else None
    try:
        told = verdict_statement(judged, head=head)
    except (KeyError, TypeError) as error:
        raise InputError(
            "this is not what `launchworthy verdict --json` prints", where=str(verdict_file)
        ) from error
    _write(out, seal(told, key=signer))
    release = judged.get("release") or "no release that is named"
    click.echo(f"signed: {judged['conclusion']} ({judged['product']}, {release}) → {out}")


@command.command()
@_KEY
@_OUT
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
def evidence(key_file: Path, out: Path, files: tuple[Path, ...]) -> None:
    """Sign pieces of evidence, so that `launchworthy evidence add` knows whose they are.

    Example: launchworthy sign evidence results.jsonl --key ci.key --out results.signed.json
    """
    from launchworthy.evidence import read_evidence, seal
    from launchworthy.evidence.envelope import EVIDENCE, statement

    signer = _load(key_file)
    pieces = {piece.id: piece for file in files for piece in read_evidence(file)}
    told = statement(
        subject=[
            {"name": piece.claim, "digest": {"launchworthyEvidence": key}} for key, piece in pieces.items()
        ],
        predicate_type=EVIDENCE,
        predicate={"pieces": [piece.as_json() for piece in pieces.values()]},
    )
    _write(out, seal(told, key=signer))
    click.echo(f"signed: {len(pieces):,} piece{'' if len(pieces) == 1 else 's'} of evidence → {out}")


def _load(path: Path, *, make: bool = False) -> Ed25519PrivateKey:
    from launchworthy.evidence import load_signing_key

    if not make and not path.is_file():
        raise InputError(
            "the signing key is not there", where=str(path), hint=f"launchworthy sign key --out {path}"
        )
    try:
        return load_signing_key(path)
    except OSError as error:
        raise StorageError(f"the signing key cannot be read: {error.strerror}", where=str(path)) from error


def _judged(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {str(error)[:100]}", where=str(path)) from error
    if not isinstance(found, dict):
        raise InputError("this is not what `launchworthy verdict --json` prints", where=str(path))
    return found


def _write(path: Path, envelope: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(envelope, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
