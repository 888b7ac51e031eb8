"""Who is told of incidents, where, and when not: settings of a product as JSON. Pure.

May import ``records``, ``errors`` and this room. A target that names owners hears of their incidents only; in
quiet hours what is not bad enough waits until they end; what nobody has taken for a while goes to another
owner. A secret, or an address that is one, may be a reference ``env:NAME``, which stays one in here.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from launchworthy.errors import InputError
from launchworthy.monitor.notifying.referring import is_reference
from launchworthy.records.incident import SEVERITIES, Incident

__all__ = ["NoticeSettings", "Quiet", "Target", "Transport", "read_settings"]

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
ESCALATED = "escalated"
CONSOLE = "http://127.0.0.1:8321"
_MAIL = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,190}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_TO_ALL = frozenset({"opened", "reopened", "fixed", "closed", "verified"})
_TO_MACHINES = frozenset({"noted", "assigned"})
_DURATIONS = {"m": "minutes", "h": "hours", "d": "days"}


class Transport(StrEnum):
    """How a target is told."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place that is told.

    Attributes:
        name: Of the target.
        to: How.
        url: Of a webhook, Slack or PagerDuty; may be a reference.
        address: Of an e-mail; empty: the addresses that the contract has for these owners.
        key: Routing key of PagerDuty; may be a reference.
        owners: Whose incidents; empty: those of owners whom the contract has as ``pager:NAME``, by the name
            of the target, else everyone's.
        least: The mildest severity that is told.
    """

    name: str
    to: Transport
    url: str = ""
    address: str = ""
    key: str = ""
    owners: tuple[str, ...] = ()
    least: str = "low"

    def hears(self, one: Incident, owner: str, owners: Mapping[str, str]) -> bool:
        """Whether it hears of an incident that is this owner's.

        Args:
            one: The incident.
            owner: Whose it is.
            owners: Owners of the contract, and where each is reached.
        """
        bad = SEVERITIES.index(one.severity) >= SEVERITIES.index(self.least)
        own = self.owners or [name for name, where in owners.items() if where == f"pager:{self.name}"]
        return bad and (not own or owner in own)

    def addresses(self, owners: Mapping[str, str]) -> list[str]:
        """Where its mail goes."""
        found = [self.address] if self.address else [owners.get(name, "") for name in self.owners]
        return [each for each in found if _MAIL.fullmatch(each)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which only what is bad enough is told at once."""

    start: time
    end: time
    zone: zoneinfo.ZoneInfo
    unless: str

    def until(self, now: datetime) -> datetime | None:
        """When quiet hours end that are now; None where they are not."""
        here = now.astimezone(self.zone)
        clock = here.time()
        over_night = self.start > self.end
        inside = clock >= self.start or clock < self.end if over_night else self.start <= clock < self.end
        if not inside:
            return None
        day = here.date() + timedelta(days=1 if over_night and clock >= self.start else 0)
        return datetime.combine(day, self.end, tzinfo=self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """The mail server; user and password may be references."""

    host: str
    port: int
    sender: str
    security: str
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    """Of one product.

    Attributes:
        console: Address of the console, for links.
        targets: Who is told.
        mailing: The mail server; None where no mail is sent.
        quiet: Quiet hours; None: none.
        escalate_after, escalate_to: When and to which owner what nobody took goes.
    """

    console: str = CONSOLE
    targets: tuple[Target, ...] = ()
    mailing: Mailing | None = None
    quiet: Quiet | None = None
    escalate_after: timedelta | None = None
    escalate_to: str = ""

    def target(self, name: str) -> Target | None:
        """A target by its name."""
        return next((each for each in self.targets if each.name == name), None)

    def due(
        self, one: Incident, kind: str, *, owners: Mapping[str, str], now: datetime
    ) -> list[tuple[Target, str, datetime]]:
        """Who hears of a step, as what, and when.

        Args:
            one: The incident after the step.
            kind: Of the event.
            owners: Owners of the contract, and where each is reached.
            now: This moment.
        """
        machines = (Transport.WEBHOOK, Transport.PAGERDUTY)
        told = [
            (target, kind, self._when(one, now))
            for target in self.targets
            if target.hears(one, one.owner, owners)
            and (kind in _TO_ALL or (kind in _TO_MACHINES and target.to in machines))
        ]
        if kind in ("opened", "reopened") and self.escalate_after is not None:
            # Nobody is woken because nobody took what nobody was told of yet.
            later = self._when(one, self._when(one, now) + self.escalate_after)
            told += [
                (target, ESCALATED, later)
                for target in self.targets
                if target.hears(one, self.escalate_to, owners)
            ]
        return told

    def _when(self, one: Incident, now: datetime) -> datetime:
        if self.quiet is None or SEVERITIES.index(one.severity) >= SEVERITIES.index(self.quiet.unless):
            return now
        return self.quiet.until(now) or now


def read_settings(plain: Mapping[str, Any]) -> NoticeSettings:
    """Settings as JSON or YAML hold them.

    Raises:
        InputError: Something is missing, unknown, or no address.
    """
    _known(plain, ("console", "targets", "smtp", "quiet", "escalate"), "settings")
    targets = _mapping(plain.get("targets") or {}, "targets")
    read = tuple(_target(name, _mapping(each, f"targets.{name}")) for name, each in targets.items())
    mailing = None if plain.get("smtp") is None else _mailing(_mapping(plain["smtp"], "smtp"))
    if mailing is None and any(each.to is Transport.EMAIL for each in read):
        raise InputError("a target is an e-mail, and no mail server is named", where="smtp")
    after, to = None, ""
    if plain.get("escalate") is not None:
        escalate = _mapping(plain["escalate"], "escalate")
        _known(escalate, ("after", "to"), "escalate")
        after = _duration(escalate.get("after"), "escalate.after")
        to = _text(escalate.get("to"), "escalate.to")
    return NoticeSettings(
        console=_url(plain.get("console") or CONSOLE, "console").rstrip("/"),
        targets=read,
        mailing=mailing,
        quiet=None if plain.get("quiet") is None else _quiet(_mapping(plain["quiet"], "quiet")),
        escalate_after=after,
        escalate_to=to,
    )


def _target(name: Any, plain: Mapping[str, Any]) -> Target:
    where = f"targets.{name}"
    _known(plain, ("to", "url", "address", "key", "for", "least"), where)
    try:
        to = Transport(str(plain.get("to")))
    except ValueError as error:
        raise InputError(
            f"{plain.get('to')!r:.60} is no way to tell anybody",
            where=f"{where}.to",
            hint=", ".join(Transport),
        ) from error
    owners = plain.get("for") or ()
    if isinstance(owners, str) or not isinstance(owners, Sequence):
        raise InputError("for is a list of owners", where=f"{where}.for")
    address = ""
    if to is Transport.EMAIL and (plain.get("address") is not None or not owners):
        address = _address(plain.get("address"), f"{where}.address")
    url = ""
    if to in (Transport.WEBHOOK, Transport.SLACK):
        url = _referred_url(plain.get("url"), f"{where}.url")
    if to is Transport.PAGERDUTY:
        url = _referred_url(plain.get("url") or PAGERDUTY, f"{where}.url")
    return Target(
        name=_text(name, where),
        to=to,
        url=url,
        address=address,
        key=_secret(_text(plain.get("key"), f"{where}.key"), f"{where}.key")
        if to is Transport.PAGERDUTY
        else "",
        owners=tuple(_text(each, f"{where}.for") for each in owners),
        least=_severity(plain.get("least", "low"), f"{where}.least"),
    )


def _mailing(plain: Mapping[str, Any]) -> Mailing:
    _known(plain, ("host", "port", "sender", "security", "user", "password"), "smtp")
    security = plain.get("security", "starttls")
    if security not in ("starttls", "tls", "none"):
        raise InputError(
            f"{security!r:.60} is no security", where="smtp.security", hint="starttls, tls or none"
        )
    port = plain.get("port", 587)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536:
        raise InputError(f"{port!r:.60} is no port", where="smtp.port")
    return Mailing(
        host=_text(plain.get("host"), "smtp.host"),
        port=port,
        sender=_address(plain.get("sender"), "smtp.sender"),
        security=security,
        user=_secret(plain.get("user"), "smtp.user"),
        password=_secret(plain.get("password"), "smtp.password"),
    )


def _quiet(plain: Mapping[str, Any]) -> Quiet:
    _known(plain, ("from", "to", "zone", "except"), "quiet")
    zone = str(plain.get("zone") or "UTC")
    try:
        found = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{zone!r:.60} is no time zone", where="quiet.zone", hint="write Europe/Berlin"
        ) from error
    start, end = _clock(plain.get("from"), "quiet.from"), _clock(plain.get("to"), "quiet.to")
    if start == end:
        raise InputError("quiet hours begin when they end", where="quiet")
    return Quiet(
        start=start, end=end, zone=found, unless=_severity(plain.get("except", "critical"), "quiet.except")
    )


def _known(plain: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    unknown = [str(name) for name in plain if name not in names]
    if unknown:
        raise InputError(f"{unknown[0]!r:.60} is unknown", where=where, hint=f"known are {', '.join(names)}")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where} is not a mapping", where=where)
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or _CONTROLS.search(value):
        raise InputError(f"{where} is a name of at most 200 characters", where=where)
    return value.strip()


def _address(value: Any, where: str) -> str:
    text = _text(value, where)
    if not _MAIL.fullmatch(text):
        raise InputError(f"{text!r:.80} is no e-mail address", where=where)
    return text


def _secret(value: Any, where: str) -> str:
    """A secret as it is given, or where it stands; a number is one too, but nothing longer than a line."""
    text = "" if value is None else str(value)
    if isinstance(value, Mapping | list) or len(text) > 1_000 or _CONTROLS.search(text):
        raise InputError(f"{where} is a text on one line", where=where)
    if text.startswith("env:") and not is_reference(text):
        raise InputError(f"{text!r:.60} names no variable", where=where, hint="write env:PAGERDUTY_KEY")
    return text


def _referred_url(value: Any, where: str) -> str:
    text = _secret(value, where) if isinstance(value, str) else ""
    return text if is_reference(text) else _url(value, where)


def _url(value: Any, where: str) -> str:
    parts = urlsplit(value) if isinstance(value, str) and not _CONTROLS.search(value) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise InputError(f"{value!r:.200} is no address", where=where, hint="write https://…")
    return str(value)


def _severity(value: Any, where: str) -> str:
    if value not in SEVERITIES:
        raise InputError(f"{value!r:.60} is no severity", where=where, hint=", ".join(SEVERITIES))
    return str(value)


def _clock(value: Any, where: str) -> time:
    try:
        return time.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{value!r:.60} is no time of day", where=where, hint='write "22:00", in quotes'
        ) from error


def _duration(value: Any, where: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", value) if isinstance(value, str) else None
    if found is None:
        raise InputError(f"{value!r:.60} is no duration", where=where, hint="write 30m, 4h or 1d")
    return timedelta(**{_DURATIONS[found[2]]: int(found[1])})
