"""Whether a test page is answered: incidents that a person opened to see who comes. Pure; times are aware.

May import ``contract``, ``evidence``, ``records`` and this room. A page is answered where somebody else than
who opened it noted, took, gave away or closed it within an hour; the newest page of the claim decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from launchworthy import __version__
from launchworthy.contract import Claim, ClaimKind
from launchworthy.evidence import Evidence
from launchworthy.quantity import format_value
from launchworthy.records.incident import Incident, IncidentEvent, IncidentSource

__all__ = ["PAGES", "Pages", "page_evidence"]

PAGES = ("drill:attest/*",)
"""What test pages prove, as ``contract.claims`` takes it."""

Pages = Callable[[str], Iterable[tuple[Incident, Sequence[IncidentEvent]]]]
"""Incidents of an address, each with its timeline."""

_WITHIN = timedelta(hours=1)
_ANSWERS = ("noted", "assigned", "fixed", "closed")


def page_evidence(claims: Iterable[Claim], pages: Pages, *, now: datetime) -> list[Evidence]:
    """One piece for each claim that a page was sent for lately."""
    found = []
    for claim in claims:
        if claim.kind is not ClaimKind.DRILL or claim.family != "attest":
            continue
        since = now - timedelta(seconds=min(claim.valid_for_s, 1e9))
        sent = [
            each
            for each in pages(claim.address)
            if each[0].source is IncidentSource.PERSON and since < each[0].opened_at <= now
        ]
        if sent:
            found.append(_answered(claim, *max(sent, key=lambda each: each[0].opened_at), now=now))
    return found


def _answered(claim: Claim, one: Incident, events: Sequence[IncidentEvent], *, now: datetime) -> Evidence:
    opener = next((each.by for each in events if each.kind == "opened"), one.opened_by)
    answer = next((each for each in events if each.kind in _ANSWERS and each.by and each.by != opener), None)
    told, value = "", None
    if answer is not None:
        took = answer.at - one.opened_at
        value = float(took <= _WITHIN)
        told = f"{answer.by} answered after {format_value(took.total_seconds() * 1e3, unit='ms')}"
    elif now - one.opened_at > _WITHIN:
        value, told = 0.0, f"nobody but {opener or 'who opened it'} has seen to it within an hour"
    else:
        told = "it was sent less than an hour ago, and nobody has answered yet"
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        value=value,
        low=value,
        high=value,
        confidence=claim.confidence,
        n=0 if value is None else 1,
        unit_of_analysis="page",
        method="test page",
        source=f"incident:{one.id}",
        producer=f"launchworthy.monitor {__version__}",
        observed_at=now,
        # The page itself ages, whenever it is looked at.
        valid_until=one.opened_at + timedelta(seconds=min(claim.valid_for_s, 1e9)),
        detail={"incident": one.id, **({"reason": told} if value is None else {"remark": told})},
    )
