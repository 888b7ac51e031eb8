"""Linear models over hashed n-grams: small files that score any stretch of a text.

May import ``ngrams``, ``hidden_characters`` and ``errors``; NumPy where it is used. A model file is an
``.npz`` without pickles: of each head one table of 8-bit weights per family of n-grams, and a JSON header
with what turns scores into a probability. Training is not here: see ``bench/train_guards.py``.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from launchworthy.errors import InputError
from launchworthy.runtime.guards.hidden_characters import fold
from launchworthy.runtime.guards.ngrams import FAMILIES, Unit, Units, blocks_of, hash_units, split_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FEWEST",
    "WINDOWS",
    "Head",
    "LinearModel",
    "Reading",
    "Signal",
    "Term",
    "bundled_model",
    "pack_model",
    "unpack_model",
]

WINDOWS = (1, 2, 4)  # how many neighbouring units are scored together
FEWEST = (6, 50)  # n-grams of each family: what has fewer says proportionally less
_LEVELS = 127
_MOST_COUNTED = 60  # units; longer texts than models learn from count as so long


@dataclass(frozen=True, slots=True)
class Head:
    """The weights of one question, by family of n-grams, and where its scores start."""

    tables: tuple[NDArray[np.float32], ...]
    bias: float = 0.0

    def sums(self, units: Units) -> NDArray[np.float64]:
        """Sum of weights of each family (rows) in each unit (columns)."""
        import numpy as np

        sums = np.zeros((len(FAMILIES), units.count))
        for row, (table, hashes, ends) in enumerate(zip(self.tables, units.hashes, units.ends, strict=True)):
            shift = np.uint64(64 - int(table.size).bit_length() + 1)
            running = np.zeros(len(hashes) + 1)
            np.cumsum(table[hashes >> shift], out=running[1:])
            sums[row] = np.diff(running[ends], prepend=0.0)
        return sums

    def score(self, sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score of stretches whose sums and counts of n-grams, family by family, are given."""
        import numpy as np

        least = np.array(FEWEST).reshape(-1, *[1] * (counts.ndim - 1))
        score: NDArray[np.float64] = self.bias + (sums / np.sqrt(np.maximum(counts, least))).sum(axis=0)
        return score


@dataclass(frozen=True, slots=True)
class Term:
    """A weighted sum of named readings, which counts no more than its gate does where it has one."""

    weights: Mapping[str, float]
    bias: float
    gate: Term | None = None

    def value(self, readings: Mapping[str, float]) -> float:
        """Of these readings; above zero it speaks for what is looked for."""
        own = self.bias + sum(weight * readings[name] for name, weight in self.weights.items())
        return own if self.gate is None else min(own, self.gate.value(readings))

    @property
    def heads(self) -> frozenset[str]:
        """The heads whose readings it weighs."""
        own = frozenset(name.partition(":")[0] for name in self.weights if ":" in name)
        return own if self.gate is None else own | self.gate.heads

    def as_json(self) -> dict[str, Any]:
        """As a model's file has it."""
        found: dict[str, Any] = {"weights": dict(self.weights), "bias": self.bias}
        return found if self.gate is None else {**found, "gate": self.gate.as_json()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Term:
        """The same read again."""
        gate = found.get("gate")
        return cls(found["weights"], float(found["bias"]), None if gate is None else cls.from_json(gate))


@dataclass(frozen=True, slots=True)
class Signal:
    """How scores become a probability: the strongest of some terms, squashed.

    A text may be an attack as a whole or have one in it; either is enough.
    """

    terms: tuple[Term, ...]

    @property
    def heads(self) -> frozenset[str]:
        """The heads whose readings it weighs."""
        return frozenset[str]().union(*(term.heads for term in self.terms))

    def probability(self, readings: Mapping[str, float]) -> float:
        """Probability, given the readings that its terms weigh."""
        value = max(term.value(readings) for term in self.terms)
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the heads of a model read in one text.

    Attributes:
        values: Of each head its score of the ``whole``, of the ``first`` unit, of the ``middle`` one by
            score, and of the strongest window of each size (``head:1`` …); also ``length``.
        strongest: Of each head the unit in which its strongest single unit lies.
    """

    values: Mapping[str, float]
    strongest: Mapping[str, Unit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Heads that read the same n-grams, and the signals that combine them.

    Attributes:
        name: What it finds.
        version: Number and content hash of its file.
        heads: By name.
        signals: By the use they are for, such as ``direct``.
    """

    name: str
    version: str
    heads: Mapping[str, Head]
    signals: Mapping[str, Signal]

    def read(
        self, units: Sequence[str], places: Sequence[Unit], *, heads: Collection[str] | None = None
    ) -> Reading:
        """Score units (normalised texts, in order) alone, with their neighbours, and as a whole.

        Args:
            units: What is read.
            places: Where in the text each stands.
            heads: Those that are asked; all if not given.
        """
        import numpy as np

        values: dict[str, float] = {"length": math.log1p(min(len(units), _MOST_COUNTED))}
        strongest: dict[str, Unit] = {}
        if not units:
            return Reading(values | dict.fromkeys(self._keys(), 0.0))
        hashed = [hash_units(block) for block in blocks_of(units)]
        counts = np.concatenate(
            [np.stack([np.diff(ends, prepend=0) for ends in block.ends]) for block in hashed], axis=1
        )
        for name, head in self.heads.items():
            if heads is not None and name not in heads:
                continue
            sums = np.concatenate([head.sums(block) for block in hashed], axis=1)
            values[f"{name}:whole"] = float(head.score(sums.sum(axis=1), counts.sum(axis=1)))
            for size in WINDOWS:
                scores = head.score(_windows(sums, size), _windows(counts, size))
                values[f"{name}:{size}"] = float(scores.max())
                if size == 1:
                    strongest[name] = places[int(scores.argmax())]
                    values[f"{name}:middle"] = float(np.median(scores))
                    values[f"{name}:first"] = float(scores[0])
        return Reading(values, strongest)

    def read_text(self, text: str) -> Reading:
        """The same for a text as a reader sees it."""
        places = split_units(text)
        return self.read([fold(text[place.start : place.end]) for place in places], places)

    def _keys(self) -> list[str]:
        parts = ("whole", "first", "middle", *map(str, WINDOWS))
        return [f"{name}:{part}" for name in self.heads for part in parts]


def _windows(values: NDArray[Any], size: int) -> NDArray[Any]:
    import numpy as np

    size = min(size, values.shape[1])
    running = np.concatenate([np.zeros((len(values), 1), values.dtype), np.cumsum(values, axis=1)], axis=1)
    windows: NDArray[Any] = running[:, size:] - running[:, :-size]
    return windows


def _quantised(table: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int8], float]:
    """Weights in 8 bits, finer near zero: ``sign * (level / 127)**2 * largest``."""
    import numpy as np

    largest = float(np.abs(table).max()) or 1.0
    levels = np.sign(table) * np.rint(np.sqrt(np.abs(table) / largest) * _LEVELS)
    return levels.astype(np.int8), largest


def _restored(levels: NDArray[np.int8], largest: float) -> NDArray[np.float32]:
    import numpy as np

    steps = np.arange(-128, 128, dtype=np.float32) / _LEVELS
    return (np.sign(steps) * steps**2 * largest).astype(np.float32)[levels.astype(np.int16) + 128]


def pack_model(model: LinearModel) -> bytes:
    """The model's file: the same model gives the same bytes."""
    import numpy as np

    arrays: dict[str, NDArray[Any]] = {}
    header: dict[str, Any] = {
        "name": model.name,
        "number": model.version.partition("-")[0],
        "heads": {},
        "signals": {
            name: [term.as_json() for term in signal.terms] for name, signal in model.signals.items()
        },
    }
    for name, head in model.heads.items():
        scales = []
        for family, table in zip(FAMILIES, head.tables, strict=True):
            arrays[f"{name}_{family}"], scale = _quantised(table)
            scales.append(scale)
        header["heads"][name] = {"bias": head.bias, "scales": scales}
    text = json.dumps(header, sort_keys=True).encode()
    file = io.BytesIO()
    arrays["header"] = np.frombuffer(text, dtype=np.uint8)
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack_model(data: bytes, *, where: str = "") -> LinearModel:
    """Read a model's file.

    Raises:
        InputError: It is not such a file.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            heads = {
                name: Head(
                    tables=tuple(
                        _restored(arrays[f"{name}_{family}"], scale)
                        for family, scale in zip(FAMILIES, head["scales"], strict=True)
                    ),
                    bias=float(head["bias"]),
                )
                for name, head in header["heads"].items()
            }
        return LinearModel(
            name=header["name"],
            version=f"{header['number']}-{hashlib.sha256(data).hexdigest()[:8]}",
            heads=heads,
            signals={
                name: Signal(tuple(map(Term.from_json, terms))) for name, terms in header["signals"].items()
            },
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"this is not a model of a guard ({type(error).__name__})",
            where=where,
            hint="make one with bench/train_guards.py",
        ) from error


@cache
def bundled_model(name: str) -> LinearModel:
    """A model that is shipped with this package, read once."""
    file = files("launchworthy.runtime.guards") / "models" / f"{name}.npz"
    return unpack_model(file.read_bytes(), where=str(file))
