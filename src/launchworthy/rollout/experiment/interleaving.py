"""Two rankings shown as one, and which of them the clicks prefer. Pure; may import ``errors``, ``stats``.

Interleaving compares rankings within one user's one list, where an experiment compares users: it takes far
fewer of them. It says which ranking is preferred, not by how much more is bought or solved.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats import Interval, mcnemar, mean_interval

__all__ = ["Interleaved", "Preference", "balanced", "credit_balanced", "preference", "team_draft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleaved:
    """One list for the user, and whose each entry is.

    Attributes:
        shown: Documents in order, none twice.
        teams: For each, ``baseline`` or ``candidate``; by balanced interleaving, whose turn it was.
    """

    shown: tuple[Hashable, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What clicks say over many lists.

    Attributes:
        wins, losses, ties: Lists in which the candidate got more clicks, fewer, or as many.
        difference: (wins − losses) / lists, with bounds; users are the independent units.
        p_value: Exact sign test of lists that were not tied; it takes lists for independent.
    """

    wins: int
    losses: int
    ties: int
    difference: Interval
    p_value: float


def team_draft(
    baseline: Sequence[Hashable], *, candidate: Sequence[Hashable], length: int, rng: random.Random
) -> Interleaved:
    """Mix two rankings as captains pick teams: in each round a coin says who picks first.

    A click belongs to the team of its document.

    Raises:
        InputError: A length below 1.

    Source: Radlinski, Kurup and Joachims, CIKM (2008).
    """
    if length < 1:
        raise InputError(f"a list of {length} documents is none")
    sides = {"baseline": baseline, "candidate": candidate}
    shown: list[Hashable] = []
    teams: list[str] = []
    counts = dict.fromkeys(sides, 0)
    while len(shown) < length:
        first, second = counts["baseline"], counts["candidate"]
        turn = "baseline" if first < second or (first == second and rng.random() < 0.5) else "candidate"
        pick = _next(sides[turn], shown)
        if pick is None:
            turn = "candidate" if turn == "baseline" else "baseline"
            pick = _next(sides[turn], shown)
            if pick is None:
                break
        shown.append(pick[0])
        teams.append(turn)
        counts[turn] += 1
    return Interleaved(shown=tuple(shown), teams=tuple(teams))


def balanced(
    baseline: Sequence[Hashable], *, candidate: Sequence[Hashable], length: int, rng: random.Random
) -> Interleaved:
    """Mix two rankings so that each prefix holds about as many of the best of either; a coin says who begins.

    Clicks are credited by :func:`credit_balanced`, since one document may stand in both rankings.

    Raises:
        InputError: A length below 1.

    Source: Joachims, Evaluating Retrieval Performance using Clickthrough Data (2003).
    """
    if length < 1:
        raise InputError(f"a list of {length} documents is none")
    at = {"baseline": 0, "candidate": 0}
    sides = {"baseline": baseline, "candidate": candidate}
    first = "baseline" if rng.random() < 0.5 else "candidate"
    second = "candidate" if first == "baseline" else "baseline"
    shown: list[Hashable] = []
    teams: list[str] = []
    while len(shown) < length:
        turn = first if at[first] <= at[second] else second
        if at[turn] >= len(sides[turn]):
            turn = second if turn == first else first
            if at[turn] >= len(sides[turn]):
                break
        document = sides[turn][at[turn]]
        at[turn] += 1
        if document not in shown:
            shown.append(document)
            teams.append(turn)
    return Interleaved(shown=tuple(shown), teams=tuple(teams))


def credit_balanced(
    baseline: Sequence[Hashable],
    *,
    candidate: Sequence[Hashable],
    shown: Sequence[Hashable],
    clicked: Collection[Hashable],
) -> int:
    """Clicks of the candidate minus those of the baseline, among the top documents from which the list came.

    Raises:
        InputError: The lowest click is in neither ranking.

    Source: Joachims (2003), section 4: the top k, k being where the first of both has the lowest click.
    """
    hits = [at for at, document in enumerate(shown) if document in clicked]
    if not hits:
        return 0
    seen = shown[: hits[-1] + 1]
    lowest = seen[-1]
    places = [list(side).index(lowest) + 1 for side in (baseline, candidate) if lowest in side]
    if not places:
        raise InputError(f"{lowest!r:.60} was shown and stands in neither ranking")
    k = min(places)
    counts = [sum(document in clicked for document in side[:k]) for side in (baseline, candidate)]
    return counts[1] - counts[0]


def preference(
    gains: Sequence[float], *, users: Sequence[Hashable] | None = None, level: float = 0.95
) -> Preference:
    """Which ranking is preferred, from each list's clicks of the candidate minus those of the baseline.

    Raises:
        InputError: No lists.

    Source: Chapelle, Joachims, Radlinski and Yue, ACM TOIS 30 (2012), ∆AB; bounds over users.
    """
    signs = [math.copysign(1.0, credit) if credit else 0.0 for credit in gains]
    wins, losses = signs.count(1.0), signs.count(-1.0)
    return Preference(
        wins=wins,
        losses=losses,
        ties=len(signs) - wins - losses,
        difference=mean_interval(signs, level=level, clusters=users, bounds=(-1.0, 1.0)),
        p_value=mcnemar(gained=wins, lost=losses),
    )


def _next(side: Sequence[Hashable], shown: list[Hashable]) -> tuple[Hashable] | None:
    return next(((document,) for document in side if document not in shown), None)
