"""Lists of words and phrases: competitors, forbidden subjects, names that must not be said.

May import ``words_of``, ``hidden_characters`` and the verdicts. Word by word, so that ``Acme`` is not found
in ``acmeist``; endings, case, accents, invisible characters and letters that look alike make no difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from launchworthy.errors import InputError
from launchworthy.runtime.guards.answers import hit, passed
from launchworthy.runtime.guards.hidden_characters import visible
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Stage
from launchworthy.runtime.guards.words_of import LONGEST_WORD, Word, dense_scripts, plain_words, words_in

__all__ = ["TermList", "TermsGuard"]

_BETWEEN = 3  # characters that may part the words of one phrase


class TermList:
    """Phrases that can be found in a text.

    Raises:
        InputError: A phrase has no word, or there is none.
    """

    def __init__(self, terms: Iterable[str], *, exceptions: Iterable[str] = ()) -> None:
        self.terms = tuple(terms)
        if not self.terms:
            raise InputError("the list has no words", where="terms", hint="name the words to look for")
        self._spaced: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        self._dense: list[tuple[str, int]] = []
        for place, term in enumerate(self.terms):
            words = plain_words(term)
            if not words:
                raise InputError(f"{term!r:.60} has no letters", where="terms", hint="write words")
            if dense_scripts(term):
                self._dense.append((term.strip().casefold(), place))
            else:
                self._spaced.setdefault(words[0], []).append((words, place))
        self._exceptions = tuple(words for text in exceptions if (words := plain_words(text)))

    @property
    def longest(self) -> int:
        """Characters that a phrase, or an exception with it, may take in a text."""
        words = [len(stems) for entries in self._spaced.values() for stems, _ in entries]
        most = max(words, default=0) + max(map(len, self._exceptions), default=0)
        return max(most * (LONGEST_WORD + _BETWEEN), *(len(term) for term, _ in self._dense), 1)

    def find(self, text: str) -> list[tuple[Finding, str]]:
        """Where phrases stand, each with the phrase; of those that overlap the first, and longest."""
        text, stood = visible(text)
        words = list(words_in(text))
        found = [
            (Finding(words[at].start, words[at + len(stems) - 1].end, "term"), self.terms[place])
            for at, word in enumerate(words)
            for stems, place in self._spaced.get(word.stem, ())
            if _stands(words, at, stems) and not self._excepted(words, at, len(stems))
        ]
        if self._dense:
            lower = text.casefold()
            whole = lower if len(lower) == len(text) else text
            for term, place in self._dense:
                start = whole.find(term)
                while start >= 0:
                    found.append((Finding(start, start + len(term), "term"), self.terms[place]))
                    start = whole.find(term, start + len(term))
        found.sort(key=lambda each: (each[0].start, -each[0].end))
        apart: list[tuple[Finding, str]] = []
        for finding, term in found:
            if not apart or finding.start >= apart[-1][0].end:
                apart.append((finding, term))
        if stood is None:
            return apart
        return [(Finding(stood[at.start], stood[at.end - 1] + 1, at.type), term) for at, term in apart]

    def _excepted(self, words: Sequence[Word], at: int, length: int) -> bool:
        """Whether the phrase is part of a longer one that is allowed."""
        for allowed in self._exceptions:
            for start in range(max(0, at + length - len(allowed)), at + 1):
                if _stands(words, start, allowed) and start + len(allowed) >= at + length:
                    return True
        return False


def _stands(words: Sequence[Word], at: int, stems: Sequence[str]) -> bool:
    if at + len(stems) > len(words):
        return False
    return all(
        words[at + step].stem == stem
        and (step == 0 or words[at + step].start - words[at + step - 1].end <= _BETWEEN)
        for step, stem in enumerate(stems)
    )


class TermsGuard:
    """Hits where a text says one of the terms.

    Args:
        terms: Words and phrases.
        exceptions: Phrases in which a term is allowed, such as ``apple pie`` for ``apple``.
        name: As the contract names it.
        category: What a hit is called.
    """

    estimates = False
    waits = False

    def __init__(
        self,
        *,
        terms: Iterable[str],
        exceptions: Iterable[str] = (),
        name: str = "terms",
        category: str = "term",
    ) -> None:
        exceptions = tuple(exceptions)
        self.name = name
        self._list = TermList(terms, exceptions=exceptions)
        self._category = category
        told = "\n".join((*self._list.terms, "", *exceptions)).encode(errors="replace")
        self.version = f"terms-1-{hashlib.sha256(told).hexdigest()[:8]}"
        self.window: int | None = self._list.longest

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look for the terms at any stage."""
        spans = [
            Finding(finding.start, finding.end, self._category) for finding, _ in self._list.find(payload)
        ]
        if not spans:
            return passed(self)
        count = "one of the terms" if len(spans) == 1 else f"{len(spans)} of the terms"
        return hit(self, self._category, spans=spans, reason=f"it says {count}")
