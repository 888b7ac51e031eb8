"""Where an interval stands against a threshold. Pure; met, unmet or unproven, never anything else."""

from __future__ import annotations

import math

from launchworthy.errors import InputError

__all__ = ["MAX_UNSCORED_SHARE", "bound_status", "non_inferiority"]

MAX_UNSCORED_SHARE = 0.02  # beyond this, what could not be measured could decide


def bound_status(low: float | None, high: float | None, *, direction: str, threshold: float) -> str:
    """``met`` if the whole interval is on the good side, ``unmet`` if none of it is, else ``unproven``.

    ``direction`` is ``at_least`` or ``at_most``; the threshold itself is good. A missing or NaN bound
    proves nothing.

    Raises:
        InputError: Unknown direction, or a threshold that is NaN.
    """
    if direction not in ("at_least", "at_most"):
        raise InputError(f"direction {direction!r} is neither 'at_least' nor 'at_most'")
    if math.isnan(threshold):
        raise InputError("the threshold is NaN")
    low = -math.inf if low is None or math.isnan(low) else low
    high = math.inf if high is None or math.isnan(high) else high
    if direction == "at_most":
        low, high, threshold = -high, -low, -threshold
    if low >= threshold:
        return "met"
    return "unmet" if high < threshold else "unproven"


def non_inferiority(
    low: float | None, high: float | None, *, margin: float = 0.0, higher_is_better: bool = True
) -> str:
    """Judge a difference candidate − baseline: ``met`` if proven no worse than ``margin`` allows.

    Raises:
        InputError: The margin is negative.
    """
    if not margin >= 0.0:
        raise InputError(
            f"a margin of {margin!r} is not 0 or more",
            hint="write how much worse the candidate may be, as a positive number",
        )
    if higher_is_better:
        return bound_status(low, high, direction="at_least", threshold=-margin)
    return bound_status(low, high, direction="at_most", threshold=margin)
