"""From text to terms: plain words for the baseline; split, stemmed and spell-checked ones for the candidate.

Pure; standard library only.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["Speller", "edit_distance", "plain_words", "stem", "terms", "terms_of", "trigrams", "words"]

_WORD = re.compile(r"[^\W_]+(?:_+[^\W_]+)*|__\w+__")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_STOP = frozenset(
    "a about again all am an and any are as at be because been before being but by can could d did do"
    " does doing down each either else ever few for from further get gets getting give given go goes gonna"
    " got had has have having he her here him his how i if in into is it its itself just know let ll make"
    " makes may me might more most much must my need needs no nor not of off on once one only onto or"
    " other our out over own please python re s same shall she should show so some something such t tell"
    " than that the their them then there these they thing things this those through to too under until up"
    " upon us use used using ve very want wants was way we were what when where whether which while who"
    " whom whose why will with within without would you your yours".split()
)
_LONGEST_WORD = 64
_MAX_WORDS = 50_000


def plain_words(text: str) -> list[str]:
    """Lower-case runs of letters, digits and underscores, as a keyword search sees them."""
    return re.findall(r"\w+", text.lower())[:_MAX_WORDS]


def terms(text: str) -> list[str]:
    """Stems of the words that carry meaning; an identifier gives itself and its parts.

    ``os.path.getsize`` → ``os path getsize``; ``DictReader`` → ``dictread dict read``.
    """
    return [term for word in words(text) for term in terms_of(word)]


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores, as they are written; none that is absurdly long."""
    return [word for word in _WORD.findall(text)[:_MAX_WORDS] if len(word) <= _LONGEST_WORD]


@lru_cache(maxsize=100_000)
def terms_of(word: str) -> tuple[str, ...]:
    """Stem of one word, and of its parts where it is an identifier; none for a word without meaning."""
    lowered = word.lower()
    parts = [part.lower() for part in _PARTS.findall(word)]
    if len(parts) > 1:
        return (stem(lowered), *(stem(part) for part in parts if part not in _STOP))
    return () if lowered in _STOP else (stem(lowered),)


def stem(word: str) -> str:
    """A word without the endings of plural, past, progress and adverb.

    A light stemmer after steps 1a and 1b of Porter (1980): identifiers suffer from the heavier ones.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ingly", "edly", "ing", "ed", "ly"):
        head = word.removesuffix(ending)
        if head != word and len(head) >= 3 and re.search("[aeiouy]", head):
            word = head
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def trigrams(word: str) -> Counter[str]:
    """Runs of three characters of the word between its edges: ``^so`` ``sor`` ``ort`` ``rt$``."""
    padded = f"^{word}$"
    return Counter(padded[start : start + 3] for start in range(len(padded) - 2))


class Speller:
    """Finds the known word that an unknown one was meant to be.

    Candidates share trigrams; the nearest by edit distance wins (a swap of neighbours is one edit), the more
    frequent where two are as near. At most one edit up to five letters, two beyond, and the first letter or
    the second must stand: a word that is merely unknown must stay unknown.

    Args:
        counts: Known word → how often it occurs.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = {word: n for word, n in counts.items() if word.isalpha() and 3 <= len(word) <= 24}
        self._by_gram: dict[str, list[str]] = defaultdict(list)
        for word in self._counts:
            for gram in trigrams(word):
                self._by_gram[gram].append(word)
        self._known: dict[str, str | None] = {}

    def correct(self, word: str) -> str | None:
        """The known word that was meant; None if none is near enough."""
        if word in self._counts or not 4 <= len(word) <= 24 or not word.isalpha():
            return None
        if word not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[word] = self._nearest(word)
        return self._known[word]

    def _nearest(self, word: str) -> str | None:
        most = 1 if len(word) <= 5 else 2
        shared: Counter[str] = Counter()
        for gram in trigrams(word):
            shared.update(self._by_gram.get(gram, ()))
        near = [
            (edits, -self._counts[known], known)
            for known, n in shared.items()
            if abs(len(known) - len(word)) <= most and n >= 1 and known[0] == word[0]
            if (edits := edit_distance(word, known, most=most)) <= most
        ]
        return min(near)[2] if near else None


def edit_distance(one: str, other: str, *, most: int) -> int:
    """Optimal string alignment distance, or ``most + 1`` where it is larger.

    Source: Damerau (1964) with the restriction that no part is edited twice.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]
