"""Which language a text is in, without a model or a download. Pure; standard library only.

A script that one language writes decides at once (kana, Hangul, Thai, Greek …). Where languages share one,
the letters do: naive Bayes over pieces of one to four letters, counted in texts of our own. A text too short,
or too close between two, is *cannot say*: never a guess.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from launchworthy.metrics.language_texts import TEXTS

__all__ = ["LANGUAGES", "language_of"]

_LONGEST = 5_000  # letters that are looked at
_FEWEST = 20  # letters of an alphabet, below which nothing is said
_FEWEST_DENSE = 4  # characters of a script that writes syllables or words
_CLEAR = 4.0  # nats by which the best must lead the second
_PER_LETTER = 0.02
_SHARE = 0.7  # of the letters that one script must have
_LENGTHS = (1, 2, 3, 4)
_SMOOTHING = 0.1
_FAMILIES = {
    "latin": tuple("en de fr es it pt nl sv da nb fi pl cs ro hu tr id vi".split()),
    "cyrillic": ("ru", "uk"),
    "arabic": ("ar", "fa"),
    "devanagari": ("hi", "mr"),
}
_ONE_LANGUAGE = {
    "hangul": "ko",
    "thai": "th",
    "greek": "el",
    "hebrew": "he",
    "bengali": "bn",
    "tamil": "ta",
    "telugu": "te",
    "georgian": "ka",
    "armenian": "hy",
    "khmer": "km",
    "lao": "lo",
    "myanmar": "my",
}
_SCRIPTS = {
    "latin": "a-z\u00aa\u00ba\u00df-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff",
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff\ufb50-\ufdff\ufe70-\ufefc",
    "devanagari": "\u0900-\u0963\u0971-\u097f",
    "kana": "\u3041-\u309f\u30a1-\u30ff",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "hangul": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "thai": "\u0e01-\u0e4e",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "hebrew": "\u05b0-\u05ea",
    "bengali": "\u0980-\u09e3",
    "tamil": "\u0b82-\u0bcd",
    "telugu": "\u0c01-\u0c63",
    "georgian": "\u10a0-\u10ff\u1c90-\u1cbf",
    "armenian": "\u0531-\u0587",
    "khmer": "\u1780-\u17d3",
    "lao": "\u0e81-\u0edf",
    "myanmar": "\u1000-\u104a",
}
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_DENSE = frozenset({"kana", "han", "hangul", "thai", "khmer", "lao", "myanmar"})
_NOT_PROSE = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+|\S+@\S+", flags=re.DOTALL)
_WORDS = re.compile("[^\\W\\d_]+(?:[\u0300-\u036f\u0900-\u0963\u200c][^\\W\\d_]*)*")

LANGUAGES = tuple(sorted({*TEXTS, *_ONE_LANGUAGE.values(), "ja", "zh"}))


def language_of(text: str) -> str | None:
    """ISO 639-1 code of the text's language; None where that cannot be said.

    Code blocks, addresses and numbers do not count. Every text gets one of :data:`LANGUAGES`: another that is
    written in the same letters (Catalan, Serbian) is taken for its nearest, or for none.
    """
    prose = _NOT_PROSE.sub(" ", text[: 4 * _LONGEST])
    folded = unicodedata.normalize("NFC", prose).lower()[:_LONGEST]
    counts = {name: len(pattern.findall(folded)) for name, pattern in _OF_SCRIPT.items()}
    letters = sum(counts.values())
    japanese = counts["kana"] and counts["kana"] + counts["han"] >= _SHARE * letters
    if japanese and counts["kana"] >= 0.1 * counts["han"]:
        return "ja" if letters >= _FEWEST_DENSE else None
    script = max(counts, key=counts.__getitem__)
    fewest = _FEWEST_DENSE if script in _DENSE else _FEWEST
    if letters < fewest or counts[script] < _SHARE * letters:
        return None
    if script == "han":
        return "zh"
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script]
    return _nearest(folded, script) if script in _FAMILIES else None


def _pieces(text: str) -> Iterator[str]:
    for word in _WORDS.findall(text):
        padded = f" {word} "
        for length in _LENGTHS:
            for start in range(len(padded) - length + 1):
                yield padded[start : start + length]


@lru_cache(maxsize=len(_FAMILIES))
def _profiles(script: str) -> tuple[tuple[str, ...], dict[str, tuple[float, ...]]]:
    """The languages of a script, and by piece the logarithm of how often each of them has it."""
    counted = {name: Counter(_pieces(TEXTS[name].lower())) for name in _FAMILIES[script]}
    kinds = Counter(len(piece) for piece in {piece for counts in counted.values() for piece in counts})
    totals = {
        name: {
            length: math.log(
                sum(n for piece, n in counts.items() if len(piece) == length) + _SMOOTHING * kinds[length]
            )
            for length in _LENGTHS
        }
        for name, counts in counted.items()
    }
    known = {piece for counts in counted.values() for piece in counts}
    return tuple(counted), {
        piece: tuple(
            math.log(counts[piece] + _SMOOTHING) - totals[name][len(piece)]
            for name, counts in counted.items()
        )
        for piece in known
    }


def _nearest(text: str, script: str) -> str | None:
    pieces = Counter(_pieces(text))
    names, known = _profiles(script)
    rows = [(times, known[piece]) for piece, times in pieces.items() if piece in known]
    scores = {name: sum(times * row[place] for times, row in rows) for place, name in enumerate(names)}
    best, second = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
    lead = scores[best] - scores[second]
    return best if lead >= max(_CLEAR, _PER_LETTER * len(text)) else None
