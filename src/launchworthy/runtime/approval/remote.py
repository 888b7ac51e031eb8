"""The queue of approvals as an application sees it, asked of a server over HTTP.

May import this folder and ``server_link``. What it asks may be asked twice: a connection that breaks is tried
again until ``patience_s`` have passed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from launchworthy.errors import OverloadedError, StorageError
from launchworthy.runtime.approval.approval import Approval, ApprovalState
from launchworthy.runtime.approval.approvals import Ticket
from launchworthy.runtime.approval.call import ProposedCall
from launchworthy.runtime.server_link import ServerLink

__all__ = ["RemoteApprovals"]

_LONGEST_POLL_S = 25.0


class RemoteApprovals:
    """Meets ``Approvals``.

    Args:
        url: Address of the server, such as ``http://127.0.0.1:8321``.
        product: Product whose contract decides.
        key: API key of the application; one with the role ``ingest`` does.
        timeout_s: For one request.
        patience_s: How long a server that does not answer is tried again.

    Example:
        >>> approvals = RemoteApprovals("http://127.0.0.1:8321", product="support")
    """

    def __init__(
        self,
        url: str,
        *,
        product: str,
        key: str | None = None,
        timeout_s: float = 30.0,
        patience_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._link = ServerLink(url, key=key, timeout_s=timeout_s, patience_s=patience_s, sleep=sleep)
        self._unanswered: dict[str, str] = {}  # call → the claimant whose answer got lost
        self._base = f"/products/{quote(product, safe='')}/approvals"

    def request(self, call: ProposedCall) -> Approval:
        """Ask for an approval, or for the state of the one with this id."""
        return Approval.from_json(self._ask("POST", "", {"call": call.as_json()}))

    def get(self, approval_id: str) -> Approval:
        """As it is now."""
        return Approval.from_json(self._ask("GET", f"/{quote(approval_id, safe='')}"))

    def wait(self, approval_id: str, *, timeout_s: float) -> Approval:
        """As it is once it waits for no person any more, or after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            query = urlencode({"wait_s": f"{min(left_s, _LONGEST_POLL_S):.3f}"})
            found = Approval.from_json(self._ask("GET", f"/{quote(approval_id, safe='')}?{query}"))
            if found.state is not ApprovalState.PENDING or time.monotonic() >= deadline:
                return found

    def claim(self, approval_id: str, *, arguments_hash: str, lease_s: float = 60.0) -> Ticket:
        """Take an approved call, to run it now: each time as another claimant, since threads run calls too.

        After an answer that got lost, the next one here who asks takes what may have been given.
        """
        claimant = self._unanswered.pop(approval_id, None) or secrets.token_hex(16)
        body = {"claimant": claimant, "arguments_hash": arguments_hash, "lease_s": lease_s}
        try:
            told = self._ask("POST", f"/{quote(approval_id, safe='')}/claim", body)
        except (StorageError, OverloadedError):
            self._unanswered[approval_id] = claimant
            raise
        return Ticket(**told)

    def settle(self, ticket: Ticket, outcome: ApprovalState, *, reason: str = "") -> Approval:
        """Say how it ended."""
        body = {"ticket": ticket.secret, "outcome": outcome.value, "reason": reason}
        return Approval.from_json(self._ask("POST", f"/{quote(ticket.approval_id, safe='')}/settle", body))

    def withdraw(self, approval_id: str, *, reason: str = "") -> Approval:
        """Want it no longer."""
        return Approval.from_json(
            self._ask("POST", f"/{quote(approval_id, safe='')}/withdraw", {"reason": reason})
        )

    def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._link.ask(verb, self._base + path, body)
