"""What a model call costs: a dated table of public list prices, which a file can override.

May import ``errors``. Prices are US dollars per million tokens. A model that is
not in the table has no cost: None, never 0.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import translate
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from launchworthy.errors import InputError

__all__ = ["PRICES_VARIABLE", "Cost", "Price", "PriceTable", "Rates", "default_prices", "load_prices"]

PRICES_VARIABLE = "LAUNCHWORTHY_PRICES"
_MILLION = 1_000_000
_DAY_NS = 86_400 * 10**9
_REMEMBERED = 4_096


class Cost(NamedTuple):
    """US dollars, and the version of the table that says so."""

    usd: float
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per million tokens; what is None is charged as plain input or output."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of some models of one provider.

    Attributes:
        providers: Names of the provider as senders write them.
        models: Names of the models; ``*`` stands for any text.
        rates: What tokens cost.
        long_over: Calls that read more tokens than this cost ``long_rates``; None: all cost the same.
        since: First day, in days since 1970; None: from the beginning.
        until: First day on which it no longer holds; None: it still does.
        source: Where the price was published.
        seen: When it was read there.
        version: Version of the table that the price is from.
    """

    providers: frozenset[str]
    models: tuple[str, ...]
    rates: Rates
    long_over: int | None = None
    long_rates: Rates | None = None
    since: int | None = None
    until: int | None = None
    source: str
    seen: str
    version: str

    def holds_on(self, day: int) -> bool:
        """Whether the price is in force on a day since 1970."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceTable:
    """Prices by model, provider and day; the first that fits counts, an exact name before a pattern.

    Attributes:
        version: Of the table, such as the day it was made.
        prices: In order of precedence.
    """

    version: str
    prices: tuple[Price, ...]
    _exact: dict[str, list[Price]] = field(default_factory=dict, init=False, repr=False)
    _patterns: list[tuple[re.Pattern[str], Price]] = field(default_factory=list, init=False, repr=False)
    _found: Callable[[str, str | None, int], Price | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for price in self.prices:
            for model in price.models:
                if "*" in model:
                    self._patterns.append((re.compile(translate(model)), price))
                else:
                    self._exact.setdefault(model, []).append(price)
        object.__setattr__(self, "_found", lru_cache(_REMEMBERED)(self._find))

    def over(self, other: PriceTable) -> PriceTable:
        """This table, with the other's prices for what it lacks."""
        return PriceTable(version=self.version, prices=self.prices + other.prices)

    def has(self, model: str | None, provider: str | None, at_ns: int) -> bool:
        """Whether there is a price for a model on a day."""
        return model is not None and self._found(model, provider, at_ns // _DAY_NS) is not None

    def cost(
        self,
        model: str | None,
        provider: str | None,
        at_ns: int,
        input_tokens: int | None,
        output_tokens: int | None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> Cost | None:
        """What a call cost; ``input_tokens`` include the cached ones, ``output_tokens`` the reasoning.

        None where the price or a count that it needs is not known.
        """
        if model is None or input_tokens is None:
            return None
        price = self._found(model, provider, at_ns // _DAY_NS)
        if price is None:
            return None
        rates = price.rates
        if price.long_over is not None and price.long_rates is not None and input_tokens > price.long_over:
            rates = price.long_rates
        if output_tokens is None:
            if rates.output:
                return None
            output_tokens = 0
        read, written, reasoned = cache_read_tokens or 0, cache_write_tokens or 0, reasoning_tokens or 0
        if rates.cache_read is None:
            read = 0
        if rates.cache_write is None:
            written = 0
        if rates.reasoning is None:
            reasoned = 0
        total = max(0, input_tokens - read - written) * rates.input
        total += read * (rates.cache_read or 0) + written * (rates.cache_write or 0)
        total += max(0, output_tokens - reasoned) * rates.output + reasoned * (rates.reasoning or 0)
        return Cost(total / _MILLION, price.version)

    def _find(self, model: str, provider: str | None, day: int) -> Price | None:
        name = model.strip().lower().removeprefix("models/")
        for price in self._exact.get(name, ()):
            if _fits(price, provider, day):
                return price
        for pattern, price in self._patterns:
            if pattern.match(name) and _fits(price, provider, day):
                return price
        return None


def _fits(price: Price, provider: str | None, day: int) -> bool:
    return price.holds_on(day) and (provider is None or provider.strip().lower() in price.providers)


def default_prices() -> PriceTable:
    """The table that comes with this package, under the file that ``LAUNCHWORTHY_PRICES`` names if it is set.

    Raises:
        InputError: The file cannot be read as a price table.
    """
    text = files("launchworthy.capture").joinpath("prices.json").read_text("utf-8")
    own = _table(_document(text, "prices.json"), "prices.json")
    path = os.environ.get(PRICES_VARIABLE)
    return load_prices(Path(path)).over(own) if path else own


def load_prices(path: Path | str) -> PriceTable:
    """A price table from a JSON file of the form of this package's ``prices.json``.

    Raises:
        InputError: The file is not there, not JSON, or not a price table; names the entry.
    """
    where = str(path)
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the price table cannot be read: {error}",
            where=where,
            hint=f"{PRICES_VARIABLE} names a JSON file",
        ) from error
    return _table(_document(text, where), where)


def _document(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the price table is not JSON: {error}", where=where) from error


def _table(document: Any, where: str) -> PriceTable:
    if not isinstance(document, dict) or set(document) != {"version", "prices"}:
        raise InputError(
            "a price table is an object with version and prices", where=where, hint="see docs/receiver.md"
        )
    version, prices = document["version"], document["prices"]
    if not isinstance(version, str) or not version or version == "reported":
        raise InputError("the version of a price table is a text such as its day", where=f"{where}:version")
    if not isinstance(prices, list):
        raise InputError("prices is a list", where=f"{where}:prices")
    return PriceTable(
        version=version,
        prices=tuple(
            _price(entry, version, f"{where}:prices[{number}]") for number, entry in enumerate(prices)
        ),
    )


_FIELDS = {
    "providers",
    "models",
    "input",
    "output",
    "cache_read",
    "cache_write",
    "reasoning",
    "long",
    "from",
    "until",
    "source",
    "seen",
}
_RATES = ("input", "output", "cache_read", "cache_write", "reasoning")


def _price(entry: Any, version: str, where: str) -> Price:
    if not isinstance(entry, dict):
        raise InputError("a price is an object", where=where)
    _known(entry, _FIELDS, where)
    long = entry.get("long")
    if long is not None:
        if not isinstance(long, dict):
            raise InputError("long is an object with over and the rates beyond it", where=f"{where}.long")
        _known(long, {"over", *_RATES}, f"{where}.long")
        over = long.get("over")
        if isinstance(over, bool) or not isinstance(over, int) or over < 0:
            raise InputError("over is a number of tokens", where=f"{where}.long.over")
    seen = entry.get("seen")
    if seen is None:
        raise InputError("a price says when it was seen", where=f"{where}.seen", hint="a date: 2026-11-24")
    _day(seen, f"{where}.seen")
    since, until = _day(entry.get("from"), f"{where}.from"), _day(entry.get("until"), f"{where}.until")
    if since is not None and until is not None and until <= since:
        raise InputError("until is not after from", where=f"{where}.until")
    return Price(
        providers=frozenset(_texts(entry.get("providers"), f"{where}.providers")),
        models=tuple(_texts(entry.get("models"), f"{where}.models")),
        rates=_rates(entry, where),
        long_over=None if long is None else long["over"],
        long_rates=None if long is None else _rates(long, f"{where}.long"),
        since=since,
        until=until,
        source=_texts([entry.get("source")], f"{where}.source", lower=False)[0],
        seen=seen,
        version=version,
    )


def _known(entry: Mapping[str, Any], fields: set[str], where: str) -> None:
    unknown = sorted(set(entry) - fields)
    if unknown:
        raise InputError(
            f"unknown field {unknown[0]!r:.80}", where=where, hint=f"fields are {', '.join(sorted(fields))}"
        )


def _texts(value: Any, where: str, *, lower: bool = True) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise InputError("a text, or a list of texts, is missing", where=where)
    return [each.lower() if lower else each for each in value]


def _rates(entry: Mapping[str, Any], where: str) -> Rates:
    read: dict[str, float | None] = {}
    for name in _RATES:
        value = entry.get(name)
        if value is None and name in ("input", "output"):
            raise InputError(f"no price for {name}", where=f"{where}.{name}", hint="USD per million tokens")
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _MILLION
        ):
            raise InputError(f"{value!r:.80} is not a price", where=f"{where}.{name}", hint="USD per million")
        read[name] = None if value is None else float(value)
    return Rates(
        input=read["input"] or 0.0,
        output=read["output"] or 0.0,
        cache_read=read["cache_read"],
        cache_write=read["cache_write"],
        reasoning=read["reasoning"],
    )


def _day(value: Any, where: str) -> int | None:
    if value is None:
        return None
    try:
        return (date.fromisoformat(value) - datetime.fromtimestamp(0, UTC).date()).days
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{value!r:.80} is not a date", where=where, hint="for instance 2026-11-24"
        ) from error
