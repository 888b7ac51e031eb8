"""What texts are about, as a column: topics that the reference's own texts make. Pure; may import NumPy.

A text is the vector of its words, each hashed to one of 512 columns with a sign and weighted by how few
texts have it (Weinberger et al., ICML 2009; Spärck Jones, 1972). Topics are the centres of spherical k-means
(Dhillon and Modha, Machine Learning 42, 2001) over one half of the reference's texts, drawn by a fixed seed;
the other half is what is counted, since texts lie nearer to centres that they made than any later ones will.
A text that is less like every topic than all but a twentieth of the reference's is of none. A topic is named
by the words that set its texts apart, each of which at least five of them have.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NONE", "Topics", "topics_of"]

NONE = "none of these"
"""Name of what is like no topic."""
_VERSION = 1  # of hashing, weights and seed: a kept reference of another one is not read
_COLUMNS = 512
_MOST = 8
_A_TOPIC = 25  # texts that a topic takes at least, on average
_FEWEST = 2 * _A_TOPIC
_ROUNDS = 25
_SEED = 20_261_125
_FAR = 0.05
_WORDS = 3
_SEEN = 5
_DIGITS = 5
_ROUNDING = 1e-3  # by which two equal texts may differ


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Topics:
    """Topics of one column of texts, fitted once.

    Attributes:
        names: Of each, by its words.
        weights: Of each hashed column.
        centres: One row of length 1 for each topic.
        near: A text that is less like every topic is of none.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    centres: NDArray[np.float64]
    near: float

    def of(self, words: Iterable[set[str] | None]) -> list[str | None]:
        """Name of each text's topic, by its different words; None of what is no text."""
        import numpy as np

        given = list(words)
        likeness = _vectors(given, self.weights) @ self.centres.T
        best, how = likeness.argmax(axis=1), likeness.max(axis=1)
        named = np.where(how >= self.near, best, len(self.names)).tolist()
        names = (*self.names, NONE)
        return [None if own is None else names[place] for own, place in zip(given, named, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """A plain mapping, from which :meth:`from_json` reads them again."""
        return {
            "version": _VERSION,
            "names": list(self.names),
            "weights": self.weights.tolist(),
            "centres": self.centres.tolist(),
            "near": self.near,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Topics:
        """Read what :meth:`as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        import numpy as np

        if plain["version"] != _VERSION:
            raise ValueError("its topics are of another version")
        names = plain["names"]
        weights, centres = (np.array(plain[each], dtype=np.float64) for each in ("weights", "centres"))
        near = float(plain["near"])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("its topics have no names")
        if weights.shape != (_COLUMNS,) or centres.shape != (len(names), _COLUMNS) or not names:
            raise ValueError("its topics are of another size")
        if not (np.isfinite(weights).all() and np.isfinite(centres).all() and -1.0 <= near <= 1.0):
            raise ValueError("its topics are no numbers")
        return cls(names=tuple(names), weights=weights, centres=centres, near=near)


def topics_of(words: Sequence[set[str] | None]) -> tuple[Topics, list[int]] | None:
    """Topics of a reference, and the places of the texts that did not make them, which are to be counted.

    Args:
        words: The different words of each text; None of what is no text.

    None where there are too few texts to tell topics apart.
    """
    import numpy as np

    rng = np.random.default_rng(_SEED)
    order = rng.permutation(len(words))
    half, rest = order[: len(words) // 2].tolist(), sorted(order[len(words) // 2 :].tolist())
    made = [own for place in half if (own := words[place])]
    if len(made) < _FEWEST:
        return None
    seen = np.zeros(_COLUMNS)
    for own in made:
        seen[list({_place(word)[0] for word in own})] += 1.0
    weights = np.round(np.log((1.0 + len(made)) / (1.0 + seen)) + 1.0, _DIGITS)
    vectors = _vectors(made, weights)
    groups = _grouped(vectors, min(_MOST, len(made) // _A_TOPIC), rng)
    kinds = sorted(set(groups.tolist()), key=lambda kind: -int((groups == kind).sum()))
    if len(kinds) < 2:
        return None
    sums = np.array([vectors[groups == kind].sum(axis=0) for kind in kinds])
    centres = np.round(_of_length_one(sums), _DIGITS)
    # How like its own centre a text is that did not make it: by the centre of the others.
    own_sums = sums[[kinds.index(kind) for kind in groups.tolist()]] - vectors
    without = (_of_length_one(own_sums) * vectors).sum(axis=1)
    return Topics(
        names=_named([[made[at] for at in np.flatnonzero(groups == kind).tolist()] for kind in kinds], made),
        weights=weights,
        centres=centres,
        near=round(float(np.quantile(without, _FAR)) - _ROUNDING, _DIGITS),
    ), rest


def _vectors(words: Sequence[set[str] | None], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found = np.zeros((len(words), _COLUMNS))
    places: dict[str, tuple[int, float]] = {}
    for row, own in zip(found, words, strict=True):
        for word in own or ():
            place = places.get(word)
            if place is None:
                place = places[word] = _place(word)
            row[place[0]] += place[1]
    found *= weights
    return _of_length_one(found)


def _place(word: str) -> tuple[int, float]:
    """Column and sign of a word, the same on every machine."""
    hashed = zlib.crc32(word.encode("utf-8", "surrogatepass"))
    return hashed % _COLUMNS, 1.0 if hashed & 0x10000 else -1.0


def _of_length_one(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0))


def _grouped(vectors: NDArray[np.float64], many: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The group of each vector, by k-means of their directions; begun as k-means++ does."""
    import numpy as np

    centres = vectors[[int(rng.integers(len(vectors)))]]
    while len(centres) < many:
        far = np.maximum(0.0, 1.0 - (vectors @ centres.T).max(axis=1))
        if not far.sum() > 0.0:
            break  # all are alike
        centres = np.vstack([centres, vectors[rng.choice(len(vectors), p=far / far.sum())]])
    groups = (vectors @ centres.T).argmax(axis=1)
    for _ in range(_ROUNDS):
        sums = np.array([vectors[groups == kind].sum(axis=0) for kind in range(len(centres))])
        before, groups = groups, (vectors @ _of_length_one(sums).T).argmax(axis=1)
        if (before == groups).all():
            break
    return np.asarray(groups, dtype=np.int64)


def _named(groups: Sequence[Sequence[set[str]]], whole: Sequence[set[str]]) -> tuple[str, ...]:
    """A name for each group: the words that stand in more of its texts than elsewhere."""
    overall = Counter(word for own in whole for word in own)
    names: list[str] = []
    for group in groups:
        inside = Counter(word for own in group for word in own)
        score = {
            word: many / len(group) - (overall[word] - many) / max(1, len(whole) - len(group))
            for word, many in inside.items()
            if many >= _SEEN and not word.isdigit()
        }
        best = [word for word in sorted(score, key=lambda word: (-score[word], word)) if score[word] > 0.0]
        name = ", ".join(word[:20] for word in best[:_WORDS]) or "what they share no word of"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return tuple(names)
