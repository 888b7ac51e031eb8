"""The queue of approvals as an application sees it, asked of a server over HTTP.

May import this folder and ``errors``; uses the standard library's client. What it asks may be asked twice:
a connection that breaks is tried again until ``patience_s`` have passed.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from launchworthy.errors import (
    ConflictError,
    InputError,
    LaunchworthyError,
    NotFoundError,
    OverloadedError,
    StorageError,
)
from launchworthy.runtime.approval.approval import Approval, ApprovalState
from launchworthy.runtime.approval.approvals import Ticket
from launchworthy.runtime.approval.call import ProposedCall

__all__ = ["RemoteApprovals"]

_ERRORS: Mapping[str, type[LaunchworthyError]] = {
    "LW100": InputError,
    "LW404": NotFoundError,
    "LW409": ConflictError,
    "LW500": StorageError,
}
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
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url!r} is not the address of a server", hint="write http://127.0.0.1:8321")
        self.claimant = secrets.token_hex(16)
        self._parts, self._url = parts, url
        self._key, self._timeout_s, self._patience_s, self._sleep = key, timeout_s, patience_s, sleep
        self._base = f"{parts.path.rstrip('/')}/api/v1/products/{quote(product, safe='')}/approvals"

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
        """Take an approved call, to run it now."""
        body = {"claimant": self.claimant, "arguments_hash": arguments_hash, "lease_s": lease_s}
        told = self._ask("POST", f"/{quote(approval_id, safe='')}/claim", body)
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
        """Ask, again and again while nobody answers."""
        deadline = time.monotonic() + self._patience_s
        pause_s = 0.1
        while True:
            try:
                return self._once(verb, path, body)
            except (OSError, http.client.HTTPException, OverloadedError) as error:
                if time.monotonic() + pause_s >= deadline:
                    if isinstance(error, OverloadedError):
                        raise
                    raise StorageError(
                        f"the server does not answer: {error}",
                        where=self._url,
                        hint="is `launchworthy up` still running? ask for the call again by its id",
                    ) from error
            self._sleep(pause_s)
            pause_s = min(2.0, pause_s * 2)

    def _once(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Any:
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = make(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            plain = None if body is None else json.dumps(body, allow_nan=False).encode()
            connection.request(verb, self._base + path, body=plain, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            told = json.loads(text)
            if answer.status < 400:
                return told
            error = told["error"]
            code, message, place, hint = (str(error[name]) for name in ("code", "message", "where", "hint"))
        except (ValueError, KeyError, TypeError) as problem:
            raise StorageError(
                f"the server answered {answer.status} and nothing that could be read", where=self._url
            ) from problem
        if answer.status == 503:
            raise OverloadedError(message, retry_after_s=1.0, where=place, hint=hint)
        raise _ERRORS.get(code, LaunchworthyError)(message, code=code, where=place, hint=hint)
