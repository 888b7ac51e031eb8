"""BLEU and chrF: sacrebleu's numbers, with its signature. May import this room and ``stats``.

The corpus value is sacrebleu's own (BLEU) or takes its very steps (chrF); items keep the counts that it sums,
so that slices, bootstrap and paired comparison read no text again. The library is the extra ``text``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.ngrams import ngrams, shared_ngrams
from launchworthy.metrics.scores import Scores
from launchworthy.metrics.sums import SumsEstimator
from launchworthy.metrics.text import output_and_references
from launchworthy.metrics.tokenisers import (
    BY_SPACES,
    TOKENISERS,
    refuse_unspaced,
    sacrebleu_metrics,
    words_of,
)
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILY", "bleu", "chrf"]

_ORDER = 4
_CHARACTERS = 6
_BETA = 2
_LONGEST = 2_000_000  # each run of characters of both texts is held at once, some 200 bytes a character
_COUNTS = (
    "output_length",
    "reference_length",
    *(f"matched_{n}" for n in range(1, _ORDER + 1)),
    *(f"total_{n}" for n in range(1, _ORDER + 1)),
)
_FIELDS = (
    Field("output", "the answer, as text"),
    Field("reference", "right answer: text, or a list of them"),
)
_SCALE = "On a scale from 0 to 1: sacrebleu prints a hundred times the number. "


class _OfTexts(SumsEstimator):
    """A value of summed counts; an item alone has the value that its score names."""

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value


def bleu(*, tokenize: str = "13a", lowercase: str = "no") -> Metric:
    """BLEU of all outputs together.

    Raises:
        InputError: No such tokeniser, or ``lowercase`` is neither yes nor no.
    """
    if tokenize not in TOKENISERS:
        raise InputError(
            f"no tokeniser {tokenize!r:.80} for BLEU",
            where="tokenize",
            hint=f"write one of {', '.join(TOKENISERS)}",
        )
    lower = _yes(lowercase, "lowercase")

    def read(row: Mapping[str, Any]) -> Score:
        words = words_of(tokenize)
        output, references = output_and_references(row)
        if tokenize in BY_SPACES:
            refuse_unspaced([output, *references], tokenize)
        if lower:
            output, references = output.lower(), [one.lower() for one in references]
        right = [words(one.rstrip()) for one in references]
        if not any(right):
            raise CannotScore("field 'reference' holds no words")
        counts = _counts(words(output.rstrip()), right)
        value = _sacrebleu(counts, effective_order=True)
        return Score(value=value, statistics=dict(zip(_COUNTS, map(float, counts), strict=True)))

    return Metric(
        name="bleu",
        doc="Words and runs of up to four words shared with the reference, over all outputs together.",
        fields=_FIELDS,
        read=read,
        estimator=_OfTexts(names=_COUNTS, value=_bleu),
        convention=(
            f"{_SCALE}A corpus score: matches and lengths are summed before the formula, so it is no mean of "
            "items; the value of one item alone is sacrebleu's sentence score (effective order). Of several "
            "references an n-gram may match any, and the closest length counts, the shorter of two. Texts of "
            "scripts without spaces cannot be scored with tokenize=13a or intl: take char, zh or ja-mecab."
        ),
        source="Papineni et al. (2002), sacrebleu (Post, 2018)",
        options={
            "case": "lc" if lower else "mixed",
            "eff": "no",
            "sacrebleu": _version(),
            "smooth": "exp",
            "tok": tokenize,
        },
    )


def chrf(*, word_order: str = "0", lowercase: str = "no") -> Metric:
    """chrF, or with ``word_order=2`` chrF++, of all outputs together.

    Raises:
        InputError: The word order is not 0, 1 or 2, or ``lowercase`` is neither yes nor no.
    """
    if word_order not in ("0", "1", "2"):
        raise InputError(
            f"word order {word_order!r:.80} is none", where="word_order", hint="write 0, or 2 for chrF++"
        )
    lower, orders = _yes(lowercase, "lowercase"), _CHARACTERS + int(word_order)
    names = tuple(
        f"{side}_{place}" for place in range(1, orders + 1) for side in ("output", "reference", "matched")
    )

    def read(row: Mapping[str, Any]) -> Score:
        scorer = _chrf_scorer(int(word_order), lower)
        output, references = output_and_references(row)
        if max(map(len, [output, *references])) > _LONGEST:
            raise CannotScore(f"a text is longer than the {_LONGEST:,} characters that chrF is counted on")
        right = [one for one in references if one.strip()]
        if not right:
            raise CannotScore("field 'reference' holds no text")
        (counts,) = scorer._extract_corpus_statistics([output], [[one] for one in right])
        return Score(
            value=float(_chrf_of(_array(counts))),
            statistics=dict(zip(names, map(float, counts), strict=True)),
        )

    return Metric(
        name="chrf",
        doc="Runs of up to six characters shared with the reference, over all outputs together.",
        fields=_FIELDS,
        read=read,
        estimator=_OfTexts(names=names, value=_chrf_of),
        convention=(
            f"{_SCALE}A corpus score: counts are summed before the formula. Recall weighs {_BETA} times "
            "precision, white space does not count, orders that neither side has are left out; word_order=2 "
            "is chrF++. Of several references the best counts; an empty one is left out."
        ),
        source="Popović (2015, 2017), sacrebleu (Post, 2018)",
        options={
            "case": "lc" if lower else "mixed",
            "eff": "yes",
            "nc": str(_CHARACTERS),
            "nw": word_order,
            "sacrebleu": _version(),
            "space": "no",
        },
    )


def _counts(said: Sequence[str], references: Sequence[Sequence[str]]) -> list[int]:
    """Lengths, matches and totals of one output, in the order of ``_COUNTS``."""
    length = len(said)
    closest = min(map(len, references), key=lambda other: (abs(other - length), other))
    matched = [_matched(said, references, n) for n in range(1, _ORDER + 1)]
    return [length, closest, *matched, *(max(0, length - n) for n in range(_ORDER))]


def _matched(said: Sequence[str], references: Sequence[Sequence[str]], n: int) -> int:
    if len(references) == 1:
        return shared_ngrams(said, references[0], n)
    best: Counter[Any] = Counter()
    for one in references:
        best |= Counter(ngrams(one, n))
    return (best & Counter(ngrams(said, n))).total()


def _bleu(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """BLEU of summed counts, shape (…, 10) → (…); of whole counts of one corpus it is sacrebleu's own."""
    import numpy as np

    if sums.ndim == 1 and bool((sums == np.floor(sums)).all()):
        return np.asarray(_sacrebleu([int(count) for count in sums.tolist()], effective_order=False))
    length, wanted, matched, total = (
        sums[..., 0],
        sums[..., 1],
        sums[..., 2 : 2 + _ORDER],
        sums[..., -_ORDER:],
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        missed = (matched <= 0) & (total > 0)
        halved = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), matched) / total
        shortened = np.where(length < wanted, np.exp(1.0 - wanted / length), 1.0)
        value = shortened * np.exp(np.log(halved).mean(axis=-1))
    return np.where((matched > 0).any(axis=-1) & (total > 0).all(axis=-1) & (length > 0), value, 0.0)


def _chrf_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """chrF of summed counts, shape (…, 3 × orders) → (…), in the steps that sacrebleu takes."""
    import numpy as np

    recalls = precisions = used = np.zeros(sums.shape[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        for at in range(0, sums.shape[-1], 3):
            said, wanted, matched = sums[..., at], sums[..., at + 1], sums[..., at + 2]
            counts = (said > 0) & (wanted > 0)
            precisions = precisions + np.where(counts, matched / said, 0.0)
            recalls = recalls + np.where(counts, matched / wanted, 0.0)
            used = used + counts
        precision, recall = precisions / used, recalls / used
        factor = _BETA**2
        value = (1 + factor) * precision * recall / (factor * precision + recall)
    return np.where(precisions + recalls > 0, value, 0.0)


def _sacrebleu(counts: Sequence[int], *, effective_order: bool) -> float:
    found = sacrebleu_metrics().BLEU.compute_bleu(
        correct=list(counts[2 : 2 + _ORDER]),
        total=list(counts[-_ORDER:]),
        sys_len=counts[0],
        ref_len=counts[1],
        smooth_method="exp",
        effective_order=effective_order,
    )
    return min(1.0, float(found.score) / 100.0)


def _yes(text: str, option: str) -> bool:
    said = text.strip().lower()
    if said not in ("yes", "true", "1", "no", "false", "0"):
        raise InputError(f"{text!r:.80} is neither yes nor no", where=option)
    return said in ("yes", "true", "1")


def _array(counts: Sequence[int]) -> NDArray[np.float64]:
    import numpy as np

    return np.array(counts, dtype=np.float64)


@lru_cache(maxsize=8)
def _chrf_scorer(word_order: int, lower: bool) -> Any:
    return sacrebleu_metrics().CHRF(word_order=word_order, lowercase=lower)


@cache
def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("sacrebleu")
    except metadata.PackageNotFoundError:
        return "missing"


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "bleu": (bleu, ("tokenize", "lowercase")),
    "chrf": (chrf, ("word_order", "lowercase")),
}
