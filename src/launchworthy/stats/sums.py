"""A statistic that is a function of sums over the items: BLEU, macro F1, balanced accuracy. Pure."""

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

__all__ = ["sums_influences", "sums_interval", "table_interval"]

_RESAMPLES = 999
_TABLES = (3_999, 19_999)  # resamples of a table at least, and at most
_GAMMAS = 1_000_000  # numbers to draw for them, if that is in between
_BEYOND = 10  # draws at least that lie beyond a bound
_STUDENTISED = 5_000  # units up to which every resample gets an error of its own
_WIDEST = 400  # statistics up to which it does
_CHUNK = 4_000_000  # numbers drawn at once
_STEP = 1e-5
_ROUNDING = 1e-8  # of the terms of an influence: the slopes are no better


def sums_interval(
    statistic: Function,
    *,
    rows: NDArray[np.float64],
    level: float = 0.95,
    sides: int = 2,
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval | None:
    """Bootstrap interval of ``statistic(sum of the rows)``; None where the sums do not determine it.

    Studentised by the linearised error up to 5,000 units, beyond that by percentiles. Resampling needs
    nothing but the rows, so no item is scored twice. Where nothing varies only the scale bounds it.

    Args:
        statistic: From sums of shape (…, k) to values of shape (…); NaN where undetermined.
        rows: Additive statistics of each item, shape (n, k).
        level, sides: Confidence of the pair (2), or of each bound alone (1).
        clusters: Names of the independent units that rows belong to.
        bounds: Ends of the scale.
        seed: Of the resampling.
        unit: Canonical unit of the value.

    Raises:
        InputError: NaN or infinity among the rows.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), 12.5 and 13.3.
    """
    import numpy as np

    if not np.isfinite(rows).all():
        raise InputError("statistics hold NaN or infinity", hint="leave out what could not be measured")
    if clusters is not None:
        rows = np.stack(sum_by_unit(list(rows.T), clusters), axis=1)
    error, units = tail_error(level, sides=sides), len(rows)
    value, influences = sums_influences(statistic, rows)
    if math.isnan(value):
        return None
    se = math.sqrt(units / (units - 1) * float((influences**2).sum())) if units > 1 else 0.0
    method, low, high = "none: nothing varies", -math.inf, math.inf
    if se > 1e-14 * max(1.0, abs(value)):
        studentised = units <= _STUDENTISED and rows.shape[1] <= _WIDEST
        found, errors = _resampled(statistic, rows, studentised=studentised, seed=seed)
        method, low, high = _ends(value, se, found, errors, error=error)
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


def table_interval(
    statistic: Function,
    *,
    rows: NDArray[np.float64],
    counts: NDArray[np.int64],
    level: float = 0.95,
    sides: int = 2,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
    unit: str = "",
) -> Interval | None:
    """Interval of a statistic of a table of counts, into one cell of which each item falls.

    The Bayesian bootstrap of the table with one further item: for each bound in the cell that moves the
    statistic farthest that way, so that what was never seen is not taken for impossible. With two cells these
    are the Clopper-Pearson bounds. A million items cost as much as the cells they fall into.

    Args:
        statistic: From sums of shape (…, k) to values of shape (…); NaN where undetermined.
        rows: What one item in each cell adds to the sums, shape (cells, k); cells that an item might fall
            into and none did belong among them.
        counts: How many items fell into each, shape (cells,).
        level, sides, bounds, seed, unit: As for :func:`sums_interval`.

    Source: Rubin, Annals of Statistics 9 (1981); the further item: Gaffke, Mathematical Methods of Statistics
    14 (2005), Learned-Miller and Thomas, arXiv:1905.06208.
    """
    import numpy as np

    error, units = tail_error(level, sides=sides), int(counts.sum())
    draws = min(_TABLES[1], max(_TABLES[0], _GAMMAS // len(rows)))
    draws = max(draws, math.ceil(_BEYOND / error) - 1)
    weights = counts.astype(np.float64)
    value = float(statistic(weights @ rows))
    if math.isnan(value):
        return None
    with_one_more = statistic(weights @ rows + rows)
    ends = []
    for worst, place in ((-1.0, error), (1.0, 1.0 - error)):
        extreme = int(np.nanargmax(worst * with_one_more))
        shape = weights.copy()
        shape[extreme] += 1.0
        there = shape > 0
        rng, parts = np.random.default_rng(seed), []
        step = max(1, _CHUNK // int(there.sum()))
        for start in range(0, draws, step):
            size = (min(step, draws - start), int(there.sum()))
            parts.append(statistic(rng.standard_gamma(shape[there], size=size) @ rows[there]))
        drawn = np.sort(np.concatenate(parts))  # NaN, where a table does not determine it, is sorted last
        drawn = drawn[: int(np.isfinite(drawn).sum())]
        rank = min(drawn.size - 1, max(0, math.floor((drawn.size + 1) * place + 1e-9) - 1))
        ends.append(float(drawn[rank]))
    low, high = ends
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        confidence=level,
        n=units,
        method="Bayesian bootstrap of the table",
        sides=sides,
        unit=unit,
        sample={"n": units, "cells": int((counts > 0).sum())},
    )


def sums_influences(
    statistic: Function, rows: NDArray[np.float64], *, counts: NDArray[np.int64] | None = None
) -> tuple[float, NDArray[np.float64]]:
    """The statistic, and what an item of each row adds to its error to first order, shape (rows,).

    ``counts`` says how many items each row stands for; one each if None. What is no more than the error of
    the slopes is 0.
    """
    import numpy as np

    whole, items = (rows.sum(axis=0), len(rows)) if counts is None else (counts @ rows, int(counts.sum()))
    slopes = _slopes(statistic, whole)
    found = rows @ slopes - float(slopes @ whole) / items
    terms = np.abs(rows) @ np.abs(slopes) + float(np.abs(slopes) @ np.abs(whole)) / items
    return float(statistic(whole)), np.where(np.abs(found) <= _ROUNDING * terms, 0.0, found)


def _slopes(statistic: Function, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivative of the statistic by each sum, at sums of shape (…, k): by central differences.

    A sum of 0 is of items that all have 0, whose error does not depend on the slope there; it is given as 0.
    """
    import numpy as np

    found = np.zeros_like(sums)
    for at in range(sums.shape[-1]):
        step = _STEP * np.abs(sums[..., at])
        above, below = sums.copy(), sums.copy()
        above[..., at] += step
        below[..., at] -= step
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (statistic(above) - statistic(below)) / (2.0 * step)
        found[..., at] = np.where(np.isfinite(slope), slope, 0.0)
    return found


def _resampled(
    statistic: Function, rows: NDArray[np.float64], *, studentised: bool, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The statistic of each resample, and its linearised standard error if ``studentised``."""
    import numpy as np

    values, errors, units = [], [], len(rows)
    for drawn in _draws(units, seed=seed):
        sums = drawn @ rows
        values.append(statistic(sums))
        if studentised:
            slopes = _slopes(statistic, sums)
            squares = (drawn * (slopes @ rows.T) ** 2).sum(axis=1)
            spread = squares - (slopes * sums).sum(axis=1) ** 2 / units
            errors.append(np.sqrt(np.maximum(spread, 0.0) * units / (units - 1)))
    return np.concatenate(values), np.concatenate(errors) if studentised else None


def _draws(units: int, *, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each resample holds each unit, some resamples at a time: shape (b, units)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // units)
    for start in range(0, _RESAMPLES, step):
        drawn = np.empty((min(step, _RESAMPLES - start), units))
        for row in drawn:
            row[:] = np.bincount(rng.integers(0, units, size=units), minlength=units)
        yield drawn


def _ends(
    value: float, se: float, found: NDArray[np.float64], errors: NDArray[np.float64] | None, *, error: float
) -> tuple[str, float, float]:
    """Method and ends from the resamples; none where most of them do not determine the statistic."""
    import numpy as np

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
