"""From a contract to its claims: what each says, when it is due, and what can measure it.

May import this room and the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from launchworthy.contract.claim import Claim
from launchworthy.contract.draft import Draft
from launchworthy.contract.model import Contract
from launchworthy.contract.product_claims import product_claims
from launchworthy.contract.stages import needed_by, stages
from launchworthy.contract.workflow_claims import workflow_claims
from launchworthy.quantity import Quantity

__all__ = ["claims"]

_NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})


def claims(contract: Contract, *, provers: Mapping[str, Sequence[str]] = _NOTHING) -> tuple[Claim, ...]:
    """Every claim of a contract, in the order of the language; addresses are unique.

    Args:
        contract: The contract.
        provers: Name of each prover → glob patterns over ``family/metric``, such as ``quality/hit@*``; a
            pattern may begin with a kind, as in ``never:limits/*``. The first that matches is the prover. A
            claim that asks for a judge or a weight matches as ``quality/recall+weight``, so that only a
            prover which says so takes it; one that compares groups as ``fairness/gap/quality/recall``.
    """
    draft = Draft(contract)
    for name, workflow in contract.workflows.items():
        workflow_claims(draft, name, workflow)
    product_claims(draft)
    draft.cover(
        "records/required_fields",
        subject="{share} of spans carry every required field",
        value=Quantity(0.99, "ratio"),
        line="records",
    )
    known = stages(contract)
    return tuple(
        replace(claim, due=needed_by(contract, claim, known), prover=_prover(claim, provers))
        for claim in draft.claims
    )


def _prover(claim: Claim, provers: Mapping[str, Sequence[str]]) -> str | None:
    marks = "".join(f"+{name}" for name in ("judge", "weight") if claim.options.get(name) is not None)
    of = f"/{claim.options['of']}" if claim.family == "fairness" else ""
    name = f"{claim.family}/{claim.metric}{of}{marks}"
    for prover, patterns in provers.items():
        for pattern in patterns:
            kind, colon, rest = pattern.rpartition(":")
            if (not colon or kind == claim.kind.value) and fnmatchcase(name, rest):
                return prover
    return None
