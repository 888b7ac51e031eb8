"""A promise that looks broken calls somebody only beyond what looking every minute makes likely."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.judgement import judge
from launchworthy.server.alarm_rate import is_sure, windows_of
from launchworthy.stats import clopper_pearson

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY_S = 86_400.0
CLAIM = Claim(
    address="shop/answer/reliability/error",
    kind=ClaimKind.BOUND,
    sentence="at most 5 % fail",
    metric="error",
    family="reliability",
    workflow="answer",
    target=Target(direction=Direction.AT_MOST, threshold=0.05, unit="ratio"),
)


def _piece(failed: int, n: int, *, method: str = "Clopper-Pearson") -> Evidence:
    found = clopper_pearson(failed, n=n, level=0.95, sides=1)
    return Evidence(
        claim=CLAIM.address, kind=CLAIM.kind, value=found.value, low=found.low, high=found.high, n=n,
        unit="ratio", method=method, producer="test", observed_at=NOW, confidence=0.95,
        detail={"window_days": 1.0},
    )  # fmt: skip


def _sure(piece: Evidence, claim: Claim = CLAIM, *, windows: int = 20) -> bool:
    return is_sure(claim, piece, windows=windows, false_alarm_s=90 * DAY_S)


@pytest.mark.parametrize("method", ["Clopper-Pearson", "studentised bootstrap"])
def test_what_settles_a_verdict_is_not_yet_an_alarm_and_what_is_plain_is(method: str) -> None:
    unlucky, plain = _piece(67, 1_000, method=method), _piece(110, 1_000, method=method)
    assert judge(CLAIM, unlucky, now=NOW).state is State.UNMET
    assert not _sure(unlucky)
    assert _sure(plain)
    assert _sure(unlucky, windows=1) == _sure(unlucky)  # even alone it is looked at all the time


def test_the_more_promises_share_the_rate_the_surer_each_alarm_must_be() -> None:
    piece = _piece(77, 1_000)
    assert _sure(piece, windows=1)
    assert not _sure(piece, windows=20_000)


def test_what_may_never_happen_and_what_a_stream_says_are_alarms_as_they_are() -> None:
    unlucky = _piece(67, 1_000)
    stream = replace(CLAIM, options={"method": "cusum"})
    never = replace(CLAIM, kind=ClaimKind.NEVER, target=None)
    assert _sure(unlucky, stream)
    assert _sure(unlucky, never)
    assert windows_of([CLAIM, stream, never]) == 1


def test_promises_that_are_just_kept_and_looked_at_all_the_time_rarely_call_anybody() -> None:
    """Twenty promises for 90 days, each over a rolling day, seen every hour: at 95 % all would call."""
    rng, days, events = np.random.default_rng(7), 90, 600
    alarmed = unmet = 0
    for _ in range(20):
        hourly = rng.binomial(events // 24, 0.05, size=24 * days)
        failed = np.convolve(hourly, np.ones(24, dtype=int), "valid")
        worst = _piece(int(failed.max()), events)
        unmet += judge(CLAIM, worst, now=NOW).state is State.UNMET
        alarmed += _sure(worst)
    assert unmet == 20
    assert alarmed <= 3  # half an alarm is declared for these windows
