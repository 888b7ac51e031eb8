"""``launchworthy sign``: verdicts and evidence as signed statements, for whoever must trust them."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.errors import InputError, LaunchworthyError, StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from launchworthy.server import Workspace

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

    What a data folder is signed for, its audit chain keeps: by which key, and the SHA-256 of what was signed.

    Example: launchworthy sign verdict --key ci.key --out admitted.json
    """
    from launchworthy.cli.verdict import judged
    from launchworthy.evidence import seal, verdict_json

    signer = _load(key_file)
    if verdict_file is not None:
        told = _judged(verdict_file)
        _write(out, seal(_statement(told, None, str(verdict_file)), key=signer))
    else:
        with opened(data) as workspace:
            told = verdict_json(judged(workspace, product, stage=stage))
            last = workspace.ledger_entries(product=told["product"])[-1:]
            head = (last[0].seq, last[0].hash) if last else None
            envelope = seal(_statement(told, head, "--data"), key=signer)
            _write(out, envelope)
            _record(workspace, told, envelope)
    release = told.get("release") or "no release that is named"
    click.echo(f"signed: {told['conclusion']} ({told['product']}, {release}) → {out}")


def _statement(told: dict[str, Any], head: tuple[int, str] | None, where: str) -> dict[str, Any]:
    from launchworthy.evidence import verdict_statement

    try:
        return verdict_statement(told, head=head)
    except (KeyError, TypeError) as error:
        raise InputError("this is not what `launchworthy verdict --json` prints", where=where) from error


def _record(workspace: Workspace, told: dict[str, Any], envelope: dict[str, Any]) -> None:
    """Put into the audit chain what was signed, and by whose key; who may only read signs all the same."""
    body = {
        "of": "verdict",
        "key_id": envelope["signatures"][0]["keyid"],
        "payload_sha256": hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest(),
        **{name: told[name] for name in ("conclusion", "release", "stage", "at")},
        "contract": told["contract"]["version"],
    }
    try:
        workspace.record(product=told["product"], kind="signature", body=body)
    except LaunchworthyError as error:
        click.echo(f"warning: this signature is not in the audit chain: {error.message}", err=True)


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
