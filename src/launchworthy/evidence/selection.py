"""Which pieces of evidence count for a claim, and why the others do not. Pure; times are aware.

May import ``contract``, ``records``, ``quantity`` and the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from launchworthy.contract.claim import Claim, ClaimKind
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.terms import DeclaredJudge
from launchworthy.records import Release

__all__ = ["CLOCK_SKEW", "Selection", "expiry", "select", "speaks_for", "stale_judge"]

CLOCK_SKEW = timedelta(minutes=5)  # machines that measure and the one that judges disagree by seconds
_PARTS = {"policy": "label policy"}  # what people call a part of a judge, where that is another word


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Evidence of one claim: ``valid`` pieces, newest first, and ``ignored`` ones, newest first, each with
    the reason; ``judges`` are what the contract in force has its judge be."""

    valid: tuple[Evidence, ...]
    ignored: tuple[tuple[Evidence, str], ...]
    judges: tuple[DeclaredJudge, ...] = ()


def expiry(claim: Claim, piece: Evidence) -> datetime:
    """When a piece stops counting: its own date, or the claim's validity, whichever comes first."""
    own = _latest_safely(piece.observed_at, claim.valid_for_s)
    return own if piece.valid_until is None else min(own, piece.valid_until)


def _latest_safely(start: datetime, seconds: float) -> datetime:
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)


def _moment(piece: Evidence) -> datetime:
    return piece.observed_at


def speaks_for(claim: Claim, piece: Evidence) -> bool:
    """Whether a piece measures what the claim is about, whether or not it counts now."""
    same_slice = piece.slice is not None if claim.slice == "*" else piece.slice == claim.slice
    return piece.claim == claim.address and piece.kind == claim.kind and same_slice


def select(
    claim: Claim,
    evidence: Iterable[Evidence],
    *,
    release: str | None,
    now: datetime,
    releases: Mapping[str, Release],
    owners: Mapping[str, str],
    judges: Sequence[DeclaredJudge] = (),
) -> Selection:
    """Sort the pieces of this claim into those that count now and those that do not.

    The order of ``evidence`` does not matter: pieces of the same moment are ordered by their address.
    """
    own: list[Evidence] = []
    moments = sorted((x for x in evidence if x.claim == claim.address), key=_moment, reverse=True)
    for _, same in groupby(moments, key=_moment):
        several = list(same)
        own += several if len(several) == 1 else sorted(several, key=lambda piece: piece.id)
    valid: list[Evidence] = []
    ignored: list[tuple[Evidence, str]] = []
    for piece in own:
        reason = (
            _foreign_signature(claim, piece, owners=owners)
            or _objection(claim, piece, release=release, now=now, releases=releases)
            or stale_judge(piece, judges)
        )
        if reason is None:
            valid.append(piece)
        else:
            ignored.append((piece, reason))
    return Selection(valid=tuple(valid), ignored=tuple(ignored), judges=tuple(judges))


def stale_judge(piece: Evidence, judges: Sequence[DeclaredJudge]) -> str | None:
    """Why the judge of a piece is not the one that the contract has now; None where it is, or names none."""
    calibrated = piece.detail.get("judge")
    if isinstance(calibrated, Mapping):
        version, parts = calibrated.get("version"), calibrated.get("parts")
    else:
        version, parts = piece.detail.get("judge_version"), piece.detail.get("judge_parts")
    if not judges or not isinstance(version, str):
        return None
    known = parts if isinstance(parts, Mapping) else None
    apart = [judge.differences(version, known) for judge in judges]
    if [] in apart:
        return None
    for judge in judges:
        if judge.trouble:
            return f"what its judge is now cannot be told: {judge.trouble}"
    changed = " and ".join(_PARTS.get(name, name) for name in min(apart, key=len))
    return f"graded by another version of the judge, {version}" + (
        f": {changed} changed since" if known is not None else ""
    )


def _foreign_signature(claim: Claim, piece: Evidence, *, owners: Mapping[str, str]) -> str | None:
    if claim.kind is not ClaimKind.ATTEST:
        return None
    if not piece.producer.strip():
        return "it names nobody who signed it"
    owner = owners.get(str(claim.options.get("by")))
    return None if owner in (None, piece.producer) else f"signed by {piece.producer}, while {owner} owns it"


def _objection(
    claim: Claim, piece: Evidence, *, release: str | None, now: datetime, releases: Mapping[str, Release]
) -> str | None:
    if piece.kind != claim.kind:
        return f"it is of kind {piece.kind}, the claim of kind {claim.kind}"
    if claim.slice == "*":
        if piece.slice is None:
            return "it does not say which slice it was measured on"
    elif piece.slice != claim.slice:
        return f"measured on {_slice(piece.slice)}, the claim is about {_slice(claim.slice)}"
    if piece.observed_at - now > CLOCK_SKEW:
        return f"dated in the future, {_day(piece.observed_at)}"
    if piece.release is not None and piece.release != release:
        return _other_release(piece.release, release=release, releases=releases)
    end = expiry(claim, piece)
    if end <= now:
        word = "signature expired" if claim.kind is ClaimKind.ATTEST else "expired"
        return f"{word} on {_day(end)}"
    return None


def _other_release(measured: str, *, release: str | None, releases: Mapping[str, Release]) -> str:
    if release is None:
        return f"measured on release {measured}, and no release is named to judge"
    text = f"measured on another release, {measured}"
    if measured in releases and release in releases:
        parts = releases[release].differing_parts(releases[measured])
        return f"{text}; differing parts: {', '.join(parts)}"
    return text


def _slice(name: str | None) -> str:
    return "all items" if name is None else f"slice {name}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
