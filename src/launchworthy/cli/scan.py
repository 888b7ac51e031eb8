"""``launchworthy scan``: what records hold, against what the contract declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import CONTRACT, DATA, PRODUCT, claims_of, contract_of, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from launchworthy.monitor import Scan

_SAMPLE = 2_000


@click.command()
@PRODUCT
@DATA
@CONTRACT
@click.option("--sample", type=click.IntRange(min=1), help=f"Records of each table to draw [{_SAMPLE:,}].")
@click.option("--all", "whole", is_flag=True, help="Look through every record.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    product: str | None,
    data: Path | None,
    contract_file: Path | None,
    sample: int | None,
    whole: bool,
    as_json: bool,
) -> int:
    """Say what records hold, and where they differ from the contract.

    Personal data is looked for in a sample of each table, everything else is counted. What differs is listed
    with what to write into the contract where that is right, and what to do where it is not. What was found
    is kept as evidence for the claims of data.

    Exit code: 0 nothing differs, 1 something does.
    """
    from datetime import UTC, datetime

    from launchworthy import monitor
    from launchworthy.cli.figures import echo_json
    from launchworthy.cli.product import product_of
    from launchworthy.contract import load_contract
    from launchworthy.monitor.scanned import as_json as scan_json

    if whole and sample is not None:
        raise click.UsageError("give one of --all and --sample")
    drawn = None if whole else sample or _SAMPLE
    with opened(data) as workspace:
        if contract_file is not None:
            contract = load_contract(contract_file)
        else:
            contract = contract_of(workspace, product_of(workspace, product))
        now = datetime.now(UTC)
        found = monitor.scan(contract, query=workspace.query, now=now, sample=drawn)
        of_data = [claim for claim in claims_of(contract) if claim.family == "data"]
        versions = workspace.gold_versions(product=contract.product)
        pieces = monitor.measure(
            of_data,
            product=contract.product,
            query=workspace.query,
            release=None,
            now=now,
            versions={f"{each.name}@{each.version}": each.created_at for each in versions},
            sample=drawn,
        )
        if pieces:
            workspace.add_evidence(contract.product, pieces)
    if as_json:
        echo_json({**scan_json(found), "evidence": [piece.as_json() for piece in pieces]})
    else:
        for line in _lines(found):
            click.echo(line)
        click.echo(f"\nEvidence for {len(pieces):,} claims of data was kept.")
    return 1 if found.drift else 0


def _lines(found: Scan) -> Iterator[str]:
    count = len(found.drift)
    if count:
        word = "place" if count == 1 else "places"
        yield f"Records of {found.product} differ from the contract in {count:,} {word}:"
    else:
        yield f"Records of {found.product} hold nothing that the contract does not declare."
    for each in found.drift:
        yield f"  {each.address}: {each.observed}"
        if each.accept is not None:
            yield f"    accept: {each.accept}"
        yield f"    mend:   {each.mend}"
    yield from _fields(found)
    if found.reads:
        yield "\nsource  documents  with text  may"
        for read in found.reads:
            may = "not named" if read.may is None else ", ".join(read.may) or "nothing"
            yield f"  {read.source or '(not said)'}  {read.documents:,}  {read.with_text:,}  {may}"
    if found.tools:
        yield "\ntool  calls"
        for tool in found.tools:
            yield f"  {tool.name or '(no name)'}  {tool.calls:,}{'' if tool.declared else '  not named'}"
    if found.models:
        yield "\nprovider  region  calls"
        for model in found.models:
            outside = "  outside" if model.declared is False else ""
            yield f"  {model.name or '(not said)'}  {model.place or '(not said)'}  {model.calls:,}{outside}"
    yield from _kept(found)
    if found.unused:
        yield f"\ndeclared, and not seen in any record: {', '.join(found.unused)}"


def _fields(found: Scan) -> Iterator[str]:
    from launchworthy.quantity import format_interval

    drawn = "all records" if found.sampled is None else f"at most {found.sampled:,} records of each table"
    if not found.fields:
        yield "\nno text is stored"
        return
    yield f"\nfield  texts with personal data ({drawn})  kinds"
    for each in found.fields:
        share = each.share
        told = (
            "could not be looked through"
            if share is None
            else format_interval(share.value, share.low, share.high, n=share.n, unit="ratio")
        )
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(each.texts.kinds.items()))
        more = f"  pseudonyms in {each.texts.replaced:,}" if each.texts.replaced else ""
        left = f"  left out {each.texts.left_out:,}" if each.texts.left_out else ""
        yield f"  {each.table}.{each.name}  {told}  {kinds or 'none'}{more}{left}"


def _kept(found: Scan) -> Iterator[str]:
    from launchworthy.quantity import format_value

    if not found.kept:
        return
    yield "\ntable  rows  oldest  kept"
    for each in found.kept:
        keep = "for ever" if each.keep_ms is None else format_value(each.keep_ms, unit="ms")
        overdue = f"  {each.overdue:,} overdue" if each.overdue else ""
        yield f"  {each.table}  {each.rows:,}  {each.oldest:%Y-%m-%d}  {keep}{overdue}"
