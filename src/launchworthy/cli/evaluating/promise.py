"""What the contract says of one workflow, and the gold version that is meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launchworthy.cli.evaluating.options import Options
    from launchworthy.contract import Claim
    from launchworthy.gold import GoldVersion
    from launchworthy.records import Release
    from launchworthy.server import Workspace

__all__ = ["Promise", "gold_of", "promised"]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the contract says of one workflow; empty where there is no contract."""

    path: Path | None = None
    text: str = ""
    product: str | None = None
    workflow: str | None = None
    claims: tuple[Claim, ...] = ()
    gold_file: Path | None = None
    holdout: float = 0.4
    sealed: float = 0.0
    looks: int | None = None
    margin: float = 0.0
    release: Release | None = None


def promised(path: Path | None, workflow: str | None) -> Promise:
    """What the contract says of one workflow; paths of its files begin in its folder.

    Raises:
        InputError: It has no such workflow, or several and none was named.
    """
    if path is None:
        return Promise(workflow=workflow)
    from launchworthy.contract import claims, load_contract
    from launchworthy.errors import InputError
    from launchworthy.evals import PROVES, in_folder, release_of

    contract = load_contract(path)
    names = tuple(contract.workflows)
    if workflow is None and len(names) > 1:
        raise InputError("which workflow is not clear", where="--workflow", hint=f"one of {', '.join(names)}")
    chosen = workflow or names[0]
    if chosen not in names:
        raise InputError(
            f"the contract has no workflow {chosen!r:.80}",
            where="--workflow",
            hint=f"one of {', '.join(names)}",
        )
    gold = contract.gold_of(chosen)
    by_time = gold.holdout.unit == "ms"
    return Promise(
        path=path,
        text=contract.text,
        product=contract.product,
        workflow=chosen,
        claims=tuple(in_folder(claim, path.parent) for claim in claims(contract, provers={"evals": PROVES})),
        gold_file=None if gold.file is None else path.parent / gold.file,
        holdout=0.0 if by_time else gold.holdout.value,  # rows of a set split by time name their split
        sealed=gold.sealed.value,
        looks=gold.looks,
        margin=contract.proof.margin.value if contract.proof.margin.unit == "ratio" else 0.0,
        release=release_of(contract, folder=path.parent),
    )


def gold_of(workspace: Workspace, options: Options, promise: Promise) -> GoldVersion:
    """The version that is meant; a file is imported first, whole or not at all.

    Raises:
        InputError, NotFoundError: There is none.
    """
    from datetime import UTC, datetime

    from launchworthy.cli.product import product_of
    from launchworthy.errors import InputError
    from launchworthy.gold import find_version, freeze, load_gold

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
        load_gold(path, holdout=promise.holdout, sealed=promise.sealed),
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
