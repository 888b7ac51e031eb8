"""Questions about what the product is not for. May import ``words_of`` and the verdicts.

Two ways, by words alone. Subjects that are named (``terms``, and ``not_for`` of the contract's expectations)
are found where all their words stand close together: that is a rule. With examples of what users do ask, a
question that shares no words with any is far from all of them: that estimates, and needs a calibration.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from launchworthy.errors import InputError
from launchworthy.runtime.guards.answers import hit, passed
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Stage
from launchworthy.runtime.guards.words_of import Word, plain_words, words_in

__all__ = ["TopicGuard"]

_NEAR = 12  # words among which all words of a subject stand
_THRESHOLD = 0.95
_MOST_WORDS = 2_000
_EMPTY = frozenset(
    "a an the of on in to for and or is are was be it that this with about from at by as if my your our i you"
    " we do how what where when can could would please me not no any der die das und oder ist le la les et de"
    " el los las".split()
)


class TopicGuard:
    """Hits where a text is about a subject that is excluded, or about nothing that the examples are about.

    Args:
        subjects: Excluded ones, in words: ``legal advice``.
        examples: Questions that are on topic; none: only subjects count.
        threshold: Distance from every example, 0 to 1, from which a text is off topic.
        name: As the contract names it.

    Raises:
        InputError: There are neither subjects nor examples.
    """

    waits = False
    window: int | None = None

    def __init__(
        self,
        *,
        subjects: Iterable[str] = (),
        examples: Iterable[str] = (),
        threshold: float | None = None,
        name: str = "topic",
    ) -> None:
        self.name = name
        self.threshold = _THRESHOLD if threshold is None else threshold
        subjects, examples = tuple(subjects), tuple(examples)
        self._subjects = [
            (words, subject) for subject in subjects if (words := frozenset(_content(plain_words(subject))))
        ]
        self._examples = _Examples(examples) if examples else None
        if not self._subjects and self._examples is None:
            raise InputError(
                "nothing says what is off topic",
                where="terms",
                hint="name subjects in terms, or under pricing/expectations/not_for, or give examples",
            )
        told = "\n".join((*subjects, "", *examples)).encode(errors="replace")
        self.version = f"topic-1-{hashlib.sha256(told).hexdigest()[:8]}"

    @property
    def estimates(self) -> bool:
        """Named subjects are a rule; the distance from examples is an estimate."""
        return self._examples is not None

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look for excluded subjects, then for the nearest example."""
        words = list(words_in(payload))
        for subject, name in self._subjects:
            place = _together(words, subject)
            if place is not None:
                return hit(
                    self, "excluded_subject", score=1.0, spans=(place,), reason=f"it is about {name[:60]}"
                )
        if self._examples is None:
            return passed(self)
        score = round(1.0 - self._examples.nearest([word.stem for word in words[:_MOST_WORDS]]), 4)
        if score < self.threshold:
            return passed(self, score=score)
        return hit(self, "off_topic", score=score, reason="it is like none of the examples")


def _content(stems: Sequence[str]) -> list[str]:
    kept = [stem for stem in stems if stem not in _EMPTY]
    return kept or list(stems)


def _together(words: Sequence[Word], subject: frozenset[str]) -> Finding | None:
    """Where all words of a subject stand within a few words of each other."""
    last: dict[str, int] = {}
    for at, word in enumerate(words):
        if word.stem not in subject:
            continue
        last[word.stem] = at
        first = min(last.values())
        if len(last) == len(subject) and at - first < _NEAR + len(subject):
            return Finding(words[first].start, word.end, "excluded_subject")
    return None


class _Examples:
    """Texts by their words, weighed by how rare each is; nearness is the cosine."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [Counter(_content(plain_words(text))) for text in texts]
        seen = Counter(stem for counts in counted for stem in counts)
        self._rarity = {stem: math.log((1 + len(texts)) / (1 + n)) + 1 for stem, n in seen.items()}
        self._unseen = math.log(1 + len(texts)) + 1
        self._by_word: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, counts in enumerate(counted):
            for stem, weight in self._weights(counts).items():
                self._by_word[stem].append((place, weight))

    def _weights(self, counts: Mapping[str, int]) -> dict[str, float]:
        raw = {
            stem: (1 + math.log(count)) * self._rarity.get(stem, self._unseen)
            for stem, count in counts.items()
        }
        size = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
        return {stem: weight / size for stem, weight in raw.items()}

    def nearest(self, stems: Sequence[str]) -> float:
        nearness: dict[int, float] = defaultdict(float)
        for stem, weight in self._weights(Counter(_content(stems))).items():
            for place, other in self._by_word.get(stem, ()):
                nearness[place] += weight * other
        return min(1.0, max(nearness.values(), default=0.0))
