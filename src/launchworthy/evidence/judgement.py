"""What one piece of evidence says about one claim: met, unmet, or neither. Pure.

May import ``contract``, ``stats``, ``quantity`` and the standard library. A claim is met only where a
one-sided bound clears its threshold and unmet only where the other bound shows that it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from launchworthy.contract.claim import Claim, ClaimKind, Direction, Target
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.selection import expiry
from launchworthy.evidence.status import State
from launchworthy.quantity import difference_unit, format_interval, format_number, format_value
from launchworthy.stats import MAX_UNSCORED_SHARE, bound_status, clopper_pearson

__all__ = ["FULL_COUNT", "MAX_UNSCORED_SHARE", "Judgement", "bounds_at", "goal", "judge", "proportion"]

FULL_COUNT = "full count"  # the method of evidence that looked at everything there is
_MOST_COUNTED = 2**53  # a larger count is not a count that a machine made


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A state and its reason; ``enough_data`` is False where more of the same would settle it."""

    state: State
    reason: str
    enough_data: bool = True


def proportion(piece: Evidence) -> tuple[int, int] | None:
    """Successes and n, where the sample says so, its units are independent and it agrees with the value."""
    successes, n = piece.sample.get("successes"), piece.sample.get("n")
    if isinstance(successes, bool) or isinstance(n, bool):
        return None
    if not isinstance(successes, int) or not isinstance(n, int) or not 0 <= successes <= n:
        return None
    if "clusters" in piece.sample or piece.value is None or not 0 < n <= _MOST_COUNTED or n != piece.n:
        return None
    return (successes, n) if math.isclose(piece.value, successes / n, abs_tol=1e-9) else None


def bounds_at(piece: Evidence, *, level: float) -> tuple[float, float] | None:
    """One-sided bounds that each hold at ``level``, or None where the piece cannot give them.

    Bounds at a higher level than asked are kept: they are only more careful. Where the sample allows, exact
    bounds (Clopper-Pearson) are computed from it too, and the more careful of both counts: an approximate
    bound proves no more than its sample does.
    """
    own = (piece.low, piece.high) if piece.low is not None and piece.high is not None else None
    counted = proportion(piece)
    if own is not None and piece.low == piece.value == piece.high:
        if counted is None or piece.method == FULL_COUNT:
            return own  # a full count has no error at any level
        own = None
    if own is not None and piece.confidence < level:
        own = None
    if counted is None:
        return own
    exact = clopper_pearson(counted[0], n=counted[1], level=level)
    if own is None:
        return exact.low, exact.high
    return min(own[0], exact.low), max(own[1], exact.high)


def goal(claim: Claim) -> Target | None:
    """The threshold that bounds must clear; for a delta, the difference that the margin allows."""
    if claim.kind is not ClaimKind.DELTA:
        return claim.target
    direction = Direction.AT_LEAST if claim.target is None else claim.target.direction
    unit = "" if claim.target is None else claim.target.unit
    margin = claim.margin or 0.0
    return Target(
        direction=direction, threshold=-margin if direction is Direction.AT_LEAST else margin, unit=unit
    )


def judge(claim: Claim, piece: Evidence, *, now: datetime) -> Judgement:
    """Judge one valid piece. The state is met, unmet, unproven, or attested for a signature."""
    found = _judge(claim, piece, now=now)
    times = _times(piece, "sealed_looks")
    if times is not None:
        return _of_sealed(found, piece, times)
    worn = _worn(piece)
    return found if worn is None else replace(found, reason=f"{found.reason}; {worn}")


def _judge(claim: Claim, piece: Evidence, *, now: datetime) -> Judgement:
    if claim.kind is ClaimKind.ATTEST:
        return _signed(claim, piece)
    if claim.kind is ClaimKind.NEVER and piece.value is not None and piece.value > 0:
        return _never(claim, piece)
    refusal = _unmeasured(piece)
    if refusal is not None:
        return refusal
    if claim.kind is ClaimKind.NEVER:
        return _never(claim, piece)
    if claim.kind is ClaimKind.HOLDS:
        return _holds(piece)
    if claim.kind is ClaimKind.DRILL and claim.target is None:
        return _drill(piece)
    if claim.kind is ClaimKind.FRESH:
        return _fresh(claim, piece, now=now)
    return _bound(claim, piece)


def _worn(piece: Evidence) -> str | None:
    """What to say of a holdout that was read more often than the contract allows."""
    looks, budget = _times(piece, "holdout_looks"), _times(piece, "holdout_budget")
    if looks is None or budget is None or looks <= budget:
        return None
    return f"the holdout was read {looks:,} times, and its budget is {budget:,}"


def _of_sealed(found: Judgement, piece: Evidence, times: int) -> Judgement:
    """A reading of sealed items, and how many came before it: each release that is tried on the same items
    is another chance to look good, so that past their budget the best proves nothing."""
    releases, budget = _times(piece, "sealed_releases"), _times(piece, "sealed_budget")
    told = f"the sealed part was read {'once' if times == 1 else f'{times:,} times'}"
    if releases and times > 1:
        told += f" by {releases:,} release{'' if releases == 1 else 's'}"
    if budget is None or times <= budget or found.state is State.UNMET:
        return replace(found, reason=f"{found.reason}; {told}")
    return _unproven(f"{told}, and its budget is {budget:,}, so the best reading flatters: {found.reason}")


def _times(piece: Evidence, name: str) -> int | None:
    number = piece.detail.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _signed(claim: Claim, piece: Evidence) -> Judgement:
    note = piece.detail.get("note")
    return Judgement(
        state=State.ATTESTED,
        reason=f"signed by {piece.producer} on {piece.observed_at:%Y-%m-%d}, "
        f"valid until {expiry(claim, piece):%Y-%m-%d}"
        + (f": {note}" if isinstance(note, str) and note else ""),
    )


def _unproven(reason: str, *, enough_data: bool = True) -> Judgement:
    return Judgement(state=State.UNPROVEN, reason=reason, enough_data=enough_data)


def _unmeasured(piece: Evidence) -> Judgement | None:
    why = piece.detail.get("reason")
    if piece.value is None and isinstance(why, str):
        return _unproven(f"could not be measured: {why}")
    tried = piece.tried
    if tried and piece.unscored / tried > MAX_UNSCORED_SHARE:
        share = format_value(piece.unscored / tried, unit="ratio")
        most = format_value(MAX_UNSCORED_SHARE, unit="ratio")
        return _unproven(
            f"could not be measured on {piece.unscored:,} of {tried:,} "
            f"({share}; at most {most} may be missing)"
        )
    return _unproven("could not be measured") if piece.value is None else None


def _never(claim: Claim, piece: Evidence) -> Judgement:
    breaches = piece.value or 0.0
    if breaches < 0:
        return _unproven("it counts fewer than no breaches")
    if breaches > 0:
        noun = "breach" if breaches == 1 else "breaches"
        return Judgement(
            state=State.UNMET, reason=f"{format_number(breaches)} {noun} on {_occasions(piece.n)}"
        )
    if piece.n == 0:
        return _unproven("no occasion yet on which it could have been breached", enough_data=False)
    worst = clopper_pearson(0, n=piece.n, level=claim.confidence).high
    return Judgement(
        state=State.MET,
        reason=f"no breach on {_occasions(piece.n)} (true rate at most {format_value(worst, unit='ratio')})",
    )


def _occasions(n: int) -> str:
    return "1 occasion" if n == 1 else f"{n:,} occasions"


def _holds(piece: Evidence) -> Judgement:
    measured = piece.detail.get("reason")
    tail = f": {measured}" if isinstance(measured, str) and measured else ""
    if piece.value:
        return Judgement(state=State.UNMET, reason=f"its trigger to revisit has fired{tail}")
    return Judgement(state=State.MET, reason=f"its trigger to revisit has not fired{tail}")


def _drill(piece: Evidence) -> Judgement:
    if piece.n == 0:
        return _unproven("not drilled yet", enough_data=False)
    answered = (piece.value or 0.0) * piece.n
    text = f"{format_number(answered)} of {piece.n:,} drills answered as declared"
    return Judgement(state=State.MET if piece.value == 1 else State.UNMET, reason=text)


def _fresh(claim: Claim, piece: Evidence, *, now: datetime) -> Judgement:
    if piece.unit != "ms":
        return _unproven(f"its age is given in {piece.unit or 'plain numbers'}, not in ms")
    if piece.value is not None and piece.value < 0:
        return _unproven("its age is below zero, so its clock is wrong")
    age_ms = (piece.value or 0.0) + max(0.0, (now - piece.observed_at).total_seconds()) * 1_000
    age = f"{format_value(age_ms, unit='ms')} old"
    if claim.target is None:
        return Judgement(state=State.MET, reason=age)
    most = format_value(claim.target.threshold, unit="ms")
    if age_ms <= claim.target.threshold:
        return Judgement(state=State.MET, reason=f"{age}, at most {most} is asked")
    return Judgement(state=State.UNMET, reason=f"{age}, more than {most}")


def _bound(claim: Claim, piece: Evidence) -> Judgement:
    target = goal(claim)
    if target is None:
        return _unproven("the claim has no target to compare with")
    if piece.unit != target.unit:
        return _unproven(
            f"measured in {piece.unit or 'plain numbers'}, the target is in {target.unit or 'plain numbers'}"
        )
    if piece.n == 0:
        return _unproven("measured on nothing (n = 0)", enough_data=False)
    bounds = bounds_at(piece, level=claim.confidence)
    if bounds is None:
        level = format_value(claim.confidence, unit="ratio")
        own = format_value(piece.value, unit=piece.unit)
        return _unproven(f"{own} has no bounds at {level} confidence, so it proves nothing")
    low, high = bounds
    slack = 1e-9 * max(1.0, abs(piece.value or 0.0))  # of rounding, where the bounds meet the value
    if piece.value is None or not low - slack <= piece.value <= high + slack:
        return _unproven("its value lies outside its own bounds, so one of them is wrong")
    unit = difference_unit(piece.unit) if claim.kind is ClaimKind.DELTA else piece.unit
    limit = format_value(target.threshold, unit=unit)
    if piece.method == FULL_COUNT and low == piece.value == high and claim.kind is not ClaimKind.DELTA:
        met = bound_status(low, high, direction=target.direction, threshold=target.threshold)
        counted = format_value(piece.value, unit=piece.unit)
        asked = f"{target.direction.value.replace('_', ' ')} {limit}"
        return Judgement(state=State(met), reason=f"{counted} counted, {asked} asked")
    shown = format_interval(piece.value, low, high, n=piece.n, unit=unit)
    if claim.kind is ClaimKind.DELTA:
        shown = f"difference {shown}"
    state = State(bound_status(low, high, direction=target.direction, threshold=target.threshold))
    if claim.kind is ClaimKind.DELTA and claim.margin is None and 0.0 in (low, high):
        state = State.UNPROVEN  # no margin asks for an improvement, and no difference is none
    if state is State.UNPROVEN:
        return _unproven(
            f"{shown}: the bounds lie on both sides of {limit}, so this cannot tell", enough_data=False
        )
    if target.direction is Direction.AT_LEAST:
        side = "the lower bound reaches" if state is State.MET else "even the upper bound is below"
    else:
        side = "the upper bound stays within" if state is State.MET else "even the lower bound is above"
    return Judgement(state=state, reason=f"{shown}: {side} {limit}")
