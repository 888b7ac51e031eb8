"""Catalogue coverage and diversity within a list, by definition and against SciPy's distances."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from launchworthy.errors import InputError
from launchworthy.metrics import compare_rows, find_metric, score_rows

IDS = [f"d{at}" for at in range(12)]


@settings(max_examples=60, deadline=None)
@given(lists=st.lists(st.lists(st.sampled_from(IDS), max_size=6), min_size=1, max_size=8))
def test_coverage_is_the_share_of_the_catalogue_that_anyone_is_shown(lists: list[list[str]]) -> None:
    metric = find_metric("coverage@3", options={"catalogue": "12"})
    rows = [{"ranked": one} for one in lists]
    found = score_rows(metric, rows).overall.interval
    assert found is not None
    assert found.value == pytest.approx(len({name for one in lists for name in one[:3]}) / 12)
    for one, row in zip(lists, rows, strict=True):
        assert metric.score(row).value == pytest.approx(len(set(one[:3])) / 12)


def test_the_error_of_coverage_is_the_jackknifes() -> None:
    rng = random.Random(3)
    lists = [rng.sample(range(400), 5) for _ in range(50)]
    found = score_rows(
        find_metric("coverage@5", options={"catalogue": "400"}), [{"ranked": one} for one in lists]
    ).overall.interval
    assert found is not None
    without = [
        len({name for other, one in enumerate(lists) if other != at for name in one}) / 400
        for at in range(50)
    ]
    spread = float(np.sum((np.array(without) - np.mean(without)) ** 2))
    assert found.sample["standard_error"] == pytest.approx((50 / 49 * spread) ** 0.5)
    assert found.low < found.value < found.high


def test_bounds_of_coverage_hold_another_sample_of_as_many_lists() -> None:
    rng = random.Random(11)
    weights = [1 / (at + 1) for at in range(300)]

    def shown() -> list[dict[str, list[int]]]:
        return [{"ranked": list(dict.fromkeys(rng.choices(range(300), weights, k=8)))} for _ in range(60)]

    metric = find_metric("coverage@8", options={"catalogue": "300"})
    expected = np.mean([len({i for row in shown() for i in row["ranked"]}) / 300 for _ in range(400)])
    held = 0
    for _ in range(200):
        found = score_rows(metric, shown()).overall.interval
        assert found is not None
        held += int(found.low <= expected <= found.high)
    assert held >= 188  # 94 %


def test_lists_of_one_user_are_left_out_together() -> None:
    rows = [{"ranked": ["a"], "user": 1}, {"ranked": ["a"], "user": 1}, {"ranked": ["b"], "user": 2}]
    metric = find_metric("coverage@1", options={"catalogue": "10"})
    alone = score_rows(metric, rows).overall.interval
    together = score_rows(metric, rows, cluster="user").overall.interval
    assert alone is not None
    assert together is not None
    assert alone.sample["standard_error"] > 0  # leaving out one list of the first user loses nothing
    assert together.method.endswith("clustered")
    assert together.n == 2


def test_wider_recommendations_are_told_from_narrow_ones() -> None:
    rng = random.Random(7)
    narrow = [{"id": at, "ranked": rng.sample(range(20), 5)} for at in range(80)]
    wide = [{"id": at, "ranked": rng.sample(range(200), 5)} for at in range(80)]
    metric = find_metric("coverage@5", options={"catalogue": "200"})
    found = compare_rows(metric, baseline=narrow, candidate=wide)
    assert found.status == "met"
    assert found.difference is not None
    assert found.difference.value == pytest.approx(
        (len({i for r in wide for i in r["ranked"]}) - 20) / 200  # type: ignore[attr-defined]
    )
    assert compare_rows(metric, baseline=wide, candidate=narrow).status == "unmet"


def test_without_a_depth_whole_lists_count_up_to_a_thousand_ids() -> None:
    metric = find_metric("coverage", options={"catalogue": "4000"})
    assert metric.score({"ranked": list(range(1_000))}).value == 0.25
    refused = metric.score({"ranked": list(range(1_001))})
    assert refused.value is None
    assert "smaller depth" in str(refused.error)
    assert (
        find_metric("coverage@5", options={"catalogue": "4000"}).score({"ranked": list(range(2_000))}).value
    )


def test_a_catalogue_is_given_and_large_enough_and_the_same_for_all() -> None:
    metric = find_metric("coverage@2")
    assert metric.score({"ranked": ["a"]}).value is None
    assert metric.score({"ranked": ["a"], "catalogue": 0}).value is None
    assert metric.score({"ranked": None, "catalogue": 5}).value is None
    with pytest.raises(InputError, match="in another"):
        score_rows(metric, [{"ranked": ["a"], "catalogue": 5}, {"ranked": ["b"], "catalogue": 6}])
    with pytest.raises(InputError, match="different ids"):
        score_rows(metric, [{"ranked": ["a", "b"], "catalogue": 1}])
    assert metric.score({"ranked": ["a"], "catalogue": 10**400}).value is None
    for size in ("many", "0", "-3", "9" * 5_000):
        with pytest.raises(InputError):
            find_metric("coverage@2", options={"catalogue": size})


CATEGORIES = st.lists(st.sampled_from("abcde"), max_size=4)


@settings(max_examples=80, deadline=None)
@given(items=st.lists(CATEGORIES, min_size=2, max_size=6))
def test_diversity_of_categories_is_the_mean_jaccard_distance(items: list[list[str]]) -> None:
    names = [f"i{at}" for at in range(len(items))]
    row = {"ranked": names, "features": dict(zip(names, items, strict=True))}
    held = np.array([[letter in one for letter in "abcde"] for one in items])
    expected = float(pdist(held, "jaccard").mean())
    assert find_metric("diversity@10").score(row).value == pytest.approx(expected, abs=1e-9)


def test_diversity_of_vectors_is_the_mean_cosine_distance() -> None:
    vectors = np.random.default_rng(0).random((8, 5)) + 0.1
    names = [f"i{at}" for at in range(8)]
    row = {"ranked": names, "features": dict(zip(names, vectors.tolist(), strict=True))}
    for depth in (2, 5, 8):
        expected = float(pdist(vectors[:depth], "cosine").mean())
        score = find_metric(f"diversity@{depth}").score(row)
        assert score.value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "row",
    [
        {"ranked": ["a", "b"]},
        {"ranked": ["a", "b"], "features": ["x"]},
        {"ranked": ["a"], "features": {"a": ["x"]}},
        {"ranked": [], "features": {}},
        {"ranked": ["a", "a"], "features": {"a": ["x"]}},
        {"ranked": ["a", "b"], "features": {"a": ["x"]}},
        {"ranked": ["a", "b"], "features": {"a": ["x"], "b": 3}},
        {"ranked": ["a", "b"], "features": {"a": [1.0, 2.0], "b": [1.0]}},
        {"ranked": ["a", "b"], "features": {"a": [1.0], "b": [float("nan")]}},
        {"ranked": ["a", "b"], "features": {"a": [1.0], "b": [0.0]}},
        {"ranked": ["a", "b"], "features": {"a": [1.0], "b": ["x"]}},
        {"ranked": "ab", "features": {"a": ["x"], "b": ["x"]}},
    ],
)
def test_a_list_of_which_no_pair_can_be_compared_is_not_scored(row: dict[str, object]) -> None:
    score = find_metric("diversity@5").score(row)
    assert score.value is None
    assert score.error


def test_marks_of_ids_do_not_meet() -> None:
    metric = find_metric("coverage@1", options={"catalogue": "200000"})
    marks = Counter(metric.score({"ranked": [at]}).statistics["rank_1"] for at in range(100_000))
    assert max(marks.values()) == 1
