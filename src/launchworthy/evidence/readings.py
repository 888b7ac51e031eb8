"""Of several readings of the same items by one release, which may decide. Pure; times are aware.

May import ``contract`` and this room. Who measures until it suits has measured nothing: of sealed items the
first complete reading decides, and readings of a holdout that say the opposite of each other decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from launchworthy.contract.claim import Claim, ClaimKind
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT, MAX_UNSCORED_SHARE, Judgement
from launchworthy.evidence.selection import expiry, speaks_for
from launchworthy.evidence.status import State

__all__ = ["Judged", "first_readings", "is_sealed", "opposite_readings"]

Judged = tuple[Evidence, Judgement]


def is_sealed(piece: Evidence) -> bool:
    """Whether the launch gate measured it, on items that nobody has seen."""
    return piece.detail.get("split") == "sealed"


def first_readings(
    claim: Claim, judged: Sequence[Judged], *, expired: Iterable[Evidence]
) -> tuple[list[Judged], list[Evidence]]:
    """Readings of sealed items that may decide, newest first, and later ones of the same that may not.

    One of each release, sealed items and version of the judge: the first that was complete; where none was,
    the newest. A reading may decide again once the one before it has ``expired``.

    Args:
        claim: What they speak for.
        judged: Valid pieces, newest first.
        expired: Pieces of the claim that do not count any more.
    """
    sealed = [pair for pair in judged if is_sealed(pair[0])]
    gone = [piece for piece in expired if is_sealed(piece) and speaks_for(claim, piece)]
    deciding: list[Judged] = []
    later: list[Evidence] = []
    for key in dict.fromkeys(_same(piece) for piece, _ in sealed):
        own = [pair for pair in sealed if _same(pair[0]) == key]
        first = _holders(claim, [*(piece for piece, _ in own), *(x for x in gone if _same(x) == key)])
        chosen = [pair for pair in own if any(pair[0] is piece for piece in first)]
        deciding += chosen or ([] if first else own[:1])
        later += [piece for piece, _ in own if all(piece is not other for other in first)] if first else []
    deciding.sort(key=lambda pair: pair[0].observed_at, reverse=True)
    return deciding, later


def _holders(claim: Claim, pieces: Iterable[Evidence]) -> list[Evidence]:
    """The complete readings that no earlier one, still valid at the time, had come before."""
    found: list[Evidence] = []
    for piece in sorted((x for x in pieces if _complete(x)), key=lambda piece: piece.observed_at):
        held = found[-1] if found else None
        if held is None or piece.observed_at == held.observed_at or piece.observed_at >= expiry(claim, held):
            found.append(piece)
    return found


def opposite_readings(claim: Claim, decider: Evidence, judged: Iterable[Judged]) -> list[Judged]:
    """Every run's newest reading of what ``decider`` has read, if some show it met and others unmet."""
    if claim.kind not in (ClaimKind.BOUND, ClaimKind.DELTA) or decider.gold is None:
        return []
    if decider.method == FULL_COUNT or is_sealed(decider):
        return []
    newest: dict[str, Judged] = {}
    for piece, judgement in judged:
        if _same(piece) == _same(decider) and not is_sealed(piece):
            newest.setdefault(piece.source, (piece, judgement))
    settled = [pair for pair in newest.values() if pair[1].state in (State.MET, State.UNMET)]
    return settled if len({judgement.state for _, judgement in settled}) > 1 else []


def _same(piece: Evidence) -> tuple[Any, ...]:
    """What two pieces share that measured the same thing: only chance tells them apart."""
    told = piece.detail
    gold = piece.gold
    if is_sealed(piece) and gold is not None:
        # An edited set whose sealed items are the old ones is no new set to its gate.
        gold = f"{gold.partition('@')[0]}@{told.get('sealed_lineage') or gold.partition('@')[2]}"
    return piece.release, gold, piece.slice, told.get("baseline_release"), told.get("judge_version")


def _complete(piece: Evidence) -> bool:
    few = piece.unscored <= MAX_UNSCORED_SHARE * piece.tried
    return piece.value is not None and piece.n > 0 and few
