"""``launchworthy evidence``: measurements made elsewhere come in, and the ledger goes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.in_force import DATA, PRODUCT, claims_of, contract_of, find_claim, opened

if TYPE_CHECKING:
    from launchworthy.contract import Claim, Contract
    from launchworthy.evals.importing import Results
    from launchworthy.evidence import Evidence
    from launchworthy.records import Release
    from launchworthy.server import Workspace

_SHOWN = 20
_NOTHING_ADDED = 64  # as a wrong call: a script must not take it for done
_CLAIM = click.option("--claim", help="Only this claim, or those below this part of the contract.")


@click.group()
def command() -> None:
    """Add, import, list and export evidence."""


@command.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
)
@PRODUCT
@DATA
def add(files: tuple[Path, ...], product: str | None, data: Path | None) -> None:
    """Append the pieces of JSONL files to the ledger; all of them, or none.

    What the ledger holds already is not added again. A file that `launchworthy sign evidence` wrote is taken
    if a key that the contract trusts has signed it, and the chain keeps whose it was.
    """
    from launchworthy.cli.product import product_of
    from launchworthy.cli.signed_evidence import read_signed
    from launchworthy.evidence import read_evidence

    with opened(data, make=True) as workspace:
        name = product_of(workspace, product)
        signed = [each for file in files if (each := read_signed(workspace, name, file)) is not None]
        plain = [file for file in files if file not in {each.file for each in signed}]
        found = [piece for file in plain for piece in read_evidence(file)]
        pieces = {piece.id: piece for piece in (*found, *(one for each in signed for one in each.pieces))}
        _check(workspace, name, list(pieces.values()))
        held = {piece.id for piece in workspace.evidence(name)}
        new = [piece for key, piece in pieces.items() if key not in held]
        workspace.add_evidence(name, new)
        for each in signed:
            workspace.record(product=name, kind="signed_evidence", body=each.record())
    known = len(pieces) - len(new)
    again = f"; {known:,} were there already" if known else ""
    count = "1 piece" if len(new) == 1 else f"{len(new):,} pieces"
    click.echo(f"{count} of evidence added to {name}{again}")


@command.command(name="import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    default="auto",
    show_default=True,
    help="promptfoo, deepeval, inspect, mlflow, garak or pyrit; auto tells by the content.",
)
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="METRIC=CLAIM",
    help="A metric of the file and the claim that it speaks for; may be repeated.",
)
@click.option("--claim", help="Claim that an item's checks, all passed, speak for; as --map all=CLAIM.")
@click.option("--target", help="Which target, where the file holds several.")
@click.option("--slice", "slices", multiple=True, help="Slice that every item is in; may be repeated.")
@click.option(
    "--release",
    "release_name",
    help="Release that was measured: its id, its label, or a YAML file of its parts [the contract's].",
)
@PRODUCT
@DATA
def import_results(
    file: Path,
    form: str,
    pairs: tuple[str, ...],
    claim: str | None,
    target: str | None,
    slices: tuple[str, ...],
    release_name: str | None,
    product: str | None,
    data: Path | None,
) -> int:
    """Read another tool's results as a run with evidence; without --map it lists what the file holds.

    Each item and its scores are kept, so that intervals, slices and comparisons apply to them. What the tool
    could not score, and items that failed, count as not measured.

    Example: launchworthy evidence import results.json --map contains=answer/quality/exact_match
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.errors import InputError
    from launchworthy.evals.importing import ALL, FORMATS, imported_evidence, imported_run, read_results
    from launchworthy.quantity import format_number

    if form not in ("auto", *FORMATS):
        raise click.BadParameter(f"one of auto, {', '.join(FORMATS)}", param_hint="--format")
    results = _in_slices(read_results(file, form=form, target=target), slices)
    asked = [_pair(pair) for pair in pairs] + ([(ALL, claim)] if claim is not None else [])
    if not asked:
        _print_results(results)
        return _NOTHING_ADDED
    now = datetime.now(UTC)
    measured_at = results.finished_at or datetime.fromtimestamp(file.stat().st_mtime, UTC)
    if measured_at > now:
        raise InputError(
            f"it was measured at {measured_at:%Y-%m-%d %H:%M} UTC, which is to come", where=str(file)
        )
    with opened(data, make=True) as workspace:
        name = product_of(workspace, product)
        contract = contract_of(workspace, name)
        known = claims_of(contract)
        mapped = [(metric, find_claim(known, address, product=name)) for metric, address in asked]
        release = _release(workspace, contract, results, release_name)
        run = imported_run(
            results,
            body=file.read_bytes(),
            product=name,
            workflow=_workflow([claim for _, claim in mapped], contract),
            release=release.id,
            finished_at=measured_at,
        )
        pieces = imported_evidence(results, run, claims=mapped, now=measured_at)
        workspace.register_release(release, product=name)
        workspace.add_run(run)
        workspace.add_run_items(run.id, results.items)
        held = {piece.id for piece in workspace.evidence(name)}
        new = [piece for piece in pieces if piece.id not in held]
        workspace.add_evidence(name, new)
    count = "1 item" if run.items == 1 else f"{format_number(run.items)} items"
    failed = f", {run.errors:,} without an answer" if run.errors else ""
    click.echo(
        f"run {run.id}: {count} of {results.target} from {results.tool}{failed}; release {run.release}"
    )
    for remark in results.remarks:
        click.echo(f"  {remark}")
    if results.finished_at is None:
        click.echo(
            f"  the file does not say when: it counts from its own time, {measured_at:%Y-%m-%d %H:%M} UTC"
        )
    _print_pieces(new)
    if len(new) < len(pieces):
        known_count = len(pieces) - len(new)
        click.echo(f"{known_count:,} {'piece was' if known_count == 1 else 'pieces were'} there already")
    return 0


def _in_slices(results: Results, slices: tuple[str, ...]) -> Results:
    from dataclasses import replace

    more = {slice_ for slice_ in slices if slice_}
    items = tuple(replace(item, slices=tuple(sorted({*item.slices, *more}))) for item in results.items)
    return replace(results, items=items)


def _pair(text: str) -> tuple[str, str]:
    metric, sign, claim = text.rpartition("=")
    if not sign or not metric or not claim:
        raise click.BadParameter(f"{text!r:.80} is not METRIC=CLAIM", param_hint="--map")
    return metric, claim


def _print_results(results: Results) -> None:
    """What the file holds: metric by metric, as a run would show it, and why answers are missing."""
    from collections import Counter

    from launchworthy.cli.figures import printable
    from launchworthy.evals import measure_run, own_scorer, table_of

    click.echo(f"{printable(results.tool)}: {len(results.items):,} items of {printable(results.target)}")
    metrics = [own_scorer(lambda _: None, name=name) for name in results.metrics]
    for line in table_of([row for row in measure_run(results.items, metrics) if row.slice is None]):
        click.echo(f"  {printable(line, most=200)}")
    failed = Counter(item.error for item in results.items if item.error is not None)
    for reason, count in failed.most_common(3):
        click.echo(f"  without an answer: {count:,} × {printable(reason, most=160)}")
    if not results.metrics:
        click.echo("  no item of the file was scored")
    for remark in results.remarks:
        click.echo(f"  {remark}")
    click.echo("Nothing was added; say which claim a metric speaks for: --map METRIC=CLAIM", err=True)


def _print_pieces(pieces: Sequence[Evidence]) -> None:
    from launchworthy.evidence.wording import clean, measured_text

    for piece in pieces:
        slice_ = "" if piece.slice is None else f" on {clean(piece.slice)}"
        lost = f"; {piece.unscored:,} could not be scored" if piece.unscored else ""
        click.echo(f"{clean(piece.claim)}{slice_}  {measured_text(piece)}{lost}")
    click.echo(
        f"{len(pieces):,} {'piece' if len(pieces) == 1 else 'pieces'} of evidence; "
        "to judge: launchworthy verdict"
    )


def _workflow(claims: Sequence[Claim], contract: Contract) -> str:
    """The workflow of the claims.

    Raises:
        InputError: They are of several; one run is of one.
    """
    from launchworthy.errors import InputError

    found = {claim.workflow for claim in claims if claim.workflow is not None}
    if len(found) > 1:
        raise InputError(
            f"the claims are of {len(found)} workflows: {', '.join(sorted(found))}",
            where="--map",
            hint="import the file once for each",
        )
    return found.pop() if found else next(iter(contract.workflows))


def _release(workspace: Workspace, contract: Contract, results: Results, name: str | None) -> Release:
    from launchworthy.errors import InputError
    from launchworthy.evals import read_release, release_of, target_release

    described: Release | None = release_of(contract, folder=Path(contract.file).parent)
    if name is None:
        return described or target_release(results.target)
    if Path(name).is_file():
        return read_release(Path(name))
    releases: list[Release] = [*workspace.releases(product=contract.product).values()]
    for known in releases if described is None else [*releases, described]:
        if name in (known.id, known.label):
            return known
    raise InputError(
        f"no release {name!r:.80} is known",
        where="--release",
        hint="name an id, a label or a file of its parts",
    )


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
