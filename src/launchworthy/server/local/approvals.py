"""Calls that wait for a person.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.errors import InputError
from launchworthy.runtime.approval import Approval, Ticket
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.local.opened import Opened, check_owner

__all__ = ["Approvals"]


class Approvals(Opened):
    """Calls that wait for a person."""

    def attend(self) -> None:
        """Let approvals expire that are due, and tell who wants to know of those that wait."""
        self._store.approvals.sweep()
        self._teller.tell_due()

    def request_approval(
        self, *, product: str, call: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Ask for the approval of a call; the same id again answers the same one, as it is now."""
        return self.approving.request(product, call, caller=caller)

    def seed_approval(
        self, *, product: str, call: Mapping[str, Any], wrong: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Put a wrong call among those that wait, to see whether people stop it; it never runs."""
        check_owner(caller, "an application could hide what it wants among tests")
        if not wrong.strip():
            raise InputError("why it is wrong is not said", where="wrong", hint="people are told afterwards")
        return self.approving.request(product, call, caller=caller, wrong=wrong.strip()[:500])

    def approvals(self, *, product: str, state: str | None = None, limit: int = 200) -> list[Approval]:
        """Calls that wait, waited or ran, newest first; those of one state, if it is named."""
        return self.approving.listed(product, state=state, limit=limit)

    def approval(
        self, *, product: str, approval_id: str, wait_s: float = 0.0, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """One of them; with ``wait_s``, once it waits for no person any more, or after so many seconds."""
        return self.approving.get(product, approval_id, wait_s=wait_s, caller=caller)

    def approve(
        self, *, product: str, approval_id: str, arguments_hash: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Confirm a call with exactly these arguments, as the person whose key is shown."""
        who = self.approving.person(caller)
        return self.approving.approve(product, approval_id, arguments_hash=arguments_hash, who=who)

    def reject(
        self,
        *,
        product: str,
        approval_id: str,
        reason: str,
        arguments_hash: str | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> Approval:
        """Reject a call, with a reason."""
        who = self.approving.person(caller)
        return self.approving.reject(
            product, approval_id, reason=reason, arguments_hash=arguments_hash, who=who
        )

    def edit_approval(
        self,
        *,
        product: str,
        approval_id: str,
        arguments: Mapping[str, Any],
        arguments_hash: str,
        caller: Caller = THIS_MACHINE,
    ) -> Approval:
        """Correct arguments: they are checked anew, and what was approved before is void."""
        return self.approving.edit(
            product,
            approval_id,
            arguments=arguments,
            arguments_hash=arguments_hash,
            who=self.approving.person(caller),
        )

    def resolve_approval(
        self, *, product: str, approval_id: str, ran: bool, reason: str, caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Say whether a call ran of which nothing was heard, as a person who looked."""
        who = self.approving.person(caller)
        return self.approving.resolve(product, approval_id, ran=ran, reason=reason, who=who)

    def claim_approval(
        self,
        *,
        product: str,
        approval_id: str,
        claimant: str,
        arguments_hash: str,
        lease_s: float = 60.0,
        caller: Caller = THIS_MACHINE,
    ) -> Ticket:
        """Take an approved call to run it now; one claimant gets it."""
        return self.approving.claim(
            product,
            approval_id,
            claimant=claimant,
            arguments_hash=arguments_hash,
            lease_s=lease_s,
            caller=caller,
        )

    def settle_approval(
        self, *, product: str, approval_id: str, ticket: str, outcome: str, reason: str = ""
    ) -> Approval:
        """Say how a call ended: ``done``, ``failed`` or ``unknown``."""
        return self.approving.settle(product, approval_id, ticket=ticket, outcome=outcome, reason=reason)

    def withdraw_approval(
        self, *, product: str, approval_id: str, reason: str = "", caller: Caller = THIS_MACHINE
    ) -> Approval:
        """Want a call no longer."""
        return self.approving.withdraw(product, approval_id, reason=reason, caller=caller)

    def tell_approvals(
        self,
        *,
        product: str,
        url: str,
        console: str = "http://127.0.0.1:8321",
        people: Sequence[str] = (),
        caller: Caller = THIS_MACHINE,
    ) -> str:
        """Post to an address whenever a call waits; answers the secret that messages are signed with."""
        check_owner(caller, "whoever gets the links can approve")
        return self._teller.set(product, url=url, console=console, people=people)
