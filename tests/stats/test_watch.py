"""A comparison that is watched as it goes."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest

from launchworthy.errors import InputError
from launchworthy.stats import PairedWatch, discordant_e_value


def test_yes_or_no_pairs_give_the_discordant_e_value() -> None:
    rng = np.random.default_rng(1)
    watch, gained, lost = PairedWatch(), 0, 0
    for before, after in rng.integers(0, 2, size=(60, 2)).tolist():
        watch.add(before, after)
        gained, lost = gained + (after > before), lost + (after < before)
        assert watch.e_value == pytest.approx(discordant_e_value(gained=gained, lost=lost))
    watch.add(0.5, 0.5)
    scores = PairedWatch()
    for _ in range(6):
        scores.add(0.0, 1.0)
    scores.add(0.0, 0.999999)
    assert scores.e_value == pytest.approx(discordant_e_value(gained=7, lost=0), rel=1e-4)


def test_a_real_difference_is_found_and_named_by_its_direction() -> None:
    rng = np.random.default_rng(2)
    for shift, expected in ((0.3, "better"), (-0.3, "worse"), (0.0, "undecided")):
        watch = PairedWatch(bounds=(1.0, 5.0))
        for _ in range(300):
            base = rng.uniform(2.0, 4.0)
            watch.add(base, base + shift + rng.normal(0, 0.2) * (abs(base - 3.0) < 0.9))
        assert watch.decision(0.05) == expected
        found = watch.interval(level=0.9)
        assert found is not None
        assert found.low <= shift <= found.high
        assert watch.pairs == 300


def test_a_decision_once_made_stays() -> None:
    watch = PairedWatch()
    for _ in range(8):
        watch.add(0, 1)
    assert watch.decision() == "better"
    for _ in range(8):
        watch.add(1, 0)
    assert watch.e_value < 1
    assert watch.decision() == "better"


def test_before_the_first_pair_there_is_nothing_and_overwhelming_evidence_does_not_overflow() -> None:
    watch = PairedWatch()
    assert (watch.e_value, watch.decision(), watch.interval()) == (1.0, "undecided", None)
    for _ in range(1_500):
        watch.add(0.0, 0.99)
    assert watch.e_value == math.inf
    assert watch.decision(1e-9) == "better"


def test_scores_off_the_scale_are_refused_and_change_nothing() -> None:
    watch = PairedWatch()
    for pair in ((math.nan, 1.0), (0.0, 1.1), (-0.1, 0.5)):
        with pytest.raises(InputError, match="leaves the scale"):
            watch.add(*pair)
    assert watch.pairs == 0
    with pytest.raises(InputError, match="cannot be watched"):
        PairedWatch(bounds=(0.0, math.inf))
    with pytest.raises(InputError, match="error"):
        watch.decision(0.0)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(importlib.import_module("launchworthy.stats.watch")) == (0, 3)
