"""The words of a text as list guards compare them: plain letters, no accents, without their endings.

May import ``hidden_characters``. Two words are the same here where one may be an inflection of the other
(``loan`` and ``loans``, ``refund`` and ``refunding``); words of four letters or fewer must agree but for an
``s``. Letters of other scripts that look Latin, invisible characters and full-width forms are read as what a
person sees. Positions are code points of the text itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from launchworthy.runtime.guards.hidden_characters import INVISIBLE, fold, visible

__all__ = ["LONGEST_WORD", "Word", "dense_scripts", "plain_words", "words_in"]

_JOINERS = INVISIBLE.pattern.removeprefix("[").removesuffix("]+")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_JOINERS}\u0300-\u036f]|['\u2019](?=[^\W\d_]))*")
# Scripts that put no spaces between words: their terms are looked for as they stand.
_DENSE = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_ENDINGS = ("ing", "ied", "ed", "er", "ie", "en", "e", "n", "y")
LONGEST_WORD = 64  # visible characters; what is longer is no word
_VOWEL = re.compile("[aeiouy]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word: its stem, and where it stands."""

    stem: str
    start: int
    end: int


def words_in(text: str) -> Iterator[Word]:
    """The words of a text, in order."""
    for match in _WORD.finditer(text):
        if len(visible(match[0])[0]) <= LONGEST_WORD:
            yield Word(_stem(_plain(match[0])), match.start(), match.end())


def plain_words(text: str) -> tuple[str, ...]:
    """The stems alone.

    >>> plain_words("Loans, refunded")
    ('loan', 'refund')
    """
    return tuple(word.stem for word in words_in(text))


def dense_scripts(text: str) -> bool:
    """Whether the text is in a script that has no spaces between its words."""
    return _DENSE.search(text) is not None


@lru_cache(maxsize=8_192)
def _plain(word: str) -> str:
    if word.isascii():
        return word.casefold()
    folded = unicodedata.normalize("NFD", fold(word).casefold())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


@lru_cache(maxsize=8_192)
def _stem(word: str) -> str:
    word = re.sub(r"['\u2019]s?$", "", word).replace("'", "").replace("\u2019", "")
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "siu":
        word = word[:-1]
    if len(word) <= 4:
        return word
    for ending in _ENDINGS:
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and _VOWEL.search(rest):
            word = rest
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls"
    return word[:-1] if doubled else word
