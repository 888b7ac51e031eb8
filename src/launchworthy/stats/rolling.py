"""How surprising a window that rolls must be before it counts, where it is looked at all the time. Pure."""

from __future__ import annotations

import math

from launchworthy.errors import InputError
from launchworthy.stats.special import normal_cdf

__all__ = ["rolling_bound"]

_LEAST, _MOST = 1.5, 38.0  # between which the expected number of excursions falls


def rolling_bound(windows: float) -> float:
    """The z that a window's estimate passes once in so many windows, on average, while nothing is wrong.

    Args:
        windows: How long an alarm may take to come by chance, in lengths of the window; of several windows
            that share one rate, all of theirs together.

    The estimate over a window that rolls is, in its standard errors, near a Gaussian process whose
    correlation falls with what two windows share; it begins to pass z about z²(1 − Φ(z)) times a window.

    Raises:
        InputError: Less than one window.

    Source: Slepian, AMS 32 (1961); Pickands, Transactions of the AMS 145 (1969), with α = 1.

    >>> round(rolling_bound(90.0), 2)
    3.03
    """
    if not windows >= 1.0:
        raise InputError(f"an alarm in {windows!r} windows is no rate")
    low, high = _LEAST, _MOST
    for _ in range(60):
        middle = 0.5 * (low + high)
        often = windows * middle * middle * normal_cdf(-middle)
        low, high = (middle, high) if often > 1.0 else (low, middle)
    return high if math.isfinite(high) else _MOST
