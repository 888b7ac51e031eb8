"""What would settle an unproven claim: how much more of what, at what odds, in how many days. Pure.

May import ``contract``, ``stats``, ``quantity`` and the standard library. A plan assumes that the rate
seen so far is the true one, and says so by its odds; where there is nothing to go on it says nothing.
Evidence that does not count adds no items: what it takes is planned from nothing, at its rate only where
its sample agrees with its value and the rate is on the good side of the target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist
from typing import Any

from launchworthy.contract.claim import Claim, ClaimKind, Direction, Target
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.judgement import bounds_at, goal, proportion
from launchworthy.evidence.status import Plan
from launchworthy.stats import items_to_prove, sample_size

__all__ = ["plan_for"]

_ODDS = 0.8  # planned probability that the further data settle the claim
_MOST = 1_000_000_000  # beyond this the answer is "not by counting"
_LEAST_NORMAL = 30  # normal theory says nothing about fewer


def plan_for(claim: Claim, piece: Evidence | None, *, collecting: bool) -> Plan | None:
    """The cheapest way to settle ``claim``.

    Args:
        claim: An unproven claim.
        piece: The piece to learn rates from: the newest that counts, else the newest that counted once.
        collecting: True where ``piece`` counts now, so that new data add to it; False to start anew.
    """
    if claim.kind is ClaimKind.ATTEST:
        owner = claim.options.get("by")
        who = f"{owner} signs" if isinstance(owner, str) else "its owner signs"
        return Plan(what=f"{who} it", needed=1, unit="signature")
    if piece is None and claim.prover is None:
        return Plan(what="add evidence measured elsewhere, or waive it: nothing here measures it")
    if claim.kind is ClaimKind.DRILL:
        return _paced(Plan(what="drill it once", needed=1, unit="drill"), piece)
    if claim.kind is ClaimKind.NEVER:
        return _paced(
            Plan(what="use it, or attack it, so that there is an occasion", needed=1, unit="call"), piece
        )
    target = goal(claim)
    if target is None or claim.kind in (ClaimKind.HOLDS, ClaimKind.FRESH):
        return Plan(what="measure it again")
    more, odds, flawless = _further(claim, target, piece, collecting=collecting)
    if more is None:
        return Plan(what=_HOPELESS if odds == 0 else "measure it" if piece is None else "measure it again")
    unit = "item" if piece is None else piece.unit_of_analysis
    word = "further " if piece is not None and collecting and piece.n else ""
    again = "" if piece is None or collecting else " anew"
    plan = Plan(
        what=f"measure {more:,} {word}{unit if more == 1 else unit + 's'}{again}"
        + (", enough if each is flawless" if flawless else ""),
        needed=more,
        unit=unit,
        odds=odds,
        labels=more if _needs_people(claim, piece, unit) else None,
    )
    return _paced(plan, piece)


def _needs_people(claim: Claim, piece: Evidence | None, unit: str) -> bool:
    """Whether somebody must say what is right about each further unit: a gold item, or what a judge sees."""
    of_gold = piece is not None and piece.gold is not None
    return bool(of_gold or claim.options.get("judge") or unit == "label")


_HOPELESS = "change the product first: at the rate seen, more data would show it unmet"


def _further(
    claim: Claim, target: Target, piece: Evidence | None, *, collecting: bool
) -> tuple[int | None, float | None, bool]:
    """Units still needed, the odds that they settle it as met, and whether each must be flawless.

    The odds are 0 where what was seen points to unmet, and the count then None.
    """
    if piece is not None and not collecting:
        return _anew(claim, target, piece)
    counted = None if piece is None else _as_share(piece, target)
    if piece is None or counted is not None:
        if not 0 < (share := _share_threshold(piece, target)) < 1 or (
            piece is None and target.unit != "ratio"
        ):
            return None, None, False
        seen, n = counted or (0, 0)
        direction = _share_direction(piece, target)
        needed = items_to_prove(
            seen, n=n, threshold=share, direction=direction, level=claim.confidence, odds=_ODDS
        )
        if needed.settles == "unmet":
            return None, 0.0, False
        flawless = n == 0 or seen == (n if direction is Direction.AT_LEAST else 0)
        more, odds = (
            (needed.flawless, needed.flawless_odds if n else None)
            if flawless
            else (needed.steady, needed.steady_odds)
        )
        return (None if more is None else max(1, more)), odds, flawless
    total, odds = _by_width(claim, target, piece)
    return (None if total is None else max(1, total - piece.n)), odds, False


def _anew(claim: Claim, target: Target, piece: Evidence) -> tuple[int | None, float | None, bool]:
    """As ``_further``, from nothing; never hopeless, since what did not count decides nothing."""
    counted = _as_share(piece, target) if piece.unit == target.unit else None
    if counted is None and _agrees(piece) and piece.unit == target.unit:
        total, odds = _by_width(claim, target, piece)
        if total is not None:
            return max(_LEAST_NORMAL, total), odds, False
    share = _share_threshold(piece, target)
    is_share = target.unit == "ratio" or counted is not None
    if claim.kind is ClaimKind.DELTA or not is_share or not 0 < share < 1:
        return None, None, False
    direction = _share_direction(piece, target)
    seen, n = counted or (0, 0)
    if 0 < seen < n:
        steady = sample_size(
            rate=seen / n, threshold=share, direction=direction, level=claim.confidence, odds=_ODDS
        )
        if steady is not None:
            return steady, _ODDS, False
    return (
        items_to_prove(threshold=share, direction=direction, level=claim.confidence).flawless,
        None,
        True,
    )


def _agrees(piece: Evidence) -> bool:
    """Whether the sample of a piece is there, of its size, and says no other value than the piece."""
    sample, value = piece.sample, piece.value
    if value is None or sample.get("n") != piece.n or piece.disagreement:
        return False
    if "successes" in sample and "clusters" not in sample and proportion(piece) is None:
        return False
    mean = sample.get("mean", value)
    known = isinstance(mean, (int, float)) and math.isclose(mean, value, rel_tol=1e-6, abs_tol=1e-9)
    return known and piece.low is not None and piece.high is not None and piece.low < value < piece.high


def _as_share(piece: Evidence, target: Target) -> tuple[int, int] | None:
    """A piece as counts: a proportion as it is, a quantile as how many lie beyond the threshold.

    The sample of a quantile holds ``points``, a list of [share, value at that quantile], ascending.
    """
    quantile, points, n = (piece.sample.get(name) for name in ("quantile", "points", "n"))
    if quantile is None:
        return proportion(piece)
    if not isinstance(points, list) or isinstance(n, bool) or not isinstance(n, int) or n < 1:
        return None
    within = 0.0
    for point in points:
        if (
            not isinstance(point, list)
            or len(point) != 2
            or not all(isinstance(x, (int, float)) for x in point)
        ):
            return None
        if 0 <= point[0] <= 1 and point[1] <= target.threshold:
            within = max(within, point[0])
    return round((1.0 - within) * n), n


def _share_threshold(piece: Evidence | None, target: Target) -> float:
    quantile = None if piece is None else piece.sample.get("quantile")
    if isinstance(quantile, (int, float)) and not isinstance(quantile, bool):
        return 1.0 - quantile
    return target.threshold


def _share_direction(piece: Evidence | None, target: Target) -> Direction:
    """A quantile is planned by the share beyond its threshold, of which there may be few."""
    return Direction.AT_MOST if piece is not None and "quantile" in piece.sample else target.direction


def _by_width(claim: Claim, target: Target, piece: Evidence) -> tuple[int | None, float | None]:
    """Units in all after which a bound of today's spread clears the threshold, odds 0.8 (normal theory)."""
    bounds = bounds_at(piece, level=claim.confidence)
    if piece.value is None or bounds is None or not all(map(math.isfinite, bounds)) or piece.n < 2:
        return None, None
    sign = 1.0 if target.direction is Direction.AT_LEAST else -1.0
    gap = sign * (piece.value - target.threshold)
    if gap <= 0:
        return None, 0.0
    level = max(claim.confidence, piece.confidence)
    z = NormalDist().inv_cdf(level)
    error = (bounds[1] - bounds[0]) / 2 / z
    total = piece.n * ((z + NormalDist().inv_cdf(_ODDS)) * error / gap) ** 2
    if total > _MOST:
        return None, None
    return math.ceil(total), _ODDS


def _paced(plan: Plan, piece: Evidence | None) -> Plan:
    """Add days and cost, where the evidence says what a day brings and what one unit costs."""
    if piece is None or plan.needed is None:
        return plan
    per_day, each = _positive(piece.detail, "per_day"), _positive(piece.detail, "cost_usd_each")
    days, cost = (None if per_day is None else plan.needed / per_day), (each and plan.needed * each)
    return replace(
        plan,
        days=days if days is not None and math.isfinite(days) else None,
        cost_usd=cost if cost is not None and math.isfinite(cost) else None,
    )


def _positive(detail: Mapping[str, Any], name: str) -> float | None:
    value = detail.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < math.inf else None
