"""A classifier that has not seen a row tells its period; without a change it cannot."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from launchworthy.errors import InputError
from launchworthy.metrics import find_metric
from launchworthy.monitor.drifting import DriftState, separate


def _rows(rng: np.random.Generator, many: int, *, size: int = 6, shift: float = 0.0) -> list[dict[str, Any]]:
    return [{"v": (rng.normal(size=size) + shift).tolist()} for _ in range(many)]


@pytest.mark.parametrize(("many", "size"), [(60, 30), (200, 6)])
def test_without_a_change_the_area_is_a_half_and_its_bounds_hold(many: int, size: int) -> None:
    """DeLong alone would be wrong here in 13 to 15 % of tries: folds share the rows that they learn from."""
    rng = np.random.default_rng(2)
    found = [
        separate(_rows(rng, many, size=size), current=_rows(rng, many, size=size), seed=seed).auc
        for seed in range(120)
    ]
    areas = [each for each in found if each is not None]
    assert len(areas) == 120
    assert np.mean([each.value for each in areas]) == pytest.approx(0.5, abs=0.015)
    assert sum(each.low > 0.5 for each in areas) <= 13, "5 % of 120, and three standard errors"
    assert sum(each.high < 0.5 for each in areas) <= 13


def test_the_area_is_that_of_the_best_line_where_means_differ() -> None:
    rng = np.random.default_rng(3)
    found = separate(_rows(rng, 2_000, size=4), current=_rows(rng, 2_000, size=4, shift=0.4))
    assert found.auc is not None
    best = 0.5 * (1.0 + math.erf(0.4 * 2.0 / 2.0))  # Φ(d / √2) at a distance of 0.4 in each of 4 directions
    assert found.auc.value == pytest.approx(best, abs=0.02)
    assert found.state is DriftState.DRIFTED


def test_a_spread_that_changed_is_seen_though_the_mean_stayed() -> None:
    rng = np.random.default_rng(4)
    old = [{"x": float(value)} for value in rng.normal(size=1_000)]
    new = [{"x": float(value)} for value in 2.5 * rng.normal(size=1_000)]
    found = separate(old, current=new)
    assert found.state is DriftState.DRIFTED
    assert found.features[0] == "more x far from its middle"


def test_its_bounds_are_wider_than_delongs_on_the_same_scores() -> None:
    rng = np.random.default_rng(5)
    found = separate(_rows(rng, 300), current=_rows(rng, 300, shift=0.1)).auc
    assert found is not None
    plain = find_metric("roc-auc")
    assert plain.name == "roc-auc"
    delong = 1.645 * found.sample["standard_error"]
    assert found.high - found.value > 1.3 * delong


def test_rows_of_one_user_stay_in_one_fold_so_that_a_user_cannot_give_itself_away() -> None:
    """Each user has a place of its own: who has seen one row of it knows all of them."""
    rng = np.random.default_rng(6)

    def period(name: str) -> tuple[list[dict[str, Any]], list[str]]:
        places = 3.0 * rng.normal(size=(12, 8))
        rows = [{"v": (place + 0.05 * rng.normal(size=8)).tolist()} for place in places for _ in range(15)]
        return rows, [f"{name}-{user}" for user in range(12) for _ in range(15)]

    (old, old_users), (new, new_users) = period("a"), period("b")
    together = separate(old, current=new, units=(old_users, new_users))
    blind = separate(old, current=new)
    assert blind.state is DriftState.DRIFTED, "rows taken for independent show a change that is none"
    assert together.state is not DriftState.DRIFTED


def test_few_rows_say_how_many_it_takes() -> None:
    rng = np.random.default_rng(7)
    none = separate(_rows(rng, 20), current=_rows(rng, 500))
    assert (none.auc, none.state, none.needed) == (None, DriftState.CANNOT_SAY, 50)
    some = separate(_rows(rng, 80), current=_rows(rng, 80))
    assert some.state is DriftState.CANNOT_SAY
    assert some.needed is not None
    assert some.needed > 80


@pytest.mark.parametrize(
    "odd",
    [
        {"x": None},
        {},
        {"x": float("nan")},
        {"x": float("inf"), "y": "a\x00b"},
        {"x": 10**400},
        {"v": []},
        {"v": [None, "a", 1.0]},
        {"x": "one", "v": {"deep": [1]}},
        {"x": True, "t": "\ud800"},
    ],
)
def test_odd_rows_are_read_as_missing_and_break_nothing(odd: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    old = [*_rows(rng, 80), *[odd] * 20]
    found = separate(old, current=[*_rows(rng, 80), *[odd] * 20])
    assert found.auc is not None
    assert 0.0 < found.auc.low <= found.auc.value <= found.auc.high < 1.0


def test_columns_that_say_nothing_tell_nothing_apart() -> None:
    found = separate([{"x": 1.0}] * 100, current=[{"x": 1.0}] * 100)
    assert found.auc is not None
    assert found.auc.value == pytest.approx(0.5)
    assert found.state is not DriftState.DRIFTED


@pytest.mark.parametrize("tolerance", [0.49, 1.0, math.nan])
def test_a_tolerance_that_is_no_area_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerated area"):
        separate([], current=[], tolerance=tolerance)
