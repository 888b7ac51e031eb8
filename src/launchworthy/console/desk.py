"""What pages ask of the queue of approvals, and what people do there. The server implements it.

May import ``runtime`` and, for types, the server beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from launchworthy.runtime.approval import Approval, Person, Refused, StepDue
    from launchworthy.runtime.permission import Policy, Spending
    from launchworthy.store.approval_news import ApprovalLink, Delivery

__all__ = ["Desk"]


class Desk(Protocol):
    """Approvals of every product, as people see and decide them."""

    def listed(self, product: str, *, state: str | None, limit: int) -> list[Approval]:
        """Newest first."""

    def shown(self, product: str, approval_id: str) -> Approval:
        """One of them.

        Raises:
            NotFoundError: No such approval.
        """

    def deliveries(self, product: str, approval_id: str) -> list[Delivery]:
        """Whether somebody was told of it."""

    def person_of(self, key: str) -> Person | None:
        """Whose key it is that was signed in with; None for nobody's."""

    def named(self, name: str) -> Person | None:
        """Somebody by name, for links."""

    def may_decide(self, approval: Approval, person: Person | None) -> StepDue | Refused:
        """The step that somebody can take, or why there is none."""

    def link(self, token: str, *, deciding: bool = False) -> ApprovalLink:
        """What a link stands for.

        Raises:
            LaunchworthyError: It leads nowhere, or no longer.
        """

    def approve(
        self,
        product: str,
        approval_id: str,
        *,
        arguments_hash: str,
        who: Person | None,
        link: str | None = None,
    ) -> Approval:
        """Take one step."""

    def reject(
        self,
        product: str,
        approval_id: str,
        *,
        reason: str,
        arguments_hash: str | None,
        who: Person | None,
        link: str | None = None,
    ) -> Approval:
        """End it, with a reason."""

    def edit(
        self,
        product: str,
        approval_id: str,
        *,
        arguments: Mapping[str, Any],
        arguments_hash: str,
        who: Person | None,
    ) -> Approval:
        """Correct arguments."""

    def resolve(
        self, product: str, approval_id: str, *, ran: bool, reason: str, who: Person | None
    ) -> Approval:
        """Say how a call ended of which nothing was heard."""

    def policy(self, product: str) -> Policy:
        """What the contract in force lets run.

        Raises:
            NotFoundError: No contract is registered.
        """

    def spending(self, product: str) -> Spending:
        """What tools have spent."""
