"""How often a score is right: estimated without labels, measured with some, an alarm where both differ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from launchworthy.errors import InputError
from launchworthy.monitor.drifting import DriftState, Rightness, rightness


def _drawn(rng: np.random.Generator, many: int, *, turned: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
    score = rng.beta(2.0, 1.0, size=many)
    chance = 1.0 - score if turned else score**2
    return score, (rng.random(many) < chance).astype(float)


def _asked(
    rng: np.random.Generator, share: float, *, turned: bool = False, **more: Any
) -> tuple[Rightness, float]:
    old, old_labels = rng.random(4_000), np.zeros(4_000)
    old_labels = (rng.random(4_000) < old**2).astype(float)
    new, labels = _drawn(rng, 8_000, turned=turned)
    truth = float(((new >= 0.5) == (labels == 1.0)).mean())
    known = np.where(rng.random(8_000) < share, labels, np.nan)
    return rightness(old, reference_labels=old_labels, current=new, labels=known, **more), truth


def test_other_inputs_alone_do_not_mislead_the_estimate() -> None:
    found, truth = _asked(np.random.default_rng(1), 0.0)
    assert found.measured is None
    assert found.estimated.value == pytest.approx(truth, abs=0.02)
    assert found.reference.value != pytest.approx(truth, abs=0.02), "keeping the old value would"
    assert "unproven" in found.told


def test_a_score_that_turned_is_invisible_to_the_estimate_and_plain_to_a_few_labels() -> None:
    found, truth = _asked(np.random.default_rng(2), 0.05, turned=True)
    assert abs(found.estimated.value - truth) > 0.2
    assert found.measured is not None
    assert found.measured.low <= truth <= found.measured.high
    assert found.state is DriftState.DRIFTED
    assert "the labels disagree" in found.told


def test_measured_bounds_hold_and_the_alarm_is_rare_where_nothing_changed() -> None:
    rng = np.random.default_rng(3)
    held = alarms = 0
    for _ in range(30):
        found, truth = _asked(rng, 0.05)
        assert found.measured is not None
        held += found.measured.low <= truth <= found.measured.high
        alarms += found.state is DriftState.DRIFTED
    assert held >= 23, "two bounds at 95 % each: 90 % of 30, less three standard errors"
    assert alarms <= 2


def test_labels_of_what_was_chosen_mislead_unless_their_chance_is_told() -> None:
    """What is held is looked at, what passes hardly ever is."""
    rng = np.random.default_rng(4)
    held = naive = alarms = 0
    for _ in range(15):
        old = rng.random(4_000)
        old_labels = (rng.random(4_000) < old).astype(float)
        new = rng.random(6_000)
        # What the score does not see: high scores are right less often than they were.
        truth = (rng.random(6_000) < np.where(new > 0.7, 0.55, new)).astype(float)
        right = float(((new >= 0.5) == (truth == 1.0)).mean())
        chance = np.where(new > 0.7, 0.4, 0.04)
        known = np.where(rng.random(6_000) < chance, truth, np.nan)
        told = rightness(old, reference_labels=old_labels, current=new, labels=known, chances=chance)
        alone = known == known
        naive += abs(float(((new[alone] >= 0.5) == (truth[alone] == 1.0)).mean()) - right) < 0.03
        assert told.measured is not None
        held += told.measured.low <= right <= told.measured.high
        alarms += told.state is DriftState.DRIFTED
    assert held >= 11
    assert naive <= 5, "labels taken as they come are off by more than 3 points"
    assert alarms >= 9, "the curve has an error of its own, which the alarm allows for"


def test_rows_too_young_for_their_label_are_left_out_and_said() -> None:
    rng = np.random.default_rng(5)
    old = rng.random(4_000)
    old_labels = (rng.random(4_000) < old).astype(float)
    new, ripe = rng.beta(2.0, 1.0, size=4_000), np.arange(4_000) < 1_000
    truth = (rng.random(4_000) < new).astype(float)
    # Of the young, only the quick cases are known, and these are all yes.
    labels = np.where(ripe, truth, np.where(truth == 1.0, 1.0, np.nan))
    early = rightness(old, reference_labels=old_labels, current=new, labels=labels)
    found = rightness(old, reference_labels=old_labels, current=new, labels=labels, matured=ripe)
    right = float(((new >= 0.5) == (truth == 1.0)).mean())
    assert found.measured is not None
    assert (found.rows, found.matured, found.labels) == (4_000, 1_000, 1_000)
    assert found.measured.low <= right <= found.measured.high
    assert found.state is not DriftState.DRIFTED
    assert early.state is DriftState.DRIFTED, "the young would have raised an alarm over nothing"
    assert "25 % of the rows that are old enough" in found.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": [2.0] * 100}, "something else than 0 or 1"),
        ({"labels": [1.0] * 99}, "99 labels for 100"),
        ({"chances": [1.5] * 100}, "not from 0 to 1"),
        ({"chances": [0.5] * 3}, "3 chances"),
        ({"chances": [0.0] * 50 + [1.0] * 50}, "no chance of a label"),
        ({"matured": [True] * 3}, "3 ages"),
        ({"current": [math.nan] * 100}, "missing in part"),
        ({"current": []}, "there are none"),
        ({"reference_labels": [0.0] * 200}, "cannot be calibrated"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    rng = np.random.default_rng(6)
    labels = np.where(np.arange(100) < 50, np.nan, rng.integers(0, 2, size=100).astype(float))
    given: dict[str, Any] = {
        "reference_labels": [0.0, 1.0] * 100,
        "current": rng.random(100),
        "labels": labels,
        **change,
    }
    with pytest.raises(InputError, match=told):
        rightness(rng.random(200), **given)
