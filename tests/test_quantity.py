"""Quantities read and print the way contracts and pages write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.quantity import Quantity, difference_unit, format_interval, format_value, parse_quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2s", Quantity(2000.0, "ms")),
        ("1200ms", Quantity(1200.0, "ms")),
        ("99.9 %", Quantity(0.999, "ratio")),
        ("0.02 USD", Quantity(0.02, "USD")),
        ("50/d", Quantity(50.0, "1/d")),
        ("29 USD/month", Quantity(29.0, "USD/month")),
        ("0.065 EUR/payment", Quantity(0.065, "EUR/payment")),
        ("5000000/month", Quantity(5e6, "1/month")),
        (4.0, Quantity(4.0, "")),
    ],
)
def test_a_quantity_is_read_with_its_unit(text: str | float, expected: Quantity) -> None:
    assert parse_quantity(text) == expected


@pytest.mark.parametrize(
    "text", ["", "2 parsecs", "%", "1..2s", "two seconds", "2s 3s", "1e999", "2 usd", "NaN"]
)
def test_what_is_no_quantity_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|unit"):
        parse_quantity(text)


def test_a_wrong_case_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean USD"):
        parse_quantity("2 usd")


@given(st.floats(min_value=0, max_value=1))
def test_a_share_that_is_not_all_never_prints_as_all(value: float) -> None:
    printed = format_value(value, unit="ratio")
    assert (printed == "100 %") == (value > 1 - 1e-9) or value > 1 - 1e-9


def test_an_interval_prints_value_bounds_and_n() -> None:
    assert format_interval(0.941, 0.914, 0.962, n=412, unit="ratio") == "94.1 % (91.4 to 96.2, n = 412)"
    assert format_interval(None, None, None, n=0) == "not measured (n = 0)"


def test_not_measured_is_never_a_number() -> None:
    assert format_value(None) == "not measured"
    assert format_value(math.nan) == "not measured"


def test_a_duration_without_bound_has_no_unit() -> None:
    assert format_value(float("inf"), unit="ms") == "∞"
    assert format_value(float("-inf"), unit="ms") == "−∞"


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.08, 0.01, 0.15, "8 points (1 to 15, n = 300)"),
        (0.01, -0.01, 0.03, "1 point (−1 to 3, n = 300)"),
        (-0.023, -0.041, -0.01, "−2.3 points (−4.1 to −1, n = 300)"),
        (0.0, -math.inf, 0.02, "0 points (−∞ to 2, n = 300)"),
    ],
)
def test_a_difference_of_shares_is_told_in_points(value: float, low: float, high: float, text: str) -> None:
    assert format_interval(value, low, high, n=300, unit=difference_unit("ratio")) == text


@pytest.mark.parametrize("unit", ["", "ms", "USD", "USD/month", "1/d"])
def test_a_difference_of_anything_else_keeps_its_unit(unit: str) -> None:
    assert difference_unit(unit) == unit


@pytest.mark.parametrize(
    ("value", "unit", "text"), [(-3.7e-18, "points", "0 points"), (2e-17, "ratio", "0 %")]
)
def test_rounding_of_shares_prints_as_nothing(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit=unit) == text
    assert format_value(1e-9, unit=unit) != text
