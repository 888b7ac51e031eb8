"""Chances from scores: the monotone curve nearest to what came of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Calibration", "isotonic"]

# Different scores; more are put together in runs of equal size, which moves a chance by less than 0.01.
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A curve from score to chance: straight between its points, flat beyond the outermost."""

    scores: NDArray[np.float64]
    chances: NDArray[np.float64]

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """The chance of each score.

        Raises:
            InputError: A score that is NaN, or no score.
        """
        import numpy as np

        return np.asarray(np.interp(clean_values(scores), self.scores, self.chances))


def isotonic(scores: ArrayLike, *, labels: ArrayLike, weights: ArrayLike | None = None) -> Calibration:
    """The nondecreasing curve with the least squared error; equal scores are taken together.

    ``weights`` say how many rows each label stands for, where not all were as likely to be known.

    Raises:
        InputError: Nothing to fit, NaN, unequal lengths, a weight that is not above 0.

    Source: Ayer et al., Annals of Mathematical Statistics 26 (1955): pool adjacent violators.

    >>> isotonic([1, 2, 3, 4], labels=[0, 1, 0, 1])([1, 2.5, 4]).tolist()
    [0.0, 0.5, 1.0]
    """
    import numpy as np

    x, y = clean_values(scores), clean_values(labels, name="labels")
    if x.size != y.size:
        raise InputError(f"{y.size} labels for {x.size} scores")
    w = np.ones(x.size) if weights is None else clean_values(weights, name="weights")
    if w.size != x.size or float(w.min()) <= 0.0:
        raise InputError(f"{w.size} weights for {x.size} scores, the least {w.min():g}; each is above 0")
    order = np.argsort(x, kind="stable")
    x, y, w = x[order], y[order], w[order]
    starts = np.flatnonzero(np.diff(x, prepend=x[0] - 1.0) > 0.0)
    if starts.size > _MOST:
        starts = starts[np.linspace(0, starts.size - 1, _MOST).astype(np.int64)]
    sizes = np.add.reduceat(w, starts)
    means = np.add.reduceat(w * y, starts) / sizes
    ends = np.append(starts[1:], x.size) - 1
    # Of each block: its first and last score, its mean and how much it weighs.
    firsts: list[int] = []
    lasts: list[int] = []
    values: list[float] = []
    masses: list[float] = []
    for at, (mean, size) in enumerate(zip(means.tolist(), sizes.tolist(), strict=True)):
        first = at
        while values and values[-1] >= mean:
            before = masses.pop()
            mean = (values.pop() * before + mean * size) / (before + size)
            size += before
            first = firsts.pop()
            lasts.pop()
        firsts.append(first)
        lasts.append(at)
        values.append(mean)
        masses.append(size)
    points = np.column_stack([x[starts[firsts]], x[ends[lasts]]]).ravel()
    chances = np.repeat(values, 2)
    kept = np.append(True, np.diff(points) > 0.0)
    return Calibration(scores=points[kept], chances=chances[kept])
