"""Which share of what users really ask has no gold item near it, and what those questions are.

May import ``stats``, this room and NumPy. Near is a cosine of at least 0.45 (:mod:`nearness`): on the demo
product's 413 questions, 98 in 100 with a letter left out and all with a word left out or a greeting put
before are near the one they were made from, and 6 in 100 are near one with another answer. Its paraphrases
in entirely other words are not: the share without an item is at most what is told, seldom more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.gold.item import GoldItem, ReviewStatus
from launchworthy.gold.nearness import Space, nearest
from launchworthy.gold.shingles import split_units, strings
from launchworthy.stats import Interval, wilson

__all__ = ["NEAR", "Coverage", "QuestionCluster", "coverage_of", "uncovered_of"]

NEAR = 0.45
_ALIKE = 0.3  # of questions in one cluster: looser, since clusters are only for reading
_EXAMPLES = 3
_MOST_CLUSTERED = 2_000  # different questions without an item that are put into clusters, the commonest


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionCluster:
    """Questions near one another that have no gold item near them.

    Attributes:
        questions: How many were asked.
        examples: Some of them, the most typical first.
        nearest: Id of the gold item that comes nearest to the first; None of an empty set.
        score: How near that is.
    """

    questions: int
    examples: tuple[str, ...]
    nearest: str | None
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well a gold set covers what is asked.

    Attributes:
        uncovered: Share of the questions with no item near them, with Wilson's interval; None of none.
        questions: Questions that were asked, and could be compared.
        without_text: Questions without a word in them.
        items: Gold items they were compared with.
        clusters: What has no item, the largest first.
        unclustered: Questions without an item that are in no cluster, since there are too many kinds.
        threshold: Least nearness that counts as covered.
    """

    uncovered: Interval | None
    questions: int
    without_text: int
    items: int
    clusters: tuple[QuestionCluster, ...]
    unclustered: int = 0
    threshold: float = NEAR


def coverage_of(
    items: Sequence[GoldItem], questions: Sequence[str], *, threshold: float = NEAR, level: float = 0.95
) -> Coverage:
    """Compare questions with a gold set; items that a review threw out do not cover.

    Args:
        items: The set, every split of it: nothing of it is shown but ids.
        questions: What was asked, as often as it was.
        threshold: Least nearness that counts as covered, above 0 and at most 1.
        level: Of the interval.

    Raises:
        InputError: The threshold is not between 0 and 1.
    """
    return uncovered_of(items, questions, threshold=threshold, level=level)[0]


def uncovered_of(
    items: Sequence[GoldItem], questions: Sequence[str], *, threshold: float = NEAR, level: float = 0.95
) -> tuple[Coverage, frozenset[str]]:
    """What :func:`coverage_of` answers, and the different questions without an item, with single spaces.

    Raises:
        InputError: The threshold is not between 0 and 1.
    """
    if not 0.0 < threshold <= 1.0:
        raise InputError(f"a nearness of {threshold!r} cannot be asked for", hint="write 0.45 or 45 %")
    kept = [
        (item.id, text)
        for item in items
        if item.review is None or item.review.status is not ReviewStatus.REJECTED
        for text in ["\n".join(strings(item.input))]
        if split_units(text)
    ]
    asked = Counter(" ".join(text.split()) for text in questions if split_units(text))
    texts = sorted(asked, key=lambda text: (-asked[text], text))
    known = [text for _, text in kept]
    space = Space([*known, *texts])
    places, scores = nearest(space, texts, among=known)
    # What rounding takes from two equal texts must not make them differ.
    far = [place for place, score in enumerate(scores.tolist()) if score < threshold - 1e-4]
    groups = _grouped(space, [texts[place] for place in far[:_MOST_CLUSTERED]])
    clusters = []
    for group in groups:
        members = [far[place] for place in group]
        first = members[0]
        clusters.append(
            QuestionCluster(
                questions=sum(asked[texts[place]] for place in members),
                examples=tuple(texts[place] for place in members[:_EXAMPLES]),
                nearest=kept[int(places[first])][0] if kept else None,
                score=max(0.0, float(scores[first])),
            )
        )
    total, missed = asked.total(), sum(asked[texts[place]] for place in far)
    found = Coverage(
        uncovered=wilson(missed, n=total, level=level) if total else None,
        questions=total,
        without_text=len(questions) - total,
        items=len(kept),
        clusters=tuple(sorted(clusters, key=lambda each: (-each.questions, each.examples))),
        unclustered=sum(asked[texts[place]] for place in far[_MOST_CLUSTERED:]),
        threshold=threshold,
    )
    return found, frozenset(texts[place] for place in far)


def _grouped(space: Space, texts: Sequence[str]) -> list[list[int]]:
    """Each text with the leader it is most alike to, or as a leader of its own (Hartigan's leader method)."""
    import numpy as np

    groups: list[list[int]] = []
    if not texts:
        return groups
    vectors = space.vectors(texts)
    leaders = np.zeros_like(vectors)
    for place, vector in enumerate(vectors):
        near = leaders[: len(groups)] @ vector
        best = int(near.argmax()) if len(groups) else 0
        if len(groups) and near[best] >= _ALIKE:
            groups[best].append(place)
        else:
            leaders[len(groups)] = vector
            groups.append([place])
    return groups
