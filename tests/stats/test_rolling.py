"""A window that rolls alarms as seldom as was declared."""

from __future__ import annotations

import numpy as np
import pytest

from launchworthy.errors import InputError
from launchworthy.stats import rolling_bound


@pytest.mark.parametrize("windows", [100.0, 400.0])
def test_a_window_looked_at_after_each_event_alarms_about_once_in_the_windows_declared(
    windows: float,
) -> None:
    rng, width, share, many = np.random.default_rng(1), 400, 0.5, 12_000
    came = np.cumsum(np.append(0, rng.random(width * many) < share))
    z = (came[width:] - came[:-width] - width * share) / np.sqrt(width * share * (1.0 - share))
    alarms, rests = 0, -1
    for at in np.flatnonzero(z > rolling_bound(windows)).tolist():
        if at >= rests:
            alarms, rests = alarms + 1, at + width  # what goes on is one alarm
    expected = many / windows
    assert expected / 2.0 < alarms < expected + 3.0 * expected**0.5
    naive = int((z[::width] > 1.645).sum())  # one look a window at 95 %
    assert naive > 0.8 * 0.05 * many


def test_a_rarer_alarm_asks_for_more_and_none_is_no_rate() -> None:
    bounds = [rolling_bound(windows) for windows in (1.0, 10.0, 1e3, 1e6, 1e12)]
    assert bounds == sorted(bounds)
    assert bounds[-1] < 9.0
    for none in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError):
            rolling_bound(none)
