"""What people would have said of every item, from a judge's scores of all and people's labels of some. Pure.

A judge is an instrument with an error rate. Its own mean is biased by whatever it gets wrong, with an
interval that shrinks around the wrong value; people's labels of a part of the items tell that bias. ``human``
holds NaN (or None) where nobody has labelled the item.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import holds_zero, tail_error, zero_p_value
from launchworthy.stats.interval import Interval
from launchworthy.stats.means import mean_interval
from launchworthy.stats.paired import paired_means, paired_shares
from launchworthy.stats.proportion import clopper_pearson, wilson
from launchworthy.stats.special import normal_quantile, t_quantile
from launchworthy.stats.units import clean_values, effective_count, sum_by_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["FEWEST_LABELS", "corrected_difference", "corrected_mean", "prediction_powered", "rogan_gladen"]

FEWEST_LABELS = 200  # below, prediction-powered intervals cover too little (0.885 at 50)
_FEWEST_ERRORS = 10  # with fewer, how often the judge errs is a rare event that no normal interval covers

Clusters = Sequence[Hashable] | None


def corrected_mean(
    judge: ArrayLike,
    *,
    human: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Clusters = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    at_random: bool = True,
    unit: str = "",
) -> Interval:
    """Mean of what people would say of all items, by the procedure that holds for these labels.

    From 200 labels up, drawn at random from the items, they correct the judge (:func:`prediction_powered`);
    fewer speak alone, and so do those that show fewer than 10 errors of the judge. Labels that were not drawn
    at random (``at_random=False``: a calibration set) say nothing about the mean of these items, only how
    often the judge errs (:func:`rogan_gladen`, for yes-or-no scores).

    Raises:
        InputError: No labels, unequal lengths, values outside ``bounds``, or labels of scores that are not
            yes-or-no and not drawn at random.
    """
    scores, labels, known = _columns(judge, human)
    _check_scale(scores, labels[known], bounds)
    names = None if clusters is None else _names(clusters, scores.size)
    if not at_random:
        return rogan_gladen(scores, human=labels, level=level, sides=sides, clusters=names, unit=unit)
    why = _why_alone(scores, labels, known, names)
    if not why:
        return prediction_powered(
            scores, human=labels, level=level, sides=sides, clusters=names, bounds=bounds, unit=unit
        )
    own, own_names = labels[known], _chosen(names, known)
    if own_names is None and bounds == (0.0, 1.0) and _yes_or_no(own):
        share = clopper_pearson if sides == 1 else wilson
        alone = share(int(own.sum()), n=own.size, level=level, sides=sides)
    else:
        alone = mean_interval(own, level=level, sides=sides, clusters=own_names, bounds=bounds)
    return _labels_alone(alone, why, scores, labels, known, unit or alone.unit)


def corrected_difference(
    judge_baseline: ArrayLike,
    *,
    judge_candidate: ArrayLike,
    human_baseline: ArrayLike,
    human_candidate: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Clusters = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    unit: str = "",
) -> Interval:
    """What people would say of the candidate minus what they would say of the baseline, on the same items.

    An item counts as labelled where both of its answers are. ``bounds`` are those of the score itself; the
    procedure is chosen as in :func:`corrected_mean`, on the differences.

    Raises:
        InputError: No labelled pair, unequal lengths, or values outside ``bounds``.
    """
    old, old_labels, old_known = _columns(judge_baseline, human_baseline)
    new, new_labels, new_known = _columns(judge_candidate, human_candidate)
    if old.size != new.size:
        raise InputError(f"{old.size} scores of the baseline for {new.size} of the candidate")
    known = old_known & new_known
    if not known.any():
        raise InputError("no item has both of its answers labelled by a person")
    for scores, labels in ((old, old_labels), (new, new_labels)):
        _check_scale(scores, labels[known], bounds)
    names = None if clusters is None else _names(clusters, old.size)
    gaps, label_gaps = new - old, new_labels - old_labels
    width = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    why = _why_alone(gaps, label_gaps, known, names)
    if not why:
        return prediction_powered(
            gaps, human=label_gaps, level=level, sides=sides, clusters=names, bounds=width, unit=unit
        )
    before, after, own_names = old_labels[known], new_labels[known], _chosen(names, known)
    if own_names is None and bounds == (0.0, 1.0) and _yes_or_no(before) and _yes_or_no(after):
        gained, lost = int((after > before).sum()), int((after < before).sum())
        alone = paired_shares(gained=gained, lost=lost, n=before.size, level=level, sides=sides)
    else:
        alone = paired_means(
            before, candidate=after, level=level, sides=sides, clusters=own_names, bounds=bounds
        )
    return _labels_alone(alone, why, gaps, label_gaps, known, unit or alone.unit)


def prediction_powered(
    judge: ArrayLike,
    *,
    human: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Clusters = None,
    bounds: tuple[float, float] | None = None,
    unit: str = "",
) -> Interval:
    """Mean of the labels plus λ times what the judge says of the unlabelled items more than of the labelled.

    Labels must be drawn at random. λ, from 0 (the labels alone) to 1, is what makes the variance smallest;
    variances have one degree of freedom less than units, and the quantile is Student's with Welch's degrees
    of freedom and Hall's correction for skewness. A cluster may hold labelled and unlabelled items.

    Raises:
        InputError: Fewer than two labels or unlabelled items (or clusters of them), or unequal lengths.

    Source: Angelopoulos, Duchi and Zrnic, PPI++ (2023), section 6; Hall (1992); clusters by linearisation.
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    scores, labels, known = _columns(judge, human)
    names = None if clusters is None else _names(clusters, scores.size)
    y, f, u = labels[known], scores[known], scores[~known]
    units = _units(_chosen(names, known), y.size), _units(_chosen(names, ~known), u.size)
    if min(units) < 2:
        raise InputError(
            f"{units[0]} labelled and {units[1]} unlabelled units do not correct a judge",
            hint="each takes two at least; where every item is labelled, the labels are the answer",
        )
    whole, part = np.zeros(scores.size), np.zeros(scores.size)
    if names is None:
        pooled = float(np.var(scores, ddof=1))
        covariance = float(((y - y.mean()) * (f - f.mean())).mean())
        best = covariance / ((1.0 + y.size / u.size) * pooled) if pooled > 0.0 else 0.0
    else:
        whole[known] = (y - y.mean()) / y.size
        part[known], part[~known] = (f - f.mean()) / y.size, (u.mean() - u) / u.size
        whole, part = sum_by_unit([whole, part], names)
        spread = float(part @ part)
        best = float(whole @ part) / spread if spread > 0.0 else 0.0
    weight = min(1.0, max(0.0, best))
    rest = y - weight * f
    value = weight * float(u.mean()) + float(rest.mean())
    sample: dict[str, float] = {"lambda": weight}
    if names is None:
        rectifier, imputed = float(rest.var(ddof=1)) / y.size, weight**2 * float(u.var(ddof=1)) / u.size
        sample |= {"rectifier_variance": rectifier, "imputed_variance": imputed}
        variance = rectifier + imputed
        tails = rectifier**2 / (y.size - 1) + imputed**2 / (u.size - 1)
        df = variance**2 / tails if tails > 0.0 else 1.0
        parts = [(rest - rest.mean()) / y.size, weight * (u - u.mean()) / u.size]
    else:
        parts = [whole - weight * part]
        variance = len(whole) / (len(whole) - 1) * float(parts[0] @ parts[0])
        df = float(min(units) - 1)
    se = math.sqrt(variance)
    skew = sum(float((part**3).sum()) for part in parts) / se**3 if se > 1e-14 else 0.0
    floor, ceiling = bounds or (-math.inf, math.inf)

    def ends(error: float) -> tuple[float, float]:
        if se <= 1e-14:
            return floor, ceiling
        z, t = normal_quantile(1.0 - error), t_quantile(1.0 - error, df=df)
        shift = skew * (2 * z * z + 1) / 6
        return max(value - (t - shift) * se, floor), min(value + (t + shift) * se, ceiling)

    low, high = ends(error)
    sample |= _counts(scores, labels, known) | {"standard_error": se, "df": df}
    if holds_zero(bounds):
        sample["p_value"] = zero_p_value(ends)
    value = min(max(value, floor), ceiling)
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        confidence=level,
        n=units[0],
        method="prediction-powered (PPI++)" if names is None else "prediction-powered (PPI++), clustered",
        sides=sides,
        unit=unit,
        sample=sample,
    )


def rogan_gladen(
    judge: ArrayLike,
    *,
    human: ArrayLike,
    level: float = 0.95,
    sides: int = 2,
    clusters: Clusters = None,
    unit: str = "",
) -> Interval:
    """Share that people would call good among the unlabelled items, from how often the judge errs.

    Yes-or-no scores only. Labels may come from anywhere, as long as the judge errs there as it does here.
    Where it is not shown to be better than chance there are no bounds but 0 and 1. In clusters each count is
    taken at its effective size.

    Raises:
        InputError: Scores other than 0 and 1, no unlabelled item, or labels of one kind only.

    Source: Rogan and Gladen, American Journal of Epidemiology 107 (1978); interval of Lang and Reiczigel,
    Preventive Veterinary Medicine 113 (2014).
    """
    z = normal_quantile(1.0 - tail_error(level, sides=sides))
    scores, labels, known = _columns(judge, human)
    if not _yes_or_no(scores) or not _yes_or_no(labels[known]):
        raise InputError(
            "labels that were not drawn at random correct yes-or-no scores only",
            hint="write 0 and 1, or label items drawn at random",
        )
    names = None if clusters is None else _names(clusters, scores.size)
    good, bad, rest = known & (labels == 1.0), known & (labels == 0.0), ~known
    if not rest.any() or not good.any() or not bad.any():
        raise InputError(
            f"{int(good.sum())} good labels, {int(bad.sum())} bad ones and {int(rest.sum())} unlabelled "
            "items do not tell how often a judge errs",
            hint="each takes one at least",
        )
    (q, n), (sensitivity, n1), (wrong, n0) = (
        (float(scores[part].mean()), effective_count(scores[part], _chosen(names, part)))
        for part in (rest, good, bad)
    )
    informed = sensitivity - wrong
    value = min(1.0, max(0.0, (q - wrong) / informed)) if informed > 0.0 else q
    q_near = (n * q + z * z / 2) / (n + z * z)
    hit, false = (n1 * sensitivity + 1.0) / (n1 + 2.0), (n0 * wrong + 1.0) / (n0 + 2.0)
    power = hit - false
    hit_variance, false_variance = hit * (1.0 - hit) / (n1 + 2.0), false * (1.0 - false) / (n0 + 2.0)
    low, high, method = 0.0, 1.0, "none: the judge is not shown to be better than chance"
    if power > z * math.sqrt(hit_variance + false_variance):
        share = (q_near - false) / power
        shift = 2.0 * z * z * (share * hit_variance - (1.0 - share) * false_variance)
        own = q_near * (1.0 - q_near) / (n + z * z)
        spread = own + share**2 * hit_variance + (1.0 - share) ** 2 * false_variance
        half = z * math.sqrt(spread) / power
        low, high = max(0.0, share + shift - half), min(1.0, share + shift + half)
        low, high, method = min(low, value), max(high, value), "Rogan-Gladen (Lang-Reiczigel)"
        method = method if names is None else f"{method}, clustered"
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=_units(_chosen(names, known), int(known.sum())),
        method=method,
        sides=sides,
        unit=unit or "ratio",
        sample=_counts(scores, labels, known)
        | {"apparent": q, "sensitivity": sensitivity, "specificity": 1.0 - wrong},
    )


def _columns(
    judge: ArrayLike, human: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    import numpy as np

    scores = clean_values(judge, name="scores of the judge")
    labels = np.asarray(human, dtype=np.float64).ravel()
    if labels.size != scores.size:
        raise InputError(f"{labels.size} labels (NaN where unknown) for {scores.size} scores of the judge")
    known = ~np.isnan(labels)
    if not known.any():
        raise InputError(
            "no item has a label of a person", hint="a judge alone cannot say how wrong it is; label some"
        )
    clean_values(labels[known], name="labels")
    return scores, labels, known


def _check_scale(
    scores: NDArray[np.float64], labels: NDArray[np.float64], bounds: tuple[float, float] | None
) -> None:
    if bounds is None:
        return
    least, most = min(scores.min(), labels.min()), max(scores.max(), labels.max())
    if least < bounds[0] or most > bounds[1]:
        raise InputError(
            f"scores and labels from {least:g} to {most:g} leave the scale {bounds[0]:g} to {bounds[1]:g}"
        )


def _names(clusters: Sequence[Hashable], size: int) -> Sequence[Hashable]:
    if len(clusters) != size:
        raise InputError(f"{len(clusters)} cluster names for {size} values")
    return clusters


def _chosen(names: Clusters, chosen: NDArray[np.bool_]) -> list[Hashable] | None:
    if names is None:
        return None
    return [name for name, keep in zip(names, chosen.tolist(), strict=True) if keep]


def _units(names: Clusters, size: int) -> int:
    return size if names is None else len(set(names))


def _yes_or_no(values: NDArray[np.float64]) -> bool:
    return bool(((values == 0.0) | (values == 1.0)).all())


def _why_alone(
    scores: NDArray[np.float64], labels: NDArray[np.float64], known: NDArray[np.bool_], names: Clusters
) -> str:
    """Why these labels do not correct the judge; empty where they do."""
    units = _units(_chosen(names, known), int(known.sum()))
    if known.all() or _units(_chosen(names, ~known), int((~known).sum())) < 2:
        return "every item is labelled"
    if units < FEWEST_LABELS:
        return f"fewer than {FEWEST_LABELS} to correct the judge with"
    wrong = known & (abs(scores - labels) > 1e-9)
    if _units(_chosen(names, wrong), int(wrong.sum())) < _FEWEST_ERRORS:
        return f"fewer than {_FEWEST_ERRORS} errors of the judge seen"
    return ""


def _labels_alone(
    alone: Interval,
    why: str,
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    known: NDArray[np.bool_],
    unit: str,
) -> Interval:
    sample = alone.sample | _counts(scores, labels, known)
    return replace(alone, method=f"{alone.method}, labels alone: {why}", unit=unit, sample=sample)


def _counts(
    scores: NDArray[np.float64], labels: NDArray[np.float64], known: NDArray[np.bool_]
) -> dict[str, float]:
    import numpy as np

    return {
        "judge_mean": float(scores.mean()),
        "judge_bias": float(np.mean(scores[known] - labels[known])),
        "labels": int(known.sum()),
        "unlabelled": int((~known).sum()),
    }
