"""Slices are compared with honest multiplicity; whoever looks early, or plans, is told what holds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests

from launchworthy.errors import InputError
from launchworthy.metrics import (
    Comparison,
    compare_rows,
    compare_slices,
    find_metric,
    slices_in_words,
)
from launchworthy.metrics.scores import Scores
from launchworthy.stats import discordant_e_value

Rows = list[dict[str, Any]]


def _sides(n: int, chance: dict[str, tuple[float, float]], seed: int = 1) -> tuple[Rows, Rows]:
    """Right answers of both sides with these chances, by slice."""
    rng = random.Random(seed)
    old, new = [], []
    for name, (before, after) in chance.items():
        for at in range(n):
            row = {"id": f"{name}/{at}", "label": 1, "topic": name, "user": f"{name}/{at // 2}"}
            old.append(row | {"prediction": int(rng.random() < before)})
            new.append(row | {"prediction": int(rng.random() < after)})
    return old, new


def _compared(old: Rows, new: Rows, **options: Any) -> Comparison:
    return compare_rows(find_metric("accuracy"), baseline=old, candidate=new, **options)


def test_a_slice_that_is_worse_is_found_and_named_among_many_that_are_alike() -> None:
    chances = {f"s{at}": (0.8, 0.8) for at in range(11)} | {"german": (0.9, 0.4)}
    old, new = _sides(80, chances)
    for cluster in (None, "user"):
        found = _compared(old, new, by="topic", cluster=cluster)
        changed = {part.name: part.change for part in found.slices if part.change}
        assert changed == {"german": "worse"}
        told = slices_in_words(found.slices, unit="ratio", level=0.95)
        assert told.startswith("1 of 12 slices differ beyond chance (Holm, 95 %): german worse by")


@pytest.mark.parametrize("worse", [False, True])
def test_beyond_2_percent_missing_nothing_is_settled_whoever_lacks_them(worse: bool) -> None:
    old, new = _sides(100, {"a": (1.0, 0.0 if worse else 1.0)})
    settled = "unmet" if worse else "met"
    empty = [{**row, "label": None} for row in new]
    assert _compared(old, new, margin=0.1).status == settled
    assert _compared(old, [*empty[:2], *new[2:]], margin=0.1).status == settled
    for before, after in ((old, [*empty[:3], *new[3:]]), (old, new[3:]), (old[3:], new)):
        found = _compared(before, after, margin=0.1)
        assert (found.status, found.needed) == ("unproven", None)
        assert found.reason.startswith("It is not settled: 3 of 100 items could not be compared (3 ")
        assert found.reason.endswith("3 %, and at most 2 % may be missing).")


def test_items_for_which_something_else_is_right_on_each_side_are_no_pairs() -> None:
    old, new = _sides(100, {"a": (1.0, 1.0)})
    edited = [{**row, "label": 0} for row in new]
    assert _compared(old, [*edited[:2], *new[2:]], margin=0.1).status == "met"
    found = _compared(old, [*edited[:3], *new[3:]], margin=0.1)
    assert (found.status, found.pairs, found.changed) == ("unproven", 97, ("a/0", "a/1", "a/2"))
    assert "3 with another right answer on each side" in found.reason
    with pytest.raises(InputError, match="for each of the 100 items something else is right"):
        _compared(old, edited, margin=0.1)
    written = [{**row, "label": 1.0} for row in new]
    assert _compared(old, written, margin=0.1).status == "met", "1 and 1.0 are one truth"


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_a_side_without_rows_is_named(side: str) -> None:
    old, new = _sides(3, {"a": (1.0, 1.0)})
    with pytest.raises(InputError, match=f"{side}: LW100 there are no rows"):
        _compared(*(([], new) if side == "baseline" else (old, [])))


def test_a_candidate_that_may_not_be_any_worse_and_is_is_told_in_one_sentence() -> None:
    old, new = _sides(100, {"a": (1.0, 0.5)})
    found = _compared(old, new)
    assert found.status == "unmet"
    assert found.reason.startswith("The candidate is worse, by at least ")
    assert _compared(old, new, margin=0.01).reason.startswith(
        "The candidate is worse by more than 1 point: by at least "
    )


def test_slices_that_are_alike_are_seldom_called_different() -> None:
    false = naive = 0
    for seed in range(40):
        old, new = _sides(40, {f"s{at}": (0.7, 0.7) for at in range(12)}, seed)
        found = _compared(old, new, by="topic")
        false += any(part.change for part in found.slices)
        naive += any((part.p_value or 1.0) < 0.05 for part in found.slices)
    assert false <= 5, "5 % of 40 are 2"
    assert naive >= 12, "without the correction chance finds something in nearly half"


def test_adjusted_p_values_are_holms() -> None:
    old, new = _sides(60, {"a": (0.8, 0.5), "b": (0.6, 0.7), "c": (0.5, 0.5), "d": (0.9, 0.6)})
    found = _compared(old, new, by="topic").slices
    reference = multipletests([part.p_value for part in found], method="holm")[1]
    assert [part.adjusted for part in found] == pytest.approx(list(reference), abs=1e-12)


def test_a_slice_that_cannot_be_measured_counts_as_none() -> None:
    old, new = _sides(30, {"a": (0.8, 0.8), "b": (0.8, 0.8)})
    alike = _compared(old, old, by="topic").slices
    assert "None of 2 slices differs beyond chance" in slices_in_words(alike, unit="ratio", level=0.95)
    for row in new:
        if row["topic"] == "b":
            del row["prediction"]
    parts = {part.name: part for part in _compared(old, new, by="topic").slices}
    assert (parts["b"].difference, parts["b"].adjusted, parts["b"].change) == (None, None, None)
    assert parts["a"].difference is not None


def test_the_candidates_slice_wins_and_the_baselines_stands_in_for_it() -> None:
    old, new = _sides(10, {"a": (1.0, 1.0)})
    for at, row in enumerate(new):
        if at < 4:
            row["topic"] = ["a", "b"]
        elif at < 8:
            del row["topic"]
    sizes = {
        part.name: part.difference.n for part in _compared(old, new, by="topic").slices if part.difference
    }
    assert sizes == {"a": 10, "b": 4}
    assert _compared(old, new, by="nothing").slices == ()


@pytest.mark.parametrize("name", ["weighted-precision", "macro-precision"])
def test_rounding_noise_is_no_variance_that_a_margin_could_be_met_by(name: str) -> None:
    """All labels are one class, so that precision cannot show that a quarter of the decisions is wrong."""
    old = [{"id": at, "label": "a", "prediction": "b" if at < 3 else "a"} for at in range(40)]
    new = [{**row, "prediction": "b" if at < 13 else "a"} for at, row in enumerate(old)]
    for cluster in (None, "prediction"):
        found = compare_rows(find_metric(name), baseline=old, candidate=new, margin=0.01, cluster=cluster)
        assert found.difference is not None
        assert (found.status, round(found.difference.value, 12)) == ("unproven", 0.0)
        assert found.difference.low < -0.05
        assert found.difference.high > 0.05


def test_values_that_rounding_alone_tells_apart_are_equal_whatever_their_size() -> None:
    old = [{"id": at, "latency_ms": 1e9 / 3} for at in range(30)]
    new = [{"id": at, "latency_ms": 1e9 / 3 + 6e-8 * (1 + at % 3)} for at in range(30)]
    assert {row["latency_ms"] for row in new} != {1e9 / 3}, "the test needs rounding"
    found = compare_rows(find_metric("latency"), baseline=old, candidate=new, margin=1.0)
    assert found.difference is not None
    assert (found.difference.value, found.status) == (0.0, "unproven")


def test_clusters_of_one_item_each_are_none() -> None:
    old, new = _sides(80, {"a": (0.99, 0.95)})
    own = [{**row, "user": row["id"]} for row in new]
    assert _compared(old, own, cluster="user").difference == _compared(old, new).difference


def test_clusters_never_narrow_a_difference_of_shares() -> None:
    """Where few pairs differ, the bootstrap of the clusters alone would."""
    for seed in range(40):
        old, new = _sides(60, {"a": (0.98, 0.98)}, seed)
        alone, found = (_compared(old, new, cluster=name).difference for name in (None, "user"))
        assert alone is not None
        assert found is not None
        assert (found.low <= alone.low, found.high >= alone.high) == (True, True)
        assert found.sample["p_value"] >= alone.sample["p_value"]


def test_what_a_slice_says_is_what_its_items_alone_say() -> None:
    old, new = _sides(50, {"a": (0.8, 0.6), "b": (0.5, 0.9)})
    whole = {part.name: part.difference for part in _compared(old, new, by="topic").slices}
    metric = find_metric("accuracy")
    sides = [Scores.of(metric.score(row) for row in side if row["topic"] == "a") for side in (old, new)]
    assert whole["a"] == metric.difference(*sides)
    assert compare_slices(metric, *sides, slices={}) == ()


def test_the_e_value_is_of_the_pairs_that_moved_and_only_for_yes_or_no() -> None:
    old, new = _sides(200, {"a": (0.5, 0.9)})
    found = _compared(old, new)
    assert found.difference is not None
    moved = found.difference.sample
    assert found.e_value == discordant_e_value(gained=moved["gained"], lost=moved["lost"])
    assert found.e_value is not None
    assert found.e_value > 20
    assert _compared(old, new, cluster="user").e_value is None
    timed = [row | {"latency_ms": 5 + at % 7} for at, row in enumerate(old)]
    assert compare_rows(find_metric("latency"), baseline=timed, candidate=timed).e_value is None


def test_the_pairs_that_a_plan_names_show_the_margin_about_as_often_as_it_says() -> None:
    old, new = _sides(400, {"a": (0.8, 0.8)})
    planned = _compared(old, new, margin=0.05).planned
    assert planned is not None
    met = sum(
        _compared(*_sides(planned, {"a": (0.8, 0.8)}, seed), margin=0.05).status == "met"
        for seed in range(2, 42)
    )
    assert 25 <= met <= 39, (met, planned)
    assert _compared(old, new).planned is None, "no number of pairs shows that nothing is any worse"
    equal = _compared(old, old, margin=0.01)
    assert equal.planned is not None
    assert equal.status == ("met" if equal.planned <= 400 else "unproven")
