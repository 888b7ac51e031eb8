"""Do the people (or judges) who label agree more than chance would have them? Pure.

Every coefficient is 1 − observed / expected disagreement. Items are the independent units: the interval comes
from leaving out groups of items. Its lower end is taken on the scale log(observed / expected); its upper end
on the coefficient's own, shifted by the bias that leaving out shows, with the error it has now or would have
there, whichever is larger. Where fewer than 10 items show a disagreement, the exact bound of their share
takes its place. A coefficient whose expected disagreement is 0 (everybody used one value) is None: it could
not be measured.

``ratings`` holds, for every item, the values that its raters gave; None and NaN are no value.

Source of the interval: Hughes, arXiv:2210.13265 (jackknife, and bias of the usual estimator); how the error
grows with the coefficient: Fisher, Statistical Methods for Research Workers (1925), 39.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.influence import leave_groups_out
from launchworthy.stats.interval import Interval
from launchworthy.stats.means import mean_interval
from launchworthy.stats.proportion import clopper_pearson, wilson
from launchworthy.stats.special import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "SCALES",
    "agreed_items",
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "pairwise_agreement",
]

SCALES = ("nominal", "ordinal", "interval", "ratio")
_FEW = 10
_FLAT = 1e-12

Ratings = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Disagreement:
    """What a coefficient is made of.

    Attributes:
        parts: Observed and expected disagreement of the items that are in; None where nothing is expected.
        each: Observed disagreement of every item, on the scale of ``parts``.
        largest: What it could be at most.
    """

    parts: Callable[[NDArray[np.bool_]], tuple[float, float] | None]
    each: NDArray[np.float64]
    largest: float


def cohen_kappa(
    first: Sequence[Any],
    *,
    second: Sequence[Any],
    weights: str | None = None,
    level: float = 0.95,
    sides: int = 2,
) -> Interval | None:
    """Agreement of two raters on the same items, each with a leaning of their own.

    ``weights`` ("linear" or "quadratic") count how many steps apart two values are, in ascending order of the
    values that were used; they need numbers.

    Raises:
        InputError: No items, unequal lengths, an item without a value, or unknown weights.

    Source: Cohen, Educational and Psychological Measurement 20 (1960); weighted, Psychological Bulletin 70
    (1968).
    """
    import numpy as np

    if weights not in (None, "linear", "quadratic"):
        raise InputError(f"weights {weights!r} are neither 'linear' nor 'quadratic'")
    if len(first) != len(second):
        raise InputError(f"{len(first)} values of one rater for {len(second)} of the other")
    if not len(first):
        raise InputError("nothing was measured: no items")
    if any(map(_missing, (*first, *second))):
        raise InputError("an item lacks a value", hint="leave out items that only one rater has seen")
    kinds = _kinds((*first, *second), ordered=weights is not None)
    one, two = (np.array([kinds[_key(value)] for value in side]) for side in (first, second))
    steps = np.abs(np.subtract.outer(np.arange(len(kinds)), np.arange(len(kinds)))).astype(np.float64)
    apart = {None: np.minimum(steps, 1.0), "linear": steps, "quadratic": steps**2}[weights]
    each = apart[one, two]

    def parts(kept: NDArray[np.bool_]) -> tuple[float, float] | None:
        margins = [np.bincount(side[kept], minlength=len(kinds)) / kept.sum() for side in (one, two)]
        expected = float(margins[0] @ apart @ margins[1])
        return (float(each[kept].mean()), expected) if expected > 0.0 else None

    named = "" if weights is None else f", {weights} weights"
    found = _Disagreement(parts=parts, each=each, largest=float(apart.max()))
    return _interval(found, level, sides, f"Cohen's kappa{named}", raters=2)


def fleiss_kappa(ratings: Ratings, *, level: float = 0.95, sides: int = 2) -> Interval | None:
    """Agreement of as many raters for every item, who need not be the same persons.

    Raises:
        InputError: No items, or not the same number of values, two at least, for each.

    Source: Fleiss, Psychological Bulletin 76 (1971).
    """
    sizes = {sum(not _missing(value) for value in item) for item in ratings}
    if len(sizes) != 1 or min(sizes) < 2:
        raise InputError(
            "Fleiss' kappa needs the same number of values, two at least, for every item",
            hint="Krippendorff's alpha takes any number",
        )
    counts = _counts(ratings)
    raters = sizes.pop()
    each = 1.0 - ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1.0))

    def parts(kept: NDArray[np.bool_]) -> tuple[float, float] | None:
        shares = counts[kept].mean(axis=0) / raters
        expected = 1.0 - float(shares @ shares)
        return (float(each[kept].mean()), expected) if expected > 1e-12 else None

    found = _Disagreement(parts=parts, each=each, largest=1.0)
    return _interval(found, level, sides, "Fleiss' kappa", raters=raters)


def krippendorff_alpha(
    ratings: Ratings, *, scale: str = "nominal", level: float = 0.95, sides: int = 2
) -> Interval | None:
    """Agreement of any number of raters, on any scale of measurement, with values missing.

    Items with fewer than two values say nothing and are left out; None where there are no others.

    Args:
        ratings: The values of each item.
        scale: ``nominal`` (names), ``ordinal`` (ranks), ``interval`` (differences count) or ``ratio``
            (differences count relative to the size; nothing below 0).

    Raises:
        InputError: An unknown scale, values that are no numbers where the scale needs them, or negative ones
            on the ratio scale.

    Source: Krippendorff, Content Analysis (2004), chapter 11.
    """
    import numpy as np

    if scale not in SCALES:
        raise InputError(f"scale {scale!r} is none of {', '.join(SCALES)}")
    items = [[value for value in item if not _missing(value)] for item in ratings]
    items = [item for item in items if len(item) > 1]
    if not items:
        return None
    index = np.repeat(np.arange(len(items)), [len(item) for item in items])
    kinds = _kinds([value for item in items for value in item], ordered=scale != "nominal")
    codes = np.array([kinds[_key(value)] for item in items for value in item])
    names = np.array(list(kinds), dtype=np.float64) if scale != "nominal" else np.zeros(len(kinds))
    if scale == "ratio" and float(names.min()) < 0.0:
        raise InputError("the ratio scale has no values below 0", hint="use the interval scale")
    sizes = np.bincount(index).astype(np.float64)

    def observed(used: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean difference of an item's pairs, times its values."""
        if scale == "ratio":
            return np.array(
                [_ratio_sum(item, np.ones_like(item)) for item in np.split(names[codes], _ends(sizes))]
            ) / (sizes - 1.0)
        if scale == "nominal":
            cells = np.bincount(index * len(kinds) + codes)
            where = np.arange(cells.size) // len(kinds)
            alike = np.bincount(where, weights=cells.astype(np.float64) ** 2, minlength=len(items))
            return np.asarray((sizes**2 - alike) / (sizes - 1.0))
        x = _place(used)[codes]
        means = np.bincount(index, weights=x) / sizes
        return np.asarray(2.0 * sizes * np.bincount(index, weights=(x - means[index]) ** 2) / (sizes - 1.0))

    def _place(used: NDArray[np.float64]) -> NDArray[np.float64]:
        return names if scale == "interval" else np.cumsum(used) - used / 2.0

    everything = np.bincount(codes, minlength=len(kinds)).astype(np.float64)
    fixed = None if scale == "ordinal" else observed(everything)

    def parts(kept: NDArray[np.bool_]) -> tuple[float, float] | None:
        used = np.bincount(codes[kept[index]], minlength=len(kinds)).astype(np.float64)
        n, size = float(used.sum()), 1.0
        if scale == "nominal":
            pairs = n * n - float(used @ used)
        elif scale == "ratio":
            pairs = _ratio_sum(names, used)
        else:
            x = _place(used)
            pairs = 2.0 * n * float(used @ (x - float(used @ x) / n) ** 2)
            size = float((x**2).max())
        # What is left of sums that cancel is no difference.
        if pairs <= 1e-12 * n * n * size:
            return None
        each = observed(used) if fixed is None else fixed
        return float(each[kept].sum()) / n, pairs / (n * (n - 1.0))

    largest = 1.0
    if scale in ("interval", "ordinal"):
        reach = _place(everything)
        largest = float(reach.max() - reach.min()) ** 2
    each = (observed(everything) if fixed is None else fixed) / sizes
    found = _Disagreement(parts=parts, each=each, largest=largest)
    return _interval(found, level, sides, f"Krippendorff's alpha, {scale}", raters=float(sizes.mean()))


def agreed_items(ratings: Ratings, *, level: float = 0.95, sides: int = 2) -> Interval | None:
    """Share of items on which all raters agree: a ceiling for what their labels can prove of anything.

    None where no item has two values.

    Source: Clopper-Pearson for verdicts, Wilson for display.
    """
    shares = _agreement(ratings)
    if not shares:
        return None
    bound = clopper_pearson if sides == 1 else wilson
    return bound(sum(share == 1.0 for share in shares), n=len(shares), level=level, sides=sides)


def pairwise_agreement(ratings: Ratings, *, level: float = 0.95, sides: int = 2) -> Interval | None:
    """Mean over items of the share of pairs of raters that agree; None where no item has two values."""
    shares = _agreement(ratings)
    if not shares:
        return None
    if all(share in (0.0, 1.0) for share in shares):
        return agreed_items(ratings, level=level, sides=sides)
    return mean_interval(shares, level=level, sides=sides, bounds=(0.0, 1.0), unit="ratio")


def _interval(found: _Disagreement, level: float, sides: int, name: str, *, raters: float) -> Interval | None:
    import numpy as np

    error = tail_error(level, sides=sides)
    n = found.each.size
    whole = found.parts(np.ones(n, dtype=bool))
    if whole is None:
        return None
    observed, expected = whole
    value = 1.0 - observed / expected
    differing = int((found.each > 1e-12).sum())
    method = "jackknife of groups of items"
    ends = _jackknifed(found, differing, error, raters) if differing >= _FEW else None
    if ends is not None:
        low, high = ends
    else:
        method = "exact share of items that differ"
        bounds = clopper_pearson(differing, n=n, level=1.0 - error, sides=1)
        least = float(found.each[found.each > 1e-12].min()) if differing else 0.0
        low = min(value, 1.0 - bounds.high * found.largest / expected)
        high = max(value, 1.0 - bounds.low * least / expected)
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=n,
        method=f"{name}; {method}",
        sides=sides,
        sample={
            "observed": observed,
            "expected": expected,
            "items": n,
            "items_that_differ": differing,
            "raters_an_item": raters,
        },
    )


def _jackknifed(
    found: _Disagreement, differing: int, error: float, raters: float
) -> tuple[float, float] | None:
    """The bounds from leaving out groups; None where those leave nothing to compare, or change nothing."""
    import numpy as np

    def ratio(kept: NDArray[np.bool_]) -> float | None:
        both = found.parts(kept)
        return None if both is None or both[0] <= 0.0 else both[0] / both[1]

    n = found.each.size
    whole, values = ratio(np.ones(n, dtype=bool)), leave_groups_out(ratio, n=n)
    if whole is None or values is None:
        return None
    groups, logs = len(values), np.log(values)
    scale = math.sqrt((groups - 1) / groups)
    spread, log_spread = (scale * float(np.linalg.norm(x - x.mean())) for x in (values, logs))
    if log_spread <= _FLAT:
        return None
    t = t_quantile(1.0 - error, df=min(groups, differing) - 1)
    # Few items read less agreement than there is: by how much, leaving some out tells.
    middle = 1.0 - whole + max(0.0, (groups - 1) * (float(values.mean()) - whole))
    high = middle + t * spread
    now = (1.0 - middle) * (1.0 + (raters - 1.0) * middle)
    if now > 0.0:  # how the error grows with the coefficient, as that of an intraclass correlation
        step = t * spread / now
        half = 1.0 - step * (raters - 2.0)
        root = math.sqrt(half * half + 4.0 * step * (raters - 1.0) * (middle + step))
        high = max(high, (root - half) / (2.0 * step * (raters - 1.0)))
    return 1.0 - whole * math.exp(t * log_spread), min(1.0, high)


def _agreement(ratings: Ratings) -> list[float]:
    shares = []
    for item in ratings:
        values = [_key(value) for value in item if not _missing(value)]
        if len(values) > 1:
            alike = sum(count * (count - 1) for count in Counter(values).values())
            shares.append(alike / (len(values) * (len(values) - 1)))
    return shares


def _counts(ratings: Ratings) -> NDArray[np.float64]:
    """How many raters of each item (row) gave each value (column)."""
    import numpy as np

    kinds = _kinds([value for item in ratings for value in item if not _missing(value)], ordered=False)
    counts = np.zeros((len(ratings), len(kinds)))
    for row, item in zip(counts, ratings, strict=True):
        for value in item:
            if not _missing(value):
                row[kinds[_key(value)]] += 1.0
    return counts


def _kinds(values: Sequence[Any], *, ordered: bool) -> dict[Hashable, int]:
    """A place for each value used; where their order matters they must be numbers."""
    if not ordered:
        kinds: dict[Hashable, int] = {}
        for value in values:
            kinds.setdefault(_key(value), len(kinds))
        return kinds
    try:
        numbers = sorted({float(value) for value in values})
    except (TypeError, ValueError) as error:
        raise InputError("values that are no numbers have no order", hint="use the nominal scale") from error
    if not all(map(math.isfinite, numbers)):
        raise InputError("values hold infinity")
    return {number: place for place, number in enumerate(numbers)}


def _key(value: Any) -> Hashable:
    """What makes two values the same: 1 and 1.0 are, true and 1 too, the text "1" is another."""
    return (
        value if isinstance(value, str) else float(value) if isinstance(value, (int, float)) else str(value)
    )


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _ends(sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    import numpy as np

    return np.cumsum(sizes).astype(np.int64)[:-1]


def _ratio_sum(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Weighted sum over all pairs of ((a − b) / (a + b))², row by row."""
    import numpy as np

    total = 0.0
    for value, weight in zip(values, weights, strict=True):
        together = values + value
        apart = np.divide(values - value, together, out=np.zeros_like(together), where=together != 0.0)
        total += float(weight) * float(weights @ apart**2)
    return total
