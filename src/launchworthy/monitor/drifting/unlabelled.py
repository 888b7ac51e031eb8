"""How often a score is right where labels are late, few or chosen: estimated, then measured, then compared.

Pure; may import ``errors``, ``stats``, NumPy and this room. Without labels there is an estimate only: the
reference's labels calibrate the score, and the chances say how often its decision is right. That holds while
what a score means stays the same, and is silently wrong where it does not (concept drift): it proves nothing.
Labels of a random part of the rows turn it into a measurement, and where they disagree with the estimate, the
meaning of the score has changed: that is the alarm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.comparing import DriftState
from launchworthy.monitor.estimating import (
    FEWEST,
    RIGHTNESS,
    Decided,
    calibrated,
    disagreement,
    estimated,
)
from launchworthy.quantity import format_value
from launchworthy.stats import Interval, corrected_mean, mean_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Rightness", "rightness"]

_LEAST_CHANCE = 0.001
_MATURED = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rightness:
    """How often the decision by a score is right.

    Attributes:
        reference: In the reference, by its labels.
        estimated: Now, by the calibrated chances: unproven, whatever its bounds.
        measured: Now, by labels; None of too few.
        gap: What the estimate says more than the labels, where there are both.
        state: Of the gap: ``drifted`` where it is not 0, so that scores mean something else.
        rows: Rows now.
        matured: Rows old enough for their label to be known.
        labels: Labels of those.
        reason: What is missing, or what to mind.
    """

    reference: Interval
    estimated: Interval
    measured: Interval | None
    gap: Interval | None
    state: DriftState
    rows: int
    matured: int
    labels: int
    reason: str = ""

    @property
    def told(self) -> str:
        """In a sentence."""
        shown = f"estimated {format_value(self.estimated.value, unit='ratio')} right (unproven)"
        if self.measured is None:
            return f"{shown}; {self.reason}"
        shown = f"{shown}, measured {replace(self.measured, unit='ratio')}"
        if self.state is DriftState.DRIFTED:
            return f"{shown}: the labels disagree, so the scores no longer mean what they did"
        return shown


def rightness(
    reference: ArrayLike,
    *,
    reference_labels: ArrayLike,
    current: ArrayLike,
    labels: ArrayLike | None = None,
    chances: ArrayLike | None = None,
    matured: ArrayLike | None = None,
    threshold: float = 0.5,
    level: float = 0.95,
) -> Rightness:
    """How often ``score >= threshold`` says what the label says: then, as estimated now, and as measured now.

    Args:
        reference: Scores of the reference.
        reference_labels: 0 or 1 for each.
        current: Scores now.
        labels: 0, 1 or NaN (not known) for each; None: none is known.
        chances: Chance that the label of each row becomes known, where that depends on the row (what was held
            is looked at, what passed is not). None: labels are of rows drawn at random.
        matured: Whether each row is old enough for its label; early labels come from the quick cases, and are
            left out.
        threshold: From which score on the decision is yes.
        level: Of each bound.

    Raises:
        InputError: Unequal lengths, NaN scores, labels other than 0 and 1, chances that are none.

    Source: Angelopoulos et al., PPI++ (2023); Robins, Rotnitzky and Zhao, JASA 89 (1994), for chosen labels;
    of the estimate and the gap, those of :mod:`launchworthy.monitor.estimating`.
    """
    import numpy as np

    old, new = (_scores(each, name) for each, name in ((reference, "reference"), (current, "current")))
    truth = _labels(reference_labels, old.size)
    known_then = truth == truth
    old, truth = old[known_then], truth[known_then]
    wanted = RIGHTNESS["accuracy"]
    curve = calibrated(_decided(old, truth, threshold))
    if isinstance(curve, str):
        raise InputError(
            f"the score of the reference cannot be calibrated: {curve}",
            hint=f"the reference needs {FEWEST} labels of each kind",
        )
    now = _decided(new, np.full(new.size, np.nan), threshold)
    chance = curve.chances(now)
    expected = np.where(now.said, chance, 1.0 - chance)
    unit = "ratio"
    then = mean_interval(
        ((old >= threshold) == (truth == 1.0)).astype(float), level=level, sides=1, bounds=(0.0, 1.0)
    )
    told = np.full(new.size, np.nan) if labels is None else _labels(labels, new.size)
    old_enough = np.ones(new.size, dtype=bool) if matured is None else np.asarray(matured, dtype=bool)
    if old_enough.size != new.size:
        raise InputError(f"{old_enough.size} ages for {new.size} rows")
    ripe = int(old_enough.sum())
    known = old_enough & (told == told)
    right = np.where(known, ((new >= threshold) == (told == 1.0)).astype(float), np.nan)
    by_score = estimated(wanted, now, curve, level=level)
    assert by_score is not None  # noqa: S101 (every row is right or wrong)
    base = Rightness(
        reference=replace(then, unit=unit),
        estimated=by_score,
        measured=None,
        gap=None,
        state=DriftState.CANNOT_SAY,
        rows=int(new.size),
        matured=ripe,
        labels=int(known.sum()),
    )
    if base.labels < FEWEST:
        return replace(
            base,
            reason=f"{base.labels:,} labels are known: label {FEWEST - base.labels} more, drawn at random",
        )
    # Of rows that have not matured nobody can speak yet: the measurement is of those that have.
    expected, right, known = expected[old_enough], right[old_enough], known[old_enough]
    weight = None if chances is None else _chances(chances, new.size)[old_enough]
    reason = ""
    if ripe < _MATURED * new.size:
        share = format_value(ripe / new.size, unit="ratio")
        reason = f"measured on the {share} of the rows that are old enough"
    measured = _measured(expected, right, known, weight, level=level)
    own = _decided(new[old_enough], np.where(known, told[old_enough], np.nan), threshold, chances=weight)
    # The alarm is looked at again and again: more is asked of it, on both sides.
    gap = disagreement(wanted, own, curve, level=1.0 - (1.0 - level) / 10.0)
    disagrees = gap is not None and (gap.low > 0.0 or gap.high < 0.0)
    return replace(
        base,
        measured=replace(measured, unit=unit),
        gap=gap,
        state=DriftState.DRIFTED if disagrees else DriftState.CANNOT_SAY,
        reason=reason,
    )


def _measured(
    expected: NDArray[np.float64],
    right: NDArray[np.float64],
    known: NDArray[np.bool_],
    weight: NDArray[np.float64] | None,
    *,
    level: float,
) -> Interval:
    import numpy as np

    if weight is None:
        return corrected_mean(expected, human=right, level=level, sides=1)
    never = (weight < _LEAST_CHANCE) & ~known
    if never.any():
        share = format_value(float(never.mean()), unit="ratio")
        raise InputError(
            f"{share} of the rows have no chance of a label, so nothing can be said of them",
            hint="let a random part of them be labelled, however small",
        )
    # Each known label stands for all rows that had its chance, as a correction of what is expected of all.
    correction = np.where(known, (np.where(known, right, 0.0) - expected) / weight, 0.0)
    measured = mean_interval(expected + correction, level=level, sides=1)
    value = min(1.0, max(0.0, measured.value))
    return replace(
        measured,
        value=value,
        low=min(value, max(0.0, measured.low)),
        high=max(value, min(1.0, measured.high)),
        n=int(known.sum()),
        method="labels weighted by their chance, doubly robust",
    )


def _decided(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    threshold: float,
    *,
    chances: NDArray[np.float64] | None = None,
) -> Decided:
    import numpy as np

    known = ~np.isnan(truth)
    chance = np.ones(scores.size) if chances is None else np.maximum(chances, _LEAST_CHANCE)
    return Decided(
        score=scores,
        said=scores >= threshold,
        truth=truth,
        weight=np.where(known, 1.0 / chance, 0.0),
        calls=np.ones(scores.size),
    )


def _scores(values: ArrayLike, name: str) -> NDArray[np.float64]:
    import numpy as np

    found = np.asarray(values, dtype=np.float64).ravel()
    if not found.size or not np.isfinite(found).all():
        raise InputError(f"the scores of the {name} are missing in part, or there are none")
    return found


def _labels(values: ArrayLike, size: int) -> NDArray[np.float64]:
    import numpy as np

    found = np.asarray(values, dtype=np.float64).ravel()
    if found.size != size:
        raise InputError(f"{found.size} labels for {size} scores")
    if not np.isin(found[found == found], (0.0, 1.0)).all():
        raise InputError("a label is something else than 0 or 1", hint="leave unknown ones empty")
    return found


def _chances(values: ArrayLike, size: int) -> NDArray[np.float64]:
    import numpy as np

    found = np.asarray(values, dtype=np.float64).ravel()
    if found.size != size:
        raise InputError(f"{found.size} chances of a label for {size} scores")
    if not ((found >= 0.0) & (found <= 1.0)).all():
        raise InputError("a chance of a label is not from 0 to 1")
    return found
