"""Texts as columns: how long they are, in which language, of which topic, with which words. Pure.

May import ``metrics`` and this room. A word is new where no other text of the reference has it. Each text of
the reference is asked the same, its own words left out, so that nothing is new only because the other side
was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from launchworthy.monitor.drifting.topics import Topics, topics_of

__all__ = [
    "NEW_WORDS",
    "TEXT_COLUMNS",
    "TOPIC",
    "Known",
    "are_ids",
    "described",
    "known_of",
    "text_places",
    "text_values",
    "words_of",
]

NEW_WORDS = "new words"
TOPIC = "topic"
_LONGEST = 5_000
_SPOKEN = 200  # letters that tell a language
_LANGUAGES = 500  # texts whose language is told
_ABOUT = 1_000  # characters that tell what a text is about


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
    """Neither new words nor a topic are told by a text alone."""


# Which columns a text becomes: whether of numbers, and from the text.
TEXT_COLUMNS: Mapping[str, tuple[bool, Callable[[str | None], float | str | None]]] = {
    "length": (True, _length),
    "variety": (True, _variety),
    "language": (False, _language),
    TOPIC: (False, _nothing),
    NEW_WORDS: (True, _nothing),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What the texts of a reference's column say of later ones.

    Attributes:
        words: In how many texts each word stands; None of a kept reference, which holds no words.
        topics: What they are about; None where they are too few.
        counted: Places of the texts that did not make the topics.
    """

    words: Mapping[str, int] | None = None
    topics: Topics | None = None
    counted: Sequence[int] = field(default_factory=tuple)

    def columns(self) -> list[str]:
        """The columns that a text has."""
        return [
            which
            for which in TEXT_COLUMNS
            if (which != TOPIC or self.topics is not None) and (which != NEW_WORDS or self.words is not None)
        ]


def known_of(texts: Sequence[str | None]) -> Known:
    """What these texts of a reference say of later ones."""
    found = topics_of(_about(texts))
    words = Counter(word for text in texts if text is not None for word in set(words_of(text)))
    if found is None:
        return Known(words=words)
    return Known(words=words, topics=found[0], counted=found[1])


def _about(texts: Iterable[str | None]) -> list[set[str] | None]:
    return [None if text is None else set(words_of(text[:_ABOUT])) for text in texts]


def are_ids(texts: Iterable[str | None]) -> bool:
    """Whether most values stand once and hold no space; where a script uses none, that may be a text."""
    counted = Counter(text for text in texts if text is not None)
    alone = sum(many == 1 and text.isascii() and len(text.split()) == 1 for text, many in counted.items())
    return alone > 0.5 * sum(counted.values())


def _new_share(text: str | None, known: Mapping[str, int], *, own: bool) -> float | None:
    words = set() if text is None else set(words_of(text))
    return sum(known.get(word, 0) <= own for word in words) / len(words) if words else None


def text_values(
    which: str, texts: Sequence[str | None], *, known: Known, own: bool
) -> list[float | str | None]:
    """The values of one of a text's columns; of the language those of some, since it is slow.

    ``known`` is what the reference says, ``own`` whether the texts are those that it was made of.
    """
    told = [texts[place] for place in text_places(which, len(texts), known=known, own=own)]
    if which == NEW_WORDS:
        return [_new_share(text, known.words or {}, own=own) for text in told]
    if which == TOPIC and known.topics is not None:
        return list(known.topics.of(_about(told)))
    return [TEXT_COLUMNS[which][1](text) for text in told]


def text_places(which: str, many: int, *, known: Known, own: bool) -> Sequence[int]:
    """Which of so many texts :func:`text_values` tells the values of."""
    if which == TOPIC and own:
        return known.counted
    return range(0, many, max(1, -(-many // _LANGUAGES)) if which == "language" else 1)


def described(values: Iterable[float | str | None]) -> dict[str | None, int]:
    """How often each value stands there."""
    return dict(Counter(None if value is None else str(value) for value in values))
