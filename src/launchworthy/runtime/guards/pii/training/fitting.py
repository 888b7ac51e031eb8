"""Fits the tagger's conditional random field: stochastic gradients with steps by Adagrad.

NumPy and standard library. Words of entities lose their identity now and then, so that the model learns to
go by their form and by the words around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from launchworthy.runtime.guards.pii.patterns import find_patterns
from launchworthy.runtime.guards.pii.reading import read
from launchworthy.runtime.guards.pii.tagger import LABELS, TAGGED, Chain, Tagger, allowed
from launchworthy.runtime.guards.pii.training.generate import Labelled
from launchworthy.runtime.guards.pii.words import ROWS, Word, features, sentences

__all__ = ["Example", "examples", "fit"]


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence: rows of its features and its labels."""

    rows: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int64]


def examples(made: Iterable[Labelled], *, forget: float, seed: int) -> list[Example]:
    """Sentences of texts, read as the tagger reads them.

    Args:
        made: Texts.
        forget: Share of the entities' words whose letters are changed for others of the same form; of the
            words around them half as many.
        seed: Of what is forgotten.
    """
    rng = np.random.default_rng(seed)
    out = []
    for text in made:
        reading = read(text.text)
        spans = text.spans
        if reading.origin is not None:
            continue
        formed = [f for f in find_patterns(reading) if f.score >= 0.5 and f.type != "address"]
        for sentence in sentences(reading.text, formed):
            labels = _labels(sentence, spans)
            if forget:
                sentence = [
                    _forgotten(word, rng) if rng.random() < (forget if label else forget / 2) else word
                    for word, label in zip(sentence, labels, strict=True)
                ]
            out.append(Example(features([sentence]), labels))
    return out


def _labels(sentence: Sequence[Word], spans: Sequence[tuple[int, int, str]]) -> npt.NDArray[np.int64]:
    labels = np.zeros(len(sentence), dtype=np.int64)
    last: tuple[int, int, str] | None = None
    for place, word in enumerate(sentence):
        inside = next((s for s in spans if s[0] <= word.start < s[1]), None)
        if inside is not None:
            labels[place] = 1 + 2 * TAGGED.index(inside[2]) + (inside == last)
        last = inside
    return labels


_SMALL, _LARGE = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _forgotten(word: Word, rng: np.random.Generator) -> Word:
    if not word.form.isalpha() or len(word.form) < 3:
        return word
    form = "".join((_LARGE if c.isupper() else _SMALL)[rng.integers(26)] for c in word.form)
    return Word(word.start, word.end, form)


def fit(
    sentences_of: Sequence[Example],
    *,
    rounds: int,
    seed: int,
    rate: float = 0.12,
    batch: int = 48,
    least: float = 1e-5,
    told: Callable[[str], None] = lambda _: None,
) -> Tagger:
    """The tagger that explains the examples; averaged over the last round's steps by the decay of its rate.

    Args:
        sentences_of: Examples.
        rounds: Passes over them.
        seed: Of their order.
        rate: Of the first steps.
        batch: Sentences for each step.
        least: Pull towards zero for each step on a row.
        told: Is told of each round.
    """
    rng = np.random.default_rng(seed)
    size = len(LABELS)
    weights = np.zeros((ROWS, size), dtype=np.float32)
    weights_past = np.full((ROWS, size), 1e-3, dtype=np.float32)
    moves = np.where(allowed(), 0.0, -1e4)
    moves_past = np.full(moves.shape, 1e-3)
    order = np.arange(len(sentences_of))
    for turn in range(rounds):
        step = rate * (1.0 if turn < rounds - 2 else 0.4 if turn == rounds - 2 else 0.15)
        rng.shuffle(order)
        # Sentences of like length go together, within parts of the shuffled order.
        for first in range(0, len(order), batch * 50):
            part = order[first : first + batch * 50]
            order[first : first + batch * 50] = part[np.argsort([len(sentences_of[i].labels) for i in part])]
        loss = 0.0
        starts = list(range(0, len(order), batch))
        rng.shuffle(starts)
        for start in starts:
            chosen = [sentences_of[i] for i in order[start : start + batch]]
            loss += _step(chosen, weights, weights_past, moves, moves_past, step, least)
        told(f"round {turn + 1} of {rounds}: loss {loss / len(order):.4f} a sentence")
    top = float(np.abs(weights).max())
    scale = min(top, 6.0) / 127
    small = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
    small[np.abs(small).max(axis=1) < 3] = 0
    return Tagger(weights=small, scale=scale, moves=moves, version="unsaved")


def _step(
    chosen: Sequence[Example],
    weights: npt.NDArray[np.float32],
    weights_past: npt.NDArray[np.float32],
    moves: npt.NDArray[np.float64],
    moves_past: npt.NDArray[np.float64],
    rate: float,
    least: float,
) -> float:
    """One step down the gradient; the loss before it."""
    size = len(LABELS)
    lengths = np.array([len(e.labels) for e in chosen], dtype=np.int64)
    rows = np.concatenate([e.rows for e in chosen])
    labels = np.concatenate([e.labels for e in chosen])
    within = np.arange(int(lengths.max()))[None, :] < lengths[:, None]
    emitted = np.zeros((*within.shape, size))
    emitted[within] = weights[rows].sum(axis=1)
    chain = Chain.over(emitted, moves, lengths)
    single, pairs = chain.single(), chain.pairs()
    slope = single[within]
    loss = float(chain.total.sum()) - float(emitted[within][np.arange(len(labels)), labels].sum())
    slope[np.arange(len(labels)), labels] -= 1.0

    moved = np.zeros_like(moves)
    padded = np.zeros(within.shape, dtype=np.int64)
    padded[within] = labels
    moved[0] = single[:, 0].sum(axis=0)
    moved[1:] = (pairs * within[:, 1:, None, None]).sum(axis=(0, 1))
    moved[0] -= np.bincount(padded[:, 0], minlength=size)
    both = within[:, 1:]
    np.subtract.at(moved, (padded[:, :-1][both] + 1, padded[:, 1:][both]), 1.0)
    loss -= float(moves[0, padded[:, 0]].sum()) + float(
        moves[padded[:, :-1][both] + 1, padded[:, 1:][both]].sum()
    )
    moves_past += moved**2
    moves -= np.where(moves > -1e3, rate * moved / np.sqrt(moves_past), 0.0)

    flat = rows.ravel()
    by_row = np.argsort(flat, kind="stable")
    ordered = flat[by_row]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    touched = ordered[begins]
    change = np.add.reduceat(slope[by_row // rows.shape[1]].astype(np.float32), begins, axis=0)
    change += np.float32(least) * weights[touched]
    weights_past[touched] += change**2
    weights[touched] -= np.float32(rate) * change / np.sqrt(weights_past[touched])
    return loss
