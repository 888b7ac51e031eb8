"""``launchworthy audit``: whether the ledger is what was written into it, and why each decision was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.auditing import FILTERS, filters_of, page_of, trusted_key
from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.cli.replaying import contract, replay
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.evidence import AuditEntry, ChainFault
    from launchworthy.server import Workspace

_TAMPERED, _UNKNOWN = 1, 2
_MOST_CHARS = 500  # of a line of an entry
_MOST_FAULTS = 20  # that are printed
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def command() -> None:
    """Verify, read and export the audit chain."""


@command.command()
@click.argument("folder", required=False, type=_FOLDER)
@click.option("--product", "products", multiple=True, help="Product [every one]; may be repeated.")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of signed heads that was kept elsewhere; goes with one product [that of the data folder].",
)
@click.option(
    "--key", help="Public key that is trusted: 64 hex digits, or a file [the one beside the heads]."
)
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    folder: Path | None,
    products: tuple[str, ...],
    heads: Path | None,
    key: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Check every link of the chain, the signed heads against it, and the words of decisions.

    FOLDER is one that was exported, or a data folder [--data]. Shows an edited, a deleted and a moved
    entry, by the heads a tail that was cut off and a past that was written anew, and a decision of which
    the records now say something else than was committed to.

    Exit code: 0 whole, 1 tampered with, 2 it cannot be told, since there is no ledger, no
    signed head or no key.
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.evidence import is_bundle

    trusted = trusted_key(key)
    if folder is not None and is_bundle(folder):
        if heads is not None or products:
            raise click.UsageError("an exported folder brings its heads and its product")
        found = [_verified_export(folder, trusted)]
    else:
        with opened(folder or data) as workspace:
            names = list(products) or workspace.products()
            if heads is not None and len(names) != 1:
                raise click.UsageError("--heads goes with one product: name it with --product")
            found = [_verified(workspace, name, heads, trusted) for name in names]
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


def _verified(workspace: Workspace, product: str, heads: Path | None, key: bytes | None) -> dict[str, Any]:
    from launchworthy.evidence import altered_fault, read_heads, read_public_key, verify

    faults: Sequence[ChainFault]
    if heads is None and key is None:
        newest = workspace.audit_trail(product=product, limit=1)
        count = newest[0].seq if newest else 0
        faults = workspace.audit(product=product)
    else:
        entries = workspace.ledger_entries(product=product)
        count = len(entries)
        told = workspace.audit_heads(product=product) if heads is None else None
        kept = sorted(
            told.heads if told is not None else read_heads(heads or Path()), key=lambda head: head.size
        )
        faults = verify(
            entries,
            head=kept[-1] if kept else None,
            public_key=key or (read_public_key(heads) if heads is not None else None),
            earlier=kept[:-1],
        )
    looked = opened = closed = 0
    while (page := workspace.audit_words(product=product, after=looked)).entries:
        looked += page.entries
        opened, closed = opened + page.opened, closed + page.closed
        faults = [*faults, *map(altered_fault, page.altered)]
    return {**_row(product, count, faults), "opened": opened, "closed": closed}


def _verified_export(folder: Path, key: bytes | None) -> dict[str, Any]:
    from launchworthy.evidence import read_bundle, verify_bundle

    bundle = read_bundle(folder)
    report = verify_bundle(bundle, public_key=key)
    row = _row(report.product, report.entries, report.faults)
    if report.faults and row["exit_code"] == 0:
        # An export ends where it is signed: what comes after could be anybody's.
        row["exit_code"] = _UNKNOWN
    return {
        **row,
        "complete": report.complete,
        "opened": report.opened,
        "closed": report.closed,
        "key": "trusted" if key is not None else "of the export itself" if bundle.public_key else None,
    }


def _row(product: str, entries: int, faults: Sequence[ChainFault]) -> dict[str, Any]:
    return {
        "product": product,
        "entries": entries,
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
    if row["opened"] or row["closed"]:
        part = "" if row.get("complete", True) else "; single entries, each shown by its proof"
        click.echo(f"  decisions: {row['opened']:,} opened, {row['closed']:,} closed{part}")
    if row.get("key") == "of the export itself":
        click.echo("  by the key that came with it; --key names the one that you trust")
    for fault in row["faults"][:_MOST_FAULTS]:
        click.echo(f"  {fault['message']}")
    more = len(row["faults"]) - _MOST_FAULTS
    if more > 0:
        click.echo(f"  … and {more:,} more; --json lists them")


@command.command()
@click.argument("folder", required=False, type=_FOLDER)
@FILTERS
@click.option("--entry", type=click.IntRange(min=1), help="The entry of this number alone.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Newest entries.")
@PRODUCT
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(
    folder: Path | None,
    entry: int | None,
    limit: int,
    product: str | None,
    data: Path | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Say why each decision was made: under which rule, seeing what, who approved.

    FOLDER is one that was exported, or a data folder [--data]. What was erased, or is past its
    retention, is shown as its commitment only.
    """
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.evidence import entry_words, is_bundle, read_bundle

    wheres = filters_of(filters)
    if folder is not None and is_bundle(folder):
        found = [
            each for each in read_bundle(folder).trail() if any(where.lets_through(each) for where in wheres)
        ]
        found = [each for each in found if entry in (None, each.seq)][-limit:][::-1]
    else:
        from launchworthy.cli.product import product_of

        with opened(folder or data) as workspace:
            name = product_of(workspace, product)
            before = None if entry is None else entry + 1
            found = page_of(workspace, name, wheres, before=before, limit=1 if entry else limit)
        found = [each for each in found if entry in (None, each.seq)]
    if as_json:
        echo_json({"entries": [_entry_json(each) for each in found]})
        return
    if not found:
        click.echo("No entry is like that.")
    for each in found:
        first, *rest = entry_words(each)
        click.echo(f"{each.seq}  {each.at:%Y-%m-%d %H:%M:%S}  {printable(first, most=_MOST_CHARS)}")
        for line in rest:
            click.echo(f"    {printable(line, most=_MOST_CHARS)}")


def _entry_json(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "hash": entry.hash,
        "openness": entry.openness.value,
        "body": entry.body,
        "detail": None if entry.detail is None else {**entry.detail, "facts": entry.facts},
    }


@command.command()
@click.option("--out", required=True, type=_FOLDER, help="Folder to make.")
@FILTERS
@click.option("--without-details", is_flag=True, help="Only what stands in the chain: no reason, no person.")
@PRODUCT
@DATA
def export(
    out: Path,
    without_details: bool,
    product: str | None,
    data: Path | None,
    **filters: Any,
) -> None:
    """Write the chain to a folder that verifies on its own.

    With a filter only those entries are written, each with the proof that it belongs to the signed
    chain. `launchworthy audit verify FOLDER` needs nothing else, and `audit show FOLDER` reads it.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.evidence import AuditFilter, write_bundle

    wheres = filters_of(filters)
    with opened(data) as workspace:
        name = product_of(workspace, product)
        entries = workspace.ledger_entries(product=name)
        if not entries:
            raise InputError(f"{name!r:.80} has no ledger here", where="--product")
        chosen = None
        if wheres != (AuditFilter(),):
            chosen = {each.seq for each in page_of(workspace, name, wheres, limit=None)}
            if not chosen:
                raise InputError("no entry is like that", hint="`launchworthy audit show` reads by the same")
        told = workspace.audit_heads(product=name)
        # What no head vouches for yet is in the next export.
        signed = max((head.size for head in told.heads), default=entries[-1].seq)
        later = sum(each.seq > signed and (chosen is None or each.seq in chosen) for each in entries)
        entries = [each for each in entries if each.seq <= signed]
        if chosen is not None:
            chosen = {seq for seq in chosen if seq <= signed}
        openings = []
        if not without_details:
            for after in range(0, signed, 1_000):
                openings += workspace.audit_openings(product=name, after=after)
            openings = [each for each in openings if each.seq <= signed]
        written = write_bundle(
            out,
            product=name,
            entries=entries,
            heads=told.heads,
            public_key=None if told.public_key is None else bytes.fromhex(told.public_key),
            openings=openings,
            chosen=chosen,
        )
    heads = "1 head" if len(told.heads) == 1 else f"{len(told.heads):,} heads"
    click.echo(f"{written:,} of {len(entries):,} entries, {heads} → {out}")
    if later:
        click.echo(f"  {later:,} more came after the last signature: export again in a minute")


command.add_command(replay)
command.add_command(contract)
