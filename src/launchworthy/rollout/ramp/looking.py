"""Planned looks of a ramp: once a stage has lasted, is every harm within its margin? Pure; may import
``contract``, ``evidence``, ``quantity``, ``stats`` and this room.

Each stage that compares ends in a look, and has another whenever it has lasted as long again. How much of
the error a look may spend is told by the calendar: with as many users each day, shares and durations say what
part of the information that the plan brings is in. How the looks hang together is told by the information
that did come, 1/SE² (Lan and DeMets, Biometrics 45, 1989). The looks have what the bounds that always hold
leave of the error of a claim, so that a release at the margin goes on with that error at most, however often
anybody looks. All harms must be within their margins, which takes no correction; where any one is proven,
they share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchworthy.contract import Direction
from launchworthy.evidence import ClaimStatus
from launchworthy.quantity import difference_unit, format_value
from launchworthy.rollout.ramp.ramp import Action, Ramp
from launchworthy.stats import look_bounds

__all__ = ["SPENDING", "Look", "look_at", "look_due", "planned_fraction"]

SPENDING = "pocock"  # each stage has to be passed, and the bounds of O'Brien and Fleming pass no early one


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One planned look, as a step keeps it.

    Attributes:
        number: From 1.
        planned: How many are planned.
        fraction: What part of the planned information is in, by the calendar.
        harms: Of each claim about harm: its numbers at this look, and whether it is shown to be within.
    """

    number: int
    planned: int
    fraction: float
    harms: tuple[dict[str, Any], ...]

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "look": self.number,
            "planned": self.planned,
            "fraction": self.fraction,
            "spending": SPENDING,
            "harms": list(self.harms),
        }

    @property
    def words(self) -> str:
        """What it says, in a clause."""
        told = "; ".join(str(harm["reason"]) for harm in self.harms)
        return f"look {self.number}, at {format_value(self.fraction, unit='ratio')} of the plan: {told}"


def look_due(ramp: Ramp, *, at: datetime) -> bool:
    """Whether the current stage has lasted once more since its last look, and error is left to spend."""
    stage, entered = ramp.stage, ramp.entered_at
    if stage is None or entered is None or stage.dwell_ms is None or not 0.0 < stage.share < 1.0:
        return False
    taken = ramp.looks
    if taken and taken[-1].facts["fraction"] >= 1.0:
        return False
    since = ramp.looks_here[-1].at if ramp.looks_here else entered
    return at >= since + timedelta(milliseconds=stage.dwell_ms)


def planned_fraction(ramp: Ramp, *, at: datetime) -> float:
    """What part of the information that the plan brings is in at a moment, by the calendar."""
    shares = {stage.name: stage.share for stage in ramp.stages}
    entered = [step for step in ramp.steps if step.action is Action.ENTER]
    ends = [*(step.at for step in entered[1:]), at]
    spent = [
        (shares[step.stage], (end - step.at).total_seconds()) for step, end in zip(entered, ends, strict=True)
    ]
    plan = [(stage.share, stage.dwell_ms / 1e3) for stage in ramp.stages if stage.dwell_ms is not None]
    whole = _information(plan)
    return min(1.0, _information(spent) / whole) if whole > 0.0 else 1.0


def _information(lasted: Iterable[tuple[float, float]]) -> float:
    """Of shares and how long they were in force, as users of both arms who tell of each other."""
    compared = [(share, seconds) for share, seconds in lasted if 0.0 < share < 1.0]
    new = sum(share * seconds for share, seconds in compared)
    old = sum((1.0 - share) * seconds for share, seconds in compared)
    return new * old / (new + old) if compared and new + old > 0.0 else 0.0


def look_at(ramp: Ramp, harms: Iterable[ClaimStatus], *, at: datetime) -> Look:
    """The look that is due: what those before it spent is spent."""
    earlier = [step.facts for step in ramp.looks]
    fraction = planned_fraction(ramp, at=at)
    return Look(
        number=len(earlier) + 1,
        planned=sum(stage.dwell_ms is not None and 0.0 < stage.share < 1.0 for stage in ramp.stages),
        fraction=fraction,
        harms=tuple(_at_look(each, fraction=fraction, earlier=earlier) for each in harms),
    )


def _at_look(status: ClaimStatus, *, fraction: float, earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    claim, piece = status.claim, status.evidence
    name = str(claim.options.get("of") or claim.address)
    told: dict[str, Any] = {"claim": claim.address, "shown": False}
    error = None if piece is None else piece.detail.get("standard_error")
    if piece is None or piece.value is None or not error or claim.target is None or claim.margin is None:
        return told | {"reason": f"{name} has too few users for a look"}
    before = [
        (each["fraction"], harm["information"])
        for each in earlier
        for harm in each["harms"]
        if harm["claim"] == claim.address and "information" in harm
    ]
    information = 1.0 / (error * error)
    if before and not (information > before[-1][1] and fraction > before[-1][0]):
        return told | {"reason": f"{name} has no more information than at the look before"}
    # The error of the bounds that always hold is theirs; what is left is for the looks.
    whole = (piece.confidence or claim.confidence) - claim.confidence
    if whole <= 0.0:
        return told | {"reason": f"{name} has no error left for looks"}
    looks = look_bounds(
        [each / information for _, each in before] + [1.0],
        error=whole,
        spending=SPENDING,
        spend=[each for each, _ in before] + [fraction],
    )
    bound = looks.bounds[-1]
    low, high = (
        (None, None) if math.isinf(bound) else (piece.value - bound * error, piece.value + bound * error)
    )
    at_most = claim.target.direction is Direction.AT_MOST
    worst = high if at_most else low
    shown = worst is not None and (worst <= claim.margin if at_most else worst >= -claim.margin)
    unit = difference_unit(claim.target.unit)
    reason = f"{name} cannot be told yet"
    if worst is not None:
        most = claim.margin if at_most else -claim.margin
        seen, bad, allowed = (format_value(each, unit=unit) for each in (piece.value, worst, most))
        reason = f"{name} is {seen}, at worst {bad}, where {allowed} is allowed"
    return told | {
        "value": piece.value,
        "low": low,
        "high": high,
        "n": piece.n,
        "bound": None if math.isinf(bound) else bound,
        "information": information,
        "error": whole,
        "spent": looks.spent[-1],
        "shown": shown,
        "reason": reason,
    }
