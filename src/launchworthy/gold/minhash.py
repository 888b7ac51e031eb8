"""MinHash signatures and the pairs that locality-sensitive hashing lets through. Pure; may import NumPy.

The chance that two sets have the same minimum under a random order is their Jaccard resemblance (Broder,
"On the resemblance and containment of documents", 1997). Signatures are cut into bands of some rows, and
sets that agree in any band whole are a candidate pair (Indyk and Motwani 1998; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, ch. 3). Bands are chosen so that a pair that resembles just as much as
is asked for is let through with 99 % probability; candidates are then measured exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.gold.shingles import Ragged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Places = NDArray[np.int64]

__all__ = ["Bands", "across", "bands_for", "jaccard", "keys_of", "within"]

_FOUND = 0.99
_MOST_HASHES = 128
_MOST_ROWS = 8
_MOST_CANDIDATES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """``bands`` of ``rows`` hash functions each, drawn with ``seed``."""

    bands: int
    rows: int
    seed: int = 0


def bands_for(threshold: float) -> Bands:
    """The most selective bands that find a pair at the threshold (above 0, at most 1) with 99 % probability.

    Example:
        >>> bands_for(0.7)
        Bands(bands=26, rows=5, seed=0)
    """
    best = Bands(bands=1, rows=_MOST_ROWS)
    if threshold >= 1.0:
        return best
    for rows in range(1, _MOST_ROWS + 1):
        bands = math.ceil(math.log(1 - _FOUND) / math.log1p(-(threshold**rows)))
        if rows == 1 or bands * rows <= _MOST_HASHES:
            best = Bands(bands=bands, rows=rows)
    return best


def keys_of(sets: Ragged, *, bands: Bands) -> Numbers:
    """One key for each set and band, shape ``(bands, sets)``; no set may be empty."""
    import numpy as np

    random = np.random.default_rng(bands.seed)
    keys = np.zeros((bands.bands, len(sets)), np.uint64)
    if not len(sets):
        return keys
    for band in range(bands.bands):
        for _ in range(bands.rows):
            odd, add = random.integers(0, 1 << 64, size=2, dtype=np.uint64)
            order = sets.values * (odd | np.uint64(1)) + add
            least = np.minimum.reduceat(order ^ (order >> np.uint64(32)), sets.starts[:-1])
            keys[band] = (keys[band] ^ least) * np.uint64(0x9E3779B97F4A7C15)
            keys[band] ^= keys[band] >> np.uint64(29)
    return keys


def within(keys: Numbers) -> tuple[Places, bool]:
    """Candidate pairs among one collection, shape ``(pairs, 2)``, the smaller place first, and whether that
    is all of them: where very many are alike, each of a band's crowd is compared with its first alone."""
    import numpy as np

    count, whole = keys.shape[1], True
    found = np.zeros(0, np.int64)
    for band in keys:
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        pieces = [found]
        room = _MOST_CANDIDATES - len(found)
        for crowd in np.split(order, edges):
            size = len(crowd)
            if size < 2:
                continue
            if size * (size - 1) // 2 > room:
                whole = False
                left, right = np.repeat(crowd[:1], size - 1), crowd[1:]
            else:
                one, other = np.triu_indices(size, k=1)
                left, right = crowd[one], crowd[other]
            room -= len(left)
            pieces.append(np.minimum(left, right) * count + np.maximum(left, right))
        found = np.unique(np.concatenate(pieces))
    return np.stack([found // max(count, 1), found % max(count, 1)], axis=1), whole


def across(keys: Numbers, others: Numbers) -> Places:
    """Candidate pairs between two collections, shape ``(pairs, 2)``: a place in each."""
    import numpy as np

    count = others.shape[1]
    found = np.zeros(0, np.int64)
    for own, other in zip(keys, others, strict=True):
        order = np.argsort(own, kind="stable")
        ranked = own[order]
        first, last = np.searchsorted(ranked, other, "left"), np.searchsorted(ranked, other, "right")
        hit = np.flatnonzero(last > first)
        if len(hit):
            times = (last - first)[hit]
            offset = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
            left = order[np.repeat(first[hit], times) + offset]
            found = np.unique(np.concatenate([found, left * count + np.repeat(hit, times)]))
    return np.stack([found // max(count, 1), found % max(count, 1)], axis=1)


def jaccard(one: Numbers, other: Numbers) -> float:
    """The exact resemblance of two sets of shingles: what they share, of what either has."""
    import numpy as np

    left, right = np.unique(one), np.unique(other)
    shared = len(np.intersect1d(left, right, assume_unique=True))
    either = len(left) + len(right) - shared
    return shared / either if either else 0.0
