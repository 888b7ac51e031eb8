"""How far two samples of one column are apart, beyond what chance alone puts between them. Pure.

Two samples of one distribution are never equal: at 50 categories and 1,100 rows each their Jensen-Shannon
distance is 0.13 though nothing has changed, so that a fixed threshold of 0.1 is noise. Every distance is
therefore reported without its null floor: squared, less what its square is on average where both samples
come from the pooled distribution, and the root taken again. Its bounds come from resampling both samples.
With few rows they are wide and settle nothing; with many they are tight around a small number, which is
below the tolerance, however small its p-value.

Rows of one user or day hang together, and are fewer than they seem: where blocks are told, floor and bounds
come from resampling whole blocks, with Student's t for how few of them there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.proportion import clopper_pearson
from launchworthy.stats.special import beta_cdf, normal_cdf, normal_quantile, t_cdf, t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Counts = NDArray[np.int64] | NDArray[np.float64]

__all__ = [
    "FEWEST_BLOCKS",
    "TOLERATED",
    "TOLERATED_AUC",
    "Divergence",
    "divergences",
    "rows_to_tell",
    "share_change",
    "share_p_value",
    "surprise_beyond",
]

FEWEST_BLOCKS = 5  # of rows that hang together, on each side: of fewer nothing is said
_MOST_ROWS = 1e9  # more are not asked for: it could as well be said that it is never told


_BAND = "band"
_Squared = Callable[["Divergence", "Counts", "Counts"], "NDArray[np.float64]"]


class Divergence(StrEnum):
    """A distance between two distributions.

    ``jensen_shannon`` (to base 2) and ``cramer`` go from 0 to 1, as does ``ks``, the largest gap between the
    distribution functions; ``wasserstein`` is the distance that mass must go, in ``means``' unit over
    ``spread``; ``psi`` is the population stability index, which adds half a row to each group.
    """

    JENSEN_SHANNON = "jensen_shannon"
    PSI = "psi"
    KS = "ks"
    WASSERSTEIN = "wasserstein"
    CRAMER = "cramer"


# What is tolerated where nothing else is said: 0.05 is about 6 % of the rows in another place, at most.
TOLERATED: Mapping[Divergence, float] = {
    Divergence.JENSEN_SHANNON: 0.05,
    Divergence.PSI: 0.1,
    Divergence.KS: 0.05,
    Divergence.WASSERSTEIN: 0.1,
    Divergence.CRAMER: 0.05,
}
# Of a classifier that tells two periods apart: the area under its curve, which is 0.5 by chance.
TOLERATED_AUC = 0.55
_OPEN_ENDED = (Divergence.PSI, Divergence.WASSERSTEIN)  # the others are 1 at the most
_OF_BINS = (Divergence.KS, Divergence.WASSERSTEIN)


def divergences(
    reference: ArrayLike,
    *,
    current: ArrayLike,
    measures: Sequence[Divergence] = (Divergence.JENSEN_SHANNON,),
    groups: Sequence[int] | None = None,
    means: tuple[ArrayLike, ArrayLike] | None = None,
    spread: float = 1.0,
    blocks: tuple[ArrayLike, ArrayLike] | None = None,
    unseen: float = 0.0,
    level: float = 0.95,
    sides: int = 2,
    draws: int = 300,
    seed: int = 0,
) -> dict[Divergence, Interval]:
    """Each distance between two histograms over the same bins, less its null floor, with bounds.

    Args:
        reference, current: Counts of each bin.
        measures: Which distances.
        groups: Number of the group of each bin: groups, not bins, enter the distances between shares.
        means: Mean of the values in each bin, in the reference and now, in ascending order; for
            ``wasserstein``.
        spread: What ``wasserstein`` is divided by.
        blocks: Of the reference and now, the counts of each block of rows that hang together, a row for each.
        unseen: Share of values that the reference's rows do not show, by chance; they belong to the last bin.
        level, sides: Of the bounds.
        draws: Samples drawn for the floor, and again for the bounds.
        seed: Of the draws.

    Raises:
        InputError: No rows on a side, negative counts, other bins on each side, no means, or too few blocks.

    Source: Lin, IEEE Trans. Inf. Theory 37 (1991); null floors by the parametric bootstrap (Efron and
    Tibshirani 1993, 16.4), bounds from its spread on the squared scale, the upper one raised by how skewed
    the square of a normal error is; a bin that only the other side fills is drawn as often as half a row
    would be, since one that is empty by chance would else be so in every sample; of ``ks`` the band of
    Dvoretzky, Kiefer and Wolfowitz (Wei and Dudley, Statistics and Probability Letters 82, 2012); blocks
    resampled whole (Davison and Hinkley 1997, 3.8), also for ``ks``.
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    z = normal_quantile(1.0 - error)
    r, c = (np.asarray(counts, dtype=np.int64).ravel() for counts in (reference, current))
    if r.size != c.size or r.size == 0:
        raise InputError(f"{r.size} bins of the reference and {c.size} now", hint="bin both alike")
    if (r < 0).any() or (c < 0).any():
        raise InputError("a bin has fewer than no rows")
    n_r, n_c = int(r.sum()), int(c.sum())
    if not n_r or not n_c:
        raise InputError(f"{n_r} rows of the reference and {n_c} now have no distance")
    shares = _Shares(np.asarray(groups if groups is not None else np.arange(r.size)))
    if Divergence.WASSERSTEIN in measures and means is None:
        raise InputError("the distance that mass goes needs the mean of each bin")
    both = None if means is None else tuple(np.asarray(each, dtype=np.float64).ravel() for each in means)
    rng = np.random.default_rng(seed)
    known_r, known_c = r / n_r, c / n_c
    if unseen > 0.0:
        known_r = known_r * (1.0 - unseen)
        known_r[-1] += unseen
    pooled = (n_r * known_r + c) / (n_r + n_c)
    known: dict[str, float] = {}
    null: tuple[Counts, Counts]
    again: tuple[Counts, Counts]
    if blocks is None:
        null = rng.multinomial(n_r, pooled, size=draws), rng.multinomial(n_c, pooled, size=draws)
        again = (
            rng.multinomial(n_r, _opened(known_r, known_c, n_r), size=draws),
            rng.multinomial(n_c, _opened(known_c, known_r, n_c), size=draws),
        )
    else:
        sides_of = [_Blocks(each, whole) for each, whole in zip(blocks, (r, c), strict=True)]
        apart = [each.apart(rng, draws) for each in sides_of]
        null = _moved(pooled, apart[0], n_r), _moved(pooled, apart[1], n_c)
        again = _moved(known_r, apart[0], n_r), _moved(known_c, apart[1], n_c)
        known = {"reference_blocks": sides_of[0].many, "blocks": sides_of[1].many}
        z = t_quantile(1.0 - error, df=min(each.many for each in sides_of) - 1)
    found = {}
    for measure in measures:
        if measure is Divergence.WASSERSTEIN and both is not None:
            middle = (r * both[0] + c * both[1]) / np.maximum(1, r + c)
            of_two: _Squared = _Mass(both[0], both[1], spread=spread)
            of_one: _Squared = _Mass(middle, middle, spread=spread)
        else:
            of_two = of_one = shares
        plain = float(of_two(measure, n_r * known_r[None, :], c[None, :])[0])
        floors, resampled = of_one(measure, *null), of_two(measure, *again)
        floor, sd = float(floors.mean()), float(resampled.std(ddof=1))
        null_sd = float(floors.std(ddof=1))
        value = plain - floor
        root = _identity if measure is Divergence.PSI else _root
        low, high = root(value - z * sd), value + z * sd
        if measure is Divergence.WASSERSTEIN:
            high += (z * z + 1.0) * floor  # as if all of the noise went one way: it moves whole tails
        elif floor > 0.0:
            high += (z * z + 1.0) * null_sd**2 / (2.0 * floor)
        high = root(high) if measure in _OPEN_ENDED else min(1.0, root(high))
        if measure is Divergence.KS and blocks is None:
            band = math.sqrt(math.log(2.0 / error) * (1.0 / n_r + 1.0 / n_c) / 2.0)
            low, high = max(0.0, root(plain) - band), min(1.0, root(plain) + band)
        found[measure] = Interval(
            value=root(value),
            low=low,
            high=high,
            confidence=level,
            n=n_c,
            method=f"{measure.value.replace('_', ' ')} less its null floor, "
            + (
                "block bootstrap"
                if blocks is not None
                else _BAND
                if measure is Divergence.KS
                else "bootstrap"
            ),
            sides=sides,
            unit="",
            sample={
                "plain": root(plain),
                "floor": root(floor),
                "excess": value,
                "spread": sd,
                "null_spread": null_sd,
                "reference_n": n_r,
                "n": n_c,
                "bins": int(r.size) if measure in _OF_BINS else shares.size,
                **known,
            },
        )
    return found


def surprise_beyond(found: Interval, *, tolerance: float) -> float:
    """p-value of "it is within the tolerance" for one of :func:`divergences`, by the normal tail; of blocks
    by Student's.

    Raises:
        InputError: The tolerance is not 0 or more.
    """
    excess, spread, limit = _against(found, tolerance)
    if _is_ks(found):
        beyond = max(0.0, found.sample["plain"] - tolerance)
        return min(1.0, 2.0 * math.exp(-2.0 * beyond**2 / _precision(found)))
    if spread <= 0.0:
        return 0.0 if excess > limit else 1.0
    if "blocks" in found.sample:
        return t_cdf(-(excess - limit) / spread, df=_fewest_blocks(found) - 1)
    return normal_cdf(-(excess - limit) / spread)


def rows_to_tell(found: Interval, *, tolerance: float) -> tuple[int | None, int | None]:
    """About how many rows now would settle on which side of the tolerance it lies, if it is what it seems.

    The second number is None where the reference has enough rows; else it needs as many as that too. Both are
    None where no number of rows that anybody has would tell.

    Raises:
        InputError: The tolerance is not 0 or more.
    """
    excess, spread, limit = _against(found, tolerance)
    error = tail_error(found.confidence, sides=found.sides)
    z = normal_quantile(1.0 - error)
    if "blocks" in found.sample:
        z = t_quantile(1.0 - error, df=_fewest_blocks(found) - 1)
    # Near no distance the spread falls with the rows, far from it with their root: 3 is what resampling adds
    # to the variance of a sum of squares.
    steep = min(spread**2, 3.0 * found.sample["null_spread"] ** 2)
    flat, wanted = spread**2 - steep, ((excess - limit) / z) ** 2
    n_r, n_c = found.sample["reference_n"], found.sample["n"]
    h = _precision(found)
    if _is_ks(found):
        # Whichever of the two is nearer to the tolerance: what the gap is without its noise is not known.
        gap = min(abs(each - tolerance) for each in (found.value, found.sample["plain"]))
        h = 2.0 * gap**2 / math.log(2.0 / error)
    elif steep > 0.0:
        h *= (-flat + math.sqrt(flat**2 + 4.0 * steep * wanted)) / (2.0 * steep)
    elif flat > 0.0:
        h *= wanted / flat
    if h <= 2.0 / _MOST_ROWS:
        return None, None
    if h * n_r > 1.25:
        return max(n_c + 1, math.ceil(1.0 / (h - 1.0 / n_r))), None
    both = math.ceil(2.0 / h)
    return max(n_c, both), max(n_r, both)


def share_change(
    reference: int, *, of_reference: int, current: int, of_current: int, level: float = 0.95, sides: int = 2
) -> Interval:
    """Change of a share from the reference to now, with bounds that hold at least as often as they say.

    Raises:
        InputError: Impossible counts.

    Source: exact bounds of each share (Clopper and Pearson, 1934), each at half the error.
    """
    half = 1.0 - tail_error(level, sides=sides) / 2.0
    old = clopper_pearson(reference, n=of_reference, level=half)
    new = clopper_pearson(current, n=of_current, level=half)
    return Interval(
        value=new.value - old.value,
        low=new.low - old.high,
        high=new.high - old.low,
        confidence=level,
        n=of_current,
        method="difference of exact bounds",
        sides=sides,
        unit="ratio",
        sample={
            "reference": old.value,
            "current": new.value,
            "reference_hits": reference,
            "hits": current,
            "reference_n": of_reference,
            "n": of_current,
        },
    )


def share_p_value(found: Interval, *, tolerance: float) -> float:
    """p-value of "the share moved by no more than the tolerance", for :func:`share_change`; two-sided, exact.

    Raises:
        InputError: The tolerance is not 0 or more.

    Source: Berger and Boos, JASA 89 (1994), over the exact interval of the reference's share.
    """
    _check_tolerance(tolerance)
    names = ("reference_hits", "reference_n", "hits", "n")
    k_r, n_r, k_c, n_c = (int(found.sample[name]) for name in names)
    beta = 1e-9
    known = clopper_pearson(k_r, n=n_r, level=1.0 - beta)
    most, least = known.high + tolerance, known.low - tolerance
    more = 1.0 if k_c == 0 or most >= 1.0 else beta_cdf(most, a=k_c, b=n_c - k_c + 1)
    less = 1.0 if k_c == n_c or least <= 0.0 else 1.0 - beta_cdf(least, a=k_c + 1, b=n_c - k_c)
    return min(1.0, 2.0 * (min(more, less) + beta))


def _against(found: Interval, tolerance: float) -> tuple[float, float, float]:
    _check_tolerance(tolerance)
    plain_scale = found.method.startswith(Divergence.PSI.value)
    return (
        float(found.sample["excess"]),
        float(found.sample["spread"]),
        tolerance if plain_scale else tolerance**2,
    )


def _is_ks(found: Interval) -> bool:
    return found.method.startswith(Divergence.KS.value) and found.method.endswith(_BAND)


def _fewest_blocks(found: Interval) -> int:
    return int(min(found.sample["reference_blocks"], found.sample["blocks"]))


def _precision(found: Interval) -> float:
    return 1.0 / float(found.sample["reference_n"]) + 1.0 / float(found.sample["n"])


def _check_tolerance(tolerance: float) -> None:
    if not tolerance >= 0.0:
        raise InputError(f"a tolerance of {tolerance!r} is not 0 or more")


def _identity(value: float) -> float:
    return max(0.0, value)


def _root(value: float) -> float:
    return math.sqrt(max(0.0, value))


class _Blocks:
    """Blocks of rows that hang together, as counts of each bin; those without a row are none."""

    def __init__(self, counts: ArrayLike, whole: NDArray[np.int64]) -> None:
        import numpy as np

        own = np.asarray(counts, dtype=np.int64)
        if own.ndim != 2 or own.shape[1] != whole.size or (own < 0).any() or (own.sum(axis=0) != whole).any():
            raise InputError("the blocks do not add up to the rows", hint="give the counts of each block")
        self._own = own[own.sum(axis=1) > 0]
        self.many = len(self._own)
        if self.many < FEWEST_BLOCKS:
            raise InputError(
                f"{self.many} blocks of rows say nothing of how far blocks differ by chance",
                hint=f"it takes {FEWEST_BLOCKS} on each side, better 20",
            )

    def apart(self, rng: np.random.Generator, draws: int) -> NDArray[np.float64]:
        """How far the shares of each bin are from the whole's in samples of as many blocks."""
        import numpy as np

        drawn = rng.multinomial(self.many, np.full(self.many, 1.0 / self.many), size=draws) @ self._own
        wider = math.sqrt(self.many / (self.many - 1.0))
        return np.asarray((_shares(drawn) - _shares(self._own.sum(axis=0, keepdims=True))) * wider)


def _moved(shares: NDArray[np.float64], apart: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Counts of ``n`` rows whose shares are so far from these."""
    import numpy as np

    return n * _shares(np.maximum(shares + apart, 0.0))


def _opened(own: NDArray[np.float64], other: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Shares of ``n`` rows to draw from: what only the other side has may come here too."""
    import numpy as np

    only = np.where(own > 0.0, 0.0, other)
    if not only.any():
        return own
    found = own + 0.5 / n * only / only.sum()
    return np.asarray(found / found.sum())


class _Shares:
    """Distances between shares of groups, and the largest gap between distribution functions, squared."""

    def __init__(self, groups: NDArray[np.int64]) -> None:
        import numpy as np

        self._starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
        self.size = len(self._starts)

    def __call__(self, measure: Divergence, reference: Counts, current: Counts) -> NDArray[np.float64]:
        import numpy as np

        if measure is Divergence.KS:
            gap = np.cumsum(_shares(reference) - _shares(current), axis=1)
            return np.asarray(np.abs(gap).max(axis=1) ** 2)
        r, c = (np.add.reduceat(counts, self._starts, axis=1) for counts in (reference, current))
        if measure is Divergence.PSI:
            p, q = _shares(r + 0.5), _shares(c + 0.5)
            return np.asarray(((q - p) * np.log(q / p)).sum(axis=1))
        p, q = _shares(r), _shares(c)
        middle = 0.5 * (p + q)
        if measure is Divergence.CRAMER:
            # Cramér's V of the two rows, as if both had as many: with unequal ones it would depend on that.
            return np.asarray(
                0.25 * np.divide((p - q) ** 2, middle, out=np.zeros_like(p), where=middle > 0.0).sum(axis=1)
            )
        total = np.zeros(len(p))
        for each in (p, q):
            ratio = np.divide(each, middle, out=np.ones_like(each), where=each > 0.0)
            total += 0.5 * (each * np.log2(ratio)).sum(axis=1)
        return np.maximum(total, 0.0)


class _Mass:
    """How far mass goes between bins whose means are known, squared."""

    def __init__(
        self, reference: NDArray[np.float64], current: NDArray[np.float64], *, spread: float
    ) -> None:
        import numpy as np

        at = np.concatenate([reference, current])
        self._order = np.argsort(at, kind="stable")
        self._widths = np.diff(at[self._order]) / (spread or 1.0)

    def __call__(self, _measure: Divergence, reference: Counts, current: Counts) -> NDArray[np.float64]:
        import numpy as np

        both = np.concatenate([_shares(reference), -_shares(current)], axis=1)[:, self._order]
        return np.asarray((np.abs(np.cumsum(both, axis=1)[:, :-1]) @ self._widths) ** 2)


def _shares(counts: Counts) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(counts / np.maximum(1e-300, counts.sum(axis=1, keepdims=True)))
