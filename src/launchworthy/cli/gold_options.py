"""What the commands under ``launchworthy gold`` share. No command of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from launchworthy.gold import GoldItem
    from launchworthy.records import Run
    from launchworthy.server import Workspace

__all__ = [
    "DATA",
    "JSON",
    "MANY",
    "PRODUCT",
    "count_reading",
    "declared_shares",
    "items_of_file",
    "times",
    "user",
    "workspace_at",
]

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder [.launchworthy]."
)
PRODUCT = click.option("--product", help="Product [that of launchworthy.yaml, or the only one].")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_CONTRACT = Path("launchworthy.yaml")
MANY = 20  # lines of a kind that are printed; --json prints all


@contextmanager
def workspace_at(data: Path | None) -> Iterator[Workspace]:
    """The data folder, opened here or spoken to where a server owns it."""
    from launchworthy.server import open_workspace

    workspace = open_workspace(data)
    try:
        yield workspace
    finally:
        workspace.close()


def declared_shares(name: str, *, product: str | None) -> tuple[float, float] | None:
    """Shares that ``launchworthy.yaml`` here keeps back and seals of a set; None if it names no such set."""
    from launchworthy.contract import load_contract

    if not _CONTRACT.is_file():
        return None
    contract = load_contract(_CONTRACT)
    if contract.product != (product or contract.product) or name not in {*contract.workflows, *contract.gold}:
        return None
    return contract.gold_of(name).shares


def items_of_file(path: Path) -> Sequence[GoldItem]:
    """The items of a gold file, split as ``launchworthy.yaml`` here says where it names the file.

    Raises:
        InputError: Not readable, or any row is broken.
        ContractError: The contract cannot be used.
    """
    from launchworthy.contract import load_contract
    from launchworthy.gold import load_gold

    if _CONTRACT.is_file():
        contract = load_contract(_CONTRACT)
        for name in (*contract.workflows, *contract.gold):
            gold = contract.gold_of(name)
            if gold.file is not None and Path(gold.file).resolve() == path.resolve():
                holdout, sealed = gold.shares
                return load_gold(path, holdout=holdout, sealed=sealed)
    return load_gold(path)


def count_reading(workspace: Workspace, run: Run, what: str) -> None:
    """Record that somebody reads what a run asked of the holdout, before anything of it is shown."""
    from datetime import UTC, datetime

    from launchworthy.errors import NotFoundError
    from launchworthy.gold import find_version, record_look

    if run.split not in ("holdout", "all"):
        return
    try:
        version = find_version(workspace, run.gold, product=run.product)
    except NotFoundError:
        return  # of a set that is not here nothing is counted
    if version.splits.get("holdout"):
        now = datetime.now(UTC)
        record_look(workspace, version, by=user(), purpose=f"{what} {run.id} at {now.isoformat()}", now=now)


def user() -> str:
    """Who runs the command, for the record."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def times(count: int) -> str:
    """How often."""
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")
