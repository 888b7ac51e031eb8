"""Who calls, for whom, in which workflow: read from the key and from headers that only trusted keys may send.

May import ``runtime`` and this room. A header of ours that a key may not send is refused and not ignored: a
client that names a user must not be answered as if it had named nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from launchworthy.gateway.keys import GatewayKey
from launchworthy.gateway.refusing import Refused
from launchworthy.runtime.faults import Faults

__all__ = ["Caller", "caller_of"]

_OURS = "x-launchworthy-"
_OPEN = ("workflow", "session")
_TRUSTED = ("user", "roles", "scopes", "release", "simulated", "fault")
_ALL, _ONCE = "models", "once"
_LONGEST = 512
_NAME = re.compile(r"[\w.:@/+=,;|-]+( [\w.:@/+=,;|-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls.

    Attributes:
        key: Key of the client.
        user: Whom it serves, as the client names them; empty where it does not.
        session: Conversation.
        roles: Of that user.
        scopes: Scope → whose rows the user may reach.
        workflow: Workflow that was asked for; empty where none was.
        release: Release or arm that a tester asked for.
        simulated: Whether no real user asks.
        traceparent: Of the trace that the client is in.
        fault: What a drill makes fail in this call; None outside one.
    """

    key: GatewayKey
    user: str = ""
    session: str = ""
    roles: tuple[str, ...] = ()
    scopes: dict[str, str] = field(default_factory=dict)
    workflow: str = ""
    release: str = ""
    simulated: bool = False
    traceparent: str = ""
    fault: Faults | None = None


def caller_of(headers: Iterable[tuple[str, str]], key: GatewayKey) -> Caller:
    """Read the headers of one request.

    Raises:
        Refused: A header of ours is not known, sent twice, not allowed to this key, or not a name.
    """
    found: dict[str, str] = {}
    traceparent = ""
    for name, value in headers:
        lower = name.lower().replace("_", "-")
        if lower == "traceparent" and key.trusted:
            traceparent = value
        if not lower.startswith(_OURS):
            continue
        said = lower.removeprefix(_OURS)
        if name.lower() != lower or (said not in _OPEN and said not in _TRUSTED):
            raise Refused(
                400,
                "unknown_header",
                f"the header {name[:80]!r} is not known",
                param=name[:80],
                hint=f"there are {', '.join(_OURS + each for each in (*_OPEN, *_TRUSTED))}",
            )
        if said in found:
            raise Refused(400, "repeated_header", f"the header {lower} was sent twice", param=lower)
        if said in _TRUSTED and not key.trusted:
            raise Refused(
                403,
                "untrusted_header",
                f"the key {key.name!r} may not send {lower}",
                param=lower,
                hint="only a key that was made with --trusted may say for whom it calls",
            )
        found[said] = _name(lower, value)
    roles = tuple(filter(None, (each.strip() for each in found.get("roles", "").split(","))))
    return Caller(
        key=key,
        user=found.get("user", ""),
        session=found.get("session", ""),
        roles=roles if "roles" in found else key.roles,
        scopes=_scopes(found.get("scopes", "")),
        workflow=found.get("workflow", ""),
        release=found.get("release", ""),
        simulated=_flag(found.get("simulated", "false")),
        traceparent=traceparent,
        fault=_fault(found) if "fault" in found else None,
    )


def _fault(found: dict[str, str]) -> Faults:
    """``models`` or names of models, which fail in this call; with ``once``, at the first request only."""
    if not _flag(found.get("simulated", "false")):
        raise Refused(
            400,
            "fault_for_users",
            "a fault is for drills, which no real user is part of",
            param=f"{_OURS}fault",
            hint="send x-launchworthy-simulated: true with it",
        )
    words = frozenset(filter(None, (each.strip() for each in found["fault"].split(","))))
    names = words - {_ALL, _ONCE}
    if not words - {_ONCE}:
        raise Refused(
            400,
            "bad_header",
            "it names nothing that fails",
            param=f"{_OURS}fault",
            hint="send models, or names of models",
        )
    return Faults(models=True, only=frozenset() if _ALL in words else names, first=1 if _ONCE in words else 0)


def _name(header: str, value: str) -> str:
    plain = value.strip()
    if len(plain) > _LONGEST or (plain and not _NAME.fullmatch(plain)):
        raise Refused(400, "bad_header", f"the header {header} is no name", param=header)
    return plain


def _scopes(text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise Refused(
                400,
                "bad_header",
                "a scope is not NAME=WHOSE",
                param=f"{_OURS}scopes",
                hint="send x-launchworthy-scopes: own_customer=c-17",
            )
        found[name.strip()] = value.strip()
    return found


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Refused(400, "bad_header", "simulated is true or false", param=f"{_OURS}simulated")
    return text.lower() == "true"
