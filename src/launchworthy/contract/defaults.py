"""What is in force where the contract is silent: guards, stages, and what each stage needs."""

from __future__ import annotations

from collections.abc import Mapping

from launchworthy.contract.model import Contract
from launchworthy.contract.model.running import StageBlock
from launchworthy.contract.model.safeguards import Guard
from launchworthy.quantity import Quantity

__all__ = ["DEFAULT_BOARD", "default_guards", "default_stages", "guards_in_force", "stages_in_force"]

_GUARDS: Mapping[str, Guard] = {
    "prompt_injection": Guard(checks=("input", "retrieval", "tool_output"), action="block", fail="closed"),
    "pii": Guard(checks=("output",), action="redact", fail="closed"),
}
_DAY_MS = 86_400_000.0
_STAGES: tuple[tuple[str, float, float | None, tuple[str, ...]], ...] = (
    ("shadow", 0.0, 3, ("quality", "abuse", "fairness", "data", "tools", "guards", "attest")),
    ("employees", 0.01, 5, ("reliability",)),
    ("pilot", 0.05, 7, ("economics",)),
    ("expand", 0.25, 14, ("trust", "feedback", "labels")),
    ("launch", 1.0, None, ("outcomes", "adoption", "pricing", "proof")),
)
DEFAULT_BOARD: Mapping[str, tuple[str, ...]] = {
    "user_and_job": ("job", "before", "after", "predicts", "success"),
    "failure_modes": ("failures", "no_answer", "abuse"),
    "evals": ("quality", "fairness", "gold", "proof"),
    "observability": ("reliability", "economics", "feedback", "labels", "monitors", "records"),
    "fallbacks": ("fallbacks", "limits", "rollout/roll_back"),
    "security_review": ("data", "tools", "guards"),
    "support_plan": ("attest",),
}


def guards_in_force(contract: Contract) -> Mapping[str, Guard]:
    """The declared guards; for generative products that declare none, against injection and for PII."""
    if contract.guards is not None:
        return contract.guards
    return default_guards() if contract.kind == "generative" else {}


def stages_in_force(contract: Contract) -> tuple[StageBlock, ...]:
    """The declared stages, or 0/1/5/25/100 %."""
    return contract.rollout.stages or default_stages()


def default_guards() -> Mapping[str, Guard]:
    """Against injection, and for personal data."""
    return _GUARDS


def default_stages() -> tuple[StageBlock, ...]:
    """0/1/5/25/100 %."""
    return tuple(
        StageBlock.model_validate(
            {
                "name": name,
                "share": Quantity(share, "ratio"),
                "for": None if days is None else Quantity(days * _DAY_MS, "ms"),
                "needs": needs,
            }
        )
        for name, share, days, needs in _STAGES
    )
