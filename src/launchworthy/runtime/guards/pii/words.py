"""A text as the tagger reads it: words, cut into sentences, and the features of each word.

NumPy and standard library. What the patterns already found is one word, named by its kind. A sentence is
decided as a whole and alone, so that what follows a sentence never changes what was found in it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from launchworthy.runtime.guards.verdict import Finding

__all__ = ["LONGEST_SENTENCE", "ROWS", "Word", "features", "sentences"]

LONGEST_SENTENCE = 400
"""Characters after which a sentence is cut, wherever it is."""

ROWS = 1 << 18
"""Rows of the table that features are hashed into."""

_MOST_WORDS = 96
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['’`](?!s(?!\w))[^\W\d_]+)*"  # O'Brien is one word, Ana's is two
    r"|['’`]s(?!\w)"
    r"|\d+[^\W\d_]{0,3}(?!\w)|\d+"
    r"|\n[ \t\r]*(?:\n[ \t\r]*)*"
    r"|[^\w\s]|_+"
)
_LETTERS = 24  # a longer word is cut
_ENDS = frozenset(".!?")
_SHORTENED = frozenset(
    "prof phil capt sen gov hon rev calle avda blvd bldg dept univ attn nach inkl ulica".split()
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: where it stands, and how it reads (``<email>`` for what the patterns found)."""

    start: int
    end: int
    form: str


def sentences(text: str, formed: Sequence[Finding] = ()) -> list[list[Word]]:
    """The words of a text by sentence; ``formed`` are findings of patterns, in order, without overlap."""
    cut: list[list[Word]] = []
    sentence: list[Word] = []
    words = _words(text, formed)
    for place, word in enumerate(words):
        if sentence and (
            word.end - sentence[0].start > LONGEST_SENTENCE
            or len(sentence) >= _MOST_WORDS
            or _ended(words, place)
        ):
            cut.append(sentence)
            sentence = []
        sentence.append(word)
    if sentence:
        cut.append(sentence)
    return cut


def _words(text: str, formed: Sequence[Finding]) -> list[Word]:
    words: list[Word] = []
    place = 0
    for finding in (*formed, None):
        until = len(text) if finding is None else finding.start
        for match in _TOKEN.finditer(text, place, until):
            form = match[0]
            if form[0] == "\n":
                form = "\n\n" if form.count("\n") > 1 else "\n"
            if len(form) <= _LETTERS:
                words.append(Word(match.start(), match.end(), form))
            else:
                for start in range(match.start(), match.end(), _LETTERS):
                    end = min(start + _LETTERS, match.end())
                    words.append(Word(start, end, text[start:end]))
        if finding is not None:
            words.append(Word(finding.start, finding.end, f"<{finding.type}>"))
            place = finding.end
    return words


def _ended(words: list[Word], place: int) -> bool:
    """Whether a sentence ends before this word."""
    last = words[place - 1]
    if last.form not in _ENDS or last.end == words[place].start:
        return False
    if last.form != ".":
        return True
    if place < 2:
        return False
    before = words[place - 2].form
    first = words[place].form[0]
    return len(before) >= 4 and before.isalpha() and before.lower() not in _SHORTENED and not first.islower()


# Features. Each word has a few base codes; the features of a place combine those of the words around it.

_Codes = npt.NDArray[np.uint64]
_BASES = 8
_WORD, _SHAPE, _PREFIX, _SUFFIX2, _SUFFIX3, _SUFFIX4, _LONG_SHAPE, _PREFIX2 = range(_BASES)
_PAD = "\0"


@lru_cache(maxsize=32_768)
def _bases(form: str) -> tuple[int, ...]:
    if form[0] == "<" and len(form) > 2:
        return (_code(form),) * _BASES
    lower = "".join("0" if c.isdigit() else c for c in form.lower())
    long = "".join("X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in form)
    short = long if len(long) < 2 else re.sub(r"(.)\1+", r"\1", long)
    if short.isdigit():
        short = long
    marked = f"^{lower}$"
    return tuple(
        _code(f"{base}{value}")
        for base, value in enumerate(
            (lower, short, marked[:4], marked[-3:], marked[-4:], marked[-5:], long[:12], marked[:3])
        )
    )


def _code(value: str) -> int:
    return zlib.crc32(value.encode("utf-8", "surrogatepass"))


# Each feature: (base, offset) of the words it looks at.
_LOOKS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((_WORD, 0),),
    ((_WORD, -1),),
    ((_WORD, 1),),
    ((_WORD, -2),),
    ((_WORD, 2),),
    ((_SHAPE, 0),),
    ((_LONG_SHAPE, 0),),
    ((_PREFIX, 0),),
    ((_PREFIX2, 0),),
    ((_SUFFIX2, 0),),
    ((_SUFFIX3, 0),),
    ((_SUFFIX4, 0),),
    ((_SUFFIX3, -1), (_SHAPE, 0)),
    ((_SUFFIX3, 1), (_SHAPE, 0)),
    ((_SUFFIX2, 0), (_SHAPE, 0)),
    ((_SHAPE, -1), (_SHAPE, 0)),
    ((_SHAPE, 0), (_SHAPE, 1)),
    ((_SHAPE, -1), (_SHAPE, 0), (_SHAPE, 1)),
    ((_SHAPE, -2), (_SHAPE, -1), (_SHAPE, 0), (_SHAPE, 1), (_SHAPE, 2)),
    ((_WORD, -1), (_WORD, 0)),
    ((_WORD, 0), (_WORD, 1)),
    ((_WORD, -1), (_SHAPE, 0)),
    ((_SHAPE, 0), (_WORD, 1)),
    ((_WORD, -2), (_WORD, -1), (_SHAPE, 0)),
    ((_SHAPE, 0), (_WORD, 1), (_WORD, 2)),
    ((_WORD, -1), (_SHAPE, 0), (_WORD, 1)),
    ((_WORD, -2), (_SHAPE, -1), (_SHAPE, 0)),
    ((_SHAPE, 0), (_SHAPE, 1), (_WORD, 2)),
    ((_WORD, -3), (_SHAPE, 0)),
    ((_WORD, 3), (_SHAPE, 0)),
)
_REACH = 3


def _grouped() -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """The looks by how many words they look at: their numbers, and of each word bases and offsets."""
    by_size: dict[int, list[int]] = {}
    for number, looks in enumerate(_LOOKS):
        by_size.setdefault(len(looks), []).append(number)
    return [
        (np.array(numbers), *np.array([_LOOKS[number] for number in numbers]).transpose(2, 1, 0))
        for numbers in by_size.values()
    ]


_GROUPS = _grouped()
FEATURES = len(_LOOKS) + 2
"""Features of each word: the looks, how the sentence is written, and how it is written with the shape."""


def features(cut: Sequence[Sequence[Word]]) -> npt.NDArray[np.int32]:
    """Rows of the table for each word of all sentences, in order: (words, features)."""
    forms: list[str] = []
    writing: list[int] = []
    inside: list[int] = []
    pads = [_PAD] * _REACH
    forms += pads
    writing += [0] * _REACH
    for sentence in cut:
        inside.extend(range(len(forms), len(forms) + len(sentence)))
        forms += [word.form for word in sentence]
        writing += [_writing(sentence)] * len(sentence)
        forms += pads
        writing += [0] * _REACH
    codes: _Codes = np.array([_bases(form) for form in forms], dtype=np.uint64)
    place = np.array(inside, dtype=np.int64)
    written = np.array(writing, dtype=np.uint64)[place]
    rows = np.empty((len(place), FEATURES), dtype=np.int32)
    for numbers, bases, offsets in _GROUPS:
        mixed = np.broadcast_to((numbers + 1).astype(np.uint64), (len(place), len(numbers)))
        for base, offset in zip(bases, offsets, strict=True):
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + codes[place[:, None] + offset, base]
            mixed ^= mixed >> np.uint64(29)
        rows[:, numbers] = _row(mixed)
    rows[:, -2] = _row(written + np.uint64(0xA5A5))
    rows[:, -1] = _row(written * np.uint64(0xC2B2AE3D27D4EB4F) + codes[place, _SHAPE])
    return rows


def _row(mixed: _Codes) -> npt.NDArray[np.int32]:
    mixed = mixed * np.uint64(0xFF51AFD7ED558CCD)
    return (mixed >> np.uint64(64 - 18)).astype(np.int32)


def _writing(sentence: Sequence[Word]) -> int:
    """How a sentence is written: 1 no capitals, 2 all capitals, 3 every word capitalised, 4 as usual."""
    words = [w.form for w in sentence if w.form[0].isalpha() and len(w.form) > 1]
    if not words:
        return 5
    capitals = sum(w[0].isupper() for w in words)
    if capitals == 0:
        return 1
    if sum(w.isupper() for w in words) * 10 >= len(words) * 8:
        return 2
    return 3 if capitals * 10 >= len(words) * 8 else 4
