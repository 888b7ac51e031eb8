"""How well a classifier tells two periods apart: one number for texts, embeddings and many columns together.

May import ``errors``, ``metrics``, ``stats``, NumPy and this room. Each row is scored by a classifier that
has not seen it (nor any row of its user), so that the area under the curve is 0.5 where nothing has changed,
whatever the number of features. The rows that look most like the new period, and the features that say so,
are the explanation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.comparing import DriftState
from launchworthy.monitor.drifting.texts import words_of
from launchworthy.stats import TOLERATED_AUC, Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FEWEST", "Separation", "separate"]

FEWEST = 50  # rows a side, below which a fold has too few to learn from
_FOLDS = 5
_WORDS, _SHORT, _NAMES, _DIMENSIONS = 200, 30, 20, 128
_RIDGE, _SHRUNK = 3.0, 0.01
_TAUGHT = 1.5
_TOP_ROWS, _TOP_FEATURES = 5, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """What the classifier found.

    Attributes:
        auc: Chance that a row of now looks newer than one of the reference; None of too few rows.
        tolerance: What is tolerated.
        state: Beyond it, within it, or neither is shown.
        needed: About how many rows a side would tell, where it cannot be said.
        top: Places of the rows of now that look newest, of those given.
        features: What says so: a word, a field and its value, ``more …`` or ``less …``.
    """

    auc: Interval | None
    tolerance: float
    state: DriftState
    needed: int | None = None
    top: tuple[int, ...] = ()
    features: tuple[str, ...] = ()


def separate(
    reference: Sequence[Mapping[str, Any]],
    *,
    current: Sequence[Mapping[str, Any]],
    tolerance: float = TOLERATED_AUC,
    level: float = 0.95,
    units: tuple[Sequence[str], Sequence[str]] | None = None,
    seed: int = 0,
) -> Separation:
    """Tell rows of two periods apart by their numbers, names, texts and vectors.

    Args:
        reference, current: Rows: numbers, names, texts, lists of numbers, or None.
        tolerance: The area under the curve that is tolerated.
        level: Of each bound.
        units: Who is behind each row of both periods; rows of one stay together.
        seed: Of the folds.

    Raises:
        InputError: The tolerance is not from 0.5 to below 1.

    Source: classifier two-sample tests, Lopez-Paz and Oquab (2017), by Fisher's discriminant;
    interval of DeLong, DeLong and Clarke-Pearson (1988), over users of Obuchowski (1997).
    """
    import numpy as np

    from launchworthy.metrics import find_metric
    from launchworthy.metrics.scores import Scores

    if not 0.5 <= tolerance < 1.0:
        raise InputError(
            f"a tolerated area under the curve of {tolerance!r} is not from 0.5 to below 1",
            hint="0.5 is what chance gives; write 0.55",
        )
    fewest = min(len(reference), len(current))
    if fewest < FEWEST:
        return Separation(auc=None, tolerance=tolerance, state=DriftState.CANNOT_SAY, needed=FEWEST)
    rows = [*reference, *current]
    label = np.arange(len(rows)) >= len(reference)
    named = [str(at) for at in range(len(rows))] if units is None else [*units[0], *units[1]]
    features, names = _features(rows, seed=seed)
    folds = _folds(named, label, seed=seed)
    score, weights = np.zeros(len(rows)), np.zeros(len(names))
    signs = np.where(label, 1.0, -1.0)
    outs = [folds == fold for fold in range(_FOLDS)]
    products = [_products(features[out], signs[out]) for out in outs]
    whole = [sum(each) for each in zip(*products, strict=True)]
    for out, own in zip(outs, products, strict=True):
        fitted = _discriminant(*(total - part for total, part in zip(whole, own, strict=True)))
        weights += fitted / _FOLDS
        score[out] = _ranks(features[out] @ fitted)
    scores = Scores(value=score, statistics={"positive": label.astype(float)}, errors={})
    repeated = len(set(named)) < len(named)
    auc = find_metric("roc-auc").estimator.interval(
        scores, level=level, sides=1, clusters=named if repeated else None
    )
    if auc is None:
        return Separation(auc=None, tolerance=tolerance, state=DriftState.CANNOT_SAY)
    auc = _widened(auc)
    if auc.low > tolerance:
        state = DriftState.DRIFTED
    else:
        state = DriftState.WITHIN if auc.high <= tolerance else DriftState.CANNOT_SAY
    order = np.argsort(-score[label], kind="stable")
    strongest = np.argsort(-np.abs(weights), kind="stable")[:_TOP_FEATURES]
    return Separation(
        auc=auc,
        tolerance=tolerance,
        state=state,
        needed=_needed(auc, tolerance, fewest) if state is DriftState.CANNOT_SAY else None,
        top=tuple(int(at) for at in order[:_TOP_ROWS]) if state is DriftState.DRIFTED else (),
        features=tuple(f"{'more' if weights[at] > 0 else 'less'} {names[at]}" for at in strongest)
        if state is DriftState.DRIFTED
        else (),
    )


def _widened(auc: Interval) -> Interval:
    """Each row judges once and teaches the judges of others, which DeLong does not know of: without a change
    the area varies 1.31 to 1.48 times as much as he says (simulated, 60 to 1,000 rows, 3 to 100 features)."""
    if not 0.0 < auc.low < auc.value < auc.high < 1.0:
        return auc
    middle = math.log(auc.value / (1.0 - auc.value))
    low, high = (middle + _TAUGHT * (math.log(end / (1.0 - end)) - middle) for end in (auc.low, auc.high))
    return replace(
        auc,
        low=1.0 / (1.0 + math.exp(-low)),
        high=1.0 / (1.0 + math.exp(-high)),
        method=f"cross-fitted classifier, {auc.method}, widened",
        sample={**auc.sample, "widened": _TAUGHT},
    )


def _needed(auc: Interval, tolerance: float, rows: int) -> int | None:
    gap, half = abs(auc.value - tolerance), max(auc.high - auc.value, auc.value - auc.low)
    if gap <= 0.0 or rows * (half / gap) ** 2 > 1e9:
        return None
    return max(rows + 1, math.ceil(rows * (half / gap) ** 2))


def _folds(units: Sequence[str], label: NDArray[np.bool_], *, seed: int) -> NDArray[np.int64]:
    """A fold for each row: units stay whole, and each fold has its part of both periods."""
    import numpy as np

    rng = np.random.default_rng(seed)
    of_unit: dict[str, int] = {}
    first: dict[str, bool] = {}
    for unit, now in zip(units, label.tolist(), strict=True):
        first.setdefault(unit, now)
    for side in (False, True):
        mine = sorted(unit for unit, now in first.items() if now is side)
        for place, at in enumerate(rng.permutation(len(mine)).tolist()):
            of_unit[mine[at]] = place % _FOLDS
    return np.array([of_unit[unit] for unit in units])


def _products(x: NDArray[np.float64], signs: NDArray[np.float64]) -> tuple[Any, ...]:
    """What a discriminant is fitted from; the products of folds add up to those of all rows."""
    return x.T @ x, x.T @ signs, x.sum(axis=0), float(signs.sum()), float(len(x))


def _discriminant(square: Any, with_sign: Any, sums: Any, signs: float, n: float) -> NDArray[np.float64]:
    """Weights of Fisher's linear discriminant with a ridge, from the products of the rows it may see."""
    import numpy as np

    spread = square - np.outer(sums, sums) / n
    slope = with_sign - sums * (signs / n)
    ridge = _RIDGE + _SHRUNK * n
    return np.asarray(np.linalg.solve(spread + ridge * np.eye(len(sums)), slope))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place among the fold's rows, 0 to 1, so that folds are on one scale; ties share their mean place."""
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    places = np.cumsum(counts) - 0.5 * (counts + 1)
    return np.asarray(places[inverse] / max(1, len(values) - 1))


def _features(rows: Sequence[Mapping[str, Any]], *, seed: int) -> tuple[NDArray[np.float64], list[str]]:
    """A matrix of standardised features, and a name for each."""
    import numpy as np

    fields = sorted({name for row in rows for name in row})
    parts: list[NDArray[np.float64]] = []
    names: list[str] = []
    for name in fields:
        values = [row.get(name) for row in rows]
        present = [value for value in values if value is not None]
        if not present:
            continue
        found, own = _of_field(name, values, present, seed=seed)
        parts.append(found)
        names += own
        missing = np.array([value is None for value in values], dtype=float)
        if 0 < missing.sum() < len(values):
            parts.append(missing[:, None])
            names.append(f"{name} missing")
    if not parts:
        return np.zeros((len(rows), 1)), ["nothing"]
    x = np.concatenate(parts, axis=1)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return np.clip(x, -5.0, 5.0), names


def _of_field(
    name: str, values: Sequence[Any], present: Sequence[Any], *, seed: int
) -> tuple[NDArray[np.float64], list[str]]:
    import numpy as np

    if all(isinstance(value, (list, tuple)) for value in present):
        return _vectors(name, values, seed=seed)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
        x = np.array([_finite(value) for value in values])
        known = x == x
        if not known.any():
            return np.zeros((len(values), 1)), [name]
        middle, spread = float(np.median(x[known])), float(x[known].std()) or 1.0
        z = np.where(known, np.clip((np.where(known, x, middle) - middle) / spread, -5.0, 5.0), 0.0)
        return np.column_stack([z, z * z]), [name, f"{name} far from its middle"]
    texts = [None if value is None else str(value) for value in values]
    common = Counter(text for text in texts if text is not None)
    if len(common) <= max(_SHORT, 0.05 * len(present)) and len(common) <= 10 * _SHORT:
        top = [value for value, _ in common.most_common(_NAMES)]
        return (
            np.column_stack([[float(text == value) for text in texts] for value in top]),
            [f"{name} {value}" for value in top],
        )
    bags = [set() if text is None else set(words_of(text)) for text in texts]
    spoken = Counter(word for bag in bags for word in bag)
    some = [word for word, many in spoken.most_common(_WORDS) if 3 <= many < len(bags)]
    length = np.array([math.log1p(len(text or "")) for text in texts])
    return (
        np.column_stack([length, *([float(word in bag) for bag in bags] for word in some)]),
        [f"{name} length", *(f"{name} “{word}”" for word in some)],
    )


def _vectors(name: str, values: Sequence[Any], *, seed: int) -> tuple[NDArray[np.float64], list[str]]:
    """Vectors as they are, or a random projection of long ones (Johnson and Lindenstrauss, 1984)."""
    import numpy as np

    size = Counter(len(value) for value in values if value is not None).most_common(1)[0][0]
    if not size:
        return np.zeros((len(values), 1)), [name]
    x = np.array(
        [
            [_finite(each) for each in value] if value is not None and len(value) == size else [0.0] * size
            for value in values
        ]
    )
    x = np.nan_to_num(x)
    if size > _DIMENSIONS:
        rng = np.random.default_rng(seed)
        x = x @ rng.normal(size=(size, _DIMENSIONS)) / math.sqrt(_DIMENSIONS)
        return x, [f"{name}, direction {at + 1}" for at in range(_DIMENSIONS)]
    return x, [f"{name}[{at + 1}]" for at in range(size)]


def _finite(value: Any) -> float:
    if value is None or isinstance(value, (str, bytes)):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
