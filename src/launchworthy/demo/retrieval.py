"""The two retrievers that the releases differ in: keywords, and a fusion that forgives how people write.

Pure; may import this room and numpy. Both need no download and answer within milliseconds.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from launchworthy.demo.bm25 import Bm25
from launchworthy.demo.corpus import Corpus, Document
from launchworthy.demo.lsi import Lsi
from launchworthy.demo.thesaurus import near_words
from launchworthy.demo.words import Speller, plain_words, terms, terms_of, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Found", "FusedRetriever", "Hit", "KeywordRetriever", "Retriever"]

_LONGEST_QUESTION = 4_000
_MOST_WORDS = 60
_PASSAGE = 900  # characters
_WEIGHTS = {"leaf": 3.0, "owner": 1.5, "signature": 0.4, "lead": 1.5, "text": 1.0}
_RRF_K = 60.0  # as in the paper
_LSI_SHARE = 0.15
_CORRECTED = 0.8  # a word that was guessed says a little less than one that was written
_POOL = 200
_NEAR = 0.5
_DEPTH = 0.1
_PRIOR_TOPIC = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One document found; scores compare only within one answer of one retriever."""

    id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search brought.

    Attributes:
        hits: Best first.
        signals: Numbers from 0 up that say how strong the evidence is; a retriever without any has none.
    """

    hits: tuple[Hit, ...]
    signals: Mapping[str, float]


class Retriever(Protocol):
    """Finds documents for a question."""

    def search(self, question: str, *, k: int) -> Found:
        """The ``k`` best documents; fewer where fewer have a word of the question."""


class KeywordRetriever:
    """BM25 over the raw words of name, signature and text: the baseline."""

    def __init__(self, corpus: Corpus) -> None:
        self._ids = [document.id for document in corpus.documents]
        self._index = Bm25(
            [
                Counter(plain_words(f"{document.id} {document.signature} {document.text}"))
                for document in corpus.documents
            ]
        )

    def search(self, question: str, *, k: int) -> Found:
        scores = self._index.scores(plain_words(question[:_LONGEST_QUESTION]))
        return Found(hits=tuple(_best(self._ids, scores, k)), signals={})


class FusedRetriever:
    """BM25 with fields over passages and LSI, joined by reciprocal rank; misspelt words are mended first.

    Identifiers are split and words stemmed; a long document is found by its best passage. Reciprocal rank
    fusion: Cormack, Clarke and Büttcher (SIGIR 2009). ``kept`` is a folder for what takes long to find.
    """

    def __init__(self, corpus: Corpus, *, rank: int = 128, kept: Path | None = None) -> None:
        import numpy as np

        self._ids = [document.id for document in corpus.documents]
        units: list[dict[str, float]] = []
        owners: list[int] = []
        counts: Counter[str] = Counter()
        for number, document in enumerate(corpus.documents):
            for passage in _passages(document):
                units.append(_weighted(document, passage))
                owners.append(number)
                counts.update(words_of(f"{document.id} {passage}"))
        self._owners = np.asarray(owners)
        self._starts = np.flatnonzero(np.diff(self._owners, prepend=-1))
        self._bm25 = Bm25(units, k1=0.9, b=0.5)
        self._lsi = Lsi(units, rank=rank, kept=kept)
        self._prior = np.asarray([_prior(document) for document in corpus.documents])
        self._speller = Speller({word: n for word, n in counts.items() if n >= 3})

    def search(self, question: str, *, k: int) -> Found:
        import numpy as np

        asked = self.understood(question)
        wider = _widened(asked)
        lexical = np.maximum.reduceat(self._bm25.scores(wider), self._starts) * self._prior
        latent = np.maximum.reduceat(self._lsi.scores(wider), self._starts) * self._prior
        fused = _reciprocal(lexical) + _LSI_SHARE * _reciprocal(latent)
        hits = tuple(_best(self._ids, fused, k))
        return Found(hits=hits, signals=self._signals(asked, lexical, fused))

    def understood(self, question: str) -> dict[str, float]:
        """Terms of the question with their weights, misspelt words mended."""
        weights: dict[str, float] = defaultdict(float)
        for word in list(dict.fromkeys(words(question[:_LONGEST_QUESTION])))[:_MOST_WORDS]:
            found = terms_of(word)
            mended = (
                None if any(term in self._bm25 for term in found) else self._speller.correct(word.lower())
            )
            for term in found if mended is None else terms_of(mended):
                weights[term] = max(weights[term], 1.0 if mended is None else _CORRECTED)
        return dict(weights)

    def _signals(
        self,
        asked: Mapping[str, float],
        lexical: NDArray[np.float64],
        fused: NDArray[np.float64],
    ) -> dict[str, float]:
        """How much of what was asked the best documents speak of, by weight of the words."""
        import numpy as np

        if not asked or not lexical.any():
            return {}
        mass = sum(self._bm25.idf(term) * weight for term, weight in asked.items())
        best = 0.0
        top = np.argsort(-fused, kind="stable")[:3]
        for number in top:
            owned = np.searchsorted(self._owners, (number, number + 1))
            covered = sum(
                self._bm25.idf(term) * weight
                for term, weight in asked.items()
                if np.ptp(np.searchsorted(self._bm25.having(term), owned))
            )
            best = max(best, covered / mass)
        unknown = sum(self._bm25.idf(t) * w for t, w in asked.items() if t not in self._bm25) / mass
        return {
            "best_coverage": best,
            "strength": float(lexical[top].max() / mass),
            "unknown": unknown,
            "words": float(min(len(asked), 12)),
        }


def words_of(text: str) -> Iterator[str]:
    """Whole words as they are written, for spelling."""
    for word in re.findall(r"[A-Za-z]{3,24}", text):
        yield word.lower()


def _passages(document: Document) -> list[str]:
    """The text in pieces of about :data:`_PASSAGE` characters, cut between paragraphs."""
    if len(document.text) <= 2 * _PASSAGE:
        return [document.text]
    pieces = [""]
    for paragraph in document.text.split("\n\n"):
        if pieces[-1] and len(pieces[-1]) + len(paragraph) > _PASSAGE:
            pieces.append("")
        pieces[-1] += paragraph + "\n\n"
    return pieces


def _weighted(document: Document, passage: str) -> dict[str, float]:
    name = document.id.removeprefix("topic:")
    owner, _, leaf = name.rpartition(".")
    lead = re.split(r"(?<=[.!?])\s|\n\n", passage, maxsplit=1)[0]
    fields = {
        "leaf": leaf,
        "owner": owner,
        "signature": document.signature.partition("(")[2],
        "lead": lead,
        "text": passage,
    }
    weights: dict[str, float] = defaultdict(float)
    for field, text in fields.items():
        for term in terms(text):
            weights[term] += _WEIGHTS[field]
    return dict(weights)


def _widened(asked: Mapping[str, float]) -> dict[str, float]:
    """With the words that may stand for the same, at a part of their weight."""
    wider = dict(asked)
    for term, weight in asked.items():
        for near in near_words(term):
            wider[near] = max(wider.get(near, 0.0), _NEAR * weight)
    return wider


def _prior(document: Document) -> float:
    """How likely anyone asks for it: what stands nearer to the top of the library is asked for more.

    Query-independent evidence, as in Craswell et al. (SIGIR 2005), here by depth of the name.
    """
    if document.kind == "topic":
        return _PRIOR_TOPIC
    return 1.0 / (1.0 + _DEPTH * document.id.count("."))


def _reciprocal(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 / (k + rank)`` for those found; 0 for the rest."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")[:_POOL]
    order = order[scores[order] > 0]
    ranks = np.zeros(len(scores))
    ranks[order] = 1.0 / (_RRF_K + np.arange(1, len(order) + 1))
    return ranks


def _best(ids: list[str], scores: NDArray[np.float64], k: int) -> Iterator[Hit]:
    import numpy as np

    for number in np.argsort(-scores, kind="stable")[:k]:
        if scores[number] > 0:
            yield Hit(id=ids[number], score=float(scores[number]))
