"""Difference of two arms from an interval of each, such as of a quantile or of a corrected judge. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import normal_cdf, normal_quantile

__all__ = ["UserCounts", "joined_difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCounts:
    """Values of one arm by user: how many each has, and how many of them lie above the quantile.

    Attributes:
        users: Users.
        values, above: Sums over users.
        values_squares, above_squares, product: Sums of squares and of the product over users.
    """

    users: int
    values: float
    above: float
    values_squares: float
    above_squares: float
    product: float

    @property
    def effective(self) -> float:
        """How many independent values these are worth: at most as many as there are.

        Source: Liu, Sun, Varshney and Xu, Large-Scale Online Experimentation with Quantile Metrics (2019).
        """
        if self.users < 2 or not 0.0 < self.above < self.values:
            return float(self.users)
        share, m = self.above / self.values, self.users
        spread = self.above_squares - 2.0 * share * self.product + share * share * self.values_squares
        variance = m / (m - 1) * spread / self.values**2
        if variance <= 0.0:
            return float(self.values)
        return min(self.values, max(1.0, share * (1.0 - share) / variance))


def joined_difference(baseline: Interval, *, candidate: Interval) -> Interval:
    """Candidate minus baseline from each arm's own interval, the arms being of different users.

    ``sample`` holds ``standard_error``, which half the width says, and the two-sided ``p_value``.

    Raises:
        InputError: Intervals at different levels.

    Source: Zou and Donner, Statistics in Medicine 27 (2008); the standard error, Woodruff, JASA 47 (1952).
    """
    if (baseline.confidence, baseline.sides) != (candidate.confidence, candidate.sides):
        raise InputError("the two arms were bounded at different levels")
    value = candidate.value - baseline.value
    low = value - math.hypot(candidate.value - candidate.low, baseline.high - baseline.value)
    high = value + math.hypot(candidate.high - candidate.value, baseline.value - baseline.low)
    z = normal_quantile(1.0 - tail_error(baseline.confidence, sides=baseline.sides))
    se = math.hypot(baseline.high - baseline.low, candidate.high - candidate.low) / (2.0 * z)
    known = math.isfinite(se) and se > 0.0
    return Interval(
        value=value,
        low=low if known else -math.inf,
        high=high if known else math.inf,
        confidence=baseline.confidence,
        n=baseline.n + candidate.n,
        method=f"{candidate.method}, arms joined" if known else "none: too few values",
        sides=baseline.sides,
        unit=baseline.unit,
        sample={
            "baseline": baseline.value,
            "candidate": candidate.value,
            "baseline_n": baseline.n,
            "candidate_n": candidate.n,
            "standard_error": se if known else 0.0,
            "df": None,
            "p_value": 2.0 * normal_cdf(-abs(value) / se) if known else None,
        },
    )
