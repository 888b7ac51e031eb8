"""The words that sacrebleu's tokenisers make of a text. May import this room and ``errors``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.metrics.metric import CannotScore
from launchworthy.metrics.text import UNSPACED

__all__ = ["BY_SPACES", "TOKENISERS", "refuse_unspaced", "sacrebleu_metrics", "words_13a", "words_of"]

TOKENISERS = ("13a", "none", "intl", "char", "zh", "ja-mecab", "ko-mecab")
BY_SPACES = frozenset({"13a", "intl"})  # these cut only where a space or a punctuation mark stands


@cache
def sacrebleu_metrics() -> Any:
    """The library's metrics.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from sacrebleu import metrics
    except ImportError as error:
        raise MissingExtraError("sacrebleu", extra="text") from error
    return metrics


@cache
def words_of(name: str) -> Callable[[str], list[str]]:
    """From text to the words that sacrebleu's tokeniser of that name makes."""
    if name == "13a":
        return words_13a
    if name == "none":
        return str.split
    library = sacrebleu_metrics()
    try:
        tokeniser = library.BLEU(tokenize=name).tokenizer
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"sacrebleu has no tokeniser {name!r} here: {str(error)[:200]}",
            where="tokenize",
            hint=f"pip install 'sacrebleu[{name[:2]}]'",
        ) from error
    kept = getattr(type(tokeniser).__call__, "cache_clear", lambda: None)

    def words(text: str) -> list[str]:
        found: list[str] = tokeniser(text).split()
        kept()  # it would keep 65,536 texts of whatever length
        return found

    return words


_SYMBOLS = re.compile(r"([{-~\[-`!-&(-+:-@/])")
_POINT_AFTER = re.compile(r"([^0-9])([.,])")
_POINT_BEFORE = re.compile(r"([.,])([^0-9])")
_DASH = re.compile(r"([0-9])(-)")
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def words_13a(text: str) -> list[str]:
    """What mteval-v13a and sacrebleu's ``13a`` make of a text, six times as fast; a test holds them equal."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    text = _SYMBOLS.sub(r" \1 ", f" {text} ")
    text = _POINT_AFTER.sub(r"\1 \2 ", text)
    text = _POINT_BEFORE.sub(r" \1 \2", text)
    return _DASH.sub(r"\1 \2 ", text).split()


def refuse_unspaced(texts: Sequence[str], tokenize: str) -> None:
    """Refuse what a tokeniser that cuts at spaces would take for a few endless words.

    Raises:
        CannotScore: A text is mostly in a script without spaces.
    """
    for text in texts:
        if not text.isascii():
            letters = sum(map(str.isalnum, text))
            if letters and len(UNSPACED.findall(text)) > letters / 2:
                raise CannotScore(
                    f"a text is mostly in a script without spaces, of which tokenize={tokenize} makes a word "
                    "a sentence; give the metric tokenize=char, zh or ja-mecab"
                )
