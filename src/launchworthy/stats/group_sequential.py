"""A few planned looks at one comparison without spending its error twice. Pure.

An error is spent as information arrives: at each look a z-bound is crossed first, under no difference, with
just the probability that the spending function has added since the look before. Looks may fall where they
fall, as long as their number and place are not chosen by what was seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import check_share
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import normal_cdf, normal_quantile, t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "SPENDING",
    "LookBounds",
    "crossing_chances",
    "drift_for",
    "look_bounds",
    "look_interval",
    "spent_error",
]

SPENDING = ("obrien-fleming", "pocock", "square")
_MOST_LOOKS = 400
_REACH = 10.0  # standard deviations beyond which a normal variable is not integrated
_LEAST_SPENT = 1e-15  # less than this at a look cannot be told from none
_PANEL = 20  # nodes of one panel of the quadrature


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBounds:
    """Bounds of each look, on the scale of z.

    Attributes:
        fractions: Information at each look as a share of what is planned, ascending, 1 at the last.
        bounds: z that proves a difference at that look; infinite where the look has no error to spend.
        spent: Error spent up to and with each look.
        error: All of it, on one side.
        spending: Name of the function that spends it.
    """

    fractions: tuple[float, ...]
    bounds: tuple[float, ...]
    spent: tuple[float, ...]
    error: float
    spending: str


def spent_error(fraction: float, *, error: float, spending: str = "obrien-fleming") -> float:
    """How much of a one-sided ``error`` may be spent once this share of the information is in.

    Raises:
        InputError: An unknown function, or an error that is no share.

    Source: Lan and DeMets, Biometrika 70 (1983): 2 − 2Φ(z(1 − error/2)/√t), which tends to the bounds of
    O'Brien and Fleming, error · log(1 + (e − 1)t), which tends to those of Pocock, and error · t² (Kim and
    DeMets, Biometrika 74, 1987).
    """
    check_share(error, name="error")
    if spending not in SPENDING:
        raise InputError(f"no spending function {spending!r}", hint=f"one of {', '.join(SPENDING)}")
    if fraction >= 1.0:
        return error
    if fraction <= 0.0:
        return 0.0
    if spending == "pocock":
        return error * math.log1p((math.e - 1.0) * fraction)
    if spending == "square":
        return error * fraction**2
    return 2.0 * normal_cdf(normal_quantile(error / 2.0) / math.sqrt(fraction))


def look_bounds(
    fractions: Sequence[float],
    *,
    error: float = 0.025,
    spending: str = "obrien-fleming",
    spend: Sequence[float] | None = None,
) -> LookBounds:
    """The z-bounds of planned looks, for one side at ``error``.

    Args:
        fractions: Information at each look as a share of the planned end, ascending, above 0. What lies
            beyond the plan counts as its end, and only the first such look is a look.
        spend: Shares at which the error is spent, where these are not ``fractions``: those of the calendar,
            while ``fractions`` tell what information came, in whatever scale ends at 1 (Lan and DeMets,
            Biometrics 45, 1989).

    Raises:
        InputError: No looks, too many, or fractions that do not ascend.

    Source: Armitage, McPherson and Rowe, JRSS A 132 (1969), with the error of Lan and DeMets (1983); the
    densities by Gauss-Legendre quadrature.

    >>> [round(bound, 4) for bound in look_bounds([0.2, 0.4, 0.6, 0.8, 1.0]).bounds]
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    known = _checked(fractions)
    if spend is None:
        return _bounds(known, known, error, spending)
    told = _checked(spend)
    if not len(told) == len(known) == len(fractions):
        raise InputError(f"{len(fractions)} looks do not spend at {len(spend)} shares, one each")
    return _bounds(known, told, error, spending)


def crossing_chances(looks: LookBounds, *, drift: float) -> tuple[float, ...]:
    """Probability that each look is the first at which z is beyond its bound.

    Args:
        looks: From :func:`look_bounds`.
        drift: Mean of z at the planned end: the true difference over its standard error there.
    """
    return _crossings(looks.fractions, looks.bounds, drift)


def drift_for(looks: LookBounds, *, odds: float = 0.8) -> float:
    """The mean of z at the planned end with which some look proves a difference with probability ``odds``.

    Over the drift of a single look, squared, it is by how much looking early makes the sample larger.

    Raises:
        InputError: Odds that are no share, or not above the error itself.
    """
    check_share(odds, name="odds")
    if odds <= looks.error:
        raise InputError(f"odds of {odds!r} are no more than the error {looks.error!r}")
    low, high = 0.0, 1.0
    while sum(crossing_chances(looks, drift=high)) < odds:
        low, high = high, 2.0 * high
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sum(crossing_chances(looks, drift=middle)) < odds else (low, middle)
    return 0.5 * (low + high)


def look_interval(difference: Interval, *, bound: float, error: float) -> Interval:
    """A difference with bounds that hold at all planned looks together.

    Args:
        difference: From :func:`launchworthy.stats.arm_difference` or another with a standard error.
        bound: z-bound of this look.
        error: One-sided error of all looks.

    Source: repeated confidence intervals, Jennison and Turnbull, JRSS B 51 (1989); with few degrees of
    freedom, Student's t at the same error (Jennison and Turnbull 2000, 3.8).
    """
    se, df = difference.sample["standard_error"], difference.sample.get("df")
    half = math.inf
    if se and math.isfinite(bound):
        alone = normal_cdf(-bound)
        half = se * (bound if df is None or alone < 1e-300 else t_quantile(1.0 - alone, df=df))
    return replace(
        difference,
        low=difference.value - half,
        high=difference.value + half,
        confidence=1.0 - error,
        sides=1,
        method=f"group sequential, {difference.method}",
    )


def _checked(fractions: Sequence[float]) -> tuple[float, ...]:
    kept: list[float] = []
    for fraction in fractions:
        if not 0.0 < fraction < math.inf:
            raise InputError(f"a look at {fraction!r} of the information is not above 0")
        if kept and fraction <= kept[-1] < 1.0:
            raise InputError(f"a look at {fraction!r} does not come after one at {kept[-1]!r}")
        if not kept or kept[-1] < 1.0:
            kept.append(min(1.0, float(fraction)))
    if not kept:
        raise InputError("no look is planned", hint="give the share of the information at each, such as 1.0")
    if len(kept) > _MOST_LOOKS:
        raise InputError(
            f"{len(kept)} planned looks are more than {_MOST_LOOKS}",
            hint="for looking all the time there are confidence sequences",
        )
    return tuple(kept)


@lru_cache(maxsize=256)
def _bounds(
    fractions: tuple[float, ...], spend: tuple[float, ...], error: float, spending: str
) -> LookBounds:
    bounds: list[float] = []
    spent: list[float] = []
    walk = _Walk(drift=0.0)
    for fraction, at in zip(fractions, spend, strict=True):
        all_of_it = spent_error(at, error=error, spending=spending)
        share = all_of_it - (spent[-1] if spent else 0.0)
        bound = walk.solve(fraction, share) if share > _LEAST_SPENT else math.inf
        walk.stop_above(fraction, bound)
        bounds.append(bound)
        spent.append(all_of_it)
    return LookBounds(
        fractions=fractions, bounds=tuple(bounds), spent=tuple(spent), error=error, spending=spending
    )


@lru_cache(maxsize=1_024)
def _crossings(fractions: tuple[float, ...], bounds: tuple[float, ...], drift: float) -> tuple[float, ...]:
    walk, chances = _Walk(drift=drift), []
    for fraction, bound in zip(fractions, bounds, strict=True):
        chances.append(walk.beyond(fraction, bound))
        walk.stop_above(fraction, bound)
    return tuple(chances)


class _Walk:
    """The part of a Brownian motion that no bound has stopped, as a density over its values ``z·√t``."""

    def __init__(self, *, drift: float) -> None:
        self._drift = drift
        self._time = 0.0
        self._places: NDArray[np.float64] | None = None
        self._weights: NDArray[np.float64] | None = None

    def beyond(self, fraction: float, bound: float) -> float:
        """Probability to go on until this look and to be above the bound there."""
        import numpy as np

        if math.isinf(bound):
            return 0.0
        step = fraction - self._time
        gap = bound * math.sqrt(fraction) - self._drift * step
        if self._places is None or self._weights is None:
            return normal_cdf(-gap / math.sqrt(step))
        return float(self._weights @ _upper_tail((gap - self._places) / np.sqrt(step)))

    def solve(self, fraction: float, share: float) -> float:
        """The bound that is crossed at this look, for the first time, with probability ``share``."""
        low, high = -_REACH, _REACH
        bound = -normal_quantile(share)
        for _ in range(100):
            above = self.beyond(fraction, bound)
            low, high = (bound, high) if above > share else (low, bound)
            # Newton's step on the logarithm, where the tail is nearly straight; halving where it leaves.
            slope = self._density(fraction, bound) / above if above > 0.0 else 0.0
            nxt = bound + math.log(above / share) / slope if slope > 0.0 else math.nan
            nxt = nxt if low < nxt < high else 0.5 * (low + high)
            if abs(nxt - bound) < 1e-13:
                break
            bound = nxt
        return bound

    def _density(self, fraction: float, bound: float) -> float:
        """How fast :meth:`beyond` falls as the bound rises."""
        import numpy as np

        step, root = fraction - self._time, math.sqrt(fraction)
        gap = bound * root - self._drift * step
        scale = root / math.sqrt(2.0 * math.pi * step)
        if self._places is None or self._weights is None:
            return scale * math.exp(-0.5 * gap * gap / step)
        return scale * float(self._weights @ np.exp(-0.5 * (gap - self._places) ** 2 / step))

    def stop_above(self, fraction: float, bound: float) -> None:
        """Go on to this look, without what is above the bound."""
        import numpy as np

        step, root = fraction - self._time, math.sqrt(fraction)
        top = min(bound, _REACH + abs(self._drift) * root) * root
        bottom = (min(0.0, self._drift * root) - _REACH) * root
        panels = min(150, max(8, math.ceil((top - bottom) / (6.0 * math.sqrt(step)))))
        places, weights = _nodes(bottom, top, panels)
        if self._places is None or self._weights is None:
            density = np.exp(-0.5 * (places - self._drift * step) ** 2 / step)
        else:
            gaps = places[:, None] - self._places[None, :] - self._drift * step
            density = np.exp(-0.5 * gaps**2 / step) @ self._weights
        self._weights = density * weights / math.sqrt(2.0 * math.pi * step)
        self._places, self._time = places, fraction


def _nodes(bottom: float, top: float, panels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places and weights of Gauss and Legendre on equal panels."""
    import numpy as np

    points, weights = _panel()
    half = 0.5 * (top - bottom) / panels
    middles = bottom + half * (2.0 * np.arange(panels) + 1.0)
    return (middles[:, None] + half * points).ravel(), np.tile(half * weights, panels)


@lru_cache(maxsize=1)
def _panel() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    return np.polynomial.legendre.leggauss(_PANEL)


def _upper_tail(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(Z > z) for a standard normal, to full relative precision."""
    import numpy as np

    return np.fromiter((0.5 * math.erfc(value / math.sqrt(2.0)) for value in z), np.float64, count=z.size)
