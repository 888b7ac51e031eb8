from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evals import compare_runs
from launchworthy.records import RunItem, Score
from launchworthy.stats import paired_means, paired_shares

VALUES = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, None]), st.sampled_from([0.0, 1.0, None])), max_size=30
)


def _items(values: list[float | None], clusters: list[str] | None = None) -> list[RunItem]:
    return [
        RunItem(
            item_id=f"q{n:03}",
            scores={"m": Score(value=value, error=None if value is not None else "could not")},
            cluster=None if clusters is None else clusters[n],
        )
        for n, value in enumerate(values)
    ]


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_every_item_is_in_exactly_one_place(pairs: list[tuple[float | None, float | None]]) -> None:
    found = compare_runs(_items([a for a, _ in pairs]), _items([b for _, b in pairs]), "m")
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    assert found.unscored == len(pairs) - len(both)
    assert found.unpaired == 0
    assert len(found.better) == sum(a > b for a, b in both)
    assert len(found.worse) == sum(a < b for a, b in both)
    if both:
        assert found.difference is not None
        assert found.candidate is not None
        assert found.baseline is not None
        assert found.difference.value == pytest.approx(found.candidate - found.baseline)
        assert found.difference.low <= found.difference.value <= found.difference.high
    else:
        assert (found.difference, found.candidate, found.status) == (None, None, "unproven")


def test_shares_and_means_come_from_the_statistics_room() -> None:
    candidate, baseline = [1.0] * 60 + [0.0] * 40, [1.0] * 50 + [0.0] * 50
    found = compare_runs(_items(list(candidate)), _items(list(baseline)), "m", margin=0.02, level=0.9)
    assert found.difference == paired_shares(gained=10, lost=0, n=100, level=0.9, sides=1)
    assert found.status == "met"
    half = [value / 2 + 0.1 for value in candidate]
    means = compare_runs(_items(list(half)), _items(list(baseline)), "m", bounds=(0, 1), unit="ratio", seed=3)
    assert means.difference == paired_means(
        baseline, candidate=half, sides=1, bounds=(0, 1), unit="ratio", seed=3
    )


def test_items_that_share_a_cluster_count_as_one() -> None:
    candidate: list[float | None] = [1.0, 1.0, 0.0, 1.0] * 10
    baseline: list[float | None] = [0.0, 0.0, 1.0, 1.0] * 10
    clusters = [f"user{n // 4}" for n in range(40)]
    found = compare_runs(_items(candidate, clusters), _items(baseline, clusters), "m")
    assert found.difference is not None
    assert found.difference.n == 10


@pytest.mark.parametrize(("better", "status"), [(True, "unmet"), (False, "met")])
def test_lower_may_be_better(better: bool, status: str) -> None:
    found = compare_runs(_items([0.0] * 50), _items([1.0] * 50), "m", higher_is_better=better)
    assert found.status == status
    assert len(found.worse if better else found.better) == 50


def test_items_of_one_run_only_and_failed_items_are_counted_apart() -> None:
    failed = RunItem(item_id="q001", error="timeout")
    found = compare_runs([*_items([1.0]), failed], _items([1.0, 1.0, 1.0]), "m")
    assert (found.unpaired, found.unscored, found.candidate) == (1, 1, 1.0)


def test_agreement_without_variation_has_no_zero_width() -> None:
    found = compare_runs(_items([1.0] * 20), _items([1.0] * 20), "m", margin=0.01)
    assert found.difference is not None
    assert found.difference.low < 0 < found.difference.high
    assert found.status == "unproven"


@pytest.mark.parametrize("margin", [-0.1, math.nan])
def test_a_margin_below_0_is_refused(margin: Any) -> None:
    with pytest.raises(InputError):
        compare_runs(_items([1.0]), _items([1.0]), "m", margin=margin)
