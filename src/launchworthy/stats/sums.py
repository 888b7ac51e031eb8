"""A statistic that is a function of sums over the items: BLEU, macro F1, calibration error. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]

__all__ = ["sums_influences", "sums_interval"]

_RESAMPLES = 999
_STUDENTISED = 5_000  # units up to which every resample gets an error of its own
_WIDEST = 40  # statistics up to which second moments are kept
_CHUNK = 8_000_000  # numbers drawn at once
_STEP = 1e-5


def sums_interval(
    statistic: Function,
    *,
    rows: NDArray[np.float64],
    counts: NDArray[np.int64] | None = None,
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval | None:
    """Bootstrap interval of ``statistic(sum of the rows)``; None where the sums do not determine it.

    Studentised by the linearised error up to 5,000 units, beyond that by percentiles. Resampling needs
    nothing but the rows, and of a table of counts nothing but the table: a million items cost as much as the
    cells they fall into. Where nothing varies, at most log(1/error) units that differ can have gone unseen
    (the rule of three), each of which moves a table by one item.

    Args:
        statistic: From sums of shape (…, k) to values of shape (…); NaN where undetermined.
        rows: Additive statistics of each unit, shape (u, k).
        counts: How many units each row stands for, shape (u,); one each if None.
        level, sides: Confidence of the pair (2), or of each bound alone (1).
        clusters: Names of the independent units that rows belong to; not with ``counts``.
        bounds: Ends of the scale.
        seed: Of the resampling.
        unit: Canonical unit of the value.

    Raises:
        InputError: NaN or infinity among the rows, or both counts and clusters.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), 12.5 and 13.3.
    """
    import numpy as np

    if counts is not None and clusters is not None:
        raise InputError("counts and clusters exclude each other")
    if not np.isfinite(rows).all():
        raise InputError("statistics hold NaN or infinity", hint="leave out what could not be measured")
    if clusters is not None:
        rows = np.stack(sum_by_unit(list(rows.T), clusters), axis=1)
    error = tail_error(level, sides=sides)
    weights = np.ones(len(rows)) if counts is None else counts.astype(np.float64)
    units = int(weights.sum())
    whole, scale = weights @ rows, weights @ np.abs(rows)
    value = float(statistic(whole))
    if math.isnan(value):
        return None
    se = 0.0
    if units > 1:
        slopes = _slopes(statistic, whole, scale)
        centred = rows @ slopes - float(slopes @ whole) / units
        se = math.sqrt(units / (units - 1) * float(weights @ centred**2))
    method, low, high = "none: nothing varies", -math.inf, math.inf
    if se > 1e-14 * max(1.0, abs(value)):
        small = units <= _STUDENTISED or counts is not None
        drawn = _resampled(
            statistic,
            rows,
            _draws(len(rows), counts, units, seed=seed),
            moments=_Moments.of(rows, units) if small else None,
            scale=scale,
        )
        method, low, high = _ends(value, se, drawn, error=error)
    elif counts is not None:
        half = -math.log(error) * _largest_move(statistic, whole, rows, weights)
        method, low, high = "rule of three", value - half, value + half
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        confidence=level,
        n=units,
        method=method if clusters is None else f"{method}, clustered",
        sides=sides,
        unit=unit,
        sample={"standard_error": se, "n": units},
    )


def _ends(
    value: float,
    se: float,
    drawn: tuple[NDArray[np.float64], NDArray[np.float64] | None],
    *,
    error: float,
) -> tuple[str, float, float]:
    """Method and ends from the resamples; none where most of them do not determine the statistic."""
    import numpy as np

    found, errors = drawn
    determined = np.isfinite(found)
    if determined.mean() < 0.5:
        return "none: most resamples do not determine it", -math.inf, math.inf
    rank = max(1, math.floor((int(determined.sum()) + 1) * error + 1e-9))
    if errors is None:
        ordered = np.sort(found[determined])
        return "percentile bootstrap", float(ordered[rank - 1]), float(ordered[-rank])
    gaps = found[determined] - value
    with np.errstate(divide="ignore", invalid="ignore"):
        ordered = np.sort(np.where(gaps == 0.0, 0.0, gaps / errors[determined]))
    return "studentised bootstrap", value - se * float(ordered[-rank]), value - se * float(ordered[rank - 1])


def sums_influences(statistic: Function, rows: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The statistic, and what each row adds to its error to first order, shape (u,)."""
    import numpy as np

    whole = rows.sum(axis=0)
    slopes = _slopes(statistic, whole, np.abs(rows).sum(axis=0))
    return float(statistic(whole)), rows @ slopes - float(slopes @ whole) / len(rows)


def _slopes(
    statistic: Function, sums: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Derivative of the statistic by each sum, at sums of shape (…, k): by central differences."""
    import numpy as np

    found = np.zeros_like(sums)
    steps = _STEP * np.where(scale > 0, scale, 1.0)
    for at, step in enumerate(steps.tolist()):
        above, below = sums.copy(), sums.copy()
        above[..., at] += step
        below[..., at] -= step
        slope = (statistic(above) - statistic(below)) / (2.0 * step)
        found[..., at] = np.where(np.isfinite(slope), slope, 0.0)
    return found


class _Moments:
    """Products of the statistics of each row, from which the error of any resample follows."""

    def __init__(self, products: NDArray[np.float64] | None, units: int) -> None:
        self._products = products  # None: each row is one cell of a table, so the products are the counts
        self._units = units

    @classmethod
    def of(cls, rows: NDArray[np.float64], units: int) -> _Moments | None:
        import numpy as np

        width = rows.shape[1]
        if rows.shape == (width, width) and np.array_equal(rows, np.eye(width)):
            return cls(None, units)
        if width > _WIDEST:
            return None
        return cls((rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1), units)

    def errors(
        self, drawn: NDArray[np.float64], sums: NDArray[np.float64], slopes: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Linearised standard error of each resample, shape (b,)."""
        import numpy as np

        if self._products is None:
            squares = (slopes**2 * sums).sum(axis=1)
        else:
            width = sums.shape[1]
            second = (drawn @ self._products).reshape(len(drawn), width, width)
            squares = np.einsum("bi,bij,bj->b", slopes, second, slopes)
        spread = squares - (slopes * sums).sum(axis=1) ** 2 / self._units
        return np.asarray(np.sqrt(np.maximum(spread, 0.0) * self._units / (self._units - 1)))


def _resampled(
    statistic: Function,
    rows: NDArray[np.float64],
    draws: Iterator[NDArray[np.float64]],
    *,
    moments: _Moments | None,
    scale: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The statistic of each resample, and its standard error where there are moments."""
    import numpy as np

    values, errors = [], []
    for drawn in draws:
        sums = drawn @ rows
        values.append(statistic(sums))
        if moments is not None:
            errors.append(moments.errors(drawn, sums, _slopes(statistic, sums, scale)))
    return np.concatenate(values), np.concatenate(errors) if errors else None


def _draws(
    rows: int, counts: NDArray[np.int64] | None, units: int, *, seed: int
) -> Iterator[NDArray[np.float64]]:
    """How often each resample holds each row, some resamples at a time: shape (b, rows)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // rows)
    for start in range(0, _RESAMPLES, step):
        size = min(step, _RESAMPLES - start)
        if counts is not None:
            yield rng.multinomial(units, counts / units, size=size).astype(np.float64)
        else:
            drawn = np.empty((size, rows))
            for row in drawn:
                row[:] = np.bincount(rng.integers(0, rows, size=rows), minlength=rows)
            yield drawn


def _largest_move(
    statistic: Function,
    whole: NDArray[np.float64],
    rows: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """How far one unit that had fallen into another row of the table would have moved the statistic."""
    import numpy as np

    value = statistic(whole)
    from_rows = rows[weights > 0]
    moved = [float(np.nanmax(np.abs(statistic(whole - row + rows) - value))) for row in from_rows[:200]]
    return max(moved, default=math.inf)
