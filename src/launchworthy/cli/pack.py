"""``launchworthy pack``: what a reviewer asks for in one file, and the check that its numbers are true."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.auditing import trusted_key
from launchworthy.cli.in_force import DATA, PRODUCT, opened
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.evidence import Opening
    from launchworthy.pack import PackInputs, PackReport
    from launchworthy.server import Workspace

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHOWN = 20


@click.group(invoke_without_command=True)
@click.option("--out", type=_FILE, help="File to make, such as pack.zip.")
@click.option("--without-details", is_flag=True, help="Leave out reasons and persons: commitments only.")
@PRODUCT
@DATA
@click.pass_context
def command(
    context: click.Context, out: Path | None, without_details: bool, product: str | None, data: Path | None
) -> None:
    """Write the evidence pack of a product, or verify one.

    Holds the system card, data flow, permissions, evaluations, red team, guards, human oversight,
    incidents, signatures and verdicts, mapped to the NIST AI RMF and to Annex IV of the EU AI Act, as a
    page and as JSON, with the audit chain that each number comes from.

    Example: launchworthy pack --out pack.zip
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise click.UsageError("name the file: --out pack.zip")
    from launchworthy.cli.product import product_of
    from launchworthy.pack import PACKED, pack_record, write_pack

    with opened(data) as workspace:
        name = product_of(workspace, product)
        version = workspace.contract_version(product=name)
        if version is None:
            raise InputError(
                f"{name!r:.80} has no contract here", where="--product", hint="serve or register one first"
            )
        if out.exists():
            raise InputError("the file is there already", where=str(out), hint="name a new one")
        inputs = _inputs(workspace, name)
        workspace.record(product=name, kind=PACKED, body=pack_record(version.text, inputs=inputs))
        told = workspace.audit_heads(product=name)
        # What no head vouches for yet is in the next pack.
        signed = max((head.size for head in told.heads), default=0)
        entries = [
            each for each in workspace.ledger_entries(product=name) if each.seq <= signed or not signed
        ]
        pack = write_pack(
            out,
            contract=version.text,
            inputs=inputs,
            entries=entries,
            heads=told.heads,
            public_key=None if told.public_key is None else bytes.fromhex(told.public_key),
            openings=[] if without_details else _openings(workspace, name, len(entries)),
        )
    click.echo(f"{pack.title}")
    click.echo(f"  {sum(1 for _ in pack.figures()):,} numbers from {len(entries):,} entries → {out}")


def _inputs(workspace: Workspace, product: str) -> PackInputs:
    """What is judged, as the workspace judges it now."""
    from launchworthy.cli.in_force import claims_of
    from launchworthy.contract import parse_contract
    from launchworthy.evals.judging import declared_judges
    from launchworthy.pack import PackInputs
    from launchworthy.records import Release

    held = workspace.verdict(product=product) or {}
    release: Release | str | None = held.get("release")
    if held.get("parts"):
        release = Release(held["parts"], label=held.get("label") or "")
    version = workspace.contract_version(product=product)
    judges = {}
    if version is not None and version.path and Path(version.path).is_file():
        contract = parse_contract(version.text, file=version.path)
        judges = declared_judges(claims_of(contract), folder=Path(version.path).parent)
    return PackInputs(at=datetime.now(UTC).replace(microsecond=0), release=release, judges=judges)


def _openings(workspace: Workspace, product: str, entries: int) -> list[Opening]:
    found: list[Opening] = []
    for after in range(0, entries, 1_000):
        found += workspace.audit_openings(product=product, after=after)
    return found


@command.command()
@click.argument("file", type=_FILE)
@click.option("--key", help="Public key that is trusted: 64 hex digits, or a file [the one in the pack].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, key: str | None, as_json: bool) -> int:
    """Recompute every number of a pack from the chain in it.

    Exit code: 0 all of it is what the chain gives, 1 something is not or the chain was tampered with,
    2 it cannot be told, since entries are not signed, there is no key, or another version made it, which
    judged or worded something otherwise.
    """
    from launchworthy import __version__
    from launchworthy.cli.figures import echo_json, printable
    from launchworthy.pack import verify_pack

    report = verify_pack(file, public_key=trusted_key(key))
    code = _code(report)
    if as_json:
        echo_json(
            {
                "product": report.product,
                "title": report.title,
                "entries": report.entries,
                "figures": report.figures,
                "chain": [
                    {"fault": each.fault.value, "entry": each.seq, "message": each.message}
                    for each in report.chain
                ],
                "differences": list(report.differences),
                "version": report.version,
                "unlike": list(report.unlike),
                "exit_code": code,
            }
        )
        return code
    word = {0: "true", 1: "NOT TRUE", 2: "cannot be told"}[code]
    click.echo(f"{printable(report.product)}: {word}, {report.figures:,} numbers, {report.entries:,} entries")
    if key is None:
        click.echo("  by the key in the pack; --key names the one that you trust")
    if report.unlike:
        made = printable(report.version, most=40)
        click.echo(
            f"  launchworthy {made} made it, and this is {__version__}, which judges or words otherwise what"
            f" stands below: verify it with `pip install launchworthy=={made}`"
        )
    for line in [*(each.message for each in report.chain), *report.differences, *report.unlike]:
        click.echo(f"  {printable(line, most=300)}")
    return code


def _code(report: PackReport) -> int:
    if report.differences or any(each.fault.proves_tampering for each in report.chain):
        return 1
    # Entries that no head vouches for could be anybody's.
    return 2 if report.chain or report.unlike else 0
