"""Which measurements are worth a line in the ledger. Pure; times are aware.

May import every room below ``server``. Records are looked at every minute, and most of the time they say
what they said before: then nothing is appended until the evidence has used up a quarter of its life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import judge

__all__ = ["AT_ONCE", "HOURLY", "what_is_new"]

AT_ONCE = timedelta(0)  # where a person asks
HOURLY = timedelta(hours=1)  # how often a number that moves, but not across its threshold, is written down
_SAME = ("value", "low", "high", "confidence", "n", "unit", "method", "gold", "unscored", "simulated")
_ROUNDING_MS = 1e3
_Key = tuple[str, str | None, str | None]


def what_is_new(
    pieces: Iterable[Evidence],
    *,
    held: Iterable[Evidence],
    claims: Mapping[str, Claim],
    often: timedelta = HOURLY,
) -> list[Evidence]:
    """Pieces that say something else than the newest held one of the same claim, release and slice.

    A piece is new if there is none yet, if the held one has used up a quarter of its life, or if it says
    something else: at once where that changes the state of the claim, else once in a while.

    Args:
        pieces: What was measured now.
        held: What the ledger holds.
        claims: Claims by address; the others are passed over.
        often: How long a number stands that moves within its state.
    """
    newest: dict[_Key, Evidence] = {}
    for piece in held:
        key = _key(piece)
        if key not in newest or newest[key].observed_at <= piece.observed_at:
            newest[key] = piece
    found = []
    for piece in pieces:
        claim, last = claims.get(piece.claim), newest.get(_key(piece))
        if claim is not None and (last is None or _is_new(piece, last, claim, often)):
            found.append(piece)
            newest[_key(piece)] = piece
    return found


def _looks_less(piece: Evidence, last: Evidence) -> bool:
    """A sample that finds nothing does not answer a wider look that found something."""
    return "sampled" in piece.detail and not piece.value and bool(last.value) and piece.n < last.n


def _only_older(piece: Evidence, last: Evidence, claim: Claim) -> bool:
    """An age that grew by the time that passed says nothing new."""
    if claim.kind is not ClaimKind.FRESH or piece.value is None or last.value is None:
        return False
    passed_ms = (piece.observed_at - last.observed_at).total_seconds() * 1e3
    return abs(piece.value - last.value - passed_ms) < _ROUNDING_MS


def _key(piece: Evidence) -> _Key:
    return piece.claim, piece.release, piece.slice


def _is_new(piece: Evidence, last: Evidence, claim: Claim, often: timedelta) -> bool:
    age = piece.observed_at - last.observed_at
    life = timedelta(seconds=min(claim.valid_for_s, 1e10))
    if last.valid_until is not None:
        life = min(life, last.valid_until - last.observed_at)
    if _looks_less(piece, last) and age < life:
        return False
    if age >= life / 4:
        return True
    if all(getattr(piece, name) == getattr(last, name) for name in _SAME):
        return False
    now = piece.observed_at
    if _only_older(piece, last, claim):
        often = timedelta.max
    return age >= often or judge(claim, piece, now=now).state is not judge(claim, last, now=now).state
