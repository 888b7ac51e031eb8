"""How often the bounds of repeating users are right, by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from launchworthy.monitor.sample import Sample, share

SAMPLE = Sample(sql="", parameters=(), noun="call")


def _row(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> dict[str, Any]:
    """What SQL answers for users with so many hits of so many calls."""
    return {
        "records": int(sizes.sum()),
        "unscored": 0,
        "simulated": 0,
        "first_ns": 0,
        "users": True,
        "sessions": False,
        "worst": [],
        "hits": int(hits.sum()),
        "units": len(sizes),
        "kk": float((hits * hits).sum()),
        "km": float((hits * sizes).sum()),
        "mm": float((sizes * sizes).sum()),
    }


@pytest.mark.parametrize(("users", "calls", "icc"), [(40, 5, 0.5), (100, 3, 0.2), (60, 20, 0.1)])
def test_bounds_of_a_share_hold_where_users_are_alike_within_themselves(
    users: int, calls: int, icc: float
) -> None:
    rng = np.random.default_rng(5)
    truth, repetitions, held, naive = 0.2, 600, 0, 0
    spread = (1 - icc) / icc
    for _ in range(repetitions):
        own = rng.beta(truth * spread, (1 - truth) * spread, size=users)
        hits = rng.binomial(calls, own)
        row = _row(hits, np.full(users, calls))

        def query(sql: str, parameters: Sequence[Any], row: dict[str, Any] = row) -> list[dict[str, Any]]:
            return [row]

        interval = share(query, SAMPLE, level=0.95, bad=1).interval
        assert interval is not None
        held += interval.high >= truth
        n, k = users * calls, int(hits.sum())
        naive += stats.beta.ppf(0.95, k + 1, n - k) >= truth
    assert held / repetitions >= 0.93
    assert naive / repetitions < held / repetitions
