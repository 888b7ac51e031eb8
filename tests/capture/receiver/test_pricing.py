"""Prices: what a call costs to the cent of a cent, on its day, and which file says so."""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.capture.pricing import Cost, PriceTable, default_prices, load_prices
from launchworthy.errors import InputError

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def ns(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 10**9


def paid(cost: Cost | None) -> tuple[Any, str | None]:
    return (None, None) if cost is None else (cost.usd, cost.version)


def entry(**fields: Any) -> dict[str, Any]:
    return {
        "providers": ["house"],
        "models": ["small"],
        "input": 1.0,
        "output": 4.0,
        "source": "our own invoice",
        "seen": "2026-11-01",
        **fields,
    }


def table(tmp_path: Path, *entries: Any, version: Any = "house-1") -> PriceTable:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"version": version, "prices": list(entries)}))
    return load_prices(path)


@pytest.mark.parametrize(
    ("model", "provider", "tokens", "usd"),
    [
        # Worked by hand from the makers' price lists: plain, cached, written, answered; dollars a million.
        ("gpt-4o", "openai", (1_200, 80, 1_024, 0), (176 * 2.50 + 1_024 * 1.25 + 80 * 10) / 1e6),
        ("gpt-4o-2024-05-13", "openai", (1_000, 100, 0, 0), (1_000 * 5 + 100 * 15) / 1e6),
        ("gpt-4o-mini-2024-07-18", "openai", (1_000, 0, 0, 0), 1_000 * 0.15 / 1e6),
        (
            "claude-sonnet-4-5-20250929",
            "anthropic",
            (10_000, 300, 8_000, 1_500),
            (500 * 3 + 8_000 * 0.30 + 1_500 * 3.75 + 300 * 15) / 1e6,
        ),
        (
            "claude-opus-4-20250514",
            "anthropic",
            (1_000, 10, 0, 500),
            (500 * 15 + 500 * 18.75 + 10 * 75) / 1e6,
        ),
        ("models/gemini-2.5-pro", "gcp.gemini", (200_000, 1, 0, 0), (200_000 * 1.25 + 10) / 1e6),
        ("gemini-2.5-pro", "google", (200_001, 1, 0, 0), (200_001 * 2.50 + 15) / 1e6),
        ("text-embedding-3-small", "openai", (8, None, 0, 0), 8 * 0.02 / 1e6),
    ],
)
def test_what_a_call_costs_by_the_makers_list(
    model: str, provider: str, tokens: tuple[int, int | None, int, int], usd: float
) -> None:
    cost = default_prices().cost(model, provider, ns(NOW), *tokens)
    assert paid(cost) == (pytest.approx(usd, rel=1e-12), "2026-11-24")


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("no-such-model", "openai"),
        ("gpt-4o", "azure"),  # its list is another
        ("gpt-4o-2031-01-01", "openai"),  # a snapshot that nobody has priced
        ("claude-opus-4-9", "anthropic"),
        (None, "openai"),
        ("", "openai"),
    ],
)
def test_an_unknown_model_has_no_cost(model: str | None, provider: str) -> None:
    assert default_prices().cost(model, provider, ns(NOW), 10, 10) is None


def test_a_call_whose_tokens_are_not_known_has_no_cost() -> None:
    prices = default_prices()
    assert prices.cost("gpt-4o", "openai", ns(NOW), None, 10) is None
    assert prices.cost("gpt-4o", "openai", ns(NOW), 10, None) is None
    assert prices.cost("gpt-4o", "openai", ns(NOW), 0, 0) == Cost(0.0, "2026-11-24")


def test_a_model_without_its_provider_is_found_by_its_name() -> None:
    assert default_prices().cost("gpt-4o", None, ns(NOW), 1_000_000, 0) == Cost(2.5, "2026-11-24")


def test_the_price_is_that_of_the_day_of_the_call(tmp_path: Path) -> None:
    prices = table(
        tmp_path,
        entry(until="2026-06-01"),
        entry(input=2.0, **{"from": "2026-06-01", "until": "2026-09-01"}),
    )

    def at(moment: str) -> float | None:
        cost = prices.cost("small", "house", ns(dt.datetime.fromisoformat(moment)), 1_000_000, 0)
        return None if cost is None else cost.usd

    assert at("2025-01-01T00:00:00+00:00") == 1.0
    assert at("2026-05-31T23:59:59+00:00") == 1.0
    assert at("2026-06-01T00:00:00+00:00") == 2.0
    assert at("2026-09-01T00:00:00+00:00") is None


def test_an_exact_name_counts_before_a_pattern_and_the_first_of_equals(tmp_path: Path) -> None:
    prices = table(
        tmp_path, entry(models=["sm*"], input=9.0), entry(), entry(input=5.0), entry(models=["*"], input=7.0)
    )
    costs = {name: prices.cost(name, "house", ns(NOW), 1_000_000, 0) for name in ("small", "smart", "tiny")}
    assert {name: cost and cost.usd for name, cost in costs.items()} == {
        "small": 1.0,
        "smart": 9.0,
        "tiny": 7.0,
    }


def test_rates_that_are_not_listed_are_those_of_plain_tokens(tmp_path: Path) -> None:
    prices = table(tmp_path, entry(), entry(models=["deep"], reasoning=10.0))
    small = prices.cost("small", "house", ns(NOW), 100, 50, 80, 10, 20)
    assert paid(small) == (pytest.approx((100 + 50 * 4) / 1e6), "house-1")
    deep = prices.cost("deep", "house", ns(NOW), 100, 50, 0, 0, 20)
    assert paid(deep) == (pytest.approx((100 + 30 * 4 + 20 * 10) / 1e6), "house-1")


def test_a_file_named_in_the_environment_counts_before_the_table_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prices.json"
    path.write_text(
        json.dumps({"version": "negotiated", "prices": [entry(providers=["openai"], models=["gpt-4o"])]})
    )
    monkeypatch.setenv("LAUNCHWORTHY_PRICES", str(path))
    prices = default_prices()
    assert prices.version == "negotiated"
    assert prices.cost("gpt-4o", "openai", ns(NOW), 1_000_000, 0) == Cost(1.0, "negotiated")
    other = prices.cost("gpt-4o-mini", "openai", ns(NOW), 1_000_000, 0)
    assert paid(other) == (pytest.approx(0.15), "2026-11-24")


BROKEN: list[tuple[Any, str]] = [
    ("not json", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ([], "an object with version and prices"),
    ({"version": "1"}, "an object with version and prices"),
    ({"version": "", "prices": []}, "version"),
    ({"version": "reported", "prices": []}, "version"),
    ({"version": "1", "prices": {}}, "prices is a list"),
    ({"version": "1", "prices": [3]}, "a price is an object"),
    *(
        ({"version": "1", "prices": [entry(), entry(**wrong)]}, told)
        for wrong, told in (
            ({"input": None}, "no price for input"),
            ({"output": "4"}, "is not a price"),
            ({"input": -1}, "is not a price"),
            ({"input": True}, "is not a price"),
            ({"input": 1e9}, "is not a price"),
            ({"cache_read": []}, "is not a price"),
            ({"cache_raed": 1}, "unknown field 'cache_raed'"),
            ({"models": []}, "missing"),
            ({"models": "small"}, "missing"),
            ({"providers": [1]}, "missing"),
            ({"source": ""}, "missing"),
            ({"seen": None}, "when it was seen"),
            ({"seen": "yesterday"}, "not a date"),
            ({"from": 3}, "not a date"),
            ({"from": "2026-02-01", "until": "2026-01-01"}, "until is not after from"),
            ({"long": []}, "long is an object"),
            ({"long": {"over": -1, "input": 1, "output": 1}}, "over is a number"),
            ({"long": {"over": 5, "input": 1}}, "no price for output"),
        )
    ),
]


@pytest.mark.parametrize(("document", "told"), BROKEN)
def test_a_broken_table_says_which_entry_is_wrong(tmp_path: Path, document: Any, told: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(InputError, match=told) as caught:
        load_prices(path)
    assert caught.value.where.startswith(str(path))
    if isinstance(document, dict) and len(document.get("prices", ())) == 2:
        assert ":prices[1]" in caught.value.where


def test_a_table_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    with pytest.raises(InputError, match="cannot be read"):
        load_prices(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        load_prices(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_prices(tmp_path)


def test_each_price_of_the_table_says_where_and_when_it_was_found() -> None:
    prices = default_prices()
    assert (
        prices.version
        == json.loads(files("launchworthy.capture").joinpath("prices.json").read_text())["version"]
    )
    assert all(price.source and dt.date.fromisoformat(price.seen) for price in prices.prices)
    for price in prices.prices:
        read, written = price.rates.cache_read, price.rates.cache_write
        assert read is None or read < price.rates.input
        assert written is None or written >= price.rates.input


def test_no_two_prices_hold_for_one_model_on_one_day() -> None:
    held: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for price in default_prices().prices:
        for model in price.models:
            for provider in price.providers:
                held.setdefault((model, provider), []).append((price.since or 0, price.until or 10**6))
    for periods in held.values():
        periods.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(periods))


counts = st.integers(0, 10**7)


@given(plain=counts, read=counts, written=counts, answered=counts)
def test_a_cached_token_is_paid_once(plain: int, read: int, written: int, answered: int) -> None:
    cost = default_prices().cost(
        "claude-opus-4-5", "anthropic", ns(NOW), plain + read + written, answered, read, written
    )
    assert cost is not None
    assert cost.usd == pytest.approx((plain * 5 + read * 0.5 + written * 6.25 + answered * 25) / 1e6)
