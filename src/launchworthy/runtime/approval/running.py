"""What time and the application do with a call: it expires, is withdrawn, runs once, and is settled.

May import this folder.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from launchworthy.runtime.approval.approval import Approval, ApprovalState, Event, Happened, Running, noted
from launchworthy.runtime.approval.refused import Refused

__all__ = ["LEASE_MS", "claim", "in_time", "settle", "withdraw"]

LEASE_MS, _MOST_LEASE_MS = 60_000, 3_600_000


def in_time(approval: Approval, *, now_ms: int) -> Approval:
    """The approval as it is at this moment: what lapsed is expired, what was lost is unknown.

    A call that was begun, and of which nothing was heard, is waited for as long as its approval stands where
    the contract says that repeating it does no harm; any other may have acted, and only a person can tell.
    """
    until = approval.until_ms
    if until is None or now_ms < until:
        return approval
    if approval.state is not ApprovalState.EXECUTING:
        return noted(
            replace(approval, state=ApprovalState.EXPIRED), Event(at_ms=now_ms, what=Happened.EXPIRED)
        )
    if approval.idempotent and now_ms < approval.stands_until_ms:
        return approval
    return noted(
        replace(approval, state=ApprovalState.UNKNOWN),
        Event(at_ms=now_ms, what=Happened.LOST, reason="it was begun, and nobody said how it ended"),
    )


def claim(
    approval: Approval,
    *,
    claimant: str,
    bound_to: str,
    ticket: str,
    now_ms: int,
    lease_ms: int = LEASE_MS,
    contract: str = "",
) -> Approval | Refused:
    """Give the call to one claimant, who then runs it and settles it.

    Args:
        approval: As it is now, in time.
        claimant: A name of its own for each process; the same one is given the same ticket again, since
            its first answer may have got lost on the way.
        bound_to: Hash of the arguments that would run.
        ticket: A new secret.
        now_ms: By the clock of the queue.
        lease_ms: By when it is settled; then another may take it, or nobody (:func:`in_time`).
        contract: Version of the contract that still lets it run.
    """
    if approval.wrong:
        return Refused(reason="this call was a test of those who approve; it never runs", conflict=True)
    if bound_to != approval.hash:
        return Refused(
            reason="these are not the arguments that the approval is bound to",
            hint="run exactly the arguments that were approved, or ask anew",
            conflict=True,
        )
    lease = now_ms + max(1, min(lease_ms, _MOST_LEASE_MS))
    running = approval.running
    if approval.state is ApprovalState.EXECUTING and running is not None:
        if running.claimant == claimant:
            return approval
        if now_ms < running.until_ms or not approval.idempotent:
            return Refused(reason="another process runs this call", hint="wait for it", conflict=True)
        taken = Running(claimant=claimant, ticket=ticket, until_ms=lease, attempt=running.attempt + 1)
    elif approval.state is ApprovalState.APPROVED:
        taken = Running(claimant=claimant, ticket=ticket, until_ms=lease)
    else:
        return Refused(reason=f"this call is {approval.state.value}, so it does not run", conflict=True)
    return noted(
        replace(approval, state=ApprovalState.EXECUTING, running=taken),
        Event(at_ms=now_ms, what=Happened.CLAIMED, by=claimant, hash=approval.hash, contract=contract),
    )


def settle(
    approval: Approval, *, ticket: str, outcome: ApprovalState, reason: str = "", now_ms: int
) -> Approval | Refused:
    """Say how the call ended: done, failed (it did not act), or unknown.

    Settling twice alike changes nothing. Who holds the ticket may still say so after it was lost.
    """
    if outcome not in (ApprovalState.DONE, ApprovalState.FAILED, ApprovalState.UNKNOWN):
        return Refused(reason=f"a call does not end as {outcome.value}", hint="done, failed or unknown")
    running = approval.running
    if running is None or not hmac.compare_digest(running.ticket.encode(), ticket.encode("utf-8", "replace")):
        return Refused(reason="this ticket is not the one that the call runs under", conflict=True)
    if approval.state is outcome:
        return approval
    if approval.state not in (ApprovalState.EXECUTING, ApprovalState.UNKNOWN):
        return Refused(reason=f"this call is {approval.state.value} already", conflict=True)
    return noted(
        replace(approval, state=outcome),
        Event(
            at_ms=now_ms,
            what=Happened.SETTLED,
            by=running.claimant,
            reason=f"{outcome.value}{': ' if reason else ''}{reason[:2_000]}",
            hash=approval.hash,
        ),
    )


def withdraw(approval: Approval, *, by: str, reason: str = "", now_ms: int) -> Approval | Refused:
    """Whoever asked no longer wants it."""
    if approval.state is ApprovalState.WITHDRAWN:
        return approval
    if approval.state not in (ApprovalState.PENDING, ApprovalState.APPROVED):
        return Refused(reason=f"this call is {approval.state.value}: too late to withdraw it", conflict=True)
    return noted(
        replace(approval, state=ApprovalState.WITHDRAWN),
        Event(at_ms=now_ms, what=Happened.WITHDRAWN, by=by, reason=reason[:2_000]),
    )
