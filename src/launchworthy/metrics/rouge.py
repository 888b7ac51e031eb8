"""ROUGE: n-grams and common subsequences shared with a reference. May import this room and ``errors``.

As rouge-score computes it: lower case, everything but a–z and 0–9 taken for a space. Of a text in another
script that leaves nothing, so such a text is refused, unless the Unicode tokeniser is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.ngrams import lcs_length, shared_ngrams
from launchworthy.metrics.text import UNSPACED, output_and_references
from launchworthy.records import Score

__all__ = ["FAMILY", "rouge"]

Tokenise = Callable[[str], list[str]]

_WORD = re.compile("[a-z0-9]+")
_STEPS = 10_000_000_000  # bits: about two seconds, and two texts of 100,000 words each
_STEMMED_FROM = 4  # letters
_LARGEST_SHARE_LOST = 0.5  # of the letters of a text, or of its digits where it has no letter
_DOCS = {
    "rouge-1": "Words shared with the reference: harmonic mean of precision and recall, averaged.",
    "rouge-2": "Pairs of neighbouring words shared with the reference: harmonic mean, averaged.",
    "rouge-l": "Longest common subsequence with the reference: harmonic mean, averaged.",
}


def rouge(name: str, *, stemmer: str = "none", tokenize: str = "rouge") -> Metric:
    """``rouge-1``, ``rouge-2`` or ``rouge-l``.

    Args:
        name: Which of them.
        stemmer: ``none``, or ``porter`` for words of more than three letters (extra ``text``).
        tokenize: ``rouge`` for rouge-score's a–z and 0–9, or ``unicode`` for words of every script.

    Raises:
        InputError: No such stemmer or tokeniser.
    """
    tokens, stems = _tokeniser(tokenize), _stemmer(stemmer)
    size = 0 if name == "rouge-l" else int(name[-1])

    def words(text: str, field: str) -> list[str]:
        if tokenize == "rouge" and not text.isascii():
            _refuse_lost(text, field)
        return stems(tokens(text))

    def read(row: Mapping[str, Any]) -> Score:
        output, references = output_and_references(row)
        right = [found for one in references if (found := words(one, "reference"))]
        if not right:
            raise CannotScore("field 'reference' holds no words")
        said = words(output, "output")
        value = max(_f1(said, one, size) for one in right)
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name=name,
        doc=_DOCS[name],
        fields=(
            Field("output", "the answer, as text"),
            Field("reference", "right answer: text, or a list of them"),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "rouge-score's: lower case, everything but a–z and 0–9 a space, no stemming unless asked for "
            "(`stemmer=porter`), F1; of several references the best counts. A text that would so lose more "
            "than half of its letters cannot be scored; `tokenize=unicode` takes words of every script, and "
            "each character where a script has no spaces. An answer without words counts 0."
        ),
        source="Lin (2004), rouge-score 0.1.2",
        options={"stemmer": _stemmer_signature(stemmer), "tokenize": tokenize},
    )


def _f1(said: Sequence[str], right: Sequence[str], size: int) -> float:
    shared: int | None
    if size:
        shared = shared_ngrams(said, right, size)
        whole, wanted = max(1, len(said) - size + 1), max(1, len(right) - size + 1)
    else:
        shared, whole, wanted = lcs_length(said, right, most=_STEPS), max(1, len(said)), len(right)
    if shared is None:
        raise CannotScore("output and reference are both too long for a longest common subsequence")
    precision, recall = shared / whole, shared / wanted
    return 2 * precision * recall / (precision + recall) if shared else 0.0


def _refuse_lost(text: str, field: str) -> None:
    lowered = text.lower()
    letters = [character for character in lowered if character.isalpha()]
    letters = letters or [character for character in lowered if character.isalnum()]
    if letters and sum(map(str.isascii, letters)) < len(letters) * (1.0 - _LARGEST_SHARE_LOST):
        raise CannotScore(
            f"field {field!r} is mostly in letters beyond a–z, which rouge-score's tokeniser drops; "
            "give the metric tokenize=unicode"
        )


def _tokeniser(name: str) -> Tokenise:
    if name == "rouge":
        return lambda text: _WORD.findall(text.lower())
    if name == "unicode":
        return _unicode_words
    raise InputError(
        f"no tokeniser {name!r:.80} for ROUGE", where="tokenize", hint="write tokenize=rouge or unicode"
    )


def _unicode_words(text: str) -> list[str]:
    """Letters, marks and digits of every script; a token for each character where a script has no spaces."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    if lowered.isascii():
        return _WORD.findall(lowered)
    kept = "".join(character if unicodedata.category(character)[0] in "LMN" else " " for character in lowered)
    return UNSPACED.sub(r" \g<0> ", kept).split()


def _stemmer(name: str) -> Callable[[list[str]], list[str]]:
    if name == "none":
        return lambda tokens: tokens
    if name != "porter":
        raise InputError(
            f"no stemmer {name!r:.80} for ROUGE", where="stemmer", hint="write stemmer=porter or none"
        )
    return lambda tokens: [_stem(token) if len(token) >= _STEMMED_FROM else token for token in tokens]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_porter().stem(word))


@lru_cache(maxsize=1)
def _porter() -> Any:
    try:
        return import_module("nltk.stem.porter").PorterStemmer()
    except ImportError as error:
        raise MissingExtraError("nltk", extra="text") from error


def _stemmer_signature(name: str) -> str:
    from importlib import metadata

    if name == "none":
        return name
    try:
        return f"{name}-nltk-{metadata.version('nltk')}"
    except metadata.PackageNotFoundError:
        return f"{name}-nltk-missing"


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    name: (partial(rouge, name), ("stemmer", "tokenize")) for name in _DOCS
}
