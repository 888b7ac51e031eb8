"""Reading the amount of a call, so that no way of writing it slips under a limit.

May import ``quantity`` and ``choosing``. An amount is a number that is not negative, alone or with its unit:
``50``, ``"50.00"``, ``"50 USD"``, ``{"value": 50, "currency": "USD"}``, or a number beside ``currency``.
Anything else is unreadable, and what cannot be read is never within a limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from launchworthy.quantity import Quantity, parse_quantity
from launchworthy.runtime.permission.choosing import opened

__all__ = ["ABSENT", "Reading", "amount_beside", "is_money", "reach", "read_amount"]

_PLAIN = re.compile(r"\s*([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([A-Z]{3})?\s*")
_DURATION = re.compile(r"\s*[0-9]{1,15}(?:\.[0-9]{1,9})?\s*[a-z]{1,3}\s*")


class _Absent:
    """What stands where an argument is not given."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Reading:
    """The amount of a call, or why it has none.

    Attributes:
        value: The number; None where it cannot be read.
        unit: A currency or ``ms``, where the call names one; None: that of whatever limits it.
        problem: What is wrong, to follow the argument's name; empty where it was read.
    """

    value: float | None
    unit: str | None = None
    problem: str = ""

    def within(self, most: Quantity) -> bool:
        """Whether it is known to be at most this."""
        return self.value is not None and self._same(most) and self.value <= most.value

    def reaches(self, least: Quantity) -> bool:
        """Whether it is known to be at least this."""
        return self.value is not None and self._same(least) and self.value >= least.value

    def told(self, limit: Quantity) -> str:
        """The amount in words, beside the limit that it is held against."""
        if self.value is None:
            return self.problem
        unit = limit.unit if self.unit is None else self.unit
        text = Quantity(self.value, unit)
        return f"is {text}" if self._same(limit) else f"is {text}, in another unit than the limit, {limit}"

    def _same(self, other: Quantity) -> bool:
        # A plain number is in the unit of its limit, save for a duration: 30 of what?
        if self.unit is None:
            return other.unit != "ms" and "/" not in other.unit
        return self.unit == other.unit


def reach(arguments: Mapping[str, Any], name: str) -> Any:
    """The value of an argument, or of a field of one (``message.to``); ``ABSENT`` where there is none.

    Where the field stands more than once, as in a list of messages, all of its values as one list.
    """
    if "." not in name:
        return arguments.get(name, ABSENT)
    found = [arguments[name]] if name in arguments else []
    level: list[Any] = [arguments]
    for part in name.split("."):
        inner = _entries(level, open_text=True)
        level = [each[part] for each in inner if isinstance(each, Mapping) and part in each]
    found += level
    if len(found) < 2:
        return found[0] if found else ABSENT
    return _entries(found)


def _entries(values: list[Any], *, open_text: bool = False) -> list[Any]:
    """The values, with the entries of every list among them in its place; also of text that is JSON."""
    found: list[Any] = []
    stack = values[::-1]
    while stack:
        value = opened(stack.pop()) if open_text else stack.pop()
        if isinstance(value, list):
            stack += value[::-1]
        else:
            found.append(value)
    return found


def read_amount(value: Any, *, beside: Any = ABSENT) -> Reading:
    """Read an amount; ``beside`` is the argument ``currency`` of the same call, if it has one."""
    found = _read(value)
    if beside is ABSENT or found.value is None:
        return found
    if not isinstance(beside, str):
        return Reading(None, None, "stands beside a currency that is not text")
    currency = beside.strip().upper()
    if found.unit not in (None, currency):
        return Reading(None, None, "names two currencies")
    return Reading(found.value, currency)


def amount_beside(value: Any, beside: Any, limit: Quantity) -> Reading:
    """Read an amount that is held against a limit: a currency beside it speaks of money only."""
    return read_amount(value, beside=beside if is_money(limit.unit) else ABSENT)


def is_money(unit: str) -> bool:
    """Whether a unit is a currency."""
    return len(unit) == 3 and unit.isupper()


def _read(value: Any) -> Reading:
    kind = type(value)
    if kind is int or kind is float or kind is Decimal:
        return _number(value, None)
    if isinstance(value, str):
        match = _PLAIN.fullmatch(value[:80])
        if match is not None and len(value) <= 80:
            return _number(float(match[1]), match[2])
        if len(value) <= 40 and _DURATION.fullmatch(value):
            try:
                read = parse_quantity(value)
            except ValueError:
                return Reading(None, None, "is not an amount that can be read")
            return _number(read.value, read.unit)
    if isinstance(value, Mapping):
        keys = set(value)
        number, unit = keys & {"value", "amount"}, keys & {"currency", "unit"}
        if len(number) == 1 and len(unit) == 1 and len(keys) == 2:
            inner, currency = value[number.pop()], value[unit.pop()]
            if not isinstance(inner, Mapping):
                return read_amount(inner, beside=currency)
    if value is ABSENT:
        return Reading(None, None, "is not given")
    return Reading(None, None, "is not an amount that can be read")


def _number(value: float | Decimal, unit: str | None) -> Reading:
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return Reading(None, None, "is not an amount that can be read")
    if not math.isfinite(number):
        return Reading(None, None, "is not a finite number")
    if number < 0:
        return Reading(None, None, "is negative")
    return Reading(number, unit)
