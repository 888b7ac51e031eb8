"""Texts as columns: how long they are, in which language, with which words. Pure; may import ``metrics``.

A word is new where no other text of the reference has it. Each text of the reference is asked the same, its
own words left out, so that nothing is new only because the other side was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

__all__ = ["NEW_WORDS", "TEXT_COLUMNS", "are_ids", "described", "text_values", "vocabulary", "words_of"]

NEW_WORDS = "new words"
_LONGEST = 5_000
_SPOKEN = 200  # letters that tell a language
_LANGUAGES = 500  # texts whose language is told


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters; of scripts without spaces, each character."""
    import re

    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text[:_LONGEST].casefold())


def _length(text: str | None) -> float | None:
    return None if text is None else float(len(text))


def _variety(text: str | None) -> float | None:
    """The share of a text's first fifty words that are different."""
    words = [] if text is None else words_of(text)[:50]
    return len(set(words)) / len(words) if words else None


@lru_cache(maxsize=8_192)
def _language_of(text: str) -> str:
    from launchworthy.metrics.language import language_of

    return language_of(text) or "cannot say"


def _language(text: str | None) -> str | None:
    return None if text is None else _language_of(text[:_SPOKEN])


def _nothing(_: str | None) -> None:
    """New words are not told by a text alone."""


# Which columns a text becomes: whether of numbers, and from the text.
TEXT_COLUMNS: Mapping[str, tuple[bool, Callable[[str | None], float | str | None]]] = {
    "length": (True, _length),
    "variety": (True, _variety),
    "language": (False, _language),
    NEW_WORDS: (True, _nothing),
}


def vocabulary(texts: Iterable[str | None]) -> dict[str, int]:
    """In how many texts each word stands."""
    return dict(Counter(word for text in texts if text is not None for word in set(words_of(text))))


def are_ids(texts: Iterable[str | None]) -> bool:
    """Whether most values stand once and hold no space; where a script uses none, that may be a text."""
    counted = Counter(text for text in texts if text is not None)
    alone = sum(many == 1 and text.isascii() and len(text.split()) == 1 for text, many in counted.items())
    return alone > 0.5 * sum(counted.values())


def _new_share(text: str | None, known: Mapping[str, int], *, own: bool) -> float | None:
    words = set() if text is None else set(words_of(text))
    return sum(known.get(word, 0) <= own for word in words) / len(words) if words else None


def text_values(
    which: str, texts: Sequence[str | None], *, known: Mapping[str, int], own: bool
) -> list[float | str | None]:
    """The values of one of a text's columns; of the language those of some, since it is slow.

    ``known`` is the reference's vocabulary, ``own`` whether the texts are those that it was made of.
    """
    if which == NEW_WORDS:
        return [_new_share(text, known, own=own) for text in texts]
    of = TEXT_COLUMNS[which][1]
    step = -(-len(texts) // _LANGUAGES) if which == "language" else 1
    return [of(text) for text in texts[:: max(1, step)]]


def described(values: Iterable[float | str | None]) -> dict[str | None, int]:
    """How often each value stands there."""
    return dict(Counter(None if value is None else str(value) for value in values))
