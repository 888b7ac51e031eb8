"""``launchworthy lint``: what is wrong with a contract, all at once, and what it leaves unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from launchworthy.contract import Contract, Counted, Default, Lint


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="launchworthy.yaml")
@click.option("--explain", is_flag=True, help="Print every default in force, and what it means.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, explain: bool, as_json: bool) -> int:
    """Check a contract: its language, its references and its arithmetic.

    Everything is listed at once, in the order of the file. An error is a contradiction; a warning is a
    promise that can be kept but costs more than it seems.

    Exit code: 0 no error (there may be warnings), 1 errors, 64 no such file.

    Example: launchworthy lint launchworthy.yaml --explain
    """
    from datetime import UTC, datetime

    from launchworthy.contract import defaults_in_force, lint_file

    found = lint_file(
        file, today=datetime.now(UTC).date(), count=lambda contract: _counted_gold(file.parent, contract)
    )
    defaults = defaults_in_force(found.contract) if explain and found.contract is not None else ()
    if as_json:
        _print_json(file, found, defaults, explain=explain)
    else:
        _print(file, found, defaults)
    return 1 if found.errors else 0


def _counted_gold(folder: Path, contract: Contract) -> dict[str, Counted]:
    """The gold files that are there; what cannot be read of one is told by `gold import`, not here."""
    from launchworthy.contract import Counted
    from launchworthy.errors import LaunchworthyError
    from launchworthy.gold import SEALED, read_gold, split_of

    found: dict[str, Counted] = {}
    for workflow, block in contract.workflows.items():
        gold = contract.gold_of(workflow)
        path = folder / (gold.file or "")
        if gold.file is None or gold.holdout.unit != "ratio" or not block.quality or not path.is_file():
            continue
        holdout, sealed = gold.shares
        try:
            read = read_gold(path, holdout=holdout, sealed=sealed)
        except LaunchworthyError:
            continue
        items = () if read.problems else read.items
        held = [item for item in items if item.split == "holdout"]
        names = sorted({name for item in items for name in item.slices})
        if items:
            found[workflow] = Counted(
                file=str(gold.file),
                items=len(items),
                held=len(held),
                sealed=sum(item.split == SEALED for item in items),
                by_hand=frozenset(
                    split
                    for item in items
                    for own in [split_of(item.id, holdout=holdout, sealed=sealed)]
                    if own != item.split
                    for split in (own, item.split)
                ),
                sealed_slices={
                    name: sum(name in each.slices for each in items if each.split == SEALED) for name in names
                },
                slices={
                    name: (
                        sum(name in each.slices for each in held),
                        sum(name in each.slices for each in items),
                    )
                    for name in names
                },
            )
    return found


def _print(file: Path, found: Lint, defaults: tuple[Default, ...]) -> None:
    from launchworthy.cli.figures import printable

    for problem in found.problems:
        click.echo(printable(str(problem), most=1_000))
    if defaults:
        click.echo("In force because the contract says nothing else:")
        widths = [min(46, max(len(part) for part in column)) for column in _columns(defaults)]
        for each in defaults:
            click.echo(
                printable(
                    f"  {each.address:<{widths[0]}}  {each.value:<{widths[1]}}  {each.meaning}", most=1_000
                )
            )
    click.echo(printable(f"{file}: {_summary(found)}", most=500))


def _columns(defaults: tuple[Default, ...]) -> tuple[list[str], list[str]]:
    return [each.address for each in defaults], [each.value for each in defaults]


def _summary(found: Lint) -> str:
    from launchworthy.contract import claims

    warnings = _counted(len(found.warnings), "warning")
    if found.errors:
        return f"{_counted(len(found.errors), 'error')}, {warnings}"
    made = 0 if found.contract is None else len(claims(found.contract))
    return f"no error, {warnings}; it makes {_counted(made, 'claim')}"


def _counted(number: int, noun: str) -> str:
    return f"{'no' if number == 0 else f'{number:,}'} {noun}{'' if number == 1 else 's'}"


def _print_json(file: Path, found: Lint, defaults: tuple[Default, ...], *, explain: bool) -> None:
    from launchworthy.cli.figures import echo_json

    answer = {
        "file": str(file),
        "errors": len(found.errors),
        "warnings": len(found.warnings),
        "problems": [problem.as_json() for problem in found.problems],
    }
    if explain:
        answer["defaults"] = [
            {"address": each.address, "value": each.value, "meaning": each.meaning} for each in defaults
        ]
    echo_json(answer)
