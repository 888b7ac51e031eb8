"""Quantities with units: how they are written, compared and printed.

Stands on the ground: standard library only. Canonical units inside the program are the ratio (0 to 1)
for shares, the millisecond for durations, the plain number for counts and scores, an ISO 4217 code for
money; a rate is any of these over a noun (``1/d``, ``USD/month``, ``EUR/payment``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

__all__ = [
    "Quantity",
    "difference_unit",
    "format_interval",
    "format_number",
    "format_value",
    "parse_quantity",
]

_DURATION_MS = {
    "ms": 1.0,
    "s": 1_000.0,
    "m": 60_000.0,
    "min": 60_000.0,
    "h": 3_600_000.0,
    "d": 86_400_000.0,
    "w": 604_800_000.0,
    "y": 31_536_000_000.0,
}
_POINTS = "points"
_ROUNDING = 1e-13  # no share or difference of shares is told apart from 0 below it
_CURRENCIES = frozenset(
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON SEK"
    " SGD THB TRY TWD USD VND ZAR".split()
)
_QUANTITY = re.compile(
    r"""^\s*(?P<number>[+-]?(?:\d+(?:_\d+)*)(?:\.\d+)?(?:[eE][+-]?\d+)?)
        \s*(?P<unit>%|[A-Za-z]+)?
        \s*(?:/\s*(?P<per>[A-Za-z][A-Za-z_]*))?\s*$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its canonical unit.

    ``unit`` is ``""`` (a count or score), ``"ratio"``, ``"ms"``, a currency such as ``"USD"``, or one
    of these over a noun: ``"1/d"``, ``"USD/month"``.
    """

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return format_value(self.value, unit=self.unit)


def parse_quantity(text: str | float) -> Quantity:
    """Read one quantity: ``2s``, ``99.9 %``, ``0.02 USD``, ``50/d``, ``29 USD/month``, ``4.0``.

    Raises:
        ValueError: The text is not a quantity; the message says what would be.
    """
    if isinstance(text, bool):
        raise ValueError(f"{text!r} is not a quantity; write a number with its unit, such as 2s or 99.9 %")
    if isinstance(text, (int, float)):
        if not math.isfinite(text):
            raise ValueError(f"{text!r} is not a finite number")
        return Quantity(float(text))
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a quantity; write a number and its unit, such as 2s, 99.9 %, 0.02 USD or 50/d"
        )
    number = float(match["number"])
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is too large to be a quantity")
    unit, per = match["unit"] or "", match["per"]
    if unit == "%":
        value, canonical = float(Decimal(match["number"]) / 100), "ratio"
    elif unit in _DURATION_MS:
        value, canonical = number * _DURATION_MS[unit], "ms"
    elif unit in _CURRENCIES:
        value, canonical = number, unit
    elif not unit:
        value, canonical = number, ""
    else:
        upper = unit.upper()
        guess = f"; did you mean {upper}?" if upper in _CURRENCIES else ""
        lower = unit.lower()
        guess = f"; did you mean {lower}?" if not guess and lower in _DURATION_MS else guess
        raise ValueError(
            f"{text!r} has the unknown unit {unit!r}{guess}; "
            "units are %, ms, s, m, h, d, w, y, or a currency such as USD or EUR"
        )
    if per:
        canonical = f"{canonical or '1'}/{per}"
    return Quantity(value, canonical)


def format_number(value: float, *, digits: int = 3) -> str:
    """Print ``value`` with ``digits`` significant figures, thousands grouped, never in exponent form
    between 0.0001 and a quadrillion."""
    if math.isnan(value):
        return "not measured"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4 or magnitude >= 15:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    decimals = max(0, digits - 1 - magnitude)
    rounded = round(value, digits - 1 - magnitude) if magnitude < digits else round(value)
    text = f"{rounded:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _ratio_percent(value: float, digits: int) -> str:
    """Shares near 0 or 1 keep enough figures that 99.97 % does not print as 100 %."""
    percent = 100.0 * value
    distance = min(abs(percent), abs(100.0 - percent))
    if 0 < distance < 1 and 0 < percent < 100:
        decimals = max(1, 1 - math.floor(math.log10(distance)))
        return f"{percent:.{min(decimals, 8)}f}".rstrip("0").rstrip(".")
    return format_number(percent, digits=digits)


def format_value(value: float | None, *, unit: str = "", digits: int = 3) -> str:
    """Print a value in its unit: ``94.1 %``, ``1.2 s``, ``0.012 USD``, ``50/d``; None is ``not measured``.

    Beside the canonical units there is ``points`` (see :func:`difference_unit`).
    """
    if value is None or math.isnan(value):
        return "not measured"
    base, _, per = unit.partition("/")
    suffix = f"/{per}" if per else ""
    if base in ("ratio", _POINTS) and abs(value) < _ROUNDING:
        value = 0.0
    if base == "ratio":
        return f"{_ratio_percent(value, digits)} %{suffix}"
    if base == _POINTS:
        number = format_number(100.0 * value, digits=digits)
        return f"{number} {'point' if number in ('1', '−1') else 'points'}{suffix}"
    if base == "ms":
        return f"{_duration(value, digits)}{suffix}"
    if base in ("", "1"):
        return f"{format_number(value, digits=digits)}{suffix}"
    return f"{format_number(value, digits=digits)} {base}{suffix}"


def difference_unit(unit: str) -> str:
    """The unit in which a difference of two values prints: percentage points where they are shares.

    From 80 % to 88 % is 8 points, which 8 % would not say.
    """
    base, slash, per = unit.partition("/")
    return f"{_POINTS if base == 'ratio' else base}{slash}{per}"


def _duration(value_ms: float, digits: int) -> str:
    if math.isinf(value_ms):
        return format_number(value_ms)
    size = abs(value_ms)
    for name, step in (("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1_000.0)):
        if size >= step:
            return f"{format_number(value_ms / step, digits=digits)} {name}"
    return f"{format_number(value_ms, digits=digits)} ms"


def format_interval(
    value: float | None, low: float | None, high: float | None, *, n: int | None = None, unit: str = ""
) -> str:
    """Print a measurement the one way it is printed anywhere: ``94.1 % (91.4 to 96.2, n = 412)``."""
    if value is None or low is None or high is None:
        return "not measured" if n is None else f"not measured (n = {n:,})"
    ends = [format_value(end, unit=unit) for end in (low, high)]
    own = format_value(value, unit=unit)
    tail = own.rpartition(" ")[2] if " " in own else ""
    tails = (" point", " points") if tail.startswith("point") else (f" {tail}",)
    if tail and all(end.endswith(tails) for end in ends):
        ends = [end.rpartition(" ")[0] for end in ends]
    count = "" if n is None else f", n = {n:,}"
    return f"{own} ({ends[0]} to {ends[1]}{count})"
