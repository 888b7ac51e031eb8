"""How the numbers of a sum are told: a remedy is rounded to the side that still works."""

from __future__ import annotations

import math

from launchworthy.quantity import format_number, format_value

__all__ = ["apart", "count", "money", "no_less", "no_more", "percent"]

_NEARLY = 1e-9


def percent(share: float) -> str:
    """``28 %``."""
    return format_value(share, unit="ratio")


def count(number: float) -> str:
    """``1,008``; a count is not rounded to three figures."""
    whole = abs(number - round(number)) < 0.05 or number >= 100
    return f"{number:,.0f}" if whole else format_number(number)


def money(value: float, unit: str) -> str:
    """``0.0462 USD``."""
    return format_value(value, unit=unit)


def no_less(value: float, unit: str) -> str:
    """The value, rounded up where it is rounded."""
    return _rounded(value, unit, up=True)


def no_more(value: float, unit: str) -> str:
    """The value, rounded down where it is rounded."""
    return _rounded(value, unit, up=False)


def _rounded(value: float, unit: str, *, up: bool) -> str:
    if not math.isfinite(value):
        return format_value(value, unit=unit)
    ratio = unit == "ratio"
    number = 100.0 * value if ratio else value
    near = min(abs(number), abs(100.0 - number)) if ratio else abs(number)
    places = _places(near, ratio=ratio)
    scaled = number * 10**places
    whole = math.ceil(scaled - _NEARLY) if up else math.floor(scaled + _NEARLY)
    text = f"{whole / 10**places:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if ratio:
        return f"{text} %"
    base, _, per = unit.partition("/")
    return f"{text}{f' {base}' if base not in ('', '1') else ''}{f'/{per}' if per else ''}"


def _places(near: float, *, ratio: bool) -> int:
    if near <= 0:
        return 2
    size = math.floor(math.log10(near))
    return min(12, max(1, 1 - size) if ratio else max(0, 2 - size))


def apart(value: float, other: float, unit: str) -> str:
    """The value with as many figures as show that it is not the other."""
    text = format_value(value, unit=unit)
    if value == other or text != format_value(other, unit=unit):
        return text
    for places in range(2, 13):
        if unit == "ratio":
            shown = [f"{100.0 * each:.{places}f} %" for each in (value, other)]
        else:
            shown = [format_value(each, unit=unit, digits=places + 2) for each in (value, other)]
        if shown[0] != shown[1]:
            return shown[0]
    return text
