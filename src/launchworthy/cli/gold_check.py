"""``launchworthy gold check``: near-copies in a gold set, and items that stand where they must not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from launchworthy.cli.figures import SHARE, echo_json, printable
from launchworthy.cli.gold_options import DATA, JSON, MANY, PRODUCT, items_of_file, workspace_at

if TYPE_CHECKING:
    from launchworthy.gold import Checked, GoldItem

__all__ = ["check"]

_WIDE = 100


@click.command()
@click.argument("reference", metavar="NAME[@VERSION]|FILE")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Prompts, examples, documents, training data: a file, or a folder of them.",
)
@click.option(
    "--threshold", type=SHARE, default="70 %", show_default=True, help="Least resemblance that is told."
)
@PRODUCT
@DATA
@JSON
def check(
    reference: str,
    against: tuple[Path, ...],
    threshold: float,
    product: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Find near-copies among items, and items that stand in prompts, examples, documents or training data.

    A near-copy in another split is a leak, and so is an item found outside; one in the same split counts
    twice. Texts of items that are kept back are not printed, so this is no reading of the holdout.

    Exit code: 0 no leak, 1 leaks.
    """
    from launchworthy.gold import check_gold, find_corpus, read_corpus

    corpus = find_corpus(against)
    name, items = _set(reference, product, data)
    found = check_gold(items, against=read_corpus(corpus.files), threshold=threshold)
    if as_json:
        copies = [asdict(copy) | {"leak": copy.leak} for copy in found.copies]
        echo_json(
            {
                "gold": name,
                **asdict(found),
                "copies": copies,
                "leaked": found.leaked,
                "skipped": [str(path) for path in corpus.skipped],
            }
        )
    else:
        _print(name, found, files=len(corpus.files), skipped=corpus.skipped)
    return 1 if found.leaked else 0


def _set(reference: str, product: str | None, data: Path | None) -> tuple[str, Sequence[GoldItem]]:
    """Name, and items of every split."""
    from launchworthy.cli.product import product_of
    from launchworthy.gold import find_version, is_gold_file

    path = Path(reference)
    if path.is_file() or (is_gold_file(path) and "@" not in reference):
        return reference, items_of_file(path)
    with workspace_at(data) as workspace:
        version = find_version(workspace, reference, product=product_of(workspace, product))
        items = workspace.gold_items(
            product=version.product, name=version.name, version=version.version, split=None
        )
    return f"{version.name}@{version.version}", items


def _print(name: str, found: Checked, *, files: int, skipped: Sequence[Path]) -> None:
    inside = len(found.copies) - sum(copy.leak for copy in found.copies)
    outside = f", {_count(found.texts, 'text')} in {_count(files, 'file')}" if files else ""
    click.echo(
        f"{name}: {_count(found.items, 'item')}{outside}; {_count(found.leaked, 'leak')}, "
        f"{_count(inside, 'near-copy', 'near-copies')} in one split"
    )
    copies = sorted(found.copies, key=lambda copy: not copy.leak)
    _lines(
        [
            f"{'leak' if copy.leak else 'copy'}  {copy.item} ({copy.splits[0]}) and {copy.other} "
            f"({copy.splits[1]}) resemble each other, {_percent(copy.score)}"
            f"\n      {_text(copy.texts[0])}\n      {_text(copy.texts[1])}"
            for copy in copies
        ]
    )
    _lines(
        [
            f"leak  {leak.item} ({leak.split}) stands in {leak.place}, {leak.how} {_percent(leak.score)}"
            f"\n      {_text(leak.text)}"
            for leak in found.leaks
        ]
    )
    if not found.whole:
        click.echo("there are more pairs than are listed", err=True)
    if found.textless:
        click.echo(f"{_count(found.textless, 'item')} without text could not be compared", err=True)
    if skipped:
        kinds = sorted({path.suffix or "no suffix" for path in skipped})
        click.echo(f"{_count(len(skipped), 'file')} not read: {', '.join(kinds)}", err=True)


def _lines(told: Iterable[str]) -> None:
    lines = list(told)
    for line in lines[:MANY]:
        click.echo(line)
    if len(lines) > MANY:
        click.echo(f"… and {len(lines) - MANY:,} more; --json lists them all")


def _text(text: str | None) -> str:
    return "(kept back)" if text is None else printable(text, most=_WIDE)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _percent(score: float) -> str:
    from launchworthy.quantity import format_value

    return format_value(score, unit="ratio")
