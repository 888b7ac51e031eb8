"""Distances agree with SciPy; their floor is taken off; few rows settle nothing and many do not alarm."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon

from launchworthy.errors import InputError
from launchworthy.stats import (
    TOLERATED,
    Divergence,
    divergences,
    rows_to_tell,
    share_change,
    share_p_value,
    surprise_beyond,
)

JS = Divergence.JENSEN_SHANNON
ALL = tuple(Divergence)


def _plain(reference: list[int], current: list[int], **more: object) -> dict[Divergence, float]:
    places = np.arange(len(reference), dtype=float)
    found = divergences(
        reference,
        current=current,
        measures=ALL,
        means=(places, places),
        draws=20,
        **more,  # type: ignore[arg-type]
    )
    return {measure: interval.sample["plain"] for measure, interval in found.items()}


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=2, max_size=30).filter(
        lambda rows: any(r for r, _ in rows) and any(c for _, c in rows)
    )
)
def test_before_the_floor_is_taken_off_each_distance_is_scipys(rows: list[tuple[int, int]]) -> None:
    reference, current = ([row[side] for row in rows] for side in (0, 1))
    plain = _plain(reference, current)
    p, q = (np.array(counts) / sum(counts) for counts in (reference, current))
    places = np.arange(len(rows), dtype=float)
    assert plain[JS] == pytest.approx(float(jensenshannon(p, q, base=2)), abs=2e-8)
    x, y = (np.repeat(places, counts) for counts in (reference, current))
    assert plain[Divergence.KS] == pytest.approx(
        scipy_stats.ks_2samp(x, y, method="asymp").statistic, abs=1e-9
    )
    moved = scipy_stats.wasserstein_distance(places, places, p, q)
    assert plain[Divergence.WASSERSTEIN] == pytest.approx(moved, abs=1e-9)
    r, c = (np.array(counts) + 0.5 for counts in (reference, current))
    both = scipy_stats.entropy(r, c) + scipy_stats.entropy(c, r)
    assert plain[Divergence.PSI] == pytest.approx(both, abs=1e-9)


def test_cramers_v_is_scipys_where_both_samples_have_as_many() -> None:
    reference, current = [30, 50, 20], [45, 35, 20]
    expected = scipy_stats.contingency.association(np.array([reference, current]), method="cramer")
    assert _plain(reference, current)[Divergence.CRAMER] == pytest.approx(expected, abs=1e-9)


def test_groups_of_bins_enter_distances_between_shares_but_not_those_along_the_line() -> None:
    reference, current = [10, 20, 30, 40], [40, 30, 20, 10]
    grouped, fine = _plain(reference, current, groups=[0, 0, 1, 1]), _plain(reference, current)
    assert grouped[JS] == pytest.approx(float(jensenshannon([30, 70], [70, 30], base=2)))
    assert grouped[Divergence.KS] == fine[Divergence.KS]
    assert grouped[Divergence.WASSERSTEIN] == fine[Divergence.WASSERSTEIN]


@pytest.mark.parametrize(
    ("categories", "rows", "published"), [(20, 300, 0.90), (50, 1_100, 0.69), (200, 5_000, 0.65)]
)
def test_a_fixed_threshold_alarms_on_nothing_and_ours_does_not(
    categories: int, rows: int, published: float
) -> None:
    """The published shares are those of a natural-logarithm distance above 0.1, as drift suites have it."""
    rng = np.random.default_rng(7)
    even, tries = np.full(categories, 1.0 / categories), 100
    fixed = alarms = 0
    for seed in range(tries):
        reference, current = rng.multinomial(rows, even), rng.multinomial(rows, even)
        found = divergences(reference, current=current, sides=1, draws=60, seed=seed)[JS]
        fixed += found.sample["plain"] * math.sqrt(math.log(2.0)) > 0.1
        alarms += found.low > TOLERATED[JS]
    assert fixed / tries == pytest.approx(published, abs=0.13)
    assert alarms == 0


def test_a_negligible_shift_at_a_million_rows_has_a_tiny_p_value_and_does_not_alarm() -> None:
    shares = np.full(10, 0.1)
    moved = shares + np.array([0.002, -0.002] * 5)
    rng = np.random.default_rng(1)
    reference, current = rng.multinomial(1_000_000, shares), rng.multinomial(1_000_000, moved)
    assert scipy_stats.chi2_contingency(np.array([reference, current])).pvalue < 1e-10
    found = divergences(reference, current=current, sides=1)[JS]
    assert found.high < TOLERATED[JS]
    assert surprise_beyond(found, tolerance=TOLERATED[JS]) > 0.999


@pytest.mark.parametrize("measure", ALL)
def test_at_the_tolerance_itself_an_alarm_is_as_rare_as_was_asked(measure: Divergence) -> None:
    shares = np.full(12, 1.0 / 12)
    moved = shares.copy()
    moved[:3] += 0.02
    moved[-3:] -= 0.02
    places = np.arange(12.0)
    truth = {
        JS: float(jensenshannon(shares, moved, base=2)),
        Divergence.PSI: scipy_stats.entropy(shares, moved) + scipy_stats.entropy(moved, shares),
        Divergence.KS: 0.06,
        Divergence.WASSERSTEIN: scipy_stats.wasserstein_distance(places, places, shares, moved),
        Divergence.CRAMER: math.sqrt(0.25 * float(((shares - moved) ** 2 / (0.5 * (shares + moved))).sum())),
    }[measure]
    rng = np.random.default_rng(3)
    too_low = too_high = 0
    for seed in range(200):
        found = divergences(
            rng.multinomial(4_000, shares),
            current=rng.multinomial(2_000, moved),
            measures=[measure],
            means=(places, places),
            sides=1,
            draws=80,
            seed=seed,
        )[measure]
        too_high += found.low > truth
        too_low += found.high < truth
    assert too_high <= 18, "5 % of 200, and three standard errors"
    assert too_low <= 20


def test_the_floor_falls_as_rows_come_and_the_value_stays() -> None:
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    moved = np.array([0.3, 0.3, 0.2, 0.2])
    found = [
        divergences((shares * rows).astype(int), current=(moved * rows).astype(int))[JS]
        for rows in (200, 2_000, 200_000)
    ]
    floors = [each.sample["floor"] for each in found]
    assert floors == sorted(floors, reverse=True)
    widths = [each.high - each.low for each in found]
    assert widths == sorted(widths, reverse=True)
    assert found[-1].value == pytest.approx(float(jensenshannon(shares, moved, base=2)), abs=1e-3)


@pytest.mark.parametrize("measure", [JS, Divergence.KS, Divergence.PSI])
def test_about_as_many_rows_as_it_says_would_tell_do_tell(measure: Divergence) -> None:
    shares, moved = np.full(8, 0.125), np.full(8, 0.125) + np.array([0.03, -0.03] * 4)
    limit = 0.02 if measure is Divergence.PSI else 0.06
    few = divergences(
        (shares * 600).astype(int), current=(moved * 600).astype(int), measures=[measure], sides=1
    )
    assert few[measure].low < limit < few[measure].high
    needed, of_reference = rows_to_tell(few[measure], tolerance=limit)
    assert needed is not None
    assert of_reference is not None
    settled = 0
    rng = np.random.default_rng(2)
    for seed in range(30):
        many = divergences(
            rng.multinomial(2 * of_reference, shares),
            current=rng.multinomial(2 * needed, moved),
            measures=[measure],
            sides=1,
            draws=80,
            seed=seed,
        )[measure]
        settled += many.low > limit or many.high < limit
    assert settled >= 20
    assert needed > 600


def test_no_number_of_rows_tells_what_lies_at_the_tolerance_itself() -> None:
    found = divergences([500, 500], current=[600, 400])[JS]
    assert rows_to_tell(found, tolerance=found.value) == (None, None)


def test_a_column_that_cannot_move_is_at_distance_zero_with_a_bound_of_zero() -> None:
    found = divergences([1_000], current=[500], measures=(JS, Divergence.KS))
    assert (found[JS].value, found[JS].low, found[JS].high) == (0.0, 0.0, 0.0)
    assert found[Divergence.KS].value == 0.0


def test_samples_without_anything_in_common_are_as_far_apart_as_can_be() -> None:
    plain = _plain([500, 0], [0, 500])
    assert plain[JS] == pytest.approx(1.0)
    assert plain[Divergence.KS] == pytest.approx(1.0)
    assert plain[Divergence.CRAMER] == pytest.approx(1.0)
    assert math.isfinite(plain[Divergence.PSI])


@pytest.mark.parametrize(
    ("reference", "current", "told"),
    [
        ([], [], "0 bins"),
        ([1, 2], [1], "2 bins"),
        ([0, 0], [1, 1], "0 rows"),
        ([1, 1], [0, 0], "have no distance"),
        ([-1, 2], [1, 1], "fewer than no rows"),
    ],
)
def test_counts_that_are_none_are_refused(reference: list[int], current: list[int], told: str) -> None:
    with pytest.raises(InputError, match=told):
        divergences(reference, current=current)


def test_a_distance_along_a_line_needs_the_line_and_a_tolerance_is_not_negative() -> None:
    with pytest.raises(InputError, match="mean of each bin"):
        divergences([1, 2], current=[2, 1], measures=[Divergence.WASSERSTEIN])
    found = divergences([10, 20], current=[20, 10])[JS]
    for ask in (surprise_beyond, rows_to_tell):
        with pytest.raises(InputError, match="not 0 or more"):
            ask(found, tolerance=-0.1)
    with pytest.raises(InputError, match="not 0 or more"):
        share_p_value(share_change(1, of_reference=10, current=1, of_current=10), tolerance=math.nan)


def test_the_change_of_a_share_holds_its_level_and_its_p_value_agrees_with_its_bounds() -> None:
    rng = np.random.default_rng(5)
    alarms = small = 0
    for _ in range(400):
        found = share_change(
            int(rng.binomial(900, 0.02)),
            of_reference=900,
            current=int(rng.binomial(400, 0.03)),
            of_current=400,
            sides=1,
        )
        alarms += found.low > 0.01 or found.high < -0.01
        small += share_p_value(found, tolerance=0.01) < 0.05
    assert alarms <= 20
    assert small <= 20
    clear = share_change(0, of_reference=1_000, current=80, of_current=1_000, sides=1)
    assert clear.low > 0.01
    assert share_p_value(clear, tolerance=0.01) < 1e-6
    gone = share_change(100, of_reference=1_000, current=0, of_current=1_000, sides=1)
    assert gone.high < -0.01
    assert share_p_value(gone, tolerance=0.01) < 1e-6


def test_the_p_value_falls_as_the_share_moves_further() -> None:
    found = [
        share_p_value(share_change(5, of_reference=500, current=hits, of_current=500), tolerance=0.01)
        for hits in (5, 15, 25, 40, 80)
    ]
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert 0.0 < found[-1] < 1e-6 < found[0] <= 1.0
