"""Readings of what a gold set keeps back: the holdout's one by one, the sealed items' by release.

May import ``evidence``, ``gold`` and this room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from launchworthy.console.words import Link, count, moment, page_url
from launchworthy.evidence import ClaimStatus
from launchworthy.gold import SEALED, GoldVersion, Look

__all__ = ["LookRow", "SealedRow", "budget_of", "look_row", "sealed_rows", "sealed_said"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One reading of what is kept back."""

    at: str
    by: str
    purpose: str
    run: Link
    version: str
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """How often the sealed split was read for one release."""

    release: str
    times: str
    last: str
    once: bool


def budget_of(statuses: Iterable[ClaimStatus], *, metric: str) -> int | None:
    """Readings that the contract allows (``looks`` or ``sealed_looks``); None where it names no number."""
    for status in statuses:
        if status.claim.metric == metric and status.claim.target is not None:
            return int(status.claim.target.threshold)
    return None


def look_row(look: Look, spent: Sequence[Look]) -> LookRow:
    run = look.purpose.rpartition(" ")[2] if look.purpose.startswith(("run ", "console run ")) else ""
    return LookRow(
        at=moment(look.at),
        by=look.by,
        purpose=look.purpose,
        run=Link(text=look.purpose, url=page_url("runs", run)) if run else Link(text=""),
        version=look.version,
        counts=look in spent,
    )


def sealed_rows(looks: Sequence[Look]) -> Iterable[SealedRow]:
    times = Counter(look.release or "" for look in looks)
    for release, number in times.items():
        yield SealedRow(
            release=release or "every release",
            times=count(number, "time"),
            last=moment(max(look.at for look in looks if (look.release or "") == release)),
            once=number == 1 and (times[""] == 0 or not release),
        )


def sealed_said(version: GoldVersion, looks: Sequence[Look], *, budget: int | None) -> str:
    """What is sealed, and how often it was read by all releases."""
    number = version.splits.get(SEALED, 0)
    if not number:
        return "No item is sealed. Write sealed: 20 % in the contract to keep some for the launch gate alone."
    kept = f"{count(number, 'item')} that only the launch gate reads, once for each release"
    if not looks:
        return f"{kept}. Nobody has read them."
    releases = len({look.release for look in looks if look.release is not None})
    told = f"{kept}. The sealed part was read {count(len(looks), 'time')} by {count(releases, 'release')}"
    if budget is None:
        return f"{told}."
    if len(looks) > budget:
        return f"{told}, and its budget is {budget:,}: replace its items by new ones."
    return f"{told}; its budget is {budget:,}."
