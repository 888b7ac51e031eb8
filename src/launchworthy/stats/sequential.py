"""What stays valid however often one looks: e-values and confidence sequences. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["confidence_sequence", "discordant_e_value"]


def discordant_e_value(*, gained: int, lost: int) -> float:
    """Evidence that pairs are not gained and lost alike: reject at level alpha, whenever, at 1/alpha.

    Source: 2^(b+c) B(b+1, c+1), the mixture of all rates against one half; Ville's inequality (1939).
    """
    if gained < 0 or lost < 0:
        raise InputError(f"{gained} pairs gained and {lost} lost is impossible")
    total = gained + lost
    log = total * math.log(2.0) + math.lgamma(gained + 1) + math.lgamma(lost + 1) - math.lgamma(total + 2)
    return math.exp(log) if log < 700.0 else math.inf


def confidence_sequence(
    values: ArrayLike,
    *,
    level: float = 0.95,
    sides: int = 2,
    bounds: tuple[float, float] = (0.0, 1.0),
    unit: str = "",
) -> Interval:
    """Mean of a bounded scale, with bounds that hold at every moment at once.

    Values are in the order they came; the interval after the last of them is given, narrowed by those before
    it (which hold as well).

    Raises:
        InputError: No values, NaN among them, or values outside ``bounds``.

    Source: Waudby-Smith and Ramdas, JRSS B 86 (2024), theorem 2 (predictable plug-in empirical Bernstein).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    floor, ceiling = bounds
    x = (clean_values(values) - floor) / (ceiling - floor)
    if float(x.min()) < 0.0 or float(x.max()) > 1.0:
        raise InputError(f"values leave the scale {floor:g} to {ceiling:g}")
    t = np.arange(1, x.size + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    past_means = np.concatenate([[0.5], means[:-1]])
    past_variances = np.concatenate([[0.25], variances[:-1]])
    bets = np.minimum(0.75, np.sqrt(2 * math.log(1.0 / error) / (past_variances * t * np.log(t + 1))))
    cost = -np.log1p(-bets) - bets
    total = np.cumsum(bets)
    centre = np.cumsum(bets * x) / total
    half = (math.log(1.0 / error) + np.cumsum((x - past_means) ** 2 * cost)) / total
    low = float(np.clip((centre - half).max(), 0.0, 1.0))
    high = float(np.clip((centre + half).min(), 0.0, 1.0))
    width = ceiling - floor
    return Interval(
        value=floor + float(x.mean()) * width,
        low=floor + low * width,
        high=floor + high * width,
        confidence=level,
        n=int(x.size),
        method="empirical Bernstein confidence sequence",
        sides=sides,
        unit=unit,
        sample={"mean": floor + float(x.mean()) * width, "n": int(x.size)},
    )
