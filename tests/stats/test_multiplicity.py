"""Many tests at once, and the p-value that every difference carries for them."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as sps
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from launchworthy.errors import InputError
from launchworthy.stats import (
    Interval,
    benjamini_hochberg,
    benjamini_yekutieli,
    e_benjamini_hochberg,
    e_value,
    holm,
    influence_interval,
    jackknife_interval,
    mean_interval,
    paired_means,
    paired_quantiles,
    paired_shares,
)

OWN = {"holm": holm, "fdr_bh": benjamini_hochberg, "fdr_by": benjamini_yekutieli}


@pytest.mark.parametrize("theirs", sorted(OWN))
@settings(max_examples=40)
@given(
    p_values=st.lists(
        st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.05, 1e-12])), min_size=1, max_size=40
    )
)
def test_adjusted_p_values_agree_with_statsmodels(theirs: str, p_values: list[float]) -> None:
    with mock.patch("gc.collect"):  # statsmodels has the whole memory searched for garbage at each call
        expected = multipletests(p_values, method=theirs)[1]
    assert OWN[theirs](p_values) == pytest.approx(list(expected), abs=1e-9)


def test_nothing_to_adjust_stays_nothing_and_what_is_no_p_value_is_refused() -> None:
    for adjust in OWN.values():
        assert adjust([]) == []
        for wrong in (math.nan, -0.1, 1.1):
            with pytest.raises(InputError, match="p-value"):
                adjust([0.5, wrong])


def _differences(seed: int, clustered: bool, level: float) -> list[Interval]:
    rng = np.random.default_rng(seed)
    before, n = rng.random(60), 60
    after = np.clip(before + rng.normal(0.02, 0.1, size=n), 0.0, 1.0)
    names = rng.integers(0, 20, size=n).tolist() if clustered else None
    gained, lost, _ = (int(count) for count in rng.multinomial(n, [0.2, 0.08, 0.72]))
    gap = after - before
    jack = jackknife_interval(lambda kept: float(gap[kept].mean()), n=n, clusters=names, level=level)
    assert jack is not None
    return [
        paired_shares(gained=gained, lost=lost, n=n, level=level),
        paired_means(before, candidate=after, clusters=names, bounds=(0.0, 1.0), level=level),
        paired_means(before**3, candidate=after**3, clusters=names, level=level),
        influence_interval(float(gap.mean()), influences=(gap - gap.mean()) / n, clusters=names, level=level),
        influence_interval(0.02, influences=[0.0] * n, largest_effect=0.01, level=level),
        jack,
        paired_quantiles(before, candidate=after, q=0.5, clusters=names, level=level),
        paired_means([0.5] * 9, candidate=[0.9] * 9, bounds=(0.0, 1.0), level=level),
        paired_means([0.0] * 9, candidate=[1.0] * 9, bounds=(0.0, 1.0), level=level),
    ]


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_difference_has_zero_outside_its_interval_exactly_when_its_p_value_is_below_the_error(
    seed: int, clustered: bool
) -> None:
    for level in (0.5, 0.8, 0.9, 0.95, 0.99):
        for own in _differences(seed, clustered, level):
            p = own.sample["p_value"]
            assert (not own.low <= 0.0 <= own.high) == (p < 1.0 - level + 1e-9), (own.method, level, p)


def test_more_than_two_thousand_pairs_are_tested_by_the_skewed_t() -> None:
    gap = np.random.default_rng(3).exponential(size=2_500) - 0.96
    own = paired_means(np.zeros(2_500), candidate=gap)
    assert own.sample["p_value"] == pytest.approx(sps.ttest_1samp(gap, 0.0).pvalue, rel=0.15)
    edge = paired_means(np.zeros(2_500), candidate=gap, level=1.0 - own.sample["p_value"])
    assert edge.low == pytest.approx(0.0, abs=1e-7)


def test_the_p_value_of_paired_shares_is_mcnemars_and_that_of_influences_the_t_tests() -> None:
    own = paired_shares(gained=14, lost=5, n=80)
    theirs = their_mcnemar([[40, 5], [14, 21]], exact=False, correction=False).pvalue
    assert own.sample["p_value"] == pytest.approx(float(theirs), abs=1e-9)
    gap = np.random.default_rng(1).normal(0.2, 1.0, size=50)
    linear = influence_interval(float(gap.mean()), influences=(gap - gap.mean()) / 50)
    assert linear.sample["p_value"] == pytest.approx(float(sps.ttest_1samp(gap, 0.0).pvalue), abs=1e-9)


def test_no_difference_at_all_is_no_evidence_and_a_clear_one_goes_below_what_resamples_resolve() -> None:
    same = [0.1, 0.5, 0.9]
    for own in (
        paired_means(same, candidate=same, bounds=(0.0, 1.0)),
        paired_means(same, candidate=same),
        paired_shares(gained=0, lost=0, n=9),
        paired_quantiles(same * 20, candidate=same * 20, q=0.5),
        influence_interval(0.0, influences=[0.0] * 9),
    ):
        assert own.sample["p_value"] == 1.0
    clear = np.random.default_rng(2).normal(1.0, 0.5, size=100)
    assert paired_means(np.zeros(100), candidate=clear).sample["p_value"] < 1e-6


def test_a_share_which_cannot_be_below_zero_is_not_tested_against_it() -> None:
    assert "p_value" not in mean_interval([0.2, 0.9, 0.4], bounds=(0.0, 1.0)).sample
    assert "p_value" not in influence_interval(0.7, influences=[0.1, -0.1], bounds=(0.0, 1.0)).sample


def test_the_e_value_of_a_p_value_is_the_mixture_of_its_calibrators_and_is_1_on_average() -> None:
    for p in (1e-12, 1e-3, 0.2, 0.7, 0.999, 1.0 - 1e-7, 1.0):
        mixture = integrate.quad(lambda kappa, p=p: kappa * p ** (kappa - 1.0), 0.0, 1.0)[0]
        assert e_value(p) == pytest.approx(mixture, rel=1e-6)
    grid = np.logspace(-14, 0, 4_001)
    expected = np.trapezoid([e_value(float(p)) for p in grid], grid)
    assert expected <= 1.0
    assert e_value(0.0) == math.inf
    with pytest.raises(InputError, match="p-value"):
        e_value(1.5)


def test_e_bh_finds_the_most_that_its_definition_allows() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        e_values = rng.lognormal(2.0, 2.0, size=15).tolist()
        adjusted = e_benjamini_hochberg(e_values)
        for error in (0.01, 0.05, 0.2):
            ordered = sorted(e_values, reverse=True)
            most = max((k for k in range(1, 16) if ordered[k - 1] >= 15 / (k * error)), default=0)
            assert sum(each <= error for each in adjusted) == most
    assert e_benjamini_hochberg([]) == []
    assert e_benjamini_hochberg([math.inf, 0.0]) == [0.0, 1.0]
    for wrong in (math.nan, -1.0):
        with pytest.raises(InputError, match="e-value"):
            e_benjamini_hochberg([wrong])


def test_e_bh_keeps_the_share_of_false_finds_however_the_tests_hang_together() -> None:
    rng = np.random.default_rng(9)
    false = 0.0
    for _ in range(300):
        shared = rng.normal()
        z = 0.9 * shared + math.sqrt(1 - 0.81) * rng.normal(size=20)
        z[:5] += 6.0
        found = [
            at
            for at, each in enumerate(e_benjamini_hochberg([e_value(float(sps.norm.sf(one))) for one in z]))
            if each <= 0.1
        ]
        false += sum(at >= 5 for at in found) / max(1, len(found))
    assert false / 300 <= 0.1
