"""Quantities as fields of a model, each checked for its kind. May import ``quantity`` and pydantic.

A kind is a class of canonical units: a share is a ratio, a duration is in milliseconds, money is in a
currency; a rate is a count over a noun (``50/d``), a price is money over a noun (``29 USD/month``).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from launchworthy.quantity import Quantity, parse_quantity

__all__ = [
    "Amount",
    "AnyQuantity",
    "Count",
    "Duration",
    "Flow",
    "Money",
    "Number",
    "Percentage",
    "Price",
    "Rate",
    "Share",
    "UnitKind",
    "kind_of",
    "per_day",
]

PERIOD_DAYS = {
    "s": 1 / 86_400,
    "m": 1 / 1_440,
    "min": 1 / 1_440,
    "h": 1 / 24,
    "hour": 1 / 24,
    "d": 1.0,
    "day": 1.0,
    "w": 7.0,
    "week": 7.0,
    "month": 30.0,
    "quarter": 91.0,
    "y": 365.0,
    "year": 365.0,
}


class UnitKind(StrEnum):
    """What a quantity measures, in words with an example."""

    SHARE = "a share, such as 95 %"
    DURATION = "a duration, such as 2s or 30d"
    MONEY = "money, such as 0.02 USD"
    PRICE = "money over something, such as 29 USD/month"
    RATE = "a count over time, such as 50/d"
    NUMBER = "a plain number, such as 4.0"


def kind_of(unit: str) -> UnitKind | None:
    """Kind of a canonical unit; None for one that means nothing (a duration a day)."""
    base, _, per = unit.partition("/")
    if per:
        return UnitKind.RATE if base == "1" else None if base in ("ratio", "ms") else UnitKind.PRICE
    return {"": UnitKind.NUMBER, "ratio": UnitKind.SHARE, "ms": UnitKind.DURATION}.get(base, UnitKind.MONEY)


def per_day(quantity: Quantity) -> float | None:
    """A rate or price in units a day; None where it is over something that is no time."""
    days = PERIOD_DAYS.get(quantity.unit.partition("/")[2])
    return None if days is None else quantity.value / days


def _read(value: Any) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise PydanticCustomError("LW214", "{shape} is not a quantity", {"shape": _shape(value)})
    try:
        return parse_quantity(value)
    except ValueError as error:
        text, _, hint = str(error).partition("; ")
        guess, found, _ = hint.partition("?; ")
        hint = f"{guess}?" if found else hint
        raise PydanticCustomError("LW214", "{text}", {"text": text, "hint": hint}) from error


def _shape(value: Any) -> str:
    names = {dict: "a block", list: "a list", bool: str(value).lower(), type(None): "nothing"}
    return names.get(type(value), repr(value)[:80])


def _of(*kinds: UnitKind, least: float | None = None, most: float | None = None) -> Callable[[Any], Quantity]:
    def validate(value: Any) -> Quantity:
        quantity = _read(value)
        if kinds and kind_of(quantity.unit) not in kinds:
            hint = ""
            if UnitKind.SHARE in kinds and quantity.unit == "" and 0 <= quantity.value <= 1:
                hint = f"did you mean {Quantity(quantity.value, 'ratio')}?"
            raise PydanticCustomError(
                "LW215",
                "{given} is not {wanted}",
                {"given": str(value)[:60], "wanted": " or ".join(kinds), "hint": hint},
            )
        if kinds == (UnitKind.RATE,) and per_day(quantity) is None:
            over = quantity.unit.partition("/")[2]
            raise PydanticCustomError(
                "LW214",
                '{given} has the unknown period "{over}"',
                {"given": str(value)[:60], "over": over, "hint": f"periods are {', '.join(PERIOD_DAYS)}"},
            )
        low, high = (None if end is None else Quantity(end, quantity.unit) for end in (least, most))
        if (low and quantity.value < low.value) or (high and quantity.value > high.value):
            raise PydanticCustomError(
                "LW216",
                "{given} is out of range",
                {"given": str(value)[:60], "hint": f"it is from {low} {f'to {high}' if high else 'up'}"},
            )
        return quantity

    return validate


_NUMBER = r"[+-]?\d+(_\d+)*(\.\d+)?([eE][+-]?\d+)?"
_TIME, _CURRENCY, _OVER = r"(ms|s|m|min|h|d|w|y)", r"[A-Z]{3}", r"\s*/\s*[A-Za-z][A-Za-z_]*"


def _schema(description: str, unit: str, *examples: str, number: bool = False) -> WithJsonSchema:
    kinds: Any = ["string", "number"] if number else "string"
    pattern = rf"^\s*{_NUMBER}\s*{unit}\s*$"
    return WithJsonSchema(
        {"type": kinds, "pattern": pattern, "description": description, "examples": list(examples)}
    )


Share = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.SHARE, least=0.0, most=1.0)),
    _schema("Share, 0 % to 100 %", "%", "95 %"),
]
Percentage = Annotated[
    Quantity, PlainValidator(_of(UnitKind.SHARE, least=0.0)), _schema("Percentage of an amount", "%", "100 %")
]
Duration = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.DURATION, least=0.0)),
    _schema("Duration in ms, s, m, h, d, w or y", _TIME, "1200ms", "30d"),
]
Money = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.MONEY, least=0.0)),
    _schema("Amount of money", _CURRENCY, "0.02 USD"),
]
Price = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.PRICE, least=0.0)),
    _schema("Money over something", _CURRENCY + _OVER, "29 USD/month", "0.60 USD/resolved"),
]
Rate = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.RATE, least=0.0)),
    _schema("Count over time", rf"\s*/\s*({'|'.join(PERIOD_DAYS)})", "4000/d", "200/week"),
]
Flow = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.RATE, UnitKind.PRICE, least=0.0)),
    _schema("Count or money over time", rf"({_CURRENCY})?{_OVER}", "900/d", "2000 USD/d"),
]
Number = Annotated[
    Quantity,
    PlainValidator(_of(UnitKind.NUMBER, UnitKind.SHARE)),
    _schema("Plain number or share", "%?", "0.7", number=True),
]
Amount = Annotated[
    Quantity,
    PlainValidator(
        _of(UnitKind.MONEY, UnitKind.NUMBER, UnitKind.RATE, UnitKind.PRICE, UnitKind.DURATION, least=0.0)
    ),
    _schema(
        "Limit: money, a count, a duration, or one of these over time",
        rf"({_TIME}|({_CURRENCY})?({_OVER})?)",
        "500 USD",
        "50/d",
        number=True,
    ),
]
AnyQuantity = Annotated[
    Quantity,
    PlainValidator(_of(*UnitKind)),
    _schema(
        "Quantity with the unit of what is measured",
        rf"(%|{_TIME}|{_CURRENCY})?({_OVER})?",
        "95 %",
        "2s",
        "0.02 USD",
        number=True,
    ),
]


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError(
            "LW212", "{given} is not a whole number", {"given": str(value)[:60] or "nothing"}
        )
    if not 1 <= value <= 1_000_000_000_000:
        raise PydanticCustomError(
            "LW216", "{given} is out of range", {"given": str(value), "hint": "it is from 1 up"}
        )
    return value


Count = Annotated[int, PlainValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1})]
