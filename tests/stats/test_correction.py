"""A judge corrected by people's labels: against ppi-python, and by what a reader would notice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate  # type: ignore[import-untyped]

from launchworthy.errors import InputError
from launchworthy.stats import (
    clopper_pearson,
    corrected_difference,
    corrected_mean,
    mean_interval,
    normal_quantile,
    paired_shares,
    prediction_powered,
    rogan_gladen,
    t_interval,
    wilson,
)


def _judged(
    seed: int, *, labels: int, rest: int, rate: float = 0.8, hit: float = 0.9, reject: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """A judge who calls ``hit`` of the good good, and ``reject`` of the bad bad; and people's labels."""
    rng = np.random.default_rng(seed)
    truth = rng.random(labels + rest) < rate
    judge = np.where(truth, rng.random(truth.size) < hit, rng.random(truth.size) >= reject).astype(float)
    human = truth.astype(float)
    human[labels:] = np.nan
    return judge, human


@pytest.mark.parametrize("kind", ["yes or no", "scores", "opposite", "constant judge", "equal"])
@pytest.mark.parametrize("seed", range(4))
def test_the_estimate_and_its_variance_are_those_of_ppi_python(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    n, rest = int(rng.integers(3, 300)), int(rng.integers(3, 2_000))
    judge, human = _judged(seed, labels=n, rest=rest, rate=0.6)
    if kind != "yes or no":
        human[:n] = rng.normal(3.0, 2.0, size=n)
        judge = rng.normal(3.0, 1.0, size=n + rest)
        judge[:n] = {"scores": 0.7, "opposite": -1.0, "constant judge": 0.0, "equal": 1.0}[kind] * human[:n]
        judge = np.zeros_like(judge) if kind == "constant judge" else judge
    own = prediction_powered(judge, human=human)
    columns = human[:n], judge[:n], judge[n:]
    # A judge that never varies makes theirs 0/0; ours leaves it out.
    weight = None if kind != "constant judge" else 0.0
    assert own.value == pytest.approx(float(ppi_mean_pointestimate(*columns, lam=weight).item()), abs=1e-9)
    z = normal_quantile(0.975)
    variance = own.sample["rectifier_variance"] * (n - 1) / n
    variance += own.sample["imputed_variance"] * (rest - 1) / rest
    low, high = ppi_mean_ci(*columns, alpha=0.05, lam=weight)
    half = z * math.sqrt(variance)
    assert (own.value - half, own.value + half) == pytest.approx((low.item(), high.item()), abs=1e-9)


@settings(max_examples=30)
@given(n=st.integers(2, 40), rest=st.integers(2, 40), seed=st.integers(0, 99), sides=st.sampled_from([1, 2]))
def test_bounds_hold_the_estimate_and_stay_on_the_scale(n: int, rest: int, seed: int, sides: int) -> None:
    judge, human = _judged(seed, labels=n, rest=rest)
    for own in (
        prediction_powered(judge, human=human, sides=sides, bounds=(0.0, 1.0)),
        corrected_mean(judge, human=human, sides=sides),
    ):
        assert 0.0 <= own.low <= own.value <= own.high <= 1.0
        assert own.low < own.high


def test_with_labels_that_suffice_the_judge_makes_the_interval_narrower_than_the_labels_alone() -> None:
    judge, human = _judged(1, labels=400, rest=8_000, hit=0.99, reject=0.75)
    own = corrected_mean(judge, human=human)
    alone = wilson(int(human[:400].sum()), n=400)
    assert own.method == "prediction-powered (PPI++)"
    assert own.n == 400
    assert own.high - own.low < 0.75 * (alone.high - alone.low)
    assert own.low < 0.8 < own.high
    assert not own.low <= judge.mean() <= own.high  # the judge alone is wrong by more than the interval


@pytest.mark.parametrize("sides", [1, 2])
def test_fewer_labels_than_two_hundred_speak_alone_and_the_method_says_so(sides: int) -> None:
    judge, human = _judged(2, labels=60, rest=900)
    own = corrected_mean(judge, human=human, sides=sides)
    good = int(np.nansum(human))
    alone = clopper_pearson(good, n=60) if sides == 1 else wilson(good, n=60)
    assert (own.low, own.high, own.n) == (alone.low, alone.high, 60)
    assert "labels alone: fewer than 200" in own.method
    scores = corrected_mean(judge * 0.7, human=human * 0.9, sides=sides)
    plain = mean_interval(human[:60] * 0.9, bounds=(0.0, 1.0), sides=sides)
    assert (scores.low, scores.high) == (plain.low, plain.high)


def test_a_judge_seen_to_err_too_seldom_is_not_corrected_as_if_it_never_erred() -> None:
    judge, human = _judged(3, labels=300, rest=3_000, hit=1.0, reject=1.0)
    own = corrected_mean(judge, human=human, sides=1)
    assert "fewer than 10 errors" in own.method
    assert own.low == clopper_pearson(int(np.nansum(human)), n=300).low


def test_where_people_labelled_everything_the_judge_is_not_asked() -> None:
    judge, human = _judged(4, labels=500, rest=0)
    own = corrected_mean(judge, human=human)
    assert "every item is labelled" in own.method
    assert own.value == pytest.approx(human.mean())


def test_labels_of_a_calibration_set_give_the_share_among_the_other_items() -> None:
    rng = np.random.default_rng(5)
    judge, human = _judged(5, labels=0, rest=4_000, rate=0.9, hit=0.95, reject=0.9)
    known = np.repeat([1.0, 0.0], 150)  # half of them good, though nine in ten items are
    seen = np.where(known == 1.0, rng.random(300) < 0.95, rng.random(300) >= 0.9).astype(float)
    own = corrected_mean(np.r_[seen, judge], human=np.r_[known, human], at_random=False)
    assert own.method.startswith("Rogan-Gladen")
    assert own.low < 0.9 < own.high
    q, hit, reject = own.sample["apparent"], own.sample["sensitivity"], own.sample["specificity"]
    assert own.value == pytest.approx((q + reject - 1) / (hit + reject - 1))


def test_a_judge_no_better_than_chance_leaves_everything_open() -> None:
    judge, human = _judged(6, labels=80, rest=500, rate=0.5, hit=0.5, reject=0.5)
    own = rogan_gladen(judge, human=human)
    assert (own.low, own.high) == (0.0, 1.0)
    assert own.method.startswith("none")


def test_items_of_one_user_count_once() -> None:
    judge, human = _judged(7, labels=250, rest=1_000)
    users = list(range(1_250))
    twice = [np.repeat(column, 2) for column in (judge, human)]
    doubled = np.repeat(users, 2).tolist()
    once = prediction_powered(judge, human=human, clusters=users)
    own = prediction_powered(twice[0], human=twice[1], clusters=doubled)
    assert (own.value, own.low, own.high, own.n) == pytest.approx(
        (once.value, once.low, once.high, once.n), abs=1e-12
    )
    believed = prediction_powered(twice[0], human=twice[1])
    assert own.high - own.low > 1.3 * (believed.high - believed.low)
    few = corrected_mean(judge, human=human, clusters=[name % 100 for name in users])
    assert "fewer than 200" in few.method
    plain = rogan_gladen(judge, human=human)
    grouped = rogan_gladen(judge, human=human, clusters=[name // 50 for name in users])
    assert grouped.high - grouped.low >= plain.high - plain.low


def test_a_useless_judge_leaves_the_clustered_mean_of_the_labels() -> None:
    rng = np.random.default_rng(8)
    human = np.r_[rng.normal(size=240), np.full(500, np.nan)]
    names = [*(i // 2 for i in range(240)), *range(1_000, 1_500)]
    own = prediction_powered(np.ones(740), human=human, clusters=names)
    alone = t_interval(human[:240], clusters=names[:240])
    assert own.sample["lambda"] == 0.0
    assert own.value == pytest.approx(alone.value)
    assert own.sample["standard_error"] == pytest.approx(alone.sample["standard_error"], rel=0.01)


def test_a_difference_is_corrected_on_the_items_that_people_labelled_in_both() -> None:
    judge_old, human_old = _judged(9, labels=400, rest=4_000, rate=0.7)
    judge_new, human_new = _judged(10, labels=450, rest=3_950, rate=0.8)
    own = corrected_difference(
        judge_old, judge_candidate=judge_new, human_baseline=human_old, human_candidate=human_new
    )
    assert own.sample["labels"] == 400
    assert own.low < 0.1 < own.high
    assert own.low > 0
    assert own.sample["p_value"] < 0.05
    same = corrected_difference(
        judge_old, judge_candidate=judge_old, human_baseline=human_old, human_candidate=human_old
    )
    assert same.low < 0.0 < same.high


def test_few_labelled_pairs_are_compared_alone() -> None:
    judge_old, human_old = _judged(11, labels=90, rest=400, rate=0.7)
    judge_new, human_new = _judged(12, labels=90, rest=400, rate=0.8)
    own = corrected_difference(
        judge_old, judge_candidate=judge_new, human_baseline=human_old, human_candidate=human_new, sides=1
    )
    gap = human_new[:90] - human_old[:90]
    plain = paired_shares(gained=int((gap > 0).sum()), lost=int((gap < 0).sum()), n=90, sides=1)
    assert (own.low, own.high) == (plain.low, plain.high)
    assert "labels alone" in own.method


def test_no_labels_and_what_does_not_fit_are_refused() -> None:
    nothing = [math.nan, math.nan]
    with pytest.raises(InputError, match="no item has a label"):
        corrected_mean([1.0, 0.0], human=nothing)
    with pytest.raises(InputError, match="both of its answers"):
        corrected_difference(
            [1.0, 0.0],
            judge_candidate=[1.0, 1.0],
            human_baseline=[1.0, math.nan],
            human_candidate=[math.nan, 1.0],
        )
    with pytest.raises(InputError, match="leave the scale"):
        corrected_mean([3.0, 0.0], human=[1.0, math.nan])
    with pytest.raises(InputError, match="labels"):
        corrected_mean([1.0, 0.0], human=[1.0])
    with pytest.raises(InputError, match="yes-or-no"):
        corrected_mean([0.4, 0.0, 1.0], human=[1.0, 0.0, math.nan], at_random=False)
    with pytest.raises(InputError, match="how often a judge errs"):
        rogan_gladen([1.0, 0.0, 1.0], human=[1.0, 1.0, math.nan])
    with pytest.raises(InputError, match="unlabelled units"):
        prediction_powered([1.0, 0.0, 1.0], human=[1.0, 1.0, math.nan])
    with pytest.raises(InputError, match="cluster names"):
        corrected_mean([1.0, 0.0], human=[1.0, math.nan], clusters=["a"])
