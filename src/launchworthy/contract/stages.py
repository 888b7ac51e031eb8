"""Rollout stages and launch checklist with the claims behind each. May import this room only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from launchworthy.contract.claim import Claim, ClaimKind, Place
from launchworthy.contract.defaults import DEFAULT_BOARD, stages_in_force
from launchworthy.contract.draft import sentence, words
from launchworthy.contract.model import Contract

__all__ = ["BoardLine", "Stage", "board", "needed_by", "selects", "stages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: the share of units that get the release, how long, after how many calls it may end, and what
    must be met before."""

    name: str
    share: float
    dwell_ms: float | None
    approver: str | None
    needs: tuple[str, ...]
    sample: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLine:
    """One line of the launch checklist: ready when every claim under it is met.

    ``missing`` names what the line asks for and no claim stands under.
    """

    name: str
    title: str
    claims: tuple[Claim, ...]
    missing: tuple[str, ...] = ()
    place: Place | None = None


def stages(contract: Contract) -> tuple[Stage, ...]:
    """Stages in order; 0/1/5/25/100 % where the contract names none."""
    return tuple(
        Stage(
            name=stage.name,
            share=stage.share.value,
            dwell_ms=None if stage.for_ is None else stage.for_.value,
            approver=stage.approve,
            needs=stage.needs,
            sample=stage.sample,
        )
        for stage in stages_in_force(contract)
    )


def board(contract: Contract, claims: Iterable[Claim]) -> tuple[BoardLine, ...]:
    """The launch checklist with its claims; a default one where the contract declares none."""
    known = tuple(claims)
    lines = contract.launch.lines
    declared = bool(lines)
    found = []
    for name, selectors in (lines or DEFAULT_BOARD).items():
        chosen = {
            claim.address: claim
            for selector in selectors
            for claim in known
            if selects(contract, selector, claim)
        }
        missing = tuple(
            selector
            for selector in selectors
            if not any(selects(contract, selector, claim) for claim in known)
        )
        if chosen or declared:
            order = [claim for claim in known if claim.address in chosen]
            found.append(
                BoardLine(
                    name=name,
                    title=sentence(words(name)),
                    claims=tuple(order),
                    missing=missing if declared else (),
                    place=contract.place(f"launch/{name}"),
                )
            )
    return tuple(found)


def needed_by(contract: Contract, claim: Claim, known: Sequence[Stage]) -> str | None:
    """Name of the first stage that needs a claim."""
    for stage in known:
        if any(selects(contract, need, claim) for need in stage.needs):
            return stage.name
    return None


def selects(contract: Contract, selector: str, claim: Claim) -> bool:
    """Whether a claim stands under a word of ``needs`` or of the launch board.

    A word is a family, a path below it, or an address with its workflow. ``job`` stands for the outcomes,
    ``before`` for what changed against the old workflow, ``failures`` for the claims that watch them. What
    is compared with a baseline is asked for by ``proof``, since a first release has none.
    """
    own = claim.address.removeprefix(f"{contract.product}/")
    wanted = selector.removeprefix(f"{contract.product}/")
    workflow, _, rest = wanted.partition("/")
    if workflow in contract.workflows:
        if claim.workflow != workflow and not own.startswith(f"{workflow}/"):
            return rest.partition("/")[0] == "failures" and _watches(contract, rest, claim, only=workflow)
        wanted = rest
    inner = own.removeprefix(f"{claim.workflow}/") if claim.workflow else own
    head = wanted.partition("/")[0]
    if head == "job":
        return claim.family == "outcomes"
    if head == "before":
        return claim.kind is ClaimKind.DELTA and claim.options.get("against") == "before"
    if head == "failures":
        return _watches(contract, wanted, claim)
    if claim.kind is ClaimKind.DELTA and inner.endswith("/baseline"):
        return wanted == "proof" or inner == wanted
    return wanted == "" or inner == wanted or inner.startswith(f"{wanted}/")


def _watches(contract: Contract, selector: str, claim: Claim, *, only: str | None = None) -> bool:
    name = selector.partition("/")[2]
    for workflow, block in contract.workflows.items():
        if only is not None and workflow != only:
            continue
        for failure, each in block.failures.items():
            if name not in ("", failure):
                continue
            watched = each.watched_by.removeprefix(f"{contract.product}/")
            address = claim.address.removeprefix(f"{contract.product}/")
            for path in (watched, f"{workflow}/{watched}"):
                if (address == path or address.startswith(f"{path}/")) and not address.endswith("/baseline"):
                    return True
    return False
