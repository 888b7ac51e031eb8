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
        "telling": int(min((hits > 0).sum(), (hits < sizes).sum())),
    }


@pytest.mark.parametrize(
    ("users", "calls", "icc", "truth"),
    [
        (40, 5, 0.5, 0.2),
        (60, 20, 0.1, 0.2),
        (30, 100, 0.3, 0.01),
        (100, 30, 0.1, 0.005),
        (300, 10, 0.3, 0.01),
        (100, 30, 0.1, 0.99),
    ],
)
def test_bounds_of_a_share_hold_where_users_are_alike_within_themselves(
    users: int, calls: int, icc: float, truth: float
) -> None:
    rng = np.random.default_rng(5)
    repetitions, below, above, naive = 500, 0, 0, 0
    spread = (1 - icc) / icc
    for _ in range(repetitions):
        own = rng.beta(truth * spread, (1 - truth) * spread, size=users)
        hits = rng.binomial(calls, own)
        row = _row(hits, np.full(users, calls))

        def query(sql: str, parameters: Sequence[Any], row: dict[str, Any] = row) -> list[dict[str, Any]]:
            return [row]

        interval = share(query, SAMPLE, level=0.95, bad=1).interval
        assert interval is not None
        below += interval.low <= truth
        above += interval.high >= truth
        n, k = users * calls, int(hits.sum())
        if truth < 0.5:
            naive += stats.beta.ppf(0.95, k + 1, n - k) >= truth
        else:
            naive += stats.beta.ppf(0.05, k, n - k + 1) <= truth
    # Three standard errors of a simulation of this length below 95 %.
    assert min(below, above) / repetitions >= 0.95 - 3 * (0.95 * 0.05 / repetitions) ** 0.5
    assert naive < min(below, above)


def test_where_nothing_happened_each_user_counts_once() -> None:
    def query(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        return [_row(np.zeros(30, dtype=np.int64), np.full(30, 100))]

    found = share(query, SAMPLE, level=0.95, bad=1)
    assert found.interval is not None
    assert found.interval.high == pytest.approx(1 - 0.05 ** (1 / 30))
    assert found.effect == 100
