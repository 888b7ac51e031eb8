"""Telling people and programs of incidents: who is due, and sending it, again and again until it is heard.

May import every room below ``server``. What is due rests in the metadata, written in the transaction of the
step it tells of; a process that ends in between tells it when it runs again, and a receiver knows a repeat by
the incident and the event. What was taken, or ended, before its time came is not told any more.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from launchworthy.errors import InputError, LaunchworthyError
from launchworthy.monitor import notifying
from launchworthy.monitor.notifying import Message, NoticeSettings, Target, Transport
from launchworthy.monitor.notifying.settings import ESCALATED, Mailing
from launchworthy.records.incident import Incident, IncidentSource, IncidentState, Notice
from launchworthy.server.posting import SIGNATURE, post, signature
from launchworthy.store import Clock, Store
from launchworthy.store.incidents import Telling

__all__ = ["IncidentTeller"]

MOST_ATTEMPTS = 12
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 3_600
_SETTING = "incident-notices/"
_TIMEOUT_S = 5.0
_BEGINNINGS = ("opened", "reopened", ESCALATED)

_log = logging.getLogger("launchworthy.server")


class IncidentTeller:
    """Tells of the incidents of every product.

    Args:
        store: Keeps settings and what is due.
        playbook: What the contract says to do about an incident meanwhile.
        owners: Owners of a product's contract, and where each is reached.
        clock: The moment.
    """

    def __init__(
        self,
        store: Store,
        *,
        playbook: Callable[[Incident], str],
        owners: Callable[[str], Mapping[str, str]],
        clock: Clock,
    ) -> None:
        self._store, self._playbook, self._owners, self._clock = store, playbook, owners, clock

    def settings(self, product: str) -> NoticeSettings | None:
        """Who is told of a product's incidents; None: nobody."""
        kept = self._store.registry.setting(_SETTING + product)
        if not kept:
            return None
        try:
            return notifying.read_settings(json.loads(kept))
        except InputError as error:
            _log.error("nobody is told of incidents of %s: %s", product, error)
            return None

    def set(self, product: str, settings: Mapping[str, Any]) -> str:
        """Set who is told, or end it with empty settings; answers the secret that webhooks are signed with.

        Raises:
            InputError: They cannot be used.
        """
        if settings:
            notifying.read_settings(settings)
        kept = json.dumps(dict(settings)) if settings else ""
        self._store.registry.set_setting(_SETTING + product, kept)
        return self._secret(product) if settings else ""

    def due(self, one: Incident, kind: str) -> Sequence[Telling]:
        """Who is to be told of a step."""
        settings = self.settings(one.product)
        if settings is None:
            return ()
        return [
            Telling(target=target.name, kind=told, due_at=at)
            for target, told, at in settings.due(
                one, kind, owners=self._owners(one.product), now=self._clock()
            )
        ]

    def tell_due(self) -> int:
        """Tell what is due; answers how many messages were heard."""
        heard = 0
        for notice in self._store.incidents.due():
            try:
                heard += self._tell(notice)
            except LaunchworthyError as error:
                _log.warning("%s was not told of %s: %s", notice.target[:80], notice.incident[:80], error)
        return heard

    def test(self, product: str) -> dict[str, str]:
        """Send every target a message that says that it is a test; answers why each did not hear, if so.

        Raises:
            InputError: Nobody is told of incidents of this product.
        """
        settings = self.settings(product)
        if settings is None:
            raise InputError(
                f"nobody is told of incidents of {product!r:.80}",
                hint="launchworthy incidents notify --settings notices.yaml",
            )
        now = self._clock()
        one = Incident(
            product=product,
            id="i-test",
            key="test",
            state=IncidentState.CLOSED,
            source=IncidentSource.PERSON,
            address="",
            title=f"This is a test of who is told of incidents of {product}; nothing is wrong",
            failure_mode=None,
            severity="low",
            owner="",
            opened_at=now,
            last_at=now,
            told_at=now,
        )
        message = notifying.message_of(one, "closed", playbook="", console=settings.console, owners={})
        return {each.name: self._send(each, message, settings, product) for each in settings.targets}

    def _tell(self, notice: Notice) -> bool:
        settings = self.settings(notice.product)
        target = None if settings is None else settings.target(notice.target)
        if settings is None or target is None:
            self._store.incidents.told(notice, failure="nobody of this name is to be told any more")
            return False
        one = self._store.incidents.get(notice.product, notice.incident)
        over = one.state is not IncidentState.OPEN
        if notice.kind in _BEGINNINGS and (over or (notice.kind == ESCALATED and one.acknowledged)):
            self._store.incidents.told(notice, failure="it was taken, or ended, before it was told")
            return False
        message = notifying.message_of(
            one,
            notice.kind,
            playbook=self._playbook(one),
            console=settings.console,
            owners=self._owners(notice.product),
        )
        failure = self._send(target, message, settings, notice.product)
        attempts = notice.attempts + 1
        again_at = None
        if failure and attempts < MOST_ATTEMPTS:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1))
            again_at = self._clock() + timedelta(seconds=pause_s)
        self._store.incidents.told(notice, failure=failure, again_at=again_at)
        return not failure

    def _send(self, target: Target, message: Message, settings: NoticeSettings, product: str) -> str:
        """Send one message; answers why it was not heard, empty where it was."""
        try:
            if target.to is Transport.EMAIL:
                if settings.mailing is None:
                    return "no mail server is named"
                return self._mail(target, message, settings.mailing)
            url = notifying.revealed_address(target.url, os.environ)
            if target.to is Transport.SLACK:
                return post(url, json.dumps(notifying.slack(message)).encode())
            if target.to is Transport.PAGERDUTY:
                key = notifying.revealed(target.key, os.environ)
                return post(url, json.dumps(notifying.pagerduty(message, key=key)).encode())
        except InputError as error:
            return error.message
        body = json.dumps(notifying.webhook(message)).encode()
        signed = signature(body, secret=self._secret(product), at_s=int(time.time()))
        return post(url, body, headers={SIGNATURE: signed})

    def _mail(self, target: Target, message: Message, server: Mailing) -> str:
        to = target.addresses(self._owners(message.incident.product))
        if not to:
            return f"the contract has no e-mail address for {', '.join(target.owners)}"
        user = notifying.revealed(server.user, os.environ)
        password = notifying.revealed(server.password, os.environ)
        letter = notifying.mail(message, sender=server.sender, to=to, at=self._clock())
        context = ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
                if server.security == "tls"
                else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
            ) as connection:
                if server.security == "starttls":
                    connection.starttls(context=context)
                if user:
                    connection.login(user, password)
                connection.send_message(letter)
        except smtplib.SMTPNotSupportedError as error:
            return f"{server.host} cannot do this: {str(error)[:150]}; see `security`, `user` of `smtp`"
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
        return ""

    def _secret(self, product: str) -> str:
        key = self._store.registry.secret("incident-notices")
        return hmac.new(key, product.encode(), hashlib.sha256).hexdigest()
