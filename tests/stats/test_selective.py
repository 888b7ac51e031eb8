"""Answering only when sure: the curve, its area, and what the threshold guarantees."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from launchworthy.errors import InputError
from launchworthy.stats import certified_threshold, expected_threshold, risk_coverage

ROWS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=60)
@given(rows=ROWS)
def test_the_area_is_the_mean_over_every_order_of_equal_confidences(rows: list[tuple[int, bool]]) -> None:
    areas = []
    for order in itertools.permutations(range(len(rows))):
        ranked = sorted(order, key=lambda i: -rows[i][0])
        errors = np.cumsum([not rows[i][1] for i in ranked])
        areas.append(float((errors / np.arange(1, len(rows) + 1)).mean()))
    own = risk_coverage([row[0] for row in rows], correct=[row[1] for row in rows])
    assert own.aurc == pytest.approx(float(np.mean(areas)), abs=1e-9)


def test_equal_confidences_are_one_point_of_the_curve() -> None:
    own = risk_coverage([0.9, 0.5, 0.9, 0.2], correct=[1, 0, 0, 1])
    assert own.thresholds == (0.9, 0.5, 0.2)
    assert own.answered == (2, 3, 4)
    assert own.wrong == (1, 2, 2)


def _rows(seed: int, n: int, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidence uniform; above 0.5 nearly all right, below it half."""
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    right = rng.random(n) < np.where(scores > 0.5, 0.998, 0.5) * slope
    return scores, right.astype(float)


def test_the_threshold_is_low_as_it_may_be_and_its_test_is_the_exact_binomial_one() -> None:
    scores, right = _rows(1, 3_000)
    own = certified_threshold(scores, correct=right, target=0.02)
    assert own.threshold is not None
    assert 0.48 < own.threshold < 0.6
    chosen = scores >= own.threshold
    assert own.coverage is not None
    assert own.wrong is not None
    assert own.coverage.value == pytest.approx(chosen.mean())
    wrong = int((1 - right[chosen]).sum())
    assert own.wrong.value == pytest.approx(wrong / chosen.sum())
    assert sps.binom.cdf(wrong, chosen.sum(), 0.02) <= 0.05 / 4
    assert own.needed is None
    assert own.guarantee == "with 95 % confidence, at most 2 % of the answers given are wrong"


def test_too_few_rows_certify_nothing_and_say_how_many_would() -> None:
    scores, right = _rows(2, 150)
    own = certified_threshold(scores, correct=right, target=0.02)
    assert own.threshold is None
    assert own.coverage is None
    assert own.needed is not None
    scores, right = _rows(3, 2 * own.needed)
    assert certified_threshold(scores, correct=right, target=0.02).threshold is not None


def test_flawless_answers_still_need_their_number() -> None:
    least = math.ceil(math.log(0.05 / 4) / math.log(0.95))
    for n, certified in ((least - 1, False), (least, True)):
        own = certified_threshold(np.full(n, 0.9), correct=np.ones(n), target=0.05)
        assert (own.threshold is not None) == certified
        assert (own.needed is None) == certified


def test_answers_that_are_wrong_at_every_confidence_cannot_be_certified_by_any_number() -> None:
    rng = np.random.default_rng(4)
    own = certified_threshold(rng.random(500), correct=rng.random(500) < 0.5, target=0.02)
    assert own.threshold is None
    assert own.needed is None


def test_a_tie_is_answered_whole_or_not_at_all() -> None:
    scores = np.r_[np.full(400, 0.9), np.full(400, 0.6)]
    right = np.r_[np.ones(400), np.tile([1.0, 0.0], 200)]
    own = certified_threshold(scores, correct=right, target=0.05)
    assert own.threshold == 0.9
    assert own.coverage is not None
    assert own.coverage.value == 0.5


def test_the_threshold_is_a_short_number_between_the_last_answer_and_the_next() -> None:
    scores = np.r_[np.full(300, 0.87654321), np.full(50, 0.81234567)]
    right = np.r_[np.ones(300), np.zeros(50)]
    assert certified_threshold(scores, correct=right, target=0.05).threshold == 0.87


@pytest.mark.parametrize("target", [0.02, 0.1, 0.3])
def test_risk_control_holds_the_expectation_of_wrong_answers_among_all_questions(target: float) -> None:
    totals = []
    for seed in range(150):
        scores, right = _rows(seed, 120)
        own = expected_threshold(scores, correct=right, target=target)
        later, hits = _rows(10_000 + seed, 500)
        given = later >= own.threshold if own.threshold is not None else np.zeros(500, dtype=bool)
        totals.append(float((given & (hits == 0.0)).mean()))
    spread = float(np.std(totals)) / math.sqrt(len(totals))
    assert np.mean(totals) <= target + 3 * spread
    if target < 0.2:
        assert np.mean(totals) >= 0.6 * target  # and it is not merely refusing everything


def test_risk_control_needs_more_rows_than_one_over_the_target() -> None:
    assert expected_threshold([0.5] * 48, correct=[1] * 48, target=0.02).needed == 49
    assert expected_threshold([0.5] * 49, correct=[1] * 49, target=0.02).threshold == 0.5


def test_what_is_no_confidence_or_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match="neither 0 nor 1"):
        risk_coverage([0.5], correct=[0.5])
    with pytest.raises(InputError, match="confidences for"):
        risk_coverage([0.5, 0.4], correct=[1])
    with pytest.raises(InputError, match="NaN"):
        certified_threshold([math.nan], correct=[1], target=0.1)
    with pytest.raises(InputError, match="nothing was measured"):
        certified_threshold([], correct=[], target=0.1)
    for target in (0.0, 1.0):
        with pytest.raises(InputError, match="target"):
            certified_threshold([0.5], correct=[1], target=target)
        with pytest.raises(InputError, match="target"):
            expected_threshold([0.5], correct=[1], target=target)
