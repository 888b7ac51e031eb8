"""Plans of comparisons: pairs and means, against statsmodels and by adding up outcomes."""

from __future__ import annotations

import math

import pytest
from scipy import stats as sps
from statsmodels.stats.power import TTestPower

from launchworthy.errors import InputError
from launchworthy.stats import mean_power, mean_size, paired_power, paired_shares, paired_size


@pytest.mark.parametrize(("n", "effect"), [(2, 0.5), (3, 2.0), (12, 0.5), (50, 0.3), (400, 0.1), (40, -0.1)])
@pytest.mark.parametrize("sides", [1, 2])
def test_the_power_of_a_mean_is_that_of_statsmodels(n: int, effect: float, sides: int) -> None:
    alternative = "larger" if sides == 1 else "two-sided"
    theirs = TTestPower().power(effect, n, 0.05, alternative=alternative)
    own = mean_power(n=n, gap=effect * 2.5, sd=2.5, sides=sides)
    assert own == pytest.approx(float(theirs), abs=1e-9)


@pytest.mark.parametrize("effect", [0.1, 0.35, 1.5])
def test_the_size_for_a_mean_is_the_smallest_that_statsmodels_would_take(effect: float) -> None:
    theirs = TTestPower().solve_power(effect, power=0.8, alpha=0.05, alternative="larger")
    assert mean_size(gap=effect, sd=1.0) == math.ceil(float(theirs))


def test_a_two_point_drop_at_ten_percent_discordance_takes_1960_pairs() -> None:
    assert paired_size(discordance=0.1, difference=0.02, sides=2) == 1_960


@pytest.mark.parametrize(
    ("n", "discordance", "difference", "margin"),
    [(150, 0.2, 0.1, 0.0), (300, 0.1, 0.0, 0.05), (250, 0.15, 0.02, 0.05)],
)
def test_the_power_of_pairs_is_nearly_what_all_outcomes_add_up_to(
    n: int, discordance: float, difference: float, margin: float
) -> None:
    gain, loss = (discordance + difference) / 2, (discordance - difference) / 2
    total = 0.0
    for differing in range(n + 1):
        weight = float(sps.binom.pmf(differing, n, discordance))
        if weight < 1e-7:
            continue
        low, high = -1, differing + 1  # the fewest gained that still show it lies in (low, high]
        while high - low > 1:
            middle = (low + high) // 2
            found = paired_shares(gained=middle, lost=differing - middle, n=n, sides=1)
            low, high = (low, middle) if found.low > -margin else (middle, high)
        total += weight * float(sps.binom.sf(high - 1, differing, gain / (gain + loss)))
    own = paired_power(n=n, discordance=discordance, difference=difference, margin=margin)
    assert own == pytest.approx(total, abs=0.03)


def test_the_size_for_pairs_is_the_smallest_that_reaches_the_odds() -> None:
    size = paired_size(discordance=0.08, margin=0.03)
    assert size is not None
    here, before = (paired_power(n=n, discordance=0.08, margin=0.03) for n in (size, size - 1))
    assert here >= 0.8 > before


def test_what_is_not_on_the_good_side_takes_no_number() -> None:
    assert paired_size(discordance=0.1, difference=-0.03, margin=0.03) is None
    assert mean_size(gap=0.0, sd=1.0) is None


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(InputError, match="cannot come from"):
        paired_size(discordance=0.05, difference=0.1)
    with pytest.raises(InputError, match="discordance"):
        paired_power(n=10, discordance=0.0)
    with pytest.raises(InputError, match="margin"):
        paired_power(n=10, discordance=0.1, margin=-0.1)
    with pytest.raises(InputError, match="pairs"):
        paired_power(n=0, discordance=0.1)
    with pytest.raises(InputError, match="spread"):
        mean_power(n=1, gap=1.0, sd=1.0)
    for sd in (0.0, math.nan, math.inf):
        with pytest.raises(InputError, match="planned"):
            mean_size(gap=1.0, sd=sd)
