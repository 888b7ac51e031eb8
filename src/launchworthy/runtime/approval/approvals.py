"""What an application asks of the queue of approvals, wherever it rests. May import this folder.

:class:`RemoteApprovals` asks a server. Every method may be called again after its answer was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from launchworthy.runtime.approval.approval import Approval, ApprovalState
from launchworthy.runtime.approval.call import ProposedCall

__all__ = ["Approvals", "Ticket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to run one call once.

    Attributes:
        approval_id: Which call.
        secret: To be shown when it is settled.
        tool: Name of the tool.
        arguments: What to run it with: exactly these were approved.
        idempotency_key: To be given to the tool, where it takes one.
        attempt: 1 for the first; more where an earlier process was lost, for tools that may be repeated.
        until_ms: By when to settle it.
    """

    approval_id: str
    secret: str
    tool: str
    arguments: Mapping[str, Any]
    idempotency_key: str
    attempt: int
    until_ms: int


class Approvals(Protocol):
    """The queue of one product."""

    def request(self, call: ProposedCall) -> Approval:
        """Ask for an approval. The same id again answers the same approval, as it is now.

        Raises:
            LaunchworthyError: The policy denies the call (``LW403``), or no approval is due (``LW409``), or
                the id is that of another call (``LW409``).
        """

    def get(self, approval_id: str) -> Approval:
        """As it is now.

        Raises:
            NotFoundError: No such approval.
        """

    def wait(self, approval_id: str, *, timeout_s: float) -> Approval:
        """As it is once it waits for no person any more, or after ``timeout_s``."""

    def claim(self, approval_id: str, *, arguments_hash: str, lease_s: float = 60.0) -> Ticket:
        """Take an approved call, to run it now. One claimant gets it.

        Raises:
            ConflictError: It is not approved (any more), another process has it, or these are not the
                arguments that were approved.
        """

    def settle(self, ticket: Ticket, outcome: ApprovalState, *, reason: str = "") -> Approval:
        """Say how it ended: ``DONE``, ``FAILED`` (it did not act), or ``UNKNOWN``."""

    def withdraw(self, approval_id: str, *, reason: str = "") -> Approval:
        """Want it no longer."""
