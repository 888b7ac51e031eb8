"""The tagger of names, addresses, organisations and places: a linear-chain conditional random field.

NumPy and standard library; the model ships as ``names.npz`` beside this file. Lafferty, McCallum and Pereira
(2001), with hashed features and weights of one byte. A finding's score is the least probability, under the
model, that a word of it belongs to its kind.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from launchworthy.errors import InputError
from launchworthy.runtime.guards.pii.words import ROWS, Word, features, sentences
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["LABELS", "TAGGED", "Chain", "Tagger", "allowed", "cut_for_tagging"]

TAGGED = ("name", "address", "organisation", "place")
LABELS = ("O", *(f"{part}-{kind}" for kind in TAGGED for part in "BI"))
"""Outside, and the begin and inside of each kind: ``B-name`` is 1, ``I-name`` is 2 and so on."""

_SHIPPED = Path(__file__).parent / "names.npz"
_FORMAT = 1
_NEVER = -1e4
_WITH_STOP = re.compile(r"(?:^|[^\w])[^\W\d_]{1,4}\.$")  # a stop that belongs to its word: Inc. and Jr.
_VALUE_ENDS = re.compile(r'"\s*[,:}\]]')  # of JSON: nothing found reaches from one value into the next
_EDGES = frozenset(" \t\r\n,;:.-–")

Floats = npt.NDArray[np.float64]


def allowed() -> npt.NDArray[np.bool_]:
    """Which label may follow which: inside only after its own kind; row 0 is the start."""
    size = len(LABELS)
    may = np.ones((size + 1, size), dtype=np.bool_)
    for label in range(2, size, 2):
        may[:, label] = False
        may[label, label] = may[label + 1, label] = True  # rows are shifted by the start
    return may


@dataclass(frozen=True, slots=True)
class Chain:
    """Forward and backward scores over sentences of padded length.

    Attributes:
        emitted: Scores of labels: (sentences, words, labels).
        moves: Scores of a label after another, row 0 the start: (labels + 1, labels).
        forward, backward: Log sums over what stands before and after: (sentences, words, labels).
        total: Log partition of each sentence.
    """

    emitted: Floats
    moves: Floats
    forward: Floats
    backward: Floats
    total: Floats

    @classmethod
    def over(cls, emitted: Floats, moves: Floats, lengths: npt.NDArray[np.int64]) -> Chain:
        """Run over sentences of these lengths."""
        count, longest, _ = emitted.shape
        forward = np.empty_like(emitted)
        forward[:, 0] = emitted[:, 0] + moves[0]
        step = np.exp(moves[1:])
        for t in range(1, longest):
            top = forward[:, t - 1].max(axis=1, keepdims=True)
            forward[:, t] = np.log(np.exp(forward[:, t - 1] - top) @ step + 1e-300) + top + emitted[:, t]
        last = lengths - 1
        ends = forward[np.arange(count), last]
        top = ends.max(axis=1, keepdims=True)
        total = np.log(np.exp(ends - top).sum(axis=1)) + top[:, 0]
        backward = np.zeros_like(emitted)
        for t in range(longest - 2, -1, -1):
            after = emitted[:, t + 1] + backward[:, t + 1]
            top = after.max(axis=1, keepdims=True)
            value = np.log(np.exp(after - top) @ step.T + 1e-300) + top
            backward[:, t] = np.where((t < last)[:, None], value, 0.0)
        return cls(emitted, moves, forward, backward, total)

    def single(self) -> Floats:
        """Probability of each label at each word: (sentences, words, labels)."""
        return np.asarray(np.exp(self.forward + self.backward - self.total[:, None, None]))

    def pairs(self) -> Floats:
        """Probability of each label at a word with each at the next: (sentences, words - 1, labels²)."""
        scores = self.forward[:, :-1, :, None] + self.moves[None, None, 1:, :]
        scores += (self.emitted + self.backward)[:, 1:, None, :] - self.total[:, None, None, None]
        return np.asarray(np.exp(scores))


def _sureness(emitted: Floats, moves: Floats, lengths: npt.NDArray[np.int64]) -> Floats:
    """Probability of each label at each word, as ``Chain`` has it, in steps that each sum to one."""
    longest = emitted.shape[1]
    scores = np.exp(emitted - emitted.max(axis=2, keepdims=True)).transpose(1, 0, 2).copy()
    step, last = np.exp(moves[1:]), lengths - 1
    forward, backward = np.empty_like(scores), np.ones_like(scores)
    row = scores[0] * np.exp(moves[0])
    forward[0] = row
    for t in range(1, longest):
        row = (row @ step) * scores[t]
        row /= row.sum(axis=1, keepdims=True)
        forward[t] = row
    for t in range(longest - 2, -1, -1):
        row = (backward[t + 1] * scores[t + 1]) @ step.T
        row /= row.sum(axis=1, keepdims=True)
        row[t >= last] = 1.0
        backward[t] = row
    both = forward * backward
    both /= both.sum(axis=2, keepdims=True)
    return np.asarray(both.transpose(1, 0, 2))


def _best(emitted: Floats, moves: Floats, lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The likeliest labels of each sentence (Viterbi)."""
    count, longest, size = emitted.shape
    back = np.zeros((longest, count, size), dtype=np.int64)
    score = emitted[:, 0] + moves[0]
    ends = [score]
    for t in range(1, longest):
        options = score[:, :, None] + moves[None, 1:, :]
        back[t] = options.argmax(axis=1)
        score = options.max(axis=1) + emitted[:, t]
        ends.append(score)
    paths = []
    for sentence in range(count):
        size_of = int(lengths[sentence])
        path = np.empty(size_of, dtype=np.int64)
        path[-1] = ends[size_of - 1][sentence].argmax()
        for t in range(size_of - 1, 0, -1):
            path[t - 1] = back[t, sentence, path[t]]
        paths.append(path)
    return paths


class Tagger:
    """A model and what it finds.

    Args:
        weights: One byte for each row and label.
        scale: What a weight of one is worth.
        moves: Scores of a label after another; row 0 is the start.
        version: Of the model.
    """

    def __init__(self, *, weights: npt.NDArray[np.int8], scale: float, moves: Floats, version: str) -> None:
        self._weights = weights
        self._scale = scale
        self._moves = np.where(allowed(), moves, _NEVER)
        self.version = version

    @staticmethod
    def shipped() -> Tagger:
        """The model that ships with the package, loaded once."""
        return _shipped()

    @classmethod
    def load(cls, path: Path) -> Tagger:
        """Read a model file.

        Raises:
            InputError: The file is missing, or is no model of this format.
        """
        try:
            content = path.read_bytes()
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                if int(file["format"]) != _FORMAT:
                    raise ValueError("another format")
                weights = np.zeros((ROWS, len(LABELS)), dtype=np.int8)
                weights[file["rows"]] = file["weights"]
                moves, scale = file["moves"].astype(np.float64), float(file["scale"])
                if moves.shape != (len(LABELS) + 1, len(LABELS)) or not np.isfinite(moves).all():
                    raise ValueError("its moves have another shape")
        except FileNotFoundError:
            raise InputError(
                "there is no tagger model",
                where=str(path),
                hint="name a file that the training command wrote",
            ) from None
        except Exception as error:
            raise InputError(
                f"this is no tagger model: {error}",
                where=str(path),
                hint="train one: python -m launchworthy.runtime.guards.pii.training",
            ) from error
        version = f"pii-names-{_FORMAT}-{hashlib.sha256(content).hexdigest()[:8]}"
        return cls(weights=weights, scale=scale, moves=moves, version=version)

    def save(self, path: Path) -> None:
        """Write the model: only rows that weigh anything."""
        rows = np.flatnonzero(self._weights.any(axis=1))
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            "format": np.int64(_FORMAT),
            "rows": rows.astype(np.int32),
            "weights": self._weights[rows],
            "scale": np.float64(self._scale),
            "moves": np.where(allowed(), self._moves, 0.0).astype(np.float32),
        }
        np.savez_compressed(buffer, **arrays)
        path.write_bytes(buffer.getvalue())

    def find(self, text: str, formed: Sequence[Finding] = ()) -> list[Finding]:
        """Names, addresses, organisations and places of a text, in order, without overlap.

        Args:
            text: As it is read.
            formed: What patterns found, in order and without overlap; addresses it reads itself.
        """
        return self.find_in(text, cut_for_tagging(text, formed))

    def find_in(self, text: str, cut: Sequence[list[Word]]) -> list[Finding]:
        """The same of a text that is cut already."""
        found: list[Finding] = []
        for first in range(0, len(cut), _AT_ONCE):
            found += self._find(text, cut[first : first + _AT_ONCE])
        return found

    def _find(self, text: str, cut: Sequence[list[Word]]) -> list[Finding]:
        rows = features(cut)
        scores = self._weights[rows].sum(axis=1, dtype=np.int32) * self._scale
        lengths = np.array([len(sentence) for sentence in cut], dtype=np.int64)
        emitted = np.zeros((len(cut), int(lengths.max()), len(LABELS)))
        emitted[np.arange(emitted.shape[1])[None, :] < lengths[:, None]] = scores
        found = []
        paths = _best(emitted, self._moves, lengths)
        told = [place for place, path in enumerate(paths) if path.any()]
        if told:
            sureness = _sureness(emitted[told], self._moves, lengths[told])
            for place, sure in zip(told, sureness, strict=True):
                found += _findings(text, cut[place], paths[place], sure)
        return found


_AT_ONCE = 64  # sentences decoded together


def cut_for_tagging(text: str, formed: Sequence[Finding]) -> list[list[Word]]:
    """The words of a text by sentence; what patterns found is one word each, but for addresses."""
    return sentences(text, [f for f in formed if f.type != "address"])


def _findings(text: str, sentence: list[Word], path: npt.NDArray[np.int64], sure: Floats) -> list[Finding]:
    found = []
    place = 0
    while place < len(path):
        label = int(path[place])
        if label == 0:
            place += 1
            continue
        kind = (label - 1) // 2
        end = place + 1
        while end < len(path) and path[end] == 2 * kind + 2:
            end += 1
        both = sure[place:end, 2 * kind + 1] + sure[place:end, 2 * kind + 2]
        start, stop = sentence[place].start, sentence[end - 1].end
        quoted = _VALUE_ENDS.search(text, start, stop)
        stop = quoted.start() if quoted else stop
        while start < stop and text[start] in _EDGES:
            start += 1
        while stop > start and text[stop - 1] in _EDGES and _WITH_STOP.search(text[start:stop]) is None:
            stop -= 1
        if any(c.isupper() or c.islower() for c in text[start:stop]):  # scripts that it knows have case
            found.append(Finding(start, stop, TAGGED[kind], min(float(both.min()), 1.0)))
        place = end
    return found


@lru_cache(maxsize=1)
def _shipped() -> Tagger:
    return Tagger.load(_SHIPPED)
