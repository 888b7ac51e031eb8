"""Whether two questions of nearly the same words ask for different things. Pure; imports this room.

"How long do I have for order 17?" and "… for order 18?" share nearly every word, and neither gives the other
away where their answers differ.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from launchworthy.gold.shingles import split_units, strings
from launchworthy.gold.version import canonical_json

__all__ = ["is_another_question"]

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?:^|[.!?:\n])\W*\Z")


def is_another_question(one: tuple[str, Any], other: tuple[str, Any]) -> bool:
    """Whether each has a number or a name in place of the other's, no other word, and another answer.

    Args:
        one: Its text, and the answer that is expected; None where nobody says.
        other: Likewise.
    """
    answers = [_plain(expected) for _, expected in (one, other)]
    if None in answers or answers[0] == answers[1]:
        return False
    words = [Counter(split_units(text)) for text, _ in (one, other)]
    return all(
        own and own.keys() <= _names(text)
        for own, (text, _) in (
            (words[0] - words[1], one),
            (words[1] - words[0], other),
        )
    )


def _plain(expected: Any) -> str | None:
    """An answer without case and punctuation; None if there is none."""
    if expected is None:
        return None
    texts = strings(expected)
    if isinstance(expected, str):
        return " ".join(split_units(texts[0])) if texts else None
    return canonical_json(expected)


def _names(text: str) -> set[str]:
    """The units of a text that are numbers, codes or names: a digit, or a capital inside a sentence."""
    found: set[str] = set()
    for word in _WORD.finditer(text):
        named = word[0] != word[0].lower() and not _SENTENCE.search(text, 0, word.start())
        if named or _DIGIT.search(word[0]):
            found.update(split_units(word[0]))
    return found
