"""``launchworthy attest``: a person vouches for what nothing can measure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.in_force import CONTRACT, DATA, PRODUCT, claims_of, contract_of, find_claim, opened
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.contract import Claim, Contract
    from launchworthy.evidence import Evidence


@click.command()
@click.argument("claim_name", metavar="CLAIM")
@click.option("--by", required=True, help="Who signs: the owner that the contract names for this claim.")
@click.option("--until", help="Last day on which it counts, such as 2027-05-24.")
@click.option("--valid-for", "valid_for", help="How long it counts, such as 90d [as the contract says].")
@click.option("--note", default="", help="What was looked at, in a sentence.")
@click.option(
    "--file",
    "document",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Document vouched for; its digest is kept [the one the contract names].",
)
@CONTRACT
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    claim_name: str,
    by: str,
    until: str | None,
    valid_for: str | None,
    note: str,
    document: Path | None,
    contract_file: Path | None,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Sign a claim that only a person can vouch for.

    The signature is evidence with its signer, its date and its expiry. It is shown as attested, never as met.

    Example: launchworthy attest attest/dpia --by noor@shop.example --valid-for 365d --note "v3, all flows"
    """
    if until is not None and valid_for is not None:
        raise click.UsageError("give one of --until and --valid-for")
    with opened(data, make=True) as workspace:
        from launchworthy.cli.product import product_of
        from launchworthy.contract import load_contract

        if contract_file is not None:
            contract = load_contract(contract_file)
        else:
            contract = contract_of(workspace, product_of(workspace, product))
        claim = find_claim(claims_of(contract), claim_name, product=contract.product)
        now = datetime.now(UTC)
        piece = _signed(contract, claim, by=by, now=now, valid_until=_end(claim, until, valid_for, now=now))
        piece = _with_detail(piece, note=note, document=_document(contract, claim, document))
        workspace.add_evidence(contract.product, [piece])
    _print(claim, piece, as_json=as_json)


def _signed(contract: Contract, claim: Claim, *, by: str, now: datetime, valid_until: datetime) -> Evidence:
    """The signature, if this claim may be signed and by this person."""
    from launchworthy.contract import ClaimKind
    from launchworthy.evidence import Evidence

    if claim.kind is not ClaimKind.ATTEST:
        raise InputError(
            f"{claim.address} is of kind {claim.kind}: it is measured, not signed",
            where="CLAIM",
            hint="`launchworthy evidence add` takes measurements made elsewhere",
        )
    role = str(claim.options.get("by"))
    owner = contract.owners.get(role)
    if owner is not None and by != owner:
        wrong = "is a role, not a person" if by in contract.owners else f"does not own {claim.address}"
        raise InputError(
            f"{by!r:.80} {wrong}; it is signed by {role}",
            where="--by",
            hint=f"{owner} signs it, or the contract names another owner",
        )
    if not by.strip() or not by.isprintable():
        raise InputError("a signature names a person", where="--by", hint="write an address")
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        method="signature",
        source=f"attest:{_account()}",
        producer=by,
        observed_at=now,
        valid_until=valid_until,
    )


def _end(claim: Claim, until: str | None, valid_for: str | None, *, now: datetime) -> datetime:
    """When the signature ends: as told, but not later than the contract allows."""
    from datetime import date

    from launchworthy.quantity import format_value, parse_quantity

    most = _later(now, claim.valid_for_s)
    if until is not None:
        try:
            # Through the end of that day.
            end = datetime.combine(date.fromisoformat(until), datetime.min.time(), UTC) + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{until!r:.80} is not a day", where="--until", hint="write 2027-05-24"
            ) from error
    elif valid_for is not None:
        try:
            quantity = parse_quantity(valid_for)
        except ValueError as error:
            raise InputError(str(error), where="--valid-for", hint="write 90d") from error
        if quantity.unit != "ms":
            raise InputError(
                f"{valid_for!r:.80} is no stretch of time", where="--valid-for", hint="write 90d"
            )
        end = _later(now, quantity.value / 1_000)
    else:
        end = most
    if end <= now:
        raise InputError("a signature that has ended vouches for nothing", where="--until")
    if end > most:
        every = format_value(claim.valid_for_s * 1_000, unit="ms")
        click.echo(
            f"note: the contract has it signed every {every}, so it counts until {most:%Y-%m-%d}", err=True
        )
    return min(end, most)


def _later(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _document(contract: Contract, claim: Claim, given: Path | None) -> Path | None:
    """The document vouched for: the one given, else the one that the contract names."""
    named = claim.options.get("file")
    path = given or (Path(contract.file).parent / named if isinstance(named, str) else None)
    if path is not None and not path.is_file():
        raise InputError(
            "the document vouched for is not there", where=str(path), hint="name it: --file PATH"
        )
    return path


def _with_detail(piece: Evidence, *, note: str, document: Path | None) -> Evidence:
    from dataclasses import replace

    detail: dict[str, Any] = {}
    if note:
        detail["note"] = note
    if document is not None:
        try:
            digest = hashlib.sha256(document.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=str(document)) from error
        detail |= {"file": str(document), "sha256": digest}
    return replace(piece, detail=detail)


def _account() -> str:
    """The account on this machine that typed it: not the signer, but a trace of how it came in."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _print(claim: Claim, piece: Evidence, *, as_json: bool) -> None:
    from launchworthy.cli.figures import echo_json

    if as_json:
        echo_json({"id": piece.id, **piece.as_json()})
        return
    click.echo(f"attested: {claim.address}")
    click.echo(f"  {claim.sentence}")
    click.echo(
        f"  signed by {piece.producer}, counts until {piece.valid_until:%Y-%m-%d %H:%M} UTC ({piece.id})"
    )
