"""Whether a group has the event more often is SciPy's Fisher test."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from launchworthy.errors import InputError
from launchworthy.stats import fisher_p_value

_COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=40)
@given(_COUNTS, _COUNTS)
def test_the_chance_of_so_many_or_more_is_scipys(one: tuple[int, int], other: tuple[int, int]) -> None:
    (hits, n), (others, others_n) = one, other
    table = [[hits, n - hits], [others, others_n - others]]
    theirs = fisher_exact(table, alternative="greater").pvalue
    found = fisher_p_value(hits, n=n, others=others, others_n=others_n)
    assert found == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_counts_that_are_none_are_refused() -> None:
    for wrong in ({"hits": 5, "n": 4}, {"hits": -1, "n": 4}, {"hits": 0, "n": 4, "others": 9}):
        given_ = {"others": 1, "others_n": 4, **wrong}
        with pytest.raises(InputError, match="no counts of hits"):
            fisher_p_value(given_.pop("hits"), **given_)
