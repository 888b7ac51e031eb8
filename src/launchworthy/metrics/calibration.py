"""Whether probabilities are true: Brier score, log loss, calibration error.

May import this room, ``errors``, ``records`` and ``stats``.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchworthy import stats
from launchworthy.errors import InputError
from launchworthy.metrics.answers import answer_was_right
from launchworthy.metrics.columns import Columns
from launchworthy.metrics.decisions import (
    LABEL,
    PROBABILITY,
    chances_of,
    class_of,
    named,
    read_chance,
    scored_columns,
    true_or_false,
)
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FAMILY", "CalibrationEstimator", "brier", "expected_calibration_error", "log_loss"]

_LEAST = sys.float_info.epsilon
_BINS = 15
_MOST_BINS = 1_000


def _chances(row: Mapping[str, Any], positive: str | None) -> tuple[dict[str, float], str]:
    """Probability by class, and the true class; two classes are named "1" and "0"."""
    score = row.get("score")
    if isinstance(score, Mapping):
        label = class_of(row.get("label"), "label")
        chances = {true_or_false(name): chance for name, chance in chances_of(score).items()}
        return chances, true_or_false(label)
    truth, chance = read_chance(row, positive)
    return {"1": chance, "0": 1.0 - chance}, "1" if truth else "0"


def _is_chance(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (numbers >= 0.0) & (numbers <= 1.0)


def _valued(
    found: tuple[Scores, NDArray[np.float64]] | None,
    value: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> Scores | None:
    """The scores whose value is that of the probability and the truth of each row that has both."""
    if found is None:
        return None
    import numpy as np

    truths, chance = found
    kept = truths.value == truths.value
    values = np.full(len(truths), np.nan)
    values[kept] = value(chance[kept], truths.value[kept])
    statistics = {"total": np.where(kept, values, 0.0), "items": kept.astype(np.float64)}
    return Scores(value=values, statistics=statistics, errors=truths.errors)


def brier(*, positive: str | None = None) -> Metric:
    """Mean squared error of the probabilities."""

    def read(row: Mapping[str, Any]) -> Score:
        chances, truth = _chances(row, positive)
        missed = 1.0 if truth not in chances else 0.0
        gaps = [chance - (name == truth) for name, chance in chances.items()]
        value = min(1.0, 0.5 * (math.fsum(gap * gap for gap in gaps) + missed))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    def of_two(chance: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        hit, miss = chance - truth, (1.0 - chance) - (1.0 - truth)
        return np.minimum(1.0, 0.5 * (hit * hit + miss * miss))

    return Metric(
        name="brier",
        doc="Mean squared error of the probabilities; 0 is best, 0.25 is a coin.",
        fields=(LABEL, PROBABILITY),
        read=read,
        estimator=MeanEstimator(unit=""),
        unit="",
        higher_is_better=False,
        convention="Half the sum over classes, so that two classes give the usual (p − y)², and 1 is worst.",
        source="sklearn.metrics.brier_score_loss(scale_by_half=True)",
        options=named(positive),
        columns=lambda columns: _valued(
            scored_columns(columns, positive=positive, allowed=_is_chance), of_two
        ),
    )


def _surprise(chance: float) -> float:
    return -math.log(min(1.0 - _LEAST, max(_LEAST, chance)))


def log_loss(*, positive: str | None = None) -> Metric:
    """Mean negative logarithm of the probability of the truth."""

    def read(row: Mapping[str, Any]) -> Score:
        chances, truth = _chances(row, positive)
        value = _surprise(chances.get(truth, 0.0))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    def of_two(chance: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        of_truth = np.where(truth == 1.0, chance, 1.0 - chance)
        # The library's own logarithm, one by one: NumPy's differs in the last digit.
        return np.fromiter(map(_surprise, of_truth.tolist()), np.float64, of_truth.size)

    return Metric(
        name="log-loss",
        doc="Mean negative natural logarithm of the probability given to the true class.",
        fields=(LABEL, PROBABILITY),
        read=read,
        estimator=MeanEstimator(bounds=(0.0, -math.log(_LEAST)), unit=""),
        unit="",
        higher_is_better=False,
        convention="Probabilities are clipped to 2.2e-16 from 0 and 1, as sklearn does.",
        source="sklearn.metrics.log_loss",
        options=named(positive),
        columns=lambda columns: _valued(
            scored_columns(columns, positive=positive, allowed=_is_chance), of_two
        ),
    )


def _stated(row: Mapping[str, Any], positive: str | None) -> tuple[bool, float]:
    """Whether it came true, and the probability that was stated."""
    score = row.get("score")
    if score is None and row.get("confidence") is not None:
        correct, confidence = row.get("correct"), row["confidence"]
        if not isinstance(correct, (bool, int, float)) or correct not in (0, 1):
            raise CannotScore("field 'correct' is missing or neither true nor false")
        if (
            isinstance(confidence, bool)
            or not isinstance(confidence, (int, float))
            or not 0 <= confidence <= 1
        ):
            raise CannotScore("field 'confidence' is not a probability from 0 to 1")
        return bool(correct), float(confidence)
    if isinstance(score, Mapping):
        chances, truth = _chances(row, positive)
        said = min(chances, key=lambda name: (-chances[name], name))
        return said == truth, chances[said]
    return read_chance(row, positive)


def _right_by(metric: Metric, row: Mapping[str, Any]) -> bool:
    """Whether the metric finds nothing to better; an answer where none was due is wrong."""
    if row.get("should_answer") is False:
        return False
    score = metric.score(row)
    if score.value is None:
        raise CannotScore(f"{metric.name}: {score.error}")
    if (due := answer_was_right(score)) is not None:
        return due  # also of an answer that was withheld
    (own,) = metric.each([score]).tolist()
    return bool(own == (1.0 if metric.higher_is_better else 0.0))


def expected_calibration_error(
    *, bins: str | int = _BINS, of: Metric | None = None, positive: str | None = None
) -> Metric:
    """How far stated probabilities are from how often they came true.

    Args:
        bins: How many, of equal width.
        of: Decides from the same row whether the answer was right.
        positive: The class that a single number is the probability of.

    Raises:
        InputError: ``bins`` is no whole number from 1 to 1,000, or ``of`` is no metric of shares.
    """
    try:
        count = int(bins)
    except ValueError:
        count = 0
    if not 1 <= count <= _MOST_BINS:
        raise InputError(f"bins {str(bins)[:40]!r} is no whole number from 1 to {_MOST_BINS:,}", where="bins")
    names = tuple(f"bin{at}" for at in range(count))
    ends = [at / count for at in range(1, count + 1)]
    if of is not None and of.unit != "ratio":
        raise InputError(f"{of.name} does not say right or wrong", where="of", hint="hit@5, exact-match …")

    def read(row: Mapping[str, Any]) -> Score:
        if of is not None:
            row = {"confidence": row.get("confidence", -1), "correct": _right_by(of, row)}
        true, chance = _stated(row, positive)
        return Score(value=abs(chance - true), statistics={names[bisect_left(ends, chance)]: chance - true})

    def columns(found: Columns) -> Scores | None:
        import numpy as np

        both = scored_columns(found, positive=positive, allowed=_is_chance)
        if both is None:
            return None
        truths, chance = both
        kept = truths.value == truths.value
        gaps = np.where(kept, chance - truths.value, 0.0)
        places = np.where(kept, np.searchsorted(ends, np.where(kept, chance, 0.0)), -1)
        there = np.unique(places[kept]).tolist()
        statistics = {names[at]: np.where(places == at, gaps, 0.0) for at in there}
        values = np.where(kept, np.abs(chance - truths.value), np.nan)
        return replace(truths, value=values, cells=(), cell=None, statistics=statistics)

    return Metric(
        name="expected-calibration-error",
        doc="Mean distance of the probabilities stated from how often they came true, in bins.",
        fields=(
            Field("label", "the true class", required=False),
            Field("score", PROBABILITY.doc, required=False),
            Field(
                "confidence",
                "without `score`: the probability stated that the answer is right",
                required=False,
            ),
            Field("correct", "with `confidence`: whether it was, unless `of` says it", required=False),
        ),
        read=read,
        estimator=CalibrationEstimator(names),
        higher_is_better=False,
        convention=(
            f"{count} bins of equal width, closed on the right (of ten, 0.1 lies in the first), weighted by "
            "their items. Of a mapping, the likeliest class's probability; of a number, that of the positive "
            "class. Option `of` names a metric, such as hit@5, that decides from the same row whether the "
            "answer was right: nothing left to better. It reads too high by chance, more so with few items "
            "in many bins; the lower bound allows for that."
        ),
        source="Naeini, Cooper and Hauskrecht (AAAI 2015); Guo et al. (ICML 2017)",
        options={"bins": str(count), **({} if of is None else {"of": of.name}), **named(positive)},
        columns=columns if of is None else None,
    )


@dataclass(frozen=True, slots=True)
class CalibrationEstimator:
    """Σ over bins of |Σ gaps| / n, where a gap is probability minus truth, bounded for reading too high."""

    names: tuple[str, ...]

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        columns, signs = self._columns(scores, 1.0)
        return stats.folded_interval(columns, signs=signs, level=level, sides=sides, clusters=clusters)

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        import numpy as np

        new, plus = self._columns(candidate, 1.0)
        old, minus = self._columns(baseline, -1.0)
        return stats.folded_interval(
            np.concatenate([new, old], axis=1),
            signs=np.concatenate([plus, minus]),
            level=level,
            sides=sides,
            clusters=clusters,
            bounds=(-1.0, 1.0),
        )

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value

    def _columns(self, scores: Scores, sign: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bins that anything fell into, and the sign of each."""
        import numpy as np

        there = set(scores.names)
        columns = scores.matrix([name for name in self.names if name in there])
        return columns, np.full(columns.shape[1], sign)


_POSITIVE = ("positive",)
FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "brier": (brier, _POSITIVE),
    "log-loss": (log_loss, _POSITIVE),
    "expected-calibration-error": (expected_calibration_error, ("bins", "of", *_POSITIVE)),
}
