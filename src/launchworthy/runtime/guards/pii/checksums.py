"""Check digits of cards, bank accounts and national identity numbers.

Standard library only. Each takes ASCII digits (letters too, where it says so) without separators.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

__all__ = ["ean13", "iso7064_11_10", "luhn", "mod97", "real_day", "verhoeff", "weighted"]

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_VERHOEFF_TURNS = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def luhn(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B): cards, and the identity numbers that borrowed it.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = sum(int(d) for d in digits[-1::-2]) + sum(_DOUBLED[int(d)] for d in digits[-2::-2])
    return total % 10 == 0


def mod97(characters: str) -> bool:
    """ISO 7064 mod 97-10 as IBANs use it (ISO 13616): letters and digits, the first four moved to the end.

    >>> mod97("GB82WEST12345698765432")
    True
    """
    moved = characters[4:] + characters[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Sum of the digits times their weights, for as many as there are weights."""
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def iso7064_11_10(digits: str) -> bool:
    """ISO 7064 mod 11,10 (German tax numbers, Croatian OIB).

    >>> iso7064_11_10("36574261809")
    True
    """
    product = 10
    for digit in digits[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def ean13(digits: str) -> bool:
    """The check digit of GS1 (Swiss AHV numbers)."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Verhoeff's check over the dihedral group of ten (Aadhaar).

    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = _dihedral(state, _VERHOEFF_TURNS[place % 8][int(digit)])
    return state == 0


def _dihedral(left: int, right: int) -> int:
    if left < 5:
        return (left + right) % 5 + (0 if right < 5 else 5)
    return (left - right) % 5 + (5 if right < 5 else 0)


def real_day(year: int, month: int, day: int) -> bool:
    """Whether a calendar has this day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
