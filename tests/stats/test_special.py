"""The special functions agree with SciPy, also where the usual formulas lose their digits."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from launchworthy.stats import beta_cdf, beta_quantile, normal_quantile, t_quantile
from launchworthy.stats.special import binomial_cdf, binomial_tail, normal_cdf, t_cdf

SIZES = st.one_of(
    st.sampled_from([0.5, 1.0, 2.0, 1e7]), st.floats(-1, 7).map(lambda exponent: 10.0**exponent)
)
TAILS = st.one_of(st.sampled_from([1e-12, 1e-6, 0.025, 0.05, 0.95, 0.975, 1 - 1e-9]), st.floats(0.001, 0.999))


@settings(max_examples=150, deadline=None)
@given(a=SIZES, b=SIZES, p=TAILS)
def test_the_beta_function_and_its_inverse_agree_with_scipy(a: float, b: float, p: float) -> None:
    x = float(special.betaincinv(a, b, p))
    assert beta_cdf(x, a=a, b=b) == pytest.approx(float(special.betainc(a, b, x)), abs=1e-9)
    own = beta_quantile(p, a=a, b=b)
    if x > 1e-290 and own != pytest.approx(x, rel=1e-9):
        # SciPy's inverse is off for a few inputs (below); its forward function is the judge of both.
        assert abs(special.betainc(a, b, own) - p) <= abs(special.betainc(a, b, x) - p)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        (0.32970093746772694, 0.32970093746772694, 0.5),
        (1.1147271531327427, 1.1147271531327427, 0.5),
        (1000.0, 1e7, 0.95),
        (1e7, 1000.0, 1e-12),
    ],
)
def test_where_scipys_inverse_is_off_its_forward_function_agrees_with_ours(
    a: float, b: float, p: float
) -> None:
    own = beta_quantile(p, a=a, b=b)
    assert float(special.betainc(a, b, own)) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "p"), [(0.12589254117941673, 1e7, 0.975), (0.31622776601683794, 1e7, 0.95)]
)
def test_a_small_x_keeps_its_digits_beside_a_huge_parameter(a: float, b: float, p: float) -> None:
    assert beta_quantile(p, a=a, b=b) == pytest.approx(float(special.betaincinv(a, b, p)), rel=1e-11)


def test_the_median_of_a_symmetric_beta_is_one_half() -> None:
    for size in (0.32970093746772694, 3.0, 1e7):
        assert beta_quantile(0.5, a=size, b=size) == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize(("k", "n"), [(0, 10**7), (1, 10**7), (10**7 - 1, 10**7), (4_999_000, 10**7), (3, 5)])
def test_binomial_tails_agree_with_scipy_at_extreme_sizes(k: int, n: int) -> None:
    for rate in (1e-7, 3e-7, 0.4999, 0.9999997):
        assert binomial_cdf(k, n=n, rate=rate) == pytest.approx(stats.binom.cdf(k, n, rate), abs=1e-9)
        assert binomial_tail(k, n=n, rate=rate) == pytest.approx(stats.binom.sf(k - 1, n, rate), abs=1e-9)


def test_tails_beyond_the_range_are_certain_or_impossible() -> None:
    assert binomial_tail(0, n=5, rate=0.5) == 1.0
    assert binomial_tail(6, n=5, rate=0.5) == 0.0
    assert binomial_cdf(-1, n=5, rate=0.5) == 0.0
    assert binomial_cdf(5, n=5, rate=0.5) == 1.0
    assert beta_cdf(0.0, a=2, b=3) == 0.0
    assert beta_cdf(1.0, a=2, b=3) == 1.0
    assert beta_quantile(0.0, a=2, b=3) == 0.0
    assert beta_quantile(1.0, a=2, b=3) == 1.0


@settings(max_examples=100, deadline=None)
@given(p=TAILS, df=st.one_of(st.sampled_from([1.0, 2.0, 1e6]), st.floats(1, 1000)))
def test_students_t_agrees_with_scipy(p: float, df: float) -> None:
    expected = float(stats.t.ppf(p, df))
    assert t_quantile(p, df=df) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert t_cdf(expected, df=df) == pytest.approx(p, abs=1e-11)


@given(p=TAILS)
def test_the_normal_quantile_agrees_with_scipy(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(float(stats.norm.ppf(p)), rel=1e-9, abs=1e-12)
    assert normal_cdf(normal_quantile(p)) == pytest.approx(p, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(a=SIZES, b=SIZES, p=TAILS)
def test_the_inverse_undoes_the_function(a: float, b: float, p: float) -> None:
    x = beta_quantile(p, a=a, b=b)
    if 1e-290 < x < 1 - 1e-4:
        assert math.isclose(beta_cdf(x, a=a, b=b), p, rel_tol=1e-8)


@pytest.mark.parametrize(
    ("b", "x"), [(10**7, 4.7438631564131625e-07), (10**7, 1.1e-7), (3 * 10**6, 9e-7), (10**5, 3.3e-5)]
)
def test_the_function_agrees_with_its_closed_form_in_sixty_digits(b: int, x: float) -> None:
    # SciPy's own error reaches 2e-11 here, so the formula for a = 2 is the reference.
    with localcontext() as context:
        context.prec = 60
        share = Decimal(x)
        rest = 1 - share
        exact = float(1 - rest ** (b + 1) - (b + 1) * share * rest**b)
    assert beta_cdf(x, a=2.0, b=float(b)) == pytest.approx(exact, abs=1e-14)
