"""Calibrated chances agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from launchworthy.errors import InputError
from launchworthy.stats import isotonic

_ROW = st.tuples(st.integers(-20, 20), st.sampled_from([0.0, 1.0]), st.sampled_from([0.5, 1.0, 50.0]))


@settings(max_examples=60)
@given(st.lists(_ROW, min_size=2, max_size=60))
def test_chances_are_scikit_learns(rows: list[tuple[int, float, float]]) -> None:
    x, y, w = (np.array([row[side] for row in rows], dtype=float) for side in (0, 1, 2))
    grid = np.linspace(-25, 25, 301)
    theirs = IsotonicRegression(out_of_bounds="clip")
    plain, weighted = (theirs.fit(x, y, sample_weight=each).predict(grid) for each in (None, w))
    assert isotonic(x, labels=y)(grid) == pytest.approx(plain, abs=1e-9)
    assert isotonic(x, labels=y, weights=w)(grid) == pytest.approx(weighted, abs=1e-9)


def test_more_scores_than_are_kept_apart_are_calibrated_within_a_hundredth() -> None:
    rng = np.random.default_rng(1)
    x = rng.random(200_000)
    y = (rng.random(200_000) < x).astype(float)
    ours = isotonic(x, labels=y)(np.linspace(0.05, 0.95, 181))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(x, y).predict(np.linspace(0.05, 0.95, 181))
    assert np.abs(ours - theirs).max() < 0.01
    assert (np.diff(ours) >= 0.0).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(InputError, match="2 labels for 3"):
        isotonic([1, 2, 3], labels=[0, 1])
    with pytest.raises(InputError):
        isotonic([], labels=[])
    with pytest.raises(InputError, match="each is above 0"):
        isotonic([1, 2], labels=[0, 1], weights=[1.0, 0.0])
    with pytest.raises(InputError, match="1 weights for 2"):
        isotonic([1, 2], labels=[0, 1], weights=[1.0])
    with pytest.raises(InputError, match="NaN"):
        isotonic([1.0, np.nan], labels=[0, 1])
