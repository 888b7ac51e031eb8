"""Paired shares whose items move together: what a cluster is worth, by statsmodels and by its own laws."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.stats import clustered_shares, paired_means, paired_shares

MOVED = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0]), st.integers(0, 12)), min_size=2, max_size=60
)


def test_the_standard_error_is_the_cluster_robust_one_of_statsmodels() -> None:
    rng = np.random.default_rng(4)
    users = np.repeat(np.arange(60), rng.integers(1, 7, size=60))
    moved = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.7, 0.2], size=users.size)
    own = clustered_shares(moved, clusters=users.tolist())
    theirs = sm.OLS(moved, np.ones(moved.size)).fit(cov_type="cluster", cov_kwds={"groups": users})
    assert own.sample["standard_error"] == pytest.approx(float(theirs.bse[0]), abs=1e-9)
    assert (own.n, own.sample["items"]) == (60, users.size)


@pytest.mark.parametrize("size", [2, 7])
def test_a_user_whose_answers_all_move_together_is_one_pair(size: int) -> None:
    moved = np.array([1.0] * 3 + [-1.0] * 5 + [0.0] * 92)
    once = clustered_shares(moved, clusters=range(100))
    often = clustered_shares(np.repeat(moved, size), clusters=np.repeat(np.arange(100), size).tolist())
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert often.sample["p_value"] == pytest.approx(once.sample["p_value"], abs=1e-12)
    assert often.sample["design_effect"] == pytest.approx(size * once.sample["design_effect"])


def test_what_clusters_are_worth_is_not_learnt_from_three_pairs_that_moved() -> None:
    """Each in a user of its own: users of twenty may move as a whole all the same."""
    moved = np.zeros(2_000)
    moved[[5, 405, 1_205]] = -1.0
    found = clustered_shares(moved, clusters=np.repeat(np.arange(100), 20).tolist(), sides=1)
    alone = paired_shares(gained=0, lost=3, n=2_000, sides=1)
    assert found.low < -0.02 < alone.low


@settings(max_examples=60, deadline=None)
@given(pairs=MOVED, level=st.sampled_from([0.9, 0.95]))
def test_clusters_never_narrow_and_the_p_value_says_what_the_interval_says(
    pairs: list[tuple[float, int]], level: float
) -> None:
    moved, users = [one for one, _ in pairs], [user for _, user in pairs]
    found = clustered_shares(moved, clusters=users, level=level)
    alone = paired_shares(gained=moved.count(1.0), lost=moved.count(-1.0), n=len(moved), level=level)
    assert -1.0 <= found.low <= alone.low + 1e-9
    assert alone.high - 1e-9 <= found.high <= 1.0
    assert found.value == pytest.approx(alone.value)
    if abs(found.sample["p_value"] - (1.0 - level)) > 1e-6:
        outside = found.low > 0.0 or found.high < 0.0
        assert outside == (found.sample["p_value"] < 1.0 - level)


def test_one_user_and_no_difference_prove_next_to_nothing() -> None:
    one = clustered_shares([0.0] * 50, clusters=["a"] * 50)
    assert one.low < -0.9
    assert one.high > 0.9
    same = clustered_shares([0.0] * 100, clusters=[at // 5 for at in range(100)])
    assert same.high > paired_shares(gained=0, lost=0, n=20).high
    assert same.sample["p_value"] == 1.0


def test_what_is_no_yes_or_no_pair_is_refused() -> None:
    for moved in ([0.5, 1.0], [2.0, 0.0], [float("nan"), 0.0], []):
        with pytest.raises(InputError):
            clustered_shares(moved, clusters=["a", "b"])
    with pytest.raises(InputError, match="cluster names"):
        clustered_shares([1.0, 0.0], clusters=["a"])


def test_two_scores_of_a_hundred_that_moved_are_no_proof_that_the_mean_did() -> None:
    before, after = np.full(100, 0.5), np.full(100, 0.5)
    after[[3, 50]] = (0.9, 0.8)
    found = paired_means(before, candidate=after, bounds=(0.0, 1.0))
    assert found.low < 0.0 < found.value < found.high
    assert found.sample["p_value"] > 0.05
    ten = paired_means(10.0 * before, candidate=10.0 * after, bounds=(0.0, 10.0), clusters=range(100))
    assert (ten.value, ten.low, ten.high) == pytest.approx(
        (10.0 * found.value, 10.0 * found.low, 10.0 * found.high)
    )
    assert ten.sample["p_value"] == pytest.approx(found.sample["p_value"])
    assert (found.method, ten.method) == ("score of few that moved", "score of few that moved, clustered")
    lower = paired_means(after, candidate=before, bounds=(0.0, 1.0))
    assert (lower.low, lower.high) == pytest.approx((-found.high, -found.low))
    with pytest.raises(InputError, match="cluster names"):
        paired_means(before, candidate=after, bounds=(0.0, 1.0), clusters=["a"])
