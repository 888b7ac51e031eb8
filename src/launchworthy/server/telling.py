"""Telling a webhook that a call waits: signed, with links of one use, again and again until it is heard.

May import every room below ``server``. The message holds no argument of the call: whoever opens a link, or
signs in, sees them. Each link is for one person; opening it decides nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from launchworthy.errors import InputError, LaunchworthyError, NotFoundError
from launchworthy.runtime.approval import Approval, ApprovalState, Refused, may_decide
from launchworthy.runtime.approval import Person as _Person
from launchworthy.server.posting import SIGNATURE, post, signature
from launchworthy.store import Store
from launchworthy.store.approval_news import Delivery

__all__ = ["SIGNATURE", "Teller", "signature"]

MOST_ATTEMPTS = 10
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, 3_600_000
_SETTING = "approvals-webhook/"

_log = logging.getLogger("launchworthy.server")


class Teller:
    """Tells the webhook of each product of the approvals that wait.

    Args:
        store: Keeps settings, links and what was told.
        person: Somebody by name, with their roles; None where nobody has that name.
    """

    def __init__(self, store: Store, *, person: Callable[[str], _Person | None]) -> None:
        self._store, self._person = store, person

    def tells(self, product: str) -> bool:
        """Whether a product has a webhook."""
        return bool(self._store.registry.setting(_SETTING + product))

    def set(self, product: str, *, url: str, console: str, people: Sequence[str]) -> str:
        """Set the webhook of a product, or end it with an empty address; answers its signing secret.

        Raises:
            InputError: No such address, or nobody of such a name has a key.
        """
        if not url:
            self._store.registry.set_setting(_SETTING + product, "")
            return ""
        for each, name in ((url, "url"), (console, "console")):
            parts = urlsplit(each)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise InputError(f"{each!r:.200} is no address", where=name, hint="write https://…")
        for each in people:
            if self._person(each) is None:
                raise InputError(
                    f"nobody called {each!r:.80} has a key, so a link for them could not be trusted",
                    where="people",
                    hint=f"launchworthy keys create {each:.80} --role read --acts-as ROLE",
                )
        plain = {"url": url, "console": console.rstrip("/"), "people": list(dict.fromkeys(people))}
        self._store.registry.set_setting(_SETTING + product, json.dumps(plain))
        return self._secret(product, url)

    def tell_due(self) -> int:
        """Tell what is due; answers how many messages were heard."""
        heard = 0
        for delivery in self._store.approvals.news.deliveries_due():
            try:
                heard += self._tell(delivery)
            except LaunchworthyError as error:
                _log.warning("the approval %s was not told of: %s", delivery.approval[:80], error)
        return heard

    def _tell(self, delivery: Delivery) -> bool:
        kept = self._store.registry.setting(_SETTING + delivery.product)
        try:
            approval = self._store.approvals.get(delivery.product, delivery.approval)
        except NotFoundError:
            approval = None
        waits = approval is not None and approval.state is ApprovalState.PENDING
        if not kept or approval is None or not waits or approval.hash != delivery.arguments:
            self._store.approvals.news.delivered(
                delivery, failure="it waits no longer, or nobody is to be told"
            )
            return False
        hook = json.loads(kept)
        body = json.dumps(self._message(approval, hook)).encode()
        secret = self._secret(delivery.product, hook["url"])
        failure = post(
            hook["url"], body, headers={SIGNATURE: signature(body, secret=secret, at_s=int(time.time()))}
        )
        attempts = delivery.attempts + 1
        again_in_ms = None
        if failure and attempts < MOST_ATTEMPTS:
            again_in_ms = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1))
        self._store.approvals.news.delivered(delivery, failure=failure, again_in_ms=again_in_ms)
        return not failure

    def _message(self, approval: Approval, hook: dict[str, Any]) -> dict[str, Any]:
        console = hook["console"]
        links = []
        for name in hook["people"]:
            person = self._person(name)
            if person is not None and not isinstance(may_decide(approval, person), Refused):
                token = self._store.approvals.news.make_link(approval, person=name)
                links.append({"person": name, "url": f"{console}/approve/{token}"})
        product, own = quote(approval.product, safe=""), quote(approval.id, safe="")
        return {
            "event": "approval.pending",
            "product": approval.product,
            "approval": approval.id,
            "tool": approval.tool,
            "rule": approval.rule,
            "reason": approval.reason,
            "arguments_hash": approval.hash,
            "roles": [step.by for step in approval.steps if step.decided is None],
            "until_ms": approval.until_ms,
            "url": f"{console}/products/{product}/approvals/{own}",
            "links": links,
        }

    def _secret(self, product: str, url: str) -> str:
        key = self._store.registry.secret("approvals-webhook")
        return hmac.new(key, f"{product}\0{url}".encode(), hashlib.sha256).hexdigest()
