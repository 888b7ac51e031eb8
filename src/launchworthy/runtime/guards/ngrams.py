"""Hashed n-grams of a text, cut into units so that any run of units can be scored alone.

May import NumPy (inside functions: an application that has no such guard never loads it) and the standard
library. Characters are hashed by rolling polynomials over code points and words by prefix sums of the
same, so that a message costs a few passes over an array and no loop over its letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILIES", "Unit", "Units", "blocks_of", "hash_units", "split_units"]

FAMILIES = ("words", "characters")
LONGEST_UNIT = 200  # characters; longer runs without an end are cut at a space where there is one
_BLOCK = 65_536  # characters hashed at once, so that a megabyte takes little memory
_CHARACTER_GRAMS = (3, 4, 5)
_ODD = 0x9E3779B97F4A7C15  # an odd multiplier has an inverse modulo 2**64
_INVERSE = pow(_ODD, -1, 1 << 64)
_KNOWN_LETTERS = 0x3000  # beyond stand scripts without spaces: their characters' n-grams are enough
_UNIT = re.compile(r"[^\n\r\u2028\u2029]+")
_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+|(?<=[。！？])")
_CELL = re.compile(r"\|")
_LONG_CELL = 30  # characters; shorter neighbouring cells of a row are one unit
_REPEATED = re.compile(r"(.)\1{3,}")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a line or a row: where it stands in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Units:
    """The hashed n-grams of some units.

    Attributes:
        count: How many units.
        hashes: Of each family, one 64-bit hash per n-gram, in order of the text.
        ends: Of each family, how many n-grams the units up to and including each have in all.
    """

    count: int
    hashes: tuple[NDArray[np.uint64], ...]
    ends: tuple[NDArray[np.int64], ...]


def split_units(text: str) -> list[Unit]:
    """Cut a text at the ends of lines, sentences and cells, and what is longer than that at spaces."""
    units: list[Unit] = []
    for line in _UNIT.finditer(text):
        start = line.start()
        ends = _cells if text.count("|", start, line.end()) > 1 else _sentences
        for end in [*ends(text, start, line.end()), line.end()]:
            if end > start:
                units.extend(_cut(text, start, end))
            start = end
    return units


def _sentences(text: str, start: int, end: int) -> Iterator[int]:
    return (match.end() for match in _END.finditer(text, start, end))


def _cells(text: str, start: int, end: int) -> Iterator[int]:
    """Where the units of a row end: a long cell is one, short neighbours are together."""
    unit = cell = start
    for match in _CELL.finditer(text, start, end):
        if match.start() - cell >= _LONG_CELL and cell > unit:
            yield cell
            unit = cell
        cell = match.end()
        if match.start() - unit >= _LONG_CELL:
            yield cell
            unit = cell


def _cut(text: str, start: int, end: int) -> Iterator[Unit]:
    while end - start > LONGEST_UNIT:
        space = text.rfind(" ", start + LONGEST_UNIT // 2, start + LONGEST_UNIT)
        cut = space + 1 if space > start else start + LONGEST_UNIT
        yield Unit(start, cut)
        start = cut
    if text[start:end].strip():
        yield Unit(start, end)


def blocks_of(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The same units in blocks that are hashed at once."""
    start, size = 0, 0
    for index, text in enumerate(texts):
        size += len(text) + 2
        if size > _BLOCK and index > start:
            yield texts[start:index]
            start, size = index, len(text) + 2
    if start < len(texts):
        yield texts[start:]


@cache
def _letters() -> NDArray[np.bool_]:
    import numpy as np

    table = np.zeros(_KNOWN_LETTERS + 1, dtype=bool)
    table[:_KNOWN_LETTERS] = [chr(code).isalnum() for code in range(_KNOWN_LETTERS)]
    return table


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the multiplier and of its inverse, for blocks of any usual length."""
    import numpy as np

    return _powers_to(np.uint64(_ODD), 4_096), _powers_to(np.uint64(_INVERSE), 4_096)


def _powers_to(base: np.uint64, size: int) -> NDArray[np.uint64]:
    import numpy as np

    steps = np.full(size, base, dtype=np.uint64)
    steps[0] = 1
    return np.cumprod(steps, dtype=np.uint64)


def hash_units(units: Sequence[str]) -> Units:
    """Hash the word 1- and 2-grams and the character 3- to 5-grams of each unit; none crosses two units.

    Letter case, which digit, how many spaces, and how often beyond three times a sign is repeated make no
    difference.
    """
    import numpy as np

    padded = [f" {_REPEATED.sub(_thrice, _SPACES.sub(' ', unit).strip().lower())} " for unit in units]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = np.where((codes >= 48) & (codes <= 57), np.uint32(48), codes)
    lengths = np.fromiter((len(unit) for unit in padded), dtype=np.int64, count=len(padded))
    owner = np.repeat(np.arange(len(padded)), lengths)
    words, word_owner = _words(codes, owner)
    characters, character_owner = _characters(codes, owner)
    return Units(
        count=len(padded),
        hashes=(words, characters),
        ends=tuple(
            np.cumsum(np.bincount(of, minlength=len(padded)), dtype=np.int64)
            for of in (word_owner, character_owner)
        ),
    )


def _thrice(match: re.Match[str]) -> str:
    return match[1] * 3


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all bits (the finaliser of splitmix64, Steele et al. 2014)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _words(
    codes: NDArray[np.uint32], owner: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    import numpy as np

    letter = _letters()[np.minimum(codes, _KNOWN_LETTERS)]
    edges = np.diff(letter.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    powers, inverses = _powers()
    if len(powers) < len(codes):
        powers = _powers_to(np.uint64(_ODD), len(codes))
        inverses = _powers_to(np.uint64(_INVERSE), len(codes))
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes.astype(np.uint64) * powers[: len(codes)], out=sums[1:])
    single = (sums[ends] - sums[starts]) * inverses[starts]
    own = owner[starts]
    together = own[1:] == own[:-1]
    double = (single[:-1] * np.uint64(31) + _mixed(single[1:]))[together]
    hashes = _mixed(np.concatenate([single, double + np.uint64(2)]))
    owners = np.concatenate([own, own[:-1][together]])
    order = np.argsort(owners, kind="stable")
    return hashes[order], owners[order]


def _characters(
    codes: NDArray[np.uint32], owner: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    import numpy as np

    wide = codes.astype(np.uint64)
    rolled = wide.copy()
    hashes, owners = [], []
    for size in range(2, max(_CHARACTER_GRAMS) + 1):
        if len(wide) < size:
            break
        rolled = rolled[:-1] * np.uint64(_ODD) + wide[size - 1 :]
        if size in _CHARACTER_GRAMS:
            whole = owner[: len(rolled)] == owner[size - 1 :]
            hashes.append(rolled[whole] + np.uint64(size << 40))
            owners.append(owner[: len(rolled)][whole])
    if not hashes:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    merged = np.concatenate(owners)
    order = np.argsort(merged, kind="stable")
    return _mixed(np.concatenate(hashes))[order], merged[order]
