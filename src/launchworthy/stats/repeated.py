"""Several samples of each item, as of a model that does not answer alike twice. Pure.

Items are the independent units: ten samples of one question are one question. What varies between samples of
an item shrinks with more samples, what varies between items only with more items.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.interval import Interval
from launchworthy.stats.means import mean_interval
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Repeats", "pass_at_k", "pass_every_k", "repeated_samples"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """A mean over items, and where its error comes from.

    Attributes:
        mean: Mean of the items' means, with items as units.
        items: How many.
        samples: In all.
        within: Variance between samples of one item; None where no item has two.
        between: Variance between the items' true means, 0 where the samples explain all; None likewise.
        correlation: Share of the variance that is between items (intraclass correlation, from below 0 to 1).
    """

    mean: Interval
    items: int
    samples: int
    within: float | None
    between: float | None
    correlation: float | None

    def standard_error(self, *, items: int, repeats: int) -> float | None:
        """What the error of the mean would be with so many items and samples of each.

        Raises:
            InputError: Fewer than one of either.
        """
        if items < 1 or repeats < 1:
            raise InputError(f"{items} items with {repeats} samples each measure nothing")
        if self.within is None or self.between is None:
            return None
        return math.sqrt((self.between + self.within / repeats) / items)

    def best_repeats(self, *, item_cost: float, sample_cost: float) -> int | None:
        """Samples of each item with which a budget gives the smallest error; None where nothing says so.

        ``item_cost`` is what an item costs once (writing, labelling), ``sample_cost`` each of its samples.
        """
        if item_cost < 0 or sample_cost <= 0:
            raise InputError("an item costs 0 or more, and a sample more than 0")
        if not self.within or self.between is None:
            return None if self.within is None else 1
        if self.between == 0.0:
            return None  # items do not differ: any split does
        best = math.sqrt(item_cost / sample_cost * self.within / self.between)
        low, high = max(1, math.floor(best)), max(1, math.ceil(best))
        return min(
            (low, high),
            key=lambda k: (item_cost + k * sample_cost) * ((self.between or 0.0) + (self.within or 0.0) / k),
        )


def repeated_samples(
    samples: Sequence[ArrayLike],
    *,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    unit: str = "",
) -> Repeats:
    """Split the variance of repeated samples, one sequence an item, of any lengths.

    Raises:
        InputError: No items, an item without samples, or NaN.

    Source: one-way random effects by analysis of variance with unequal numbers, Searle, Casella and
    McCulloch, Variance Components (1992), 3.6.
    """
    import numpy as np

    columns = [clean_values(item, name="samples of an item") for item in samples]
    if not columns:
        raise InputError("nothing was measured: no items")
    means = np.array([column.mean() for column in columns])
    sizes = np.array([column.size for column in columns], dtype=np.float64)
    items, total = len(columns), float(sizes.sum())
    within, between, correlation = None, None, None
    if items > 1 and total > items:
        grand = float((means * sizes).sum()) / total
        within = sum(float(((column - column.mean()) ** 2).sum()) for column in columns) / (total - items)
        above = float((sizes * (means - grand) ** 2).sum()) / (items - 1)
        each = (total - float((sizes**2).sum()) / total) / (items - 1)
        raw = (above - within) / each
        between = max(0.0, raw)
        correlation = raw / (raw + within) if raw + within > 0.0 else None
    return Repeats(
        mean=mean_interval(means, level=level, sides=sides, clusters=clusters, bounds=bounds, unit=unit),
        items=items,
        samples=int(total),
        within=within,
        between=between,
        correlation=correlation,
    )


def pass_at_k(
    correct: Sequence[int],
    *,
    samples: Sequence[int],
    k: int,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Chance that at least one of k samples of an item is right: unbiased, with an interval over items.

    Args:
        correct: Right samples of each item.
        samples: All samples of each item, k at least.

    Raises:
        InputError: No items, impossible counts, or an item with fewer than k samples.

    Source: Chen et al., Evaluating Large Language Models Trained on Code (2021), equation 1.
    """
    _check(correct, samples, k)
    shares = [1.0 - math.comb(n - c, k) / math.comb(n, k) for c, n in zip(correct, samples, strict=True)]
    return mean_interval(shares, level=level, sides=sides, clusters=clusters, bounds=(0.0, 1.0), unit="ratio")


def pass_every_k(
    correct: Sequence[int],
    *,
    samples: Sequence[int],
    k: int,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """Chance that all of k samples of an item are right (pass^k): unbiased, with an interval over items.

    Arguments and errors as :func:`pass_at_k`.

    Source: Yao et al., τ-bench (2024), section 3.
    """
    _check(correct, samples, k)
    shares = [math.comb(c, k) / math.comb(n, k) for c, n in zip(correct, samples, strict=True)]
    return mean_interval(shares, level=level, sides=sides, clusters=clusters, bounds=(0.0, 1.0), unit="ratio")


def _check(correct: Sequence[int], samples: Sequence[int], k: int) -> None:
    if len(correct) != len(samples):
        raise InputError(f"{len(correct)} counts of right samples for {len(samples)} items")
    if k < 1:
        raise InputError(f"k is {k}, not 1 or more")
    for c, n in zip(correct, samples, strict=True):
        if not 0 <= c <= n:
            raise InputError(f"{c} right samples of {n} is impossible")
        if n < k:
            raise InputError(
                f"an item has {n} samples, fewer than k = {k}", hint="take more samples, or a smaller k"
            )
