"""A window that drops its past where the mean changed, to the event as River's does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift

from launchworthy.errors import InputError
from launchworthy.stats import AdaptiveWindow

adwin_of: Any = drift.ADWIN


def _by_river(stream: list[float], *, delta: float) -> tuple[list[tuple[int, int]], int]:
    adwin, found = adwin_of(delta=delta), []
    for place, value in enumerate(stream):
        adwin.update(value)
        if adwin.drift_detected:
            found.append((place, adwin.width))
    return found, adwin.width


def _streams(seed: int, n: int = 1_500) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return [
        np.r_[rng.random(n) < 0.1, rng.random(n) < 0.3].astype(float).tolist(),
        np.r_[rng.normal(0, 1, n), rng.normal(0.5, 2, n)].tolist(),
        (rng.random(n) < np.linspace(0.05, 0.6, n)).astype(float).tolist(),
        (rng.random(n) * np.where(np.arange(n) // 250 % 2, 3.0, 1.0)).tolist(),
    ]


@pytest.mark.parametrize("delta", [0.002, 0.3])
def test_it_tells_a_change_at_the_same_event_as_river_and_keeps_the_same_window(delta: float) -> None:
    alarms = 0
    for stream in _streams(7):
        window = AdaptiveWindow(delta)
        cut = len(stream) // 3
        ours = window.add(stream[:cut]) + window.add(stream[cut:])
        theirs, width = _by_river(stream, delta=delta)
        assert [(shift.at, shift.at - shift.since + 1) for shift in ours] == theirs
        assert (window.width, window.seen) == (width, len(stream))
        alarms += len(ours)
    assert alarms >= 8


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 1.0, -3.0, 1e6]), min_size=40, max_size=400), st.floats(0.01, 0.9))
def test_whatever_the_stream_it_is_river_s(stream: list[float], delta: float) -> None:
    theirs, width = _by_river(stream, delta=delta)
    window = AdaptiveWindow(delta)
    assert [(shift.at, shift.at - shift.since + 1) for shift in window.add(stream)] == theirs
    assert window.width == width


def test_a_shift_says_what_was_and_what_is() -> None:
    shift = AdaptiveWindow().add([0.0] * 600 + [1.0] * 200)[0]
    assert shift.before == pytest.approx(0.0, abs=0.06)
    assert shift.after > 0.6
    assert 500 < shift.since <= 600 < shift.at


def test_a_stream_that_stays_is_left_alone_and_costs_a_few_numbers() -> None:
    window = AdaptiveWindow()
    assert window.mean is None
    rng = np.random.default_rng(2)
    assert window.add((rng.random(20_000) < 0.2).astype(float)) == []
    assert window.width == 20_000
    assert window.mean == pytest.approx(0.2, abs=0.01)
    assert sum(len(row.sums) for row in window._rows) < 100


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_told_and_nothing_is_added(wrong: float) -> None:
    window = AdaptiveWindow()
    with pytest.raises(InputError, match="no finite number"):
        window.add([1.0, wrong])
    assert window.seen == 0


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, math.nan])
def test_a_confidence_that_is_none_is_told(delta: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        AdaptiveWindow(delta)
