"""Whether a group has the event more often than the others, exactly, however rare it is. Pure."""

from __future__ import annotations

from launchworthy.errors import InputError

__all__ = ["fisher_p_value"]


def fisher_p_value(hits: int, *, n: int, others: int, others_n: int) -> float:
    """The chance that a group of ``n`` has ``hits`` or more, were it one with the ``others``.

    One-sided; rows are independent.

    Raises:
        InputError: More hits than rows, or fewer than none.

    Source: Fisher, The Design of Experiments (1935), 2; the hypergeometric distribution.

    >>> round(fisher_p_value(3, n=4, others=1, others_n=4), 4)
    0.2429
    """
    import numpy as np

    if not (0 <= hits <= n and 0 <= others <= others_n):
        raise InputError(f"{hits} of {n} and {others} of {others_n} are no counts of hits")
    total, every = n + others_n, hits + others
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, total + 1.0)))])

    own = np.arange(hits, min(n, every) + 1)
    rest = every - own
    # Ways to choose the hits among the group and among the others, of all ways: logarithms of factorials.
    chances = logs[n] - logs[own] - logs[n - own] + logs[others_n] - logs[rest] - logs[others_n - rest]
    return min(1.0, float(np.exp(chances - (logs[total] - logs[every] - logs[total - every])).sum()))
