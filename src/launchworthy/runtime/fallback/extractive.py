"""An answer made of the retrieved sentences themselves, with the passages they stand in.

May import ``metrics``. It says nothing that no passage says, so it needs no model; where no sentence shares
enough words with the question there is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.runtime.guards.verdict import Passage

__all__ = ["Extract", "best_sentences", "listed_results"]

_MOST_SENTENCES = 3
_MOST_PASSAGES = 50
_MOST_CHARACTERS = 20_000  # of one passage
_LEAST_SHARE = 0.34  # of the question's words, weighed by how rare they are
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """Sentences with marks of the passages that they stand in.

    Attributes:
        text: The answer, each sentence followed by its mark: ``… [help-12]``.
        cites: Ids of the passages, each once, in order.
    """

    text: str
    cites: tuple[str, ...]


def best_sentences(question: str, passages: Sequence[Passage]) -> Extract | None:
    """The sentences that share most with the question, in the order of the passages; None if too little."""
    from launchworthy.metrics.sentences import sentences, what_is_said

    asked = what_is_said(question)
    wanted = asked.words | asked.names
    if not wanted:
        return None
    found = [
        (at, place, sentence, (said := what_is_said(sentence)).words | said.names)
        for at, passage in enumerate(passages[:_MOST_PASSAGES])
        for place, sentence in enumerate(sentences(passage.text[:_MOST_CHARACTERS]))
    ]
    weight = {
        word: math.log(1 + len(found) / (1 + sum(word in words for *_, words in found))) for word in wanted
    }
    whole = sum(weight.values())
    ranked = sorted(
        (
            (sum(weight[word] for word in wanted & words), -at, -place, sentence)
            for at, place, sentence, words in found
        ),
        reverse=True,
    )
    best = [each for each in ranked if whole > 0 and each[0] >= _LEAST_SHARE * whole][:_MOST_SENTENCES]
    if not best:
        return None
    best = [each for each in best if each[0] >= best[0][0] / 2]
    chosen = sorted(best, key=lambda each: (-each[1], -each[2]))
    ids = [_id(passages, -at) for _, at, _, _ in chosen]
    text = " ".join(f"{sentence} [{cited}]" for (*_, sentence), cited in zip(chosen, ids, strict=True))
    return Extract(text=text, cites=tuple(dict.fromkeys(ids)))


def listed_results(passages: Sequence[Passage]) -> Extract | None:
    """The passages as a list, the beginning of each; None without any."""
    if not passages:
        return None
    shown = passages[:5]
    ids = [_id(passages, at) for at in range(len(shown))]
    lines = [f"- {_beginning(each.text)} [{name}]" for each, name in zip(shown, ids, strict=True)]
    return Extract(text="\n".join(lines), cites=tuple(dict.fromkeys(ids)))


def _id(passages: Sequence[Passage], at: int) -> str:
    return passages[at].id or passages[at].source or str(at + 1)


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else plain[:_SHOWN].rsplit(" ", 1)[0] + " …"
