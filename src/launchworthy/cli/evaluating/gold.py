"""The gold version that is meant. No command of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from launchworthy.cli.evaluating.options import Options
    from launchworthy.evals import Promise
    from launchworthy.gold import GoldItem, GoldVersion
    from launchworthy.server import Workspace

__all__ = ["gold_of"]


def gold_of(workspace: Workspace, options: Options, promise: Promise) -> GoldVersion:
    """The version that is meant; a file is imported first, whole or not at all.

    Raises:
        InputError, NotFoundError: There is none.
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.errors import InputError
    from launchworthy.gold import find_version, freeze

    product = promise.product or product_of(workspace, options.product)
    path = promise.gold_file if options.gold is None else Path(options.gold)
    if options.gold is None and path is not None and not path.is_file():
        path = None  # it may have been imported by hand
    if options.gold is not None and not (path is not None and path.is_file()):
        return _named(workspace, options.gold, product)
    if path is None:
        if promise.workflow is None:
            raise InputError("no gold set", hint="name one: --gold FILE, or NAME of an imported set")
        return find_version(workspace, promise.workflow, product=product)
    version, items = freeze(
        promise.load_gold(path),
        product=product,
        name=promise.workflow or options.workflow or path.stem,
        created_at=datetime.now(UTC),
    )
    workspace.add_gold(version, items)
    _tell_left(workspace, version, items, path)
    return version


def _tell_left(workspace: Workspace, version: GoldVersion, items: Sequence[GoldItem], path: Path) -> None:
    """Say which items people reviewed in the data folder that the file does not have: no run asks them."""
    stored = workspace.gold_versions(product=version.product, name=version.name)
    other = next((each for each in stored if each.version != version.version), None)
    if other is None:
        return
    asked = {item.id for item in items}
    left = [
        item.id
        for item in workspace.gold_items(
            product=other.product, name=other.name, version=other.version, split=None
        )
        if item.review is not None and item.counts and item.id not in asked
    ]
    if left:
        noun = "a reviewed item" if len(left) == 1 else f"{len(left):,} reviewed items"
        click.echo(
            f"{path} lacks {noun} of {other.name}@{other.version}, such as {left[0]}, which no run asks; "
            f"to write them: launchworthy gold export {other.name}@{other.version} --sealed --out FILE",
            err=True,
        )


def _named(workspace: Workspace, reference: str, product: str) -> GoldVersion:
    """The version of a name; what reads like a file, and is neither, is told as a file that is missing."""
    from launchworthy.errors import InputError, NotFoundError
    from launchworthy.gold import find_version, is_gold_file

    try:
        return find_version(workspace, reference, product=product)
    except NotFoundError as error:
        path = Path(reference)
        if not is_gold_file(path) and len(path.parts) < 2 and not path.exists():
            raise
        raise InputError(
            "it is no file" if path.exists() else "there is no such file",
            where=reference,
            hint=f"nor is there a gold set of this name; {error.hint}",
        ) from error
