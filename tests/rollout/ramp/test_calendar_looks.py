"""Looks that spend by the calendar while information comes as it comes."""

from __future__ import annotations

import pytest
from scipy.stats import multivariate_normal, norm

from launchworthy.errors import InputError
from launchworthy.stats import look_bounds


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming", "square"])
@pytest.mark.parametrize("known", [0.1, 0.35, 0.8])
def test_bounds_cross_with_what_the_calendar_lets_them_spend_by_scipys_normal_distribution(
    spending: str, known: float
) -> None:
    looks = look_bounds([known, 1.0], error=0.05, spending=spending, spend=[0.5, 0.9])
    assert looks.spent == pytest.approx(
        look_bounds([0.5, 0.9, 1.0], error=0.05, spending=spending).spent[:2]
    )  # by the calendar, whatever was known
    first, second = looks.bounds
    assert norm.sf(first) == pytest.approx(looks.spent[0], rel=1e-6)
    both = multivariate_normal(cov=[[1.0, known**0.5], [known**0.5, 1.0]])
    crossed = norm.cdf(first) - both.cdf([first, second])
    assert crossed == pytest.approx(looks.spent[1] - looks.spent[0], abs=1e-6)


def test_each_look_spends_at_one_share() -> None:
    with pytest.raises(InputError, match="do not spend at 1 shares"):
        look_bounds([0.5, 1.0], spend=[0.5])
