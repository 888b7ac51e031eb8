"""Asking for an approval: what the permission policy decided becomes a call that waits.

May import ``permission`` and this folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from launchworthy.runtime.approval.approval import Approval, ApprovalState, Event, Happened, StepDue
from launchworthy.runtime.approval.call import ProposedCall
from launchworthy.runtime.approval.refused import Refused
from launchworthy.runtime.permission import Decision, Ruling

__all__ = ["call_key", "open_approval", "steps_due"]


def open_approval(
    call: ProposedCall,
    *,
    product: str,
    decision: Decision,
    now_ms: int,
    contract: str = "",
    idempotent_by: Sequence[str] = (),
    editable: Sequence[str] = (),
    asked_by: str = "",
    wrong: str = "",
) -> Approval | Refused:
    """A pending approval with the steps that the policy wants.

    Args:
        call: What would run.
        product: Product whose contract decided.
        decision: What its policy says of the call.
        now_ms: By the clock of the queue.
        contract: Version of that contract.
        idempotent_by: Arguments that make a repeated call the same call, by the contract.
        editable: Arguments that an approver may correct, by the contract.
        asked_by: Name of the API key by which it came.
        wrong: Why it is wrong, where it is a test of those who approve.
    """
    if decision.ruling is Ruling.DENY:
        return Refused(reason=decision.reason, rule=decision.rule, hint="no approval makes a denied call run")
    if decision.ruling is Ruling.ALLOW:
        return Refused(
            reason=f"no approval is due for this call of {decision.tool}",
            rule=decision.rule,
            hint="run it",
            conflict=True,
        )
    bound = call.bound_to(product)
    return Approval(
        product=product,
        call=call,
        state=ApprovalState.PENDING,
        hash=bound,
        asked_hash=bound,
        steps=steps_due(decision, now_ms=now_ms),
        rule=decision.rule,
        reason=decision.reason,
        key=call_key(call, product=product, idempotent_by=() if wrong else idempotent_by),
        idempotent=bool(idempotent_by),
        editable=tuple(name for name in editable if name in call.request.arguments),
        asked_by=asked_by,
        wrong=wrong,
        opened_ms=now_ms,
        seen_ms=now_ms,
        history=(
            Event(at_ms=now_ms, what=Happened.REQUESTED, by=call.requester, hash=bound, contract=contract),
        ),
    )


def steps_due(decision: Decision, *, now_ms: int) -> tuple[StepDue, ...]:
    """The steps of a decision, due from now on."""
    return tuple(
        StepDue(
            by=step.by,
            expires_ms=step.expires_ms,
            opened_ms=now_ms,
            preview=step.preview,
            above="" if step.above is None else str(step.above),
            four_eyes=step.four_eyes,
        )
        for step in decision.approvals
    )


def call_key(call: ProposedCall, *, product: str, idempotent_by: Sequence[str]) -> str:
    """The idempotency key of a call: of the arguments that make it the same call, else of its own id.

    A call that lacks one of these arguments is the same as itself only.
    """
    arguments = call.request.arguments
    named = bool(idempotent_by) and all(arguments.get(name) is not None for name in idempotent_by)
    same = {name: arguments[name] for name in sorted(idempotent_by)} if named else {"id": call.id}
    text = json.dumps([product, call.request.tool, same], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:40]
