"""``launchworthy claims``: what a contract claims, when each claim is due, and who proves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.contract import Claim

_NOTHING = "nothing here measures it: launchworthy evidence add FILE"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="launchworthy.yaml")
@click.option("--stage", help="Only claims that this stage, or one before it, needs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, stage: str | None, as_json: bool) -> None:
    """List what a contract claims, when each claim is due and who proves it.

    A claim that no stage needs has no due stage: it is watched and shown, and blocks nothing. What no record
    can show an owner signs.

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
        "signed_by": _signer(claim),
        "proved_by": _proved_by(claim),
        "reason": None if claim.prover or _signer(claim) else _NOTHING,
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

    rows = [(claim.address, claim.kind.value, claim.due or "–", _told(claim)) for claim in found]
    heads = ("address", "kind", "due", "proved by")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(3)]
    for row in (heads, *rows):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row[:3], widths, strict=True))
        click.echo(printable(f"{cells}  {row[3]}", most=1_000))
    people = sum(1 for claim in found if _signer(claim) is not None)
    measured = sum(1 for claim in found if claim.prover is not None)
    rest = len(found) - people - measured
    signed = f", {people:,} {'is' if people == 1 else 'are'} signed by people" if people else ""
    left = f"; {rest:,} wait for evidence from elsewhere: launchworthy evidence add" if rest else ""
    click.echo(f"{len(found):,} claims: {measured:,} measured here{signed}{left}")


def _told(claim: Claim) -> str:
    """Who proves it, and by which command."""
    command = _proved_by(claim)
    who = f"{_signer(claim)} signs" if _signer(claim) is not None else claim.prover or _NOTHING
    return f"{who}: {command}" if command and who != _NOTHING else who


def _proved_by(claim: Claim) -> str:
    """The command that proves it."""
    from launchworthy.evidence import command_text

    return command_text(claim) or "launchworthy evidence add FILE"


def _signer(claim: Claim) -> str | None:
    """The owner who signs it; None of what is measured."""
    signer = claim.options.get("by") if claim.kind.value == "attest" else None
    return None if signer is None else str(signer)
