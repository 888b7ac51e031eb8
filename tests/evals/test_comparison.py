from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evals import compare_runs
from launchworthy.metrics import find_metric
from launchworthy.records import RunItem, Score
from launchworthy.stats import paired_means, paired_shares

EXACT = find_metric("exact-match")
VALUES = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, None]), st.sampled_from([0.0, 1.0, None])), max_size=30
)


def _score(value: float | None) -> Score:
    if value is None:
        return Score(value=None, error="could not")
    return Score(value=value, statistics={"total": value, "items": 1.0})


def _items(values: list[float | None], clusters: list[str] | None = None) -> list[RunItem]:
    return [
        RunItem(
            item_id=f"q{n:03}",
            scores={"exact-match": _score(value)},
            cluster=None if clusters is None else clusters[n],
        )
        for n, value in enumerate(values)
    ]


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_every_item_is_in_exactly_one_place(pairs: list[tuple[float | None, float | None]]) -> None:
    found = compare_runs(_items([a for a, _ in pairs]), _items([b for _, b in pairs]), EXACT)
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
    found = compare_runs(_items(list(candidate)), _items(list(baseline)), EXACT, margin=0.02, level=0.9)
    assert found.difference == paired_shares(gained=10, lost=0, n=100, level=0.9, sides=1)
    assert found.status == "met"
    half = [value / 2 + 0.1 for value in candidate]
    means = compare_runs(_items(list(half)), _items(list(baseline)), EXACT)
    assert means.difference == paired_means(baseline, candidate=half, sides=1, bounds=(0, 1), unit="ratio")


def test_items_that_share_a_cluster_count_as_one() -> None:
    candidate: list[float | None] = [1.0, 1.0, 0.0, 1.0] * 10
    baseline: list[float | None] = [0.0, 0.0, 1.0, 1.0] * 10
    clusters = [f"user{n // 4}" for n in range(40)]
    found = compare_runs(_items(candidate, clusters), _items(baseline, clusters), EXACT)
    assert found.difference is not None
    assert found.difference.n == 10


def test_lower_may_be_better_and_the_right_cell_decides_who_moved() -> None:
    refused = Score(value=0.0, statistics={"refused_wrongly": 1.0})
    answered = Score(value=1.0, statistics={"answered_rightly": 1.0})
    elsewhere = Score(value=1.0, statistics={"refused_rightly": 1.0})

    def run(*scores: Score) -> list[RunItem]:
        return [RunItem(item_id=f"q{n:03}", scores={"over-refusal": s}) for n, s in enumerate(scores)]

    found = compare_runs(
        run(*[refused] * 40, elsewhere), run(*[answered] * 40, elsewhere), find_metric("over_refusal")
    )
    assert (found.status, found.candidate, found.baseline) == ("unmet", 1.0, 0.0)
    assert (len(found.worse), len(found.better)) == (40, 0)


def test_answers_that_only_one_release_gives_are_neither_better_nor_worse() -> None:
    risk = find_metric("selective-risk")

    def run(*answered: bool) -> list[RunItem]:
        rows = [{"answered": did, "should_answer": n > 1} for n, did in enumerate(answered)]
        return [RunItem(item_id=f"q{n}", scores={risk.name: risk.score(row)}) for n, row in enumerate(rows)]

    found = compare_runs(run(False, False, True, True), run(True, True, True, False), risk)
    assert found.candidate == 0.0
    assert found.baseline == pytest.approx(2 / 3)
    assert (found.better, found.worse, found.one_sided) == ((), (), 3)


def test_items_without_a_truth_for_the_metric_are_nobodys_fault() -> None:
    plain = RunItem(item_id="q009")
    found = compare_runs([*_items([1.0]), plain], [*_items([1.0]), plain], EXACT)
    assert (found.unscored, found.unpaired) == (0, 0)


def test_items_of_one_run_only_and_failed_items_are_counted_apart() -> None:
    failed = RunItem(item_id="q001", error="timeout")
    found = compare_runs([*_items([1.0]), failed], _items([1.0, 1.0, 1.0]), EXACT)
    assert (found.unpaired, found.unscored, found.candidate) == (1, 1, 1.0)


@pytest.mark.parametrize("wrong", [0, 100])
def test_beyond_2_percent_missing_nothing_is_met_or_unmet(wrong: int) -> None:
    """Those without an answer, and those that one run never asked."""
    old = _items([1.0] * 100)
    new = _items([*[0.0] * wrong, *[1.0] * (100 - wrong)])
    settled = "unmet" if wrong else "met"

    def status(candidate: list[RunItem], baseline: list[RunItem]) -> str:
        return compare_runs(candidate, baseline, EXACT, margin=0.1).status

    failed = [RunItem(item_id=item.item_id, error="timeout") for item in new]
    assert status(new, old) == settled
    assert status([*failed[:2], *new[2:]], old) == status(new[2:], old) == status(new, old[2:]) == settled
    for candidate, baseline in (([*failed[:3], *new[3:]], old), (new[3:], old), (new, old[3:])):
        assert status(candidate, baseline) == "unproven"
    found = compare_runs([failed[0], *new[1:]], old[:98], EXACT, margin=0.1)
    assert found.too_much_missing is not None
    assert (
        "3 of 100 items could not be compared (1 could not be scored, 2 on one side" in found.too_much_missing
    )


def test_items_without_a_truth_are_no_part_of_what_is_missing() -> None:
    """Not where one run failed at them, nor where one run never asked them."""
    plain = [RunItem(item_id=f"x{n}") for n in range(40)]
    failed = [RunItem(item_id=f"x{n}", error="timeout") for n in range(40)]
    same = _items([1.0] * 60)
    for candidate in ([*same, *failed], same):
        found = compare_runs(candidate, [*same, *plain], EXACT, margin=0.1)
        assert (found.status, found.missing, found.too_much_missing) == ("met", 0, None)


def test_agreement_without_variation_has_no_zero_width() -> None:
    found = compare_runs(_items([1.0] * 20), _items([1.0] * 20), EXACT, margin=0.01)
    assert found.difference is not None
    assert found.difference.low < 0 < found.difference.high
    assert found.status == "unproven"


@pytest.mark.parametrize("margin", [-0.1, math.nan])
def test_a_margin_below_0_is_refused(margin: Any) -> None:
    with pytest.raises(InputError):
        compare_runs(_items([1.0]), _items([1.0]), EXACT, margin=margin)
