"""Texts as columns: how long they are and in which language. Pure; may import ``metrics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

__all__ = ["TEXT_COLUMNS", "described", "text_values", "words_of"]

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


# Which columns a text becomes: whether of numbers, and from the text.
TEXT_COLUMNS: Mapping[str, tuple[bool, Callable[[str | None], float | str | None]]] = {
    "length": (True, _length),
    "variety": (True, _variety),
    "language": (False, _language),
}


def text_values(which: str, texts: Sequence[str | None]) -> list[float | str | None]:
    """The values of one of a text's columns; of the language those of some, since it is slow."""
    of = TEXT_COLUMNS[which][1]
    step = -(-len(texts) // _LANGUAGES) if which == "language" else 1
    return [of(text) for text in texts[:: max(1, step)]]


def described(values: Iterable[float | str | None]) -> dict[str | None, int]:
    """How often each value stands there."""
    return dict(Counter(None if value is None else str(value) for value in values))
