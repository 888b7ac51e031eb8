"""Looking more than once: bounds of planned looks, and what may be watched all the time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from launchworthy.errors import InputError
from launchworthy.stats import (
    SPENDING,
    ArmSums,
    arm_difference,
    asymptotic_sequence,
    crossing_chances,
    drift_for,
    look_bounds,
    look_interval,
    normal_quantile,
    share_sequence,
    spent_error,
    watched_shares,
)

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
TWENTIETHS = tuple((look + 1) / 20 for look in range(20))
# Published: ldbounds 2.0 (Casper and Perez), two-sided 0.05; SeqBounds.jl, one-sided 0.05.
PUBLISHED = (
    (FIFTHS, 0.025, "obrien-fleming", (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
    (FIFTHS, 0.025, "pocock", (2.4380, 2.4268, 2.4102, 2.3966, 2.3860)),
    ((0.25, 0.5, 0.75, 1.0), 0.05, "obrien-fleming", (3.7496, 2.5399, 2.0160, 1.7201)),
)
# gsDesign 3 (sfLDOF, test.type = 1, alpha = 0.025), as its documentation and designs made with it print them.
GSDESIGN = (
    ((1 / 3, 2 / 3, 1.0), (3.710303, 2.511427, 1.993048)),
    ((0.5, 1.0), (2.962588, 1.968596)),
)
# spotify-confidence 4.1.0: sequential_bounds(t, alpha, sides=2), whose search ends within 1e-7 of the error.
SPOTIFY = (
    (FIFTHS, 0.025, (3.090232306167813, 2.7140784033493683, 2.4727370728911673, 2.2798109461, 2.1139679006)),
    ((0.1, 0.35, 0.5, 0.9, 1.0), 0.005, (3.890591886, 3.254542284, 3.139374759, 2.728237322, 2.763683181)),
)


@pytest.mark.parametrize(("fractions", "error", "spending", "bounds"), PUBLISHED)
def test_bounds_are_the_published_ones(
    fractions: tuple[float, ...], error: float, spending: str, bounds: tuple[float, ...]
) -> None:
    assert look_bounds(fractions, error=error, spending=spending).bounds == pytest.approx(bounds, abs=2e-4)


@pytest.mark.parametrize(("fractions", "bounds"), GSDESIGN)
def test_bounds_are_those_of_gsdesign_to_every_digit_that_it_prints(
    fractions: tuple[float, ...], bounds: tuple[float, ...]
) -> None:
    assert look_bounds(fractions, error=0.025).bounds == pytest.approx(bounds, abs=1e-6)


@pytest.mark.parametrize(("fractions", "error", "bounds"), SPOTIFY)
def test_bounds_are_those_of_spotify(
    fractions: tuple[float, ...], error: float, bounds: tuple[float, ...]
) -> None:
    assert look_bounds(fractions, error=error, spending="square").bounds == pytest.approx(bounds, abs=1e-4)


@pytest.mark.parametrize("spending", SPENDING)
def test_bounds_spend_what_they_should_by_scipys_normal_distribution(spending: str) -> None:
    looks = look_bounds((0.3, 0.55, 1.0), error=0.025, spending=spending)
    times = np.array(looks.fractions)
    for count in (2, 3):
        t = times[:count]
        covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
        inside = multivariate_normal(np.zeros(count), covariance, abseps=1e-10, releps=1e-10, maxpts=200_000)
        assert 1.0 - inside.cdf(looks.bounds[:count]) == pytest.approx(looks.spent[count - 1], abs=1e-6)


def test_one_look_is_the_plain_test() -> None:
    looks = look_bounds([1.0])
    assert looks.bounds == pytest.approx((normal_quantile(0.975),), abs=1e-9)
    assert drift_for(looks, odds=0.8) == pytest.approx(
        normal_quantile(0.975) + normal_quantile(0.8), abs=1e-6
    )


@pytest.mark.parametrize("spending", SPENDING)
def test_the_looks_together_err_as_often_as_asked(spending: str) -> None:
    looks = look_bounds(TWENTIETHS, spending=spending)
    assert sum(crossing_chances(looks, drift=0.0)) == pytest.approx(0.025, abs=1e-9)
    assert looks.spent == pytest.approx([spent_error(t, error=0.025, spending=spending) for t in TWENTIETHS])


def test_twenty_looks_of_obrien_and_fleming_keep_nearly_all_of_the_power() -> None:
    looks, alone = look_bounds(TWENTIETHS), look_bounds([1.0])
    drift = drift_for(alone, odds=0.93)
    assert 0.91 < sum(crossing_chances(looks, drift=drift)) < 0.93
    assert 0.85 < sum(crossing_chances(look_bounds(TWENTIETHS, spending="pocock"), drift=drift)) < 0.9
    needed = (drift_for(looks, odds=0.8) / drift_for(alone, odds=0.8)) ** 2
    assert 1.02 < needed < 1.06


def test_a_look_too_early_to_prove_anything_proves_nothing() -> None:
    looks = look_bounds((0.001, 1.0))
    assert looks.bounds[0] == math.inf
    assert looks.bounds[1] == pytest.approx(normal_quantile(0.975), abs=1e-9)


def test_what_lies_beyond_the_plan_is_its_end() -> None:
    assert look_bounds((0.5, 1.2, 1.4)) == look_bounds((0.5, 1.0))


@pytest.mark.parametrize("wrong", [(), (0.0, 1.0), (0.5, 0.5), (0.6, 0.4), (math.nan,), (-1.0,)])
def test_looks_that_do_not_ascend_are_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        look_bounds(wrong)


def test_other_spending_and_errors_are_refused() -> None:
    with pytest.raises(InputError, match="no spending function"):
        look_bounds([1.0], spending="all at once")
    with pytest.raises(InputError):
        look_bounds([1.0], error=0.0)
    with pytest.raises(InputError, match="no more than the error"):
        drift_for(look_bounds([1.0]), odds=0.02)


def test_the_interval_of_a_look_is_wider_than_that_of_a_test_alone() -> None:
    arms = [ArmSums(n=40, sums=(s,), products=((q,),)) for s, q in ((100.0, 300.0), (120.0, 420.0))]
    alone = arm_difference(arms[0], candidate=arms[1])
    looks = look_bounds((0.5, 1.0))
    first, last = (look_interval(alone, bound=bound, error=0.025) for bound in looks.bounds)
    assert first.low < last.low < alone.low
    assert look_interval(alone, bound=normal_quantile(0.975), error=0.025).low == pytest.approx(
        alone.low, abs=1e-9
    )
    assert look_interval(alone, bound=math.inf, error=0.025).low == -math.inf


def _watched(
    rng: np.random.Generator, rates: tuple[float, float], looks: int, users: int
) -> list[tuple[int, int]]:
    steps = [rng.binomial(users // looks, rate, size=looks) for rate in rates]
    return [tuple(pair) for pair in np.cumsum(np.array(steps), axis=1).T.tolist()]


@pytest.mark.parametrize("rates", [(0.3, 0.3), (0.002, 0.002), (0.999, 0.999)])
def test_shares_may_be_watched_all_the_time(rates: tuple[float, float]) -> None:
    rng, wrong = np.random.default_rng(11), 0
    for _ in range(30):
        for look, seen in enumerate(_watched(rng, rates, 20, 4_000), start=1):
            n = 200 * look
            found = watched_shares((seen[0], seen[1]), n=(n, n))
            if not found.low <= 0.0 <= found.high:
                wrong += 1
                break
    assert wrong <= 3


def test_the_exact_sequence_holds_where_the_asymptotic_one_is_fooled() -> None:
    """One event in an arm of few users: near normal bounds say that the arms differ."""
    found = share_sequence((0, 1), n=(20, 20))
    assert found.low < 0.0
    nothing = share_sequence((0, 0), n=(50, 50))
    assert -0.3 < nothing.low < 0.0 < nothing.high < 0.3
    assert share_sequence((0, 50), n=(50, 50)).low > 0.5


def test_a_difference_is_found_in_time() -> None:
    found = watched_shares((500, 700), n=(10_000, 10_000))
    assert 0.0 < found.low < 0.02 < found.high
    assert "asymptotic" in found.method
    assert watched_shares((0, 3), n=(500, 500)).method == "exact confidence sequence"


def test_what_cannot_be_watched_is_refused() -> None:
    for wrong in ({"n": 0}, {"standard_error": -1.0}, {"standard_error": math.nan}, {"tuned_for": 0.0}):
        with pytest.raises(InputError):
            asymptotic_sequence(0.0, **{"standard_error": 1.0, "n": 10, **wrong})  # type: ignore[arg-type]
    with pytest.raises(InputError):
        asymptotic_sequence(0.0, standard_error=1.0, n=10, level=0.5, sides=1)
    with pytest.raises(InputError):
        share_sequence((5, 1), n=(4, 4))
    assert asymptotic_sequence(1.0, standard_error=0.0, n=10).low == -math.inf
