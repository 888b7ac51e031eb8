"""What a policy answers: allow, deny or needs approval, with the rule, the reason and every check made.

May import ``request``, ``spending`` and ``quantity``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from launchworthy.quantity import Quantity
from launchworthy.runtime.permission.spending import Charge

__all__ = ["Check", "Checked", "Decision", "Ruling", "Step"]


class Ruling(StrEnum):
    """Whether a call may run."""

    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
    DENY = "deny"


class Checked(StrEnum):
    """How one check ended."""

    KEPT = "kept"
    BROKEN = "broken"
    DUE = "due"  # a person must confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule that was looked at.

    Attributes:
        rule: Its address in the contract: ``support/tools/refund/limits/per_call``.
        outcome: Kept, broken, or due.
        reason: One sentence.
        remedy: What would change it; empty where nothing needs to change.
    """

    rule: str
    outcome: Checked
    reason: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row that commands print and records keep."""
        return {
            "rule": self.rule,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One approval that a call needs before it runs.

    Attributes:
        by: Role that confirms; never the one who asked.
        above: The amount from which on it is due; None: always.
        preview: What the approver is shown.
        expires_ms: How long the approval stands.
        index: Its place in the tool's list of approvals, from 0.
        rule: Address of the list.
        four_eyes: Neither may it be given by the one on whose behalf the call is made.
    """

    by: str
    above: Quantity | None
    preview: tuple[str, ...]
    expires_ms: int
    index: int
    rule: str
    four_eyes: bool = False

    def as_json(self) -> dict[str, Any]:
        """The row that commands print and records keep."""
        return {
            "by": self.by,
            "above": None if self.above is None else str(self.above),
            "preview": list(self.preview),
            "expires_ms": self.expires_ms,
            "index": self.index,
            "rule": self.rule,
            "four_eyes": self.four_eyes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a call may run, why, and what it takes from which budget if it does.

    Attributes:
        ruling: Allow, needs approval, or deny.
        tool: The tool that was asked for.
        rule: Address of the line that decided.
        reason: One sentence; the text of an argument is not in it, since it goes into records.
        approvals: The steps due, in the contract's order; empty unless the ruling is needs approval.
        checks: Every rule that was looked at, in order.
        charges: What to reserve in the ledger right before the tool runs; empty where nothing is counted.
    """

    ruling: Ruling
    tool: str
    rule: str
    reason: str
    approvals: tuple[Step, ...] = ()
    checks: tuple[Check, ...] = ()
    charges: tuple[Charge, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The row that commands print and records keep."""
        return {
            "tool": self.tool,
            "decision": self.ruling.value,
            "rule": self.rule,
            "reason": self.reason,
            "approvals": [step.as_json() for step in self.approvals],
            "checks": [check.as_json() for check in self.checks],
        }
