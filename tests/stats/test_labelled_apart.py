"""A difference of two sides that were labelled on different items."""

from __future__ import annotations

import math

import numpy as np
import pytest

from launchworthy.errors import InputError
from launchworthy.stats import corrected_mean, labelled_apart

NAN = float("nan")


def _side(seed: int, good: float, labelled: range) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(1_000) < good
    judge = (rng.random(1_000) < np.where(truth, 0.9, 0.3)).astype(float)
    human = np.full(1_000, NAN)
    human[labelled.start : labelled.stop] = truth[labelled.start : labelled.stop]
    return judge, human


def test_it_is_the_difference_of_both_corrected_means_no_narrower_than_either() -> None:
    (old, old_human), (new, new_human) = _side(1, 0.6, range(250)), _side(2, 0.8, range(250, 500))
    before, after = corrected_mean(old, human=old_human), corrected_mean(new, human=new_human)
    found = labelled_apart(old, judge_candidate=new, human_baseline=old_human, human_candidate=new_human)
    assert found.value == pytest.approx(after.value - before.value)
    assert found.high - found.low >= max(before.high - before.low, after.high - after.low)
    assert found.n == 250
    assert found.sample["labels"] == 500


def test_grades_that_go_against_each_other_widen_it_to_the_sum_of_both() -> None:
    old, old_human = _side(3, 0.6, range(250))
    new = 1.0 - old
    new_human = np.full(1_000, NAN)
    new_human[250:500] = np.random.default_rng(5).random(250) < 0.4
    found = labelled_apart(old, judge_candidate=new, human_baseline=old_human, human_candidate=new_human)
    before, after = corrected_mean(old, human=old_human), corrected_mean(new, human=new_human)
    down = after.value - after.low, before.high - before.value
    assert found.value - found.low == pytest.approx(sum(down))
    assert sum(down) > math.hypot(*down)


def test_a_side_without_labels_and_sides_of_other_lengths_are_refused() -> None:
    judge, human = _side(4, 0.6, range(250))
    nobody = np.full(1_000, NAN)
    with pytest.raises(InputError, match="no item has a label"):
        labelled_apart(judge, judge_candidate=judge, human_baseline=nobody, human_candidate=human)
    with pytest.raises(InputError, match="1000 scores of the baseline for 999"):
        labelled_apart(judge, judge_candidate=judge[1:], human_baseline=human, human_candidate=human[1:])
