"""How an incident changes: pure steps, from what is now to what is next and the line of its timeline.

Stands on the ground: ``records`` and ``errors``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from launchworthy.errors import ConflictError, InputError
from launchworthy.records.incident import (
    SEVERITIES,
    Fix,
    Incident,
    IncidentState,
    Opening,
    Verification,
    Was,
    plain_incident,
)

__all__ = [
    "Step",
    "assigned",
    "begun",
    "closed",
    "fixed",
    "heard",
    "joined",
    "noted",
    "reopened",
    "unserved",
    "verified",
]

MOST_TRACES = 5
_TOLD_EVERY = timedelta(hours=1)  # how often a timeline tells that it goes on
_MOST_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is next, and what the timeline says of it; ``kind`` is empty where that is not worth a line."""

    incident: Incident
    kind: str = ""
    by: str = ""
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def begun(opening: Opening, *, product: str, ordinal: int, now: datetime) -> Step:
    """A new incident.

    Args:
        opening: What is said of it.
        product: Whose it is.
        ordinal: How many there were of this key.
        now: This moment.

    Raises:
        InputError: It has no title, no key, or a severity that is none.
    """
    check(opening)
    name = hashlib.sha256(f"{product}\n{opening.key}\n{ordinal}".encode("utf-8", "surrogatepass"))
    first = min(opening.first_at or now, now)
    one = Incident(
        product=product,
        id=f"i-{name.hexdigest()[:12]}",
        key=opening.key,
        state=IncidentState.OPEN,
        source=opening.source,
        address=opening.address,
        title=opening.title[:_MOST_CHARS],
        failure_mode=opening.failure_mode,
        severity=opening.severity,
        owner=opening.owner,
        opened_at=first,
        last_at=max(first, min(opening.last_at or now, now)),
        told_at=now,
        count=1 if opening.count is None else opening.count,
        opened_by=opening.by,
        release=opening.release,
        cohort=opening.cohort,
        traces=opening.traces[:MOST_TRACES],
        facts=dict(opening.facts),
        suspected=opening.suspected,
    )
    return Step(incident=one, kind="opened", by=opening.by, text=one.title, facts=one.facts)


def joined(now_is: Incident, opening: Opening, *, now: datetime) -> Step:
    """It happened again while it is open, or while its fix is watched; told at most once an hour.

    What is worse than before, or told by something else or by a person, is told at once.
    """
    check(opening)
    facts = {**now_is.facts, **opening.facts}
    worse = SEVERITIES.index(opening.severity) > SEVERITIES.index(now_is.severity)
    last = max(now_is.last_at, min(opening.last_at or now, now))
    count = now_is.count + 1 if opening.count is None else max(opening.count, now_is.count)
    grown = opening.count is None or opening.count > now_is.count
    if not grown and not worse and last == now_is.last_at and facts == dict(now_is.facts):
        return Step(incident=now_is)
    other = opening.source is not now_is.source and not opening.facts.keys() <= now_is.facts.keys()
    tells = worse or other or bool(opening.by) or (grown and now - now_is.told_at >= _TOLD_EVERY)
    after = replace(
        now_is,
        severity=opening.severity if worse else now_is.severity,
        title=opening.title[:_MOST_CHARS] if now_is.source is opening.source else now_is.title,
        last_at=last,
        told_at=now if tells else now_is.told_at,
        count=count,
        traces=tuple(dict.fromkeys([*opening.traces, *now_is.traces]))[:MOST_TRACES],
        facts=facts,
    )
    if not tells:
        return Step(incident=after)
    return Step(
        incident=after,
        kind="again",
        by=opening.by,
        text=opening.title[:_MOST_CHARS],
        facts={**opening.facts, "count": count},
    )


def reopened(now_is: Incident, *, text: str, facts: Mapping[str, Any], now: datetime, by: str = "") -> Step:
    """It came back after it was closed, or its fix did not help.

    Raises:
        ConflictError: It is open.
    """
    if now_is.state is IncidentState.OPEN:
        raise ConflictError("it is open", where=now_is.id)
    after = replace(
        now_is,
        state=IncidentState.OPEN,
        acknowledged=False,
        told_at=now,
        closed_at=None,
        closed_by="",
        because="",
        was=None,
        reopened=now_is.reopened + 1,
    )
    return Step(incident=after, kind="reopened", by=by, text=_said(text, "why"), facts=facts)


def unserved(now_is: Incident, *, text: str, now: datetime) -> Step:
    """Its release is served no longer; its state stays as it is.

    Raises:
        ConflictError: It is closed.
    """
    _check_not_closed(now_is)
    after = replace(now_is, facts={**now_is.facts, "not_served": now.isoformat()})
    return Step(incident=after, kind="unserved", text=_said(text, "text"))


def noted(now_is: Incident, *, by: str, text: str) -> Step:
    """Somebody wrote something down; whoever does so has seen it."""
    after = replace(now_is, acknowledged=True)
    return Step(incident=after, kind="noted", by=_said(by, "by"), text=_said(text, "text"))


def assigned(now_is: Incident, *, owner: str, by: str) -> Step:
    """Somebody sees to it.

    Raises:
        ConflictError: It is closed.
    """
    if now_is.state is IncidentState.CLOSED:
        raise ConflictError("it is closed", where=now_is.id, hint="reopen it first")
    owner = _said(owner, "owner")
    after = replace(now_is, owner=owner, acknowledged=True)
    return Step(incident=after, kind="assigned", by=_said(by, "by"), text=owner)


def heard(now_is: Incident, *, text: str, now: datetime) -> Step:
    """What was silent is heard again: nothing is left to do."""
    _check_not_closed(now_is)
    after = replace(now_is, state=IncidentState.CLOSED, closed_at=now, because=_said(text, "text"))
    return Step(incident=after, kind="closed", text=text)


def closed(now_is: Incident, *, was: Was, by: str, because: str, now: datetime) -> Step:
    """It ends without a fix: the alert was noise, or nobody can tell.

    Raises:
        InputError: It was real, which needs a fix.
        ConflictError: It is closed.
    """
    if was is Was.REAL:
        raise InputError(
            "a real failure is closed by what cured it",
            where="mechanism",
            hint="say which part was changed: prompt, retrieval, tool, policy, data or model",
        )
    _check_not_closed(now_is)
    after = replace(
        now_is,
        state=IncidentState.CLOSED,
        was=was,
        closed_at=now,
        closed_by=_said(by, "by"),
        because=_said(because, "because"),
        acknowledged=True,
    )
    return Step(incident=after, kind="closed", by=by, text=because, facts={"was": was.value})


def fixed(now_is: Incident, fix: Fix, *, was: Was) -> Step:
    """A fix was made: it is watched until the fix is shown to help.

    Raises:
        InputError: An alert that was noise has nothing to fix.
        ConflictError: It is closed.
    """
    if was is Was.NOISE:
        raise InputError("noise has nothing to cure", where="mechanism", hint="leave the mechanism out")
    _check_not_closed(now_is)
    after = replace(
        now_is,
        state=IncidentState.WATCHED,
        was=was,
        fix=replace(fix, by=_said(fix.by, "by"), because=_said(fix.because, "because")),
        verification=None,
        closed_at=fix.at,
        closed_by=fix.by,
        because=fix.because,
        acknowledged=True,
    )
    facts = {
        "was": was.value,
        "mechanism": fix.mechanism.value,
        "gold_items": list(fix.gold_items),
        "release": fix.release,
    }
    return Step(incident=after, kind="fixed", by=fix.by, text=fix.because, facts=facts)


def verified(now_is: Incident, found: Verification) -> Step:
    """What was computed of a watched fix: proven, it closes; come back, it opens; else it is watched on.

    Of an incident that is closed with a proven fix only that it came back changes anything.
    """
    if now_is.fix is None or now_is.state is IncidentState.OPEN:
        return Step(incident=now_is)
    facts = plain_incident(found)
    if found.returned:
        told = next((proof.reason for proof in found.proofs if proof.reason), "the rate is back")
        step = reopened(now_is, text=told, facts=facts, now=found.at)
        return replace(step, incident=replace(step.incident, verification=found))
    if now_is.state is IncidentState.CLOSED:
        return Step(incident=replace(now_is, checked_at=found.at))
    after = replace(now_is, verification=found, checked_at=found.at)
    if not found.verified:
        return Step(incident=after)
    after = replace(after, state=IncidentState.CLOSED, closed_at=found.at)
    return Step(incident=after, kind="verified", text="the rate is shown to have fallen", facts=facts)


def check(opening: Opening) -> None:
    """Refuse what names nothing.

    Raises:
        InputError: It has no title, no key, or a severity that is none.
    """
    _said(opening.title, "title")
    _said(opening.key, "key")
    if opening.severity not in SEVERITIES:
        raise InputError(
            f"{opening.severity!r:.60} is no severity", where="severity", hint=", ".join(SEVERITIES)
        )


def _check_not_closed(now_is: Incident) -> None:
    if now_is.state is IncidentState.CLOSED:
        raise ConflictError(
            "it is closed already", where=now_is.id, hint="`launchworthy incidents reopen` opens it again"
        )


def _said(text: str, where: str) -> str:
    if not text.strip():
        raise InputError(f"{where} is empty", where=where)
    return text.strip()[:_MOST_CHARS]
