"""What happens to approvals as decisions: rows of ``records.DECISIONS``. Pure; may import ``records``.

Each has an id of its own that it keeps when it is told again. The person for whom a call is made stands
under their pseudonym; who decides is named, under the chain's commitment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launchworthy.records import DECISIONS, OF_THE_QUEUE, Rows
from launchworthy.runtime.approval import Approval, Event, Happened, ProposedCall, Refused
from launchworthy.store.plain import to_json

__all__ = ["happened", "misused_link", "refusal", "telling", "turned_away"]

_MS = 1_000_000
# Whoever asks may be a user of the product, and a claimant is a process: neither decides.
_JUDGED = (Happened.APPROVED, Happened.REJECTED, Happened.EDITED)
_NOT_DECIDED = (Happened.REQUESTED, Happened.CLAIMED, Happened.WITHDRAWN, Happened.EXPIRED, Happened.LOST)


def happened(approval: Approval, *, since: int, name: Callable[[str], str]) -> Rows:
    """What happened to an approval from its event number ``since`` on; ``name`` makes a pseudonym."""
    return _rows(
        _row(
            approval.call,
            product=approval.product,
            subject=approval.tool,
            event_id=f"{OF_THE_QUEUE}{approval.id}:{since + place}",
            outcome=event.what.value,
            at_ms=event.at_ms,
            rule=approval.rule,
            reason=event.reason,
            decided_by=event.by if event.what not in _NOT_DECIDED and event.role else None,
            facts=_facts(approval, event, name),
            name=name,
        )
        for place, event in enumerate(approval.history[since:])
    )


def refusal(approval: Approval, refused: Refused, *, by: str, at_ms: int, name: Callable[[str], str]) -> Rows:
    """Something that was tried with an approval and was not done; who tried it, where that is known."""
    return _refusal(
        approval.call,
        refused,
        product=approval.product,
        rule=refused.rule or approval.rule,
        state=approval.state.value,
        contract=_contract(approval.history),
        tried_by=by,
        at_ms=at_ms,
        name=name,
    )


def turned_away(
    call: ProposedCall, refused: Refused, *, product: str, at_ms: int, name: Callable[[str], str]
) -> Rows:
    """A call that was asked for and never came to wait."""
    return _refusal(
        call, refused, product=product, rule=refused.rule, state="not_asked", at_ms=at_ms, name=name
    )


def _refusal(
    call: ProposedCall,
    refused: Refused,
    *,
    product: str,
    rule: str,
    state: str,
    at_ms: int,
    name: Callable[[str], str],
    contract: str = "",
    tried_by: str = "",
) -> Rows:
    # A name that the contract does not have may be anybody's words, and the chain keeps it for good.
    tool = "unnamed" if rule.endswith("/tools/unnamed") else call.request.tool
    return _rows(
        [
            _row(
                call,
                product=product,
                subject=tool,
                event_id=f"{OF_THE_QUEUE}{uuid.uuid4().hex}",
                outcome="refused",
                at_ms=at_ms,
                rule=rule,
                reason=refused.reason,
                decided_by=None,
                facts={
                    "tool": tool,
                    "approval": call.id,
                    "state": state,
                    **({"contract": contract} if contract else {}),
                    **({"tried_by": tried_by} if tried_by else {}),
                },
                name=name,
            )
        ]
    )


def telling(product: str, approval_id: str, *, failure: str, attempts: int, at_ms: int) -> Rows:
    """That a webhook was told of an approval, or was not reached."""
    return _news(
        product,
        approval_id,
        outcome="not_told" if failure else "told",
        reason=failure,
        facts={"approval": approval_id, "attempts": attempts},
        at_ms=at_ms,
    )


def misused_link(product: str, approval_id: str, *, person: str, reason: str, at_ms: int) -> Rows:
    """That somebody tried to decide by a link that is used up or has expired; whose it was."""
    facts = {"approval": approval_id, "link_for": person}
    return _news(product, approval_id, outcome="refused", reason=reason, facts=facts, at_ms=at_ms)


def _news(
    product: str, approval_id: str, *, outcome: str, reason: str, facts: Mapping[str, Any], at_ms: int
) -> Rows:
    return _rows(
        [
            {
                "event_id": f"{OF_THE_QUEUE}{uuid.uuid4().hex}",
                "product": product,
                "kind": "approval",
                "subject": approval_id,
                "outcome": outcome,
                "reason": reason or None,
                "facts": to_json(dict(facts)),
                "time": at_ms * _MS,
                "received_at": at_ms * _MS,
            }
        ]
    )


def _facts(approval: Approval, event: Event, name: Callable[[str], str]) -> dict[str, Any]:
    call = approval.call
    so_far = approval.history[: approval.history.index(event) + 1]
    # A user who asks in person is named as on all records.
    requester = name(call.requester) if call.requester in call.people else call.requester
    facts = {
        "tool": approval.tool,
        "approval": approval.id,
        "arguments_sha256": event.hash or approval.hash,
        "idempotency_key": approval.key,
        "role": event.role,
        "contract": _contract(so_far),
        "seeded": True if approval.wrong and event.what in _JUDGED else None,
        "requester": requester if event.what is Happened.REQUESTED else "",
        "attempt": approval.running.attempt
        if event.what is Happened.CLAIMED and approval.running is not None
        else None,
    }
    return {key: value for key, value in facts.items() if value not in (None, "")}


def _contract(history: Sequence[Event]) -> str:
    """The version of the contract that was asked last."""
    return next((each.contract for each in reversed(history) if each.contract), "")


def _row(
    call: ProposedCall,
    *,
    product: str,
    subject: str,
    event_id: str,
    outcome: str,
    at_ms: int,
    rule: str,
    reason: str,
    decided_by: str | None,
    facts: Mapping[str, Any],
    name: Callable[[str], str],
) -> dict[str, Any]:
    people = call.people
    return {
        "event_id": event_id,
        "trace_id": _trace(call.trace_id),
        "product": product,
        "workflow": call.workflow or None,
        "release": call.release or None,
        "user_id": name(people[-1]) if people else None,
        "kind": "approval",
        "subject": subject,
        "outcome": outcome,
        "rule": rule,
        "reason": reason or None,
        "decided_by": decided_by,
        "facts": to_json(dict(facts)),
        "time": at_ms * _MS,
        "received_at": at_ms * _MS,
    }


def _rows(found: Any) -> Rows:
    rows = list(found)
    return Rows(
        table=DECISIONS.name, columns={name: [row.get(name) for row in rows] for name in DECISIONS.names}
    )


def _trace(text: str) -> bytes | None:
    """The bytes of a trace id; None for what is none."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == 16 else None
