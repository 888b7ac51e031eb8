"""``launchworthy scan``: what records hold, against what the contract declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import CONTRACT, DATA, HERE, PRODUCT, claims_of, contract_of, opened

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
@click.option(
    "--accept",
    multiple=True,
    metavar="ADDRESS",
    help="Write what is found at this line into the contract's file; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask before that is written; it is shown all the same.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    product: str | None,
    data: Path | None,
    contract_file: Path | None,
    sample: int | None,
    whole: bool,
    accept: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> int:
    """Say what records hold, and where they differ from the contract.

    Personal data is looked for in a sample of each table, everything else is counted. What differs is listed
    with what to write into the contract where that is right, and what to do where it is not. What was found
    is kept as evidence for the claims of data.

    --accept ADDRESS shows what accepting a difference changes in the contract's file, asks, and writes it.
    Such a change promises less than before: see `launchworthy diff`.

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
    if accept and as_json:
        raise click.UsageError("give one of --accept and --json: what is accepted is shown and asked for")
    if yes and not accept:
        raise click.UsageError("--yes goes with --accept")
    if accept:
        contract_file = contract_file or HERE
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
        noun = "claim" if len(pieces) == 1 else "claims"
        click.echo(f"\nEvidence for {len(pieces):,} {noun} of data was kept.")
    if accept and contract_file is not None:
        written = _accept(found, accept, contract_file, yes=yes)
        return 1 if len(found.drift) > written else 0
    return 1 if found.drift else 0


def _accept(found: Scan, addresses: tuple[str, ...], path: Path, *, yes: bool) -> int:
    """Write what is accepted into the file, shown first; how many differences that were."""
    import difflib

    from launchworthy.cli.figures import printable
    from launchworthy.contract import amended
    from launchworthy.errors import InputError

    chosen = [each for each in found.drift if each.address in addresses]
    for address in addresses:
        own = [each for each in chosen if each.address == address]
        if not own:
            known = ", ".join(dict.fromkeys(each.address for each in found.drift)) or "nothing differs"
            raise InputError(
                f"nothing differs at {address!r:.80}", where="--accept", hint=f"what differs: {known}"
            )
        by_hand = next((each for each in own if each.amendment is None), None)
        if by_hand is not None:
            told = by_hand.accept or f"nothing can accept it; {by_hand.mend}"
            raise InputError(f"{address} cannot be accepted for you", where="--accept", hint=told)
    with path.open(encoding="utf-8", newline="") as stream:
        old = stream.read().removeprefix("\ufeff")
    changes = [each.amendment for each in chosen if each.amendment is not None]
    new = amended(old, changes, file=str(path))
    click.echo("")
    for line in difflib.unified_diff(
        old.splitlines(), new.splitlines(), str(path), f"{path} with what is accepted", lineterm=""
    ):
        click.echo(printable(line, most=400))
    if not yes:
        click.confirm(f"Write this into {path}?", abort=True)
    draft = path.with_name(f".{path.name}.accepted")
    with draft.open("w", encoding="utf-8", newline="") as stream:
        stream.write(new)
    draft.replace(path)
    click.echo(f"{path} was changed; it counts once it is in force.")
    return len(chosen)


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
    yield from _running(found)
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


def _running(found: Scan) -> Iterator[str]:
    from launchworthy.quantity import format_interval

    if found.decided:
        yield "\nworkflow  decides  calls in which a tool acted  decided by a person"
        for who in found.decided:
            roles = ", ".join(f"{role or 'role not said'} {count:,}" for role, count in who.roles.items())
            told = f"  {roles}" if roles else ""
            yield f"  {who.workflow}  {who.declared or '(not said)'}  {who.acts:,}  {who.attended:,}{told}"
    if found.jobs:
        yield "\nworkflow  calls  outside the job"
        for job in found.jobs:
            share = job.share
            told = format_interval(share.value, share.low, share.high, n=share.n, unit="ratio")
            yield f"  {job.workflow or '(not said)'}  {job.calls:,}  {told}"
    if found.guards:
        yield "\nguard  calls with a hit  could not check  when it last hit"
        for guard in found.guards:
            state = "no hit yet" if guard.shadow is None else "only watched" if guard.shadow else "acted"
            yield f"  {guard.name}  {guard.hits:,}  {guard.unchecked:,}  {state}"
