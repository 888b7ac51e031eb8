"""What the judges of a contract are now, for a verdict on what they graded. May import up to this room.

A grade is of one version of a judge. Where the contract, or a file that it names, has made another of it
since, the grade speaks for a judge that is no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from launchworthy.contract import Claim
from launchworthy.errors import InputError
from launchworthy.evals.coverage import in_folder
from launchworthy.evals.gaps import compared_claims
from launchworthy.evals.judging.judge import calibration_claim, judge_for
from launchworthy.evidence import DeclaredJudge

__all__ = ["declared_judges"]

_FILES = ("rubric", "policy")


def declared_judges(claims: Iterable[Claim], *, folder: Path | None) -> dict[str, tuple[DeclaredJudge, ...]]:
    """Judges by address of the claims that they score, of those that compare groups by it, and of those that
    they agree with people.

    Args:
        claims: Claims of the contract in force.
        folder: Where its files are; None where they are on another machine, and not compared.
    """
    claims = list(claims)
    found: dict[str, tuple[DeclaredJudge, ...]] = {}
    known: dict[tuple[str, str], DeclaredJudge] = {}
    for claim in claims:
        name = claim.options.get("judge")
        agreement = None if name is None else calibration_claim(claims, name)
        if name is None or agreement is None:
            continue
        key = (name, claim.metric)
        if key not in known:
            known[key] = _declared(agreement, metric=claim.metric, folder=folder)
            found[agreement.address] = (*found.get(agreement.address, ()), known[key])
        found[claim.address] = (known[key],)
    for workflow in {claim.workflow for claim in claims if claim.workflow is not None}:
        for claim, own in compared_claims(claims, workflow=workflow):
            if own.address in found:
                found[claim.address] = (*found.get(claim.address, ()), *found[own.address])
    return found


def _declared(agreement: Claim, *, metric: str, folder: Path | None) -> DeclaredJudge:
    if folder is not None:
        try:
            version = judge_for(in_folder(agreement, folder), metric=metric).version
        except InputError as error:
            return DeclaredJudge(version=None, trouble=error.message)
        return DeclaredJudge(version=version.id, parts=version.parts)
    elsewhere = [name for name in _FILES if agreement.options.get(name)]
    options = {name: told for name, told in agreement.options.items() if name not in elsewhere}
    try:
        version = judge_for(replace(agreement, options=options), metric=metric).version
    except InputError as error:
        return DeclaredJudge(version=None, trouble="" if elsewhere else error.message)
    parts = {name: digest for name, digest in version.parts.items() if name not in elsewhere}
    return DeclaredJudge(version=None if elsewhere else version.id, parts=parts)
