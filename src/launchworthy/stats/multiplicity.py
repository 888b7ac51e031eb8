"""Many tests at once: p-values adjusted so that a chance find among them is as rare as was asked. Pure.

Slices, metrics or candidates: with twenty of them at 5 % one is expected to look different by chance alone.
An adjusted p-value is compared with the error asked for, as if it stood alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from launchworthy.errors import InputError

__all__ = ["benjamini_hochberg", "benjamini_yekutieli", "e_benjamini_hochberg", "e_value", "holm"]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of *any* false find at the error, whatever the dependence.

    Raises:
        InputError: A p-value that is not from 0 to 1.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    order, count = _ascending(p_values), len(p_values)
    adjusted, largest = [1.0] * count, 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the expected *share* of false finds at the error, for independent tests and
    for tests that tend to agree.

    Raises:
        InputError: A p-value that is not from 0 to 1.

    Source: Benjamini and Hochberg, JRSS B 57 (1995); dependence: Benjamini and Yekutieli (2001), theorem 1.2.
    """
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Like :func:`benjamini_hochberg`, whatever the dependence.

    Raises:
        InputError: A p-value that is not from 0 to 1.

    Source: Benjamini and Yekutieli, Annals of Statistics 29 (2001), theorem 1.3.
    """
    return _step_up(p_values, math.fsum(1.0 / rank for rank in range(1, len(p_values) + 1)))


def e_value(p: float) -> float:
    """The evidence in a p-value: at least 1/error only as rarely as the error says, and fit to be averaged.

    Raises:
        InputError: A p-value that is not from 0 to 1.

    Source: the mixture of all power calibrators: Vovk and Wang, Annals of Statistics 49 (2021), equation 2.

    >>> round(e_value(1e-6), 1)
    5239.1
    """
    _ascending([p])
    if p == 0.0:
        return math.inf
    if 1.0 - p < 1e-4:
        return 0.5 + (1.0 - p) / 6.0  # its series about 1, where the formula loses its digits
    log = math.log(p)
    return (1.0 - p + p * log) / (p * log * log)


def e_benjamini_hochberg(e_values: Sequence[float]) -> list[float]:
    """For each e-value the smallest expected share of false finds at which it is a find, whatever the
    dependence.

    Raises:
        InputError: An e-value that is negative or NaN.

    Source: Wang and Ramdas, JRSS B 84 (2022).
    """
    for e in e_values:
        if not e >= 0.0:
            raise InputError(f"an e-value of {e!r} is not 0 or more")
    return _step_up([0.0 if e == math.inf else min(1.0, 1.0 / e) if e else 1.0 for e in e_values], 1.0)


def _step_up(p_values: Sequence[float], penalty: float) -> list[float]:
    order, count = _ascending(p_values), len(p_values)
    adjusted, smallest = [1.0] * count, 1.0
    for rank in range(count, 0, -1):
        index = order[rank - 1]
        smallest = min(smallest, penalty * count / rank * p_values[index])
        adjusted[index] = smallest
    return adjusted


def _ascending(p_values: Sequence[float]) -> list[int]:
    for p in p_values:
        if not 0.0 <= p <= 1.0:
            raise InputError(f"a p-value of {p!r} is not from 0 to 1")
    return sorted(range(len(p_values)), key=p_values.__getitem__)
