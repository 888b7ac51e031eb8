"""Planned looks of a ramp: at the end of a stage, is every harm within its margin? Pure; may import
``contract``, ``evidence``, ``quantity``, ``stats`` and this room.

Each stage that compares ends in one look. How much of the error it may spend was settled before anybody came,
by shares and durations: with as many users each day, these say what part of all information is in by then.
How the looks hang together is told by the information that did come, 1/SE² (Lan and DeMets, Biometrics 45,
1989: calendar against information time). The looks have what the bounds that always hold leave of the error
of a claim, so that a release at the margin goes on with that error at most, however often anybody looks. All
harms must be within their margins, which takes no correction; where any one is proven, they share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.contract import Direction, Stage
from launchworthy.evidence import ClaimStatus
from launchworthy.quantity import difference_unit, format_value
from launchworthy.stats import look_bounds

__all__ = ["SPENDING", "Look", "look_at", "planned_fractions"]

SPENDING = "obrien-fleming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One planned look, as a step keeps it.

    Attributes:
        number: From 1.
        of: How many are planned.
        fraction: Share of the planned information at its stage's end.
        harms: Of each claim about harm: its numbers at this look, and whether it is shown to be within.
    """

    number: int
    of: int
    fraction: float
    harms: tuple[dict[str, Any], ...]

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "look": self.number,
            "of": self.of,
            "fraction": self.fraction,
            "spending": SPENDING,
            "harms": list(self.harms),
        }

    @property
    def words(self) -> str:
        """What it says, in a clause."""
        where = f"look {self.number} of {self.of}, at {format_value(self.fraction, unit='ratio')} of the plan"
        told = "; ".join(str(harm["reason"]) for harm in self.harms)
        return f"{where}: {told}"


def planned_fractions(stages: Sequence[Stage]) -> dict[str, float]:
    """Of each stage that ends in a look, what share of all information is in by then.

    A stage that lasts as long as it takes has no end to look at; one that nobody or everybody is in compares
    nothing.

    >>> from launchworthy.contract import Stage
    >>> def stage(name, share, days):
    ...     return Stage(name=name, share=share, dwell_ms=days * 86_400_000.0, approver=None, needs=())
    >>> found = planned_fractions([stage("pilot", 0.05, 7), stage("expand", 0.25, 14)])
    >>> {name: round(fraction, 3) for name, fraction in found.items()}
    {'pilot': 0.106, 'expand': 1.0}
    """
    new = old = 0.0
    known: dict[str, float] = {}
    for stage in stages:
        if stage.dwell_ms is None or not 0.0 < stage.share < 1.0:
            continue
        new, old = new + stage.share * stage.dwell_ms, old + (1.0 - stage.share) * stage.dwell_ms
        told = new * old / (new + old)
        if told > max(known.values(), default=0.0):
            known[stage.name] = told
    whole = max(known.values(), default=1.0)
    return {name: told / whole for name, told in known.items()}


def look_at(
    harms: Iterable[ClaimStatus], *, stage: str, stages: Sequence[Stage], earlier: Sequence[dict[str, Any]]
) -> Look | None:
    """The look at the end of a stage; None where none is planned there.

    Args:
        harms: Claims about harm, with their newest evidence.
        stage: Stage that ends.
        stages: All of them.
        earlier: Facts of the looks before, as :attr:`Look.facts` gives them: what they spent is spent.
    """
    fractions = planned_fractions(stages)
    if stage not in fractions:
        return None
    return Look(
        number=len(earlier) + 1,
        of=len(fractions),
        fraction=fractions[stage],
        harms=tuple(_at_look(each, fraction=fractions[stage], earlier=earlier) for each in harms),
    )


def _at_look(status: ClaimStatus, *, fraction: float, earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
