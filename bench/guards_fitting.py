"""Fits the models of the guards: heads over n-grams, signals over what heads read, tried on texts kept apart.

A head is a logistic regression over hashed n-grams that are weighted by how unevenly they are spread over the
two classes (naive Bayes ratios: Wang & Manning 2012). A signal is a logistic regression over what the heads
read in texts that they were not trained on; its zero is moved to the score that a share of the clean texts
reaches, so 0.5 is the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from guards_corpus import Example
from guards_figures import Figure, Scored, figures, overall
from guards_split import Split, barred
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from launchworthy.runtime.guards.injection_views import views_of
from launchworthy.runtime.guards.linear import FEWEST, Head, LinearModel, Reading, Signal, Term
from launchworthy.runtime.guards.ngrams import hash_units

__all__ = ["GatePlan", "Lesson", "Plan", "TermPlan", "TooFewError", "Trial", "Use", "trial_of", "units_of"]

BITS = (16, 17)  # tables of words and of characters
FALSE_POSITIVES = 0.007
_STEEP = 3.0  # of a gate: how fast it opens


class TooFewError(Exception):
    """A folder has too few texts to learn or to try a model."""


def units_of(text: str) -> list[str]:
    """The plain reading of a text, as the guards read it."""
    return [view.text for view in next(views_of(text))]


def matrix(texts: Sequence[str]) -> csr_matrix:
    """Counts over the square root of how many there are, by family, as ``Head.score`` has it."""
    indices, values, ends = [], [], [0]
    for text in texts:
        offset, found = 0, 0
        hashed = hash_units(units_of(text) or [""]).hashes
        for bits, least, hashes in zip(BITS, FEWEST, hashed, strict=True):
            buckets, counts = np.unique(hashes >> np.uint64(64 - bits), return_counts=True)
            indices.append(buckets.astype(np.int64) + offset)
            values.append(counts / np.sqrt(max(least, len(hashes))))
            offset += 1 << bits
            found += len(buckets)
        ends.append(ends[-1] + found)
    shape = (len(texts), sum(1 << bits for bits in BITS))
    return csr_matrix((np.concatenate(values).astype(np.float32), np.concatenate(indices), ends), shape=shape)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one head learns from, and how freely.

    Attributes:
        examples: The texts.
        features: Of each.
        barred: Of each, the parts of the split for which it is not learnt from.
        strength: The more, the freer: the inverse of the penalty on weights.
    """

    examples: Sequence[Example]
    features: csr_matrix
    barred: npt.NDArray[np.bool_]
    strength: float

    @classmethod
    def of(cls, examples: Sequence[Example], split: Split, *, strength: float) -> Lesson:
        features = matrix([example.text for example in examples])
        return cls(examples, features, barred(examples, split), strength)

    def head(self, without: int | None = None) -> Head:
        """Trained on all texts, or on those that one part may be tried on."""
        everything = np.ones(len(self.examples), dtype=np.bool_)
        chosen = everything if without is None else ~self.barred[:, without]
        labels = np.array([example.label for example in self.examples])[chosen]
        weights = np.array([example.weight for example in self.examples])[chosen]
        features = self.features[chosen]
        there = features.astype(bool).astype(np.float32)
        with_it = np.asarray(there[labels == 1].sum(axis=0)).ravel() + 1.0
        without_it = np.asarray(there[labels == 0].sum(axis=0)).ravel() + 1.0
        ratio = np.abs(np.log((with_it / (labels == 1).sum()) / (without_it / (labels == 0).sum())))
        ratio = ratio.astype(np.float32)
        model = LogisticRegression(C=self.strength, max_iter=500, tol=1e-4)
        model.fit(features @ diags(ratio), labels, sample_weight=weights)
        coefficients = (model.coef_[0] * ratio).astype(np.float32)
        words = 1 << BITS[0]
        return Head(tables=(coefficients[:words], coefficients[words:]), bias=float(model.intercept_[0]))


Readings = Sequence[tuple[Example, Reading]]


def kept_apart(lessons: Mapping[str, Lesson], texts: Sequence[Example], split: Split) -> Readings:
    """What heads that were trained without a text's part read in it."""
    found = []
    for part in range(split.folds):
        heads = {key: lesson.head(part) for key, lesson in lessons.items()}
        model = LinearModel(name="trial", version="0", heads=heads, signals={})
        for example in texts:
            if split.fold_of(example) == part:
                found.append((example, model.read_text(example.text)))
    return found


@dataclass(frozen=True, slots=True)
class GatePlan:
    """What must hold for a term to speak: a reading above that which all but a share of some texts reach."""

    name: str
    clean: Sequence[str]
    false_positives: float

    def term(self, readings: Readings) -> Term:
        values = [reading.values[self.name] for example, reading in readings if example.source in self.clean]
        zero = float(np.quantile(values, 1 - self.false_positives))
        return Term({self.name: _STEEP}, -_STEEP * zero)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """A term of a signal: what it weighs, what it learns from, and which clean texts say where its zero is."""

    names: Sequence[str]
    clean: Sequence[str]
    false_positives: float = FALSE_POSITIVES
    leaves_out: tuple[str, ...] = ()  # beginnings of the names of sources
    gate: GatePlan | None = None

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of all that it looks at."""
        return tuple(self.names) if self.gate is None else (*self.names, self.gate.name)

    def term(self, readings: Readings) -> Term:
        own = [pair for pair in readings if not pair[0].source.startswith(self.leaves_out or ("\0",))]
        values = np.array([[reading.values[name] for name in self.names] for _, reading in own])
        labels = np.array([example.label for example, _ in own])
        weights = np.array([example.weight for example, _ in own])
        centre, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500)
        model.fit((values - centre) / spread, labels, sample_weight=weights)
        slopes = model.coef_[0] / spread
        calm = np.array([example.source in self.clean for example, _ in own])
        zero = float(np.quantile((values @ slopes)[calm], 1 - self.false_positives))
        gate = None if self.gate is None else self.gate.term(readings)
        return Term(dict(zip(self.names, map(float, slopes), strict=True)), -zero, gate)


def signal_of(readings: Readings, terms: Sequence[TermPlan]) -> Signal:
    """The signal that tells the texts apart."""
    return Signal(tuple(plan.term(readings) for plan in terms))


def cross_scored(readings: Readings, terms: Sequence[TermPlan], split: Split) -> list[Scored]:
    """Each text scored by a signal that was fitted without its part."""
    parts = [split.fold_of(example) for example, _ in readings]
    found = []
    for part in range(split.folds):
        rest = [pair for pair, own in zip(readings, parts, strict=True) if own != part]
        signal = signal_of(rest, terms)
        found += [
            Scored(example, signal.probability(reading.values))
            for (example, reading), own in zip(readings, parts, strict=True)
            if own == part
        ]
    return found


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a model: the texts it is tried on, the readings it weighs, and which sources it is judged by."""

    name: str
    texts: Sequence[Example]
    terms: Sequence[TermPlan]
    attacks: Sequence[str]
    clean: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A model: what its heads learn, and its uses."""

    name: str
    number: int
    lessons: Callable[[Path, Split], dict[str, Lesson]]
    uses: Callable[[Path], Sequence[Use]]
    limits: Sequence[str]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a plan showed on texts apart: figures and scores by use, and the signals fitted on all of them."""

    figures: dict[str, list[Figure]]
    scored: dict[str, list[Scored]]
    signals: dict[str, Signal]
    lessons: dict[str, Lesson]


def _enough(plan: Plan, uses: Sequence[Use], lessons: Mapping[str, Lesson]) -> None:
    for name, lesson in lessons.items():
        labels = np.array([example.label for example in lesson.examples])
        for part in range(lesson.barred.shape[1]):
            if len(set(labels[~lesson.barred[:, part]])) < 2:
                raise TooFewError(f"{plan.name} is left out: too few texts to learn {name} from")
    for use in uses:
        sources = {example.source for example in use.texts}
        if len({example.label for example in use.texts}) < 2 or any(
            sources.isdisjoint(term.clean) for term in use.terms
        ):
            raise TooFewError(f"{plan.name} is left out: too few texts to try {use.name} on")


def trial_of(plan: Plan, folder: Path, split: Split, *, only: str | None = None) -> Trial:
    """Try a plan, or one of its uses and the heads that it needs, on the parts of a split.

    Raises:
        TooFewError: The folder lacks what it learns from, or what it is tried on.
    """
    uses = [use for use in plan.uses(folder) if only in (None, use.name)]
    read = {name.partition(":")[0] for use in uses for term in use.terms for name in term.readings}
    lessons = {name: lesson for name, lesson in plan.lessons(folder, split).items() if name in read}
    _enough(plan, uses, lessons)
    texts = [example for use in uses for example in use.texts]
    by_text = {id(example): reading for example, reading in kept_apart(lessons, texts, split)}
    found, scores, signals = {}, {}, {}
    for use in uses:
        own = [(example, by_text[id(example)]) for example in use.texts]
        scored = cross_scored(own, use.terms, split)
        found[use.name] = [*overall(scored, use.attacks, use.clean), *figures(scored, use.clean)]
        scores[use.name] = scored
        signals[use.name] = signal_of(own, use.terms)
    return Trial(found, scores, signals, lessons)
