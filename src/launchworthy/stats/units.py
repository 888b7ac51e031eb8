"""Values by independent unit: the sums per user or conversation that clustered procedures work on. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["apart", "clean_values", "effective_count", "effective_units", "sum_by_unit"]

_MOST = 1e75  # fourth powers stay finite
_ROUNDING = 1e-12  # of two numbers: closer than this, their difference is rounding


def clean_values(values: ArrayLike, *, name: str = "values") -> NDArray[np.float64]:
    """A flat array of finite numbers.

    Raises:
        InputError: It is empty, or holds NaN or infinity: what was not measured must be left out by the
            caller, who counts it.
    """
    import numpy as np

    array = np.asarray(values, dtype=np.float64).ravel()
    if not array.size:
        raise InputError(f"nothing was measured: no {name}", hint="at least one value is needed")
    if not np.isfinite(array).all():
        raise InputError(
            f"{name} hold NaN or infinity", hint="leave out what could not be measured, and count it"
        )
    if float(np.abs(array).max()) > _MOST:
        raise InputError(f"{name} go beyond {_MOST:g}", hint="use a larger unit")
    return array


def apart(left: NDArray[np.float64], right: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """``left`` minus ``right``; 0 where no more than rounding lies between them."""
    import numpy as np

    found = left - right
    close = np.abs(found) <= _ROUNDING * np.maximum(np.abs(left), np.abs(right))
    return np.asarray(np.where(close, 0.0, found))


def sum_by_unit(
    columns: Sequence[NDArray[np.float64]], clusters: Sequence[Hashable] | None
) -> list[NDArray[np.float64]]:
    """Each column summed within clusters, in order of first appearance; unchanged without clusters.

    Raises:
        InputError: There are not as many clusters as values.
    """
    import numpy as np

    if clusters is None:
        return list(columns)
    if len(clusters) != len(columns[0]):
        raise InputError(f"{len(clusters)} cluster names for {len(columns[0])} values")
    codes: dict[Hashable, int] = {}
    index = np.fromiter((codes.setdefault(c, len(codes)) for c in clusters), np.int64, len(clusters))
    sums = np.zeros((len(columns), len(codes)))
    for row, column in zip(sums, columns, strict=True):
        np.add.at(row, index, column)
    return list(sums)


def effective_count(hits: NDArray[np.float64], clusters: Sequence[Hashable] | None) -> float:
    """How many independent yes-or-no values these are worth: never more than there are, and as many as there
    are clusters where all are alike.

    Source: Korn and Graubard, Survey Methodology 24 (1998).
    """
    import numpy as np

    if clusters is None:
        return float(hits.size)
    share = float(hits.mean())
    sums, sizes = sum_by_unit([hits, np.ones_like(hits)], clusters)
    units = len(sums)
    if units < 2 or share in (0.0, 1.0):
        return float(units)
    spread = units / (units - 1) * float(((sums - share * sizes) ** 2).sum())
    effect = max(1.0, spread / (hits.size * share * (1.0 - share)))
    return max(1.0, hits.size / effect)


def effective_units(sizes: NDArray[np.float64]) -> float:
    """Kish's number of equal clusters that weigh as much as these: (Σm)² / Σm²."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())
