"""What a contract says of one workflow, as far as an evaluation must know it.

May import ``contract``, ``gold``, ``records`` and this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launchworthy.contract import Claim, claims, load_contract
from launchworthy.errors import InputError
from launchworthy.evals.coverage import PROVES, in_folder
from launchworthy.evals.suite import release_of
from launchworthy.gold import GoldItem, load_gold
from launchworthy.records import Release

__all__ = ["Promise", "promised"]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the contract says of one workflow; empty where there is no contract.

    Attributes:
        path, text, product, workflow: Of the contract.
        claims: All its claims; paths of their files are as they are found from here.
        gold_file: Where the gold set is imported from.
        holdout, sealed: Shares to keep back, and to keep for the launch gate, where rows name no split.
        looks: Readings of the holdout that are allowed.
        margin: Non-inferiority margin as a share.
        release: What the contract's own release block describes.
    """

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

    def load_gold(self, path: Path) -> tuple[GoldItem, ...]:
        """The items of a gold file, split as the contract says.

        Raises:
            InputError: Not readable, or any row is broken.
        """
        return load_gold(path, holdout=self.holdout, sealed=self.sealed)


def promised(path: Path | None, workflow: str | None, *, where: str = "--workflow") -> Promise:
    """What the contract says of one workflow; paths of its files begin in its folder.

    Args:
        path: The contract's file; None if there is none.
        workflow: Its name; the only one if None.
        where: Where the workflow is named, for the error.

    Raises:
        InputError: It has no such workflow, or several and none was named.
        ContractError: The contract cannot be used.
    """
    if path is None:
        return Promise(workflow=workflow)
    contract = load_contract(path)
    names = tuple(contract.workflows)
    hint = f"one of {', '.join(names)}"
    if workflow is None and len(names) > 1:
        raise InputError("which workflow is not clear", where=where, hint=hint)
    chosen = workflow or names[0]
    if chosen not in names:
        raise InputError(f"the contract has no workflow {chosen!r:.80}", where=where, hint=hint)
    gold = contract.gold_of(chosen)
    holdout, sealed = gold.shares
    return Promise(
        path=path,
        text=contract.text,
        product=contract.product,
        workflow=chosen,
        claims=tuple(in_folder(claim, path.parent) for claim in claims(contract, provers={"evals": PROVES})),
        gold_file=None if gold.file is None else path.parent / gold.file,
        holdout=holdout,
        sealed=sealed,
        looks=gold.looks,
        margin=contract.proof.margin.value if contract.proof.margin.unit == "ratio" else 0.0,
        release=release_of(contract, folder=path.parent),
    )
