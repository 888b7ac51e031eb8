"""The gold version that is meant. No command of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launchworthy.cli.evaluating.options import Options
    from launchworthy.evals import Promise
    from launchworthy.gold import GoldVersion
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
    return version


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
