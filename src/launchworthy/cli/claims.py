"""``launchworthy claims``: what a contract claims, when each claim is due, and what measures it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.contract import Claim

_NOTHING = "nothing measures this yet"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="launchworthy.yaml")
@click.option("--stage", help="Only claims that this stage, or one before it, needs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, stage: str | None, as_json: bool) -> None:
    """List what a contract claims, when each claim is due and what measures it.

    A claim that no stage needs has no due stage: it is watched and shown, and blocks nothing.

    Example: launchworthy claims launchworthy.yaml --stage pilot
    """
    from launchworthy.cli.figures import echo_json
    from launchworthy.contract import claims, load_contract, stages
    from launchworthy.errors import NotFoundError
    from launchworthy.provers import PROVERS

    contract = load_contract(file)
    names = [each.name for each in stages(contract)]
    if stage is not None and stage not in names:
        raise NotFoundError(
            f"no stage is called {stage!r:.80}", where=str(file), hint=f"stages are {', '.join(names)}"
        )
    wanted = names if stage is None else names[: names.index(stage) + 1]
    found = [
        claim
        for claim in claims(contract, provers=PROVERS)
        if claim.due in wanted or (stage is None and claim.due is None)
    ]
    if as_json:
        echo_json(
            {
                "product": contract.product,
                "version": contract.version,
                "stages": names,
                "claims": [_plain(claim) for claim in found],
            }
        )
        return
    _print(found)


def _plain(claim: Claim) -> dict[str, Any]:
    target = claim.target
    return {
        "address": claim.address,
        "kind": claim.kind.value,
        "family": claim.family,
        "workflow": claim.workflow,
        "metric": claim.metric,
        "sentence": claim.sentence,
        "target": None
        if target is None
        else {"direction": target.direction.value, "threshold": target.threshold, "unit": target.unit},
        "confidence": claim.confidence,
        "margin": claim.margin,
        "slice": claim.slice,
        "valid_for_s": claim.valid_for_s,
        "due": claim.due,
        "prover": claim.prover,
        "reason": None if claim.prover else _NOTHING,
        "where": None if claim.place is None else str(claim.place),
        "options": {key: value for key, value in claim.options.items() if _is_plain(value)},
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(each) for each in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    return value is None or isinstance(value, (str, int, float, bool))


def _print(found: list[Claim]) -> None:
    from launchworthy.cli.figures import printable

    rows = [
        (claim.address, claim.kind.value, claim.due or "–", claim.prover or _measured_by(claim))
        for claim in found
    ]
    heads = ("address", "kind", "due", "measured by")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(3)]
    for row in (heads, *rows):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row[:3], widths, strict=True))
        click.echo(printable(f"{cells}  {row[3]}", most=1_000))
    ready = sum(1 for claim in found if claim.prover is not None or _measured_by(claim) != _NOTHING)
    click.echo(f"{len(found):,} claims; something measures {ready:,} of them")


def _measured_by(claim: Claim) -> str:
    """A claim without a prover is signed by a person, or waits for a prover."""
    signer = claim.options.get("by") if claim.kind.value == "attest" else None
    return _NOTHING if signer is None else f"{signer} signs"
