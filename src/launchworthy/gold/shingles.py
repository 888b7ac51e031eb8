"""From texts to hashed shingles, many texts at a time. Pure; may import NumPy.

A text is a row of units: words, in lower case and NFKC, without punctuation; in scripts that put no spaces
between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) single characters. A shingle is some units in a
row, as a 64-bit number that is the same in every process: units are hashed by BLAKE2b, and shingles by
splitmix64 over them (Steele, Lea and Flood, OOPSLA 2014).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Places = NDArray[np.int64]

__all__ = ["Ragged", "Units", "excerpt", "shingles", "strings", "units", "weight"]

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNIT = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_CHARACTER = re.compile(f"[{_UNSPACED}]")
_LEAST = 3  # a shorter text is filled up with blanks, so that every text has a shingle
_MOST_WORDS = 1_000_000
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Rows of numbers, one a text, behind one another: row ``i`` is ``values[starts[i]:starts[i + 1]]``."""

    values: Numbers
    starts: Places

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, place: int) -> Numbers:
        """The numbers of one text."""
        return self.values[self.starts[place] : self.starts[place + 1]]


class Units(dict[str, int]):
    """Unit → its hash; remembered, since words come again."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_WORDS:
            self.clear()
        found = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
        self[word] = found
        return found


def split_units(text: str) -> list[str]:
    """The units of a text."""
    if text.isascii():
        return _UNIT.findall(text.lower())
    return _UNIT.findall(unicodedata.normalize("NFKC", text).casefold())


def weight(text: str) -> float:
    """How much a text says, in words: a character of a script without spaces is about half of one."""
    found = split_units(text)
    return len(found) - sum(_CHARACTER.match(each) is not None for each in found) / 2


def units(texts: Iterable[str], *, known: Units) -> Ragged:
    """The hashed units of each text; one that is too short for a shingle is filled up with blanks."""
    import numpy as np

    rows = []
    for text in texts:
        found = split_units(text)
        # A blank of its own, or two short texts would share their blanks.
        blank = found[-1] + "\0" if found else "\0"
        rows.append(found if len(found) >= _LEAST else [*found, *[blank] * (_LEAST - len(found))])
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = np.fromiter(
        map(known.__getitem__, chain.from_iterable(rows)), dtype=np.uint64, count=int(starts[-1])
    )
    return Ragged(values=values, starts=starts)


def shingles(rows: Ragged, *, size: int) -> Ragged:
    """Every ``size`` units in a row (at most 3), in order of the text, as one number each."""
    import numpy as np

    count = len(rows.values) - size + 1
    if count <= 0:
        return Ragged(values=rows.values[:0], starts=np.zeros(len(rows) + 1, np.int64))
    mixed = np.zeros(count, np.uint64)
    for place in range(size):
        mixed = _mix(mixed + rows.values[place : place + count])
    lengths = np.diff(rows.starts)
    inside = np.ones(len(rows.values), bool)
    for back in range(1, size):
        # The last units of a text begin no shingle: it would reach into the next text.
        inside[rows.starts[1:] - back] = False
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths - (size - 1))])
    return Ragged(values=mixed[inside[:count]], starts=starts)


def _mix(values: Numbers) -> Numbers:
    import numpy as np

    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def excerpt(text: str, *, first: int, last: int) -> tuple[str, int]:
    """The part of a text from one unit to another, and the line it begins in, the first being 1.

    Units are counted in the text as it stands, so that the excerpt is as it was written.
    """
    begin = end = place = 0
    for found in _UNIT.finditer(text):
        if place <= first:
            begin = found.start()
        end = found.end()
        place += len(split_units(found[0]))  # a character may be several in NFKC
        if place > last:
            break
    return text[begin:end], text.count("\n", 0, begin) + 1


def strings(value: Any) -> Sequence[str]:
    """Every text in a JSON value, in order; of an object the values."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [text for each in inner for text in strings(each)]
