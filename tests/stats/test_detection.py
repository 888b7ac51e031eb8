"""A stream that becomes worse than promised is told, and one that does not is left alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift

from launchworthy.errors import InputError
from launchworthy.stats import PromiseDetector
from launchworthy.stats.detection import _REACH

adwin_of: Any = drift.ADWIN


def _by_definition(losses: list[float], *, promise: float, run_length: float) -> list[int]:
    """Alarms by the recursion as it is defined: M = L (1 + M before), for each bet, averaged."""
    bets = [reach / promise for reach in _REACH]
    gathered, alarms = [0.0] * len(bets), []
    for place, loss in enumerate(losses):
        gathered = [
            (1.0 + bet * (loss - promise)) * (1.0 + held) for bet, held in zip(bets, gathered, strict=True)
        ]
        if math.fsum(gathered) / len(bets) >= run_length:
            alarms.append(place)
            gathered = [0.0] * len(bets)
    return alarms


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=1_500),
    st.floats(0.02, 0.9),
    st.lists(st.integers(1, 700), max_size=6),
)
def test_it_is_the_recursion_of_its_source_however_the_stream_is_cut(
    losses: list[float], promise: float, cuts: list[int]
) -> None:
    expected = _by_definition(losses, promise=promise, run_length=150.0)
    detector, found, start = PromiseDetector(promise, run_length=150.0), [], 0
    for cut in [*cuts, len(losses)]:
        found += detector.add(losses[start : start + cut])
        start += cut
    assert [alarm.at for alarm in found] == expected
    assert all(alarm.since <= alarm.at and alarm.evidence >= 150.0 for alarm in found)
    assert detector.seen == len(losses)


def test_a_doubled_rate_is_told_where_it_began_before_adwin_tells_it() -> None:
    ours, theirs = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        stream = np.r_[rng.random(5_000) < 0.1, rng.random(3_000) < 0.2].astype(float)
        alarms = PromiseDetector(0.1, run_length=1e6).add(stream)
        assert all(alarm.at >= 5_000 for alarm in alarms)
        ours.append(alarms[0].at - 5_000)
        assert abs(alarms[0].since - 5_000) < 250
        adwin: Any = adwin_of()
        told = next(place for place, loss in enumerate(stream) if adwin.update(loss) or adwin.drift_detected)
        theirs.append(told - 5_000)
    assert np.median(ours) < np.median(theirs)


def test_as_long_as_the_promise_is_kept_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(20)
    first = []
    for _ in range(60):
        losses = rng.choice([0.0, 0.5, 1.0], p=[0.7, 0.2, 0.1], size=4_000)
        alarms = PromiseDetector(0.2, run_length=1_000.0).add(losses)
        first.append(alarms[0].at if alarms else 4_000)
    assert np.mean(first) >= 1_000.0


def test_losses_that_depend_on_what_came_before_keep_the_promise_too() -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(40):
        share, losses = 0.1, []
        for _ in range(500):
            losses.append(float(rng.random() < share))
            share = 0.02 if losses[-1] else min(0.1, share * 1.2)  # never above what is promised
        alarms += bool(PromiseDetector(0.1, run_length=10_000.0).add(losses))
    assert alarms <= 0.05 * 40 + 3 * math.sqrt(0.05 * 0.95 * 40)


def test_an_outage_is_told_within_a_few_events_and_told_again_while_it_lasts() -> None:
    detector = PromiseDetector(0.01, run_length=1e6)
    assert detector.add(np.zeros(20_000)) == []
    alarms = detector.add(np.ones(50))
    assert alarms[0].at < 20_006
    assert alarms[0].since == 20_000
    assert len(alarms) > 5


def test_scores_on_another_scale() -> None:
    rng = np.random.default_rng(3)
    detector = PromiseDetector(2.0, run_length=1e4, bounds=(1.0, 5.0))
    assert detector.add(rng.choice([1.0, 2.0, 3.0], size=2_000, p=[0.4, 0.3, 0.3])) == []
    assert detector.add(rng.choice([2.0, 3.0, 4.0], size=500))


@pytest.mark.parametrize("promise", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_a_promise_that_is_none_is_told(promise: float) -> None:
    with pytest.raises(InputError, match="cannot be watched"):
        PromiseDetector(promise, run_length=100.0)


def test_what_cannot_be_added_changes_nothing() -> None:
    detector = PromiseDetector(0.1, run_length=1e4)
    detector.add([0.0, 1.0])
    before = (detector.seen, detector.evidence)
    for wrong in ([0.0, math.nan], [0.5, 1.5], [-1.0], [math.inf]):
        with pytest.raises(InputError):
            detector.add(wrong)
    assert detector.add([]) == []
    assert (detector.seen, detector.evidence) == before
    with pytest.raises(InputError, match="no rate"):
        PromiseDetector(0.1, run_length=0.5)
