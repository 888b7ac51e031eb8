"""The sums agree with what was not written here: SciPy's binomial, sklearn's kappa, and counting."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score

from launchworthy.contract import lint_text
from launchworthy.contract.arithmetic.figures import apart, no_less, no_more
from launchworthy.quantity import parse_quantity

TODAY = date(2026, 11, 24)


def _codes(text: str) -> set[str]:
    return {problem.code for problem in lint_text(text, today=TODAY).problems}


def _least(share: float, level: float, wrong: int) -> int:
    """Fewest items of which so many may be wrong at a true share of wrong ones, by SciPy."""
    n = wrong + 1
    while binom.cdf(wrong, n, share) > 1 - level:
        n += 1
    return n


@pytest.mark.parametrize("wrong_share", [0.2, 0.05, 0.02])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_gold_set_is_too_small_exactly_where_the_binomial_says_so(
    minimal: str, wrong_share: float, level: float
) -> None:
    flawless, second = _least(wrong_share, level, 0), _least(wrong_share, level, 1)
    expected = {flawless - 1: "LW240", flawless: "LW253", second - 1: "LW253", second: None}
    for held, code in expected.items():
        text = minimal.replace("75 %", f"{100 * (1 - wrong_share):g} %") + (
            f"proof: {{confidence: {100 * level:g} %}}\n"
            f"gold: {{ask: {{slices: {{all: {2 * held}}}, holdout: 50 %}}}}\n"
        )
        assert _codes(text) == (set() if code is None else {code}), held


@pytest.mark.parametrize("wrong_share", [0.2, 0.05])
def test_sealed_items_are_too_few_for_the_gate_exactly_where_the_binomial_says_so(
    minimal: str, wrong_share: float
) -> None:
    second, text = _least(wrong_share, 0.95, 1), minimal
    for sealed, codes in ((1, {"LW257"}), (second - 1, {"LW257"}), (second, set())):
        text = minimal.replace("75 %", f"{100 * (1 - wrong_share):g} %") + (
            f"gold: {{ask: {{slices: {{all: {10 * sealed}}}, holdout: 80 %, sealed: 10 %}}}}\n"
        )
        assert _codes(text) - {"LW240", "LW253"} == codes, sealed
    assert "LW257" not in _codes(text.replace(", sealed: 10 %", "")), "nobody who seals nothing is told"


@pytest.mark.parametrize("ceiling", [0.05, 0.01, 0.001])
def test_attempts_are_too_few_exactly_where_the_binomial_says_so(minimal: str, ceiling: float) -> None:
    needed = _least(ceiling, 0.95, 0)
    for attempts, codes in ((needed - 1, {"LW241"}), (needed, set())):
        line = f"abuse: {{theft: {{at_most: {100 * ceiling:g} %, attempts: {attempts}}}}}\n"
        assert _codes(minimal + line) == codes


@pytest.mark.parametrize("kappa", [0.2, 0.35, 0.45, 0.6])
@pytest.mark.parametrize("good", [0.7, 0.9, 0.97])
def test_the_human_ceiling_is_what_raters_of_that_kappa_agree_on(
    minimal: str, kappa: float, good: float
) -> None:
    # Two raters who both find `good` of the items good, with as much overlap as gives this kappa.
    both = good * good + kappa * good * (1 - good)
    counts = np.round(100_000 * np.array([both, good - both, good - both, 1 - 2 * good + both])).astype(int)
    first, second = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
    assert cohen_kappa_score(first, second) == pytest.approx(kappa, abs=1e-3)
    agreed = float(np.mean(first == second))
    assert abs(agreed - good) > 0.0005, "too near to tell"
    text = minimal.replace("75 %", f"{100 * good:g} %") + f"labels: {{agreement: {{at_least: {kappa}}}}}\n"
    assert _codes(text) == ({"LW249"} if agreed < good else set())


def test_the_reviews_implied_are_those_that_counting_cases_gives(predictive: str) -> None:
    cases = 50_000
    lost = round(cases * 0.005)
    found = round(lost * 0.6)
    for precision in (0.25, 0.3, 0.4):
        stopped = found / precision
        text = predictive.replace("precision: {at_least: 30 %}", f"precision: {{at_least: {precision:.0%}}}")
        problems = [problem for problem in lint_text(text, today=TODAY).problems if problem.code == "LW246"]
        assert bool(problems) == (stopped > 500)
        assert all(f"= {stopped:,.0f} " in problem.message for problem in problems)


def test_the_wrongly_stopped_are_those_that_counting_cases_gives(predictive: str) -> None:
    lost, found, stopped = 250, 150, 500
    share = (stopped - found) / (50_000 - lost)
    for ceiling, broken in ((share * 1.001, False), (share * 0.999, True)):
        text = predictive.replace("at_most: 0.71 %", f"at_most: {100 * ceiling:.6f} %")
        assert ("LW248" in _codes(text)) is broken


@given(st.floats(1e-6, 1 - 1e-6), st.sampled_from(["ratio", "EUR", "1/d"]))
def test_a_remedy_is_rounded_to_the_side_that_works(value: float, unit: str) -> None:
    amount = value if unit == "ratio" else 1_000 * value
    for text, works in ((no_less(amount, unit), 1), (no_more(amount, unit), -1)):
        told = parse_quantity(text.replace(",", "")).value
        assert works * (told - amount) >= -1e-8 * max(1.0, amount)
        # Two figures are kept, of what is missing to 100 % where that is less.
        near = min(amount, 1 - amount) if unit == "ratio" else amount
        assert abs(told - amount) <= 0.11 * near + 1e-9


@given(st.floats(0.0001, 0.9999), st.floats(1e-7, 1e-3))
def test_two_numbers_that_differ_are_told_apart(value: float, step: float) -> None:
    for unit in ("ratio", "EUR"):
        assert apart(value, value + step, unit) != apart(value + step, value, unit)
