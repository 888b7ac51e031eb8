"""Agreement beyond chance: against scikit-learn, statsmodels and krippendorff, with honest bounds."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss

from launchworthy.errors import InputError
from launchworthy.stats import (
    agreed_items,
    clopper_pearson,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    mean_interval,
    pairwise_agreement,
    wilson,
)

PAIRS = st.lists(st.tuples(st.integers(-2, 4), st.integers(-2, 4)), min_size=1, max_size=40)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@settings(max_examples=50)
@given(pairs=PAIRS)
def test_cohens_kappa_is_scikit_learns_and_none_where_theirs_is_undefined(
    weights: str | None, pairs: list[tuple[int, int]]
) -> None:
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    own = cohen_kappa(first, second=second, weights=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs warns where it is undefined
        theirs = float(cohen_kappa_score(first, second, weights=weights))
    if math.isnan(theirs):
        assert own is None
    else:
        assert own is not None
        assert own.value == pytest.approx(theirs, abs=1e-9)
        assert own.low <= own.value <= own.high <= 1.0


@settings(max_examples=50)
@given(
    raters=st.integers(2, 5).flatmap(
        lambda m: st.lists(st.lists(st.integers(0, 3), min_size=m, max_size=m), min_size=1, max_size=30)
    )
)
def test_fleiss_kappa_is_that_of_statsmodels(raters: list[list[int]]) -> None:
    own = fleiss_kappa(raters)
    if len({value for item in raters for value in item}) == 1:
        assert own is None
        return
    assert own is not None
    assert own.value == pytest.approx(float(their_fleiss(aggregate_raters(raters)[0])), abs=1e-9)


CELLS = st.one_of(st.none(), st.integers(0, 4))


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval", "ratio"])
@settings(max_examples=60)
@given(
    table=st.integers(2, 4).flatmap(
        lambda m: st.lists(st.lists(CELLS, min_size=m, max_size=m), min_size=1, max_size=25)
    )
)
def test_krippendorffs_alpha_is_that_of_krippendorff_with_values_missing(
    scale: Literal["nominal", "ordinal", "interval", "ratio"], table: list[list[int | None]]
) -> None:
    own = krippendorff_alpha(table, scale=scale)
    pairable = [[v for v in item if v is not None] for item in table]
    used = {value for item in pairable if len(item) > 1 for value in item}
    if len(used) < 2:
        assert own is None
        return
    data = np.array(table, dtype=float).T
    theirs = krippendorff.alpha(reliability_data=data, level_of_measurement=scale)
    assert own is not None
    assert own.value == pytest.approx(float(theirs), abs=1e-9)
    assert own.low <= own.value <= own.high <= 1.0


def test_alpha_of_scores_with_many_values_and_a_large_offset_agrees() -> None:
    rng = np.random.default_rng(1)
    table = 1_000.0 + rng.normal(size=(80, 1)) + 0.5 * rng.normal(size=(80, 3))
    table[rng.random(table.shape) < 0.2] = np.nan
    for scale in ("ordinal", "interval", "ratio"):
        own = krippendorff_alpha(table.tolist(), scale=scale)
        assert own is not None
        theirs = krippendorff.alpha(reliability_data=table.T, level_of_measurement=scale)
        assert own.value == pytest.approx(float(theirs), abs=1e-9)


def test_names_may_be_texts_and_the_number_one_is_not_the_text() -> None:
    own = krippendorff_alpha([["good", "good"], ["bad", "bad"], ["good", "bad"], ["bad", "bad"]])
    assert own is not None
    codes = np.array([[0, 1, 0, 1], [0, 1, 1, 1]], dtype=float)
    assert own.value == pytest.approx(krippendorff.alpha(codes, level_of_measurement="nominal"))
    mixed = agreed_items([["1", 1], [1, 1.0]])
    assert mixed is not None
    assert mixed.value == 0.5


def _raters(seed: int, n: int, right: float, raters: int = 2) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, size=(n, 1))
    table: list[list[int]] = np.where(rng.random((n, raters)) < right, truth, 1 - truth).tolist()
    return table


def test_perfect_agreement_of_a_few_items_is_no_proof_of_perfect_agreement() -> None:
    for n in (2, 10, 60):
        table = [[i % 2, i % 2] for i in range(n)]
        first, second = zip(*table, strict=True)
        for own in (
            krippendorff_alpha(table, sides=1),
            fleiss_kappa(table, sides=1),
            cohen_kappa(first, second=second, sides=1),
            krippendorff_alpha(table, scale="interval", sides=1),
        ):
            assert own is not None
            assert own.value == own.high == 1.0
            assert own.low < 1.0 - clopper_pearson(0, n=n).high
            assert own.n == n
            assert "exact share of items that differ" in own.method


@pytest.mark.parametrize("n", [20, 200])
def test_more_items_settle_more(n: int) -> None:
    small, large = (krippendorff_alpha(_raters(2, size, 0.9)) for size in (n, 8 * n))
    assert small is not None
    assert large is not None
    assert large.high - large.low < 0.6 * (small.high - small.low)


def test_raw_agreement_counts_pairs_and_the_ceiling_counts_items() -> None:
    table: list[list[Any]] = [["a", "a", "b"]] * 6 + [["a", "a", None]] * 3 + [["c"]]
    pairs, items = pairwise_agreement(table), agreed_items(table)
    assert pairs is not None
    assert items is not None
    assert pairs.value == pytest.approx((6 / 3 + 3) / 9)
    assert items.value == pytest.approx(3 / 9)
    assert items.n == 9
    scores = mean_interval([1 / 3] * 6 + [1.0] * 3, bounds=(0.0, 1.0))
    assert (pairs.low, pairs.high) == (scores.low, scores.high)
    two = pairwise_agreement([[1, 1], [1, 0]])
    assert two is not None
    assert (two.low, two.high) == (wilson(1, n=2).low, wilson(1, n=2).high)


def test_nothing_to_compare_is_none_and_what_cannot_be_compared_is_refused() -> None:
    empties: list[list[list[Any]]] = [[], [[1]], [[None, 2], [math.nan, 2]]]
    for empty in empties:
        assert krippendorff_alpha(empty) is None
        assert agreed_items(empty) is None
        assert pairwise_agreement(empty) is None
    assert krippendorff_alpha([[3, 3], [3, 3]], scale="interval") is None
    assert cohen_kappa(["a"], second=["a"]) is None
    with pytest.raises(InputError, match="same number"):
        fleiss_kappa([[1, 2], [1, 2, 1]])
    with pytest.raises(InputError, match="same number"):
        fleiss_kappa([])
    with pytest.raises(InputError, match="scale"):
        krippendorff_alpha([[1, 2]], scale="cardinal")
    with pytest.raises(InputError, match="no order"):
        krippendorff_alpha([["low", "high"]], scale="ordinal")
    with pytest.raises(InputError, match="below 0"):
        krippendorff_alpha([[-1, 2]], scale="ratio")
    with pytest.raises(InputError, match="infinity"):
        krippendorff_alpha([[1.0, math.inf]], scale="interval")
    with pytest.raises(InputError, match="values of one rater"):
        cohen_kappa([1], second=[1, 2])
    with pytest.raises(InputError, match="lacks a value"):
        cohen_kappa([1, None], second=[1, 2])
    with pytest.raises(InputError, match="no items"):
        cohen_kappa([], second=[])
    with pytest.raises(InputError, match="weights"):
        cohen_kappa([1], second=[1], weights="cubic")
