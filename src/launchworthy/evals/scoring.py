"""What scorers say of an answer, and what it means when they cannot say. May import ``records``, this room.

A scorer that raises, hangs, or answers NaN could not score: the value is None and the error says why. It is
never zero and never counted as good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from launchworthy.evals.time_limit import TimeUp, call_within
from launchworthy.metrics import CannotScore, Metric
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scorer", "own_scorer", "score_item"]

_TRUTH = frozenset({"label", "reference", "relevant", "should_answer", "supported"})


class Scorer(Protocol):
    """One thing to measure of an answer."""

    @property
    def name(self) -> str:
        """Metric, as contracts name it."""

    @property
    def signature(self) -> str:
        """Name and options, as a run records them."""

    def score(self, row: Mapping[str, Any]) -> Score:
        """Score one row of ``launchworthy.metrics`` fields."""


def own_scorer(function: Callable[[Mapping[str, Any]], Any], *, name: str) -> Metric:
    """A scorer of your own: the function takes a row and answers a number, true or false, or a Score.

    Averaged over the items; answers of 0 and 1 alone get exact bounds.
    """

    def read(row: Mapping[str, Any]) -> Score:
        said = function(row)
        if isinstance(said, Score):
            return said
        if said is None:
            raise CannotScore("the scorer answered nothing")
        return Score(value=float(said))

    place = f"{function.__module__}:{getattr(function, '__qualname__', name)}"
    return Metric(
        name=name,
        doc=f"Mean of {place}.",
        fields=(),
        read=read,
        estimator=_OwnScale(),
        unit="",
        options={"function": place},
    )


@dataclass(frozen=True, slots=True)
class _OwnScale:
    """Mean on a scale that nobody declared: a share where every value is 0 or 1, else without ends."""

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        return self._mean(scores).interval(scores, level=level, sides=sides, clusters=clusters)

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        mean = self._mean(baseline, candidate)
        return mean.difference(baseline, candidate, level=level, sides=sides, clusters=clusters)

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value

    def _mean(self, *sides: Scores) -> MeanEstimator:
        yes_or_no = all(((side.value == 0.0) | (side.value == 1.0)).all() for side in sides)
        return (
            MeanEstimator(bounds=(0.0, 1.0), unit="ratio")
            if yes_or_no
            else MeanEstimator(bounds=None, unit="")
        )


def score_item(row: Mapping[str, Any], scorers: Sequence[Scorer], *, timeout_s: float) -> dict[str, Score]:
    """Every scorer's word on one row, by the scorer's name.

    A scorer that needs a truth which the gold item does not have is not asked: a question without an answer
    has no relevant documents, and that is neither a failure of the target nor of the scorer. Nor is one that
    judges what answers say (its field ``answered`` is optional) asked about a refusal.
    """
    return {scorer.name: _scored(scorer, row, timeout_s) for scorer in scorers if _concerns(scorer, row)}


def _concerns(scorer: Scorer, row: Mapping[str, Any]) -> bool:
    any_of: tuple[str, ...] = getattr(scorer, "any_of", ())
    if any_of and not any(name in row for name in any_of):
        return False
    for field in getattr(scorer, "fields", ()):
        if field.required and field.name in _TRUTH and field.name not in row:
            return False
        declined = not field.required and field.name == "answered" and row.get("answered") is False
        if declined and not any_of:  # what names its own truth may judge how one declines
            return False
    return True


def _scored(scorer: Scorer, row: Mapping[str, Any], timeout_s: float) -> Score:
    try:
        score = call_within(timeout_s, scorer.score, row)
    except TimeUp:
        return Score(value=None, error=f"the scorer took longer than {timeout_s:g} s")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Score(value=None, error=f"{type(error).__name__}: {str(error)[:300]}")
    if not isinstance(score, Score):
        return Score(value=None, error=f"the scorer answered {type(score).__name__}, not a score")
    numbers = [*score.statistics.values()] + ([] if score.value is None else [score.value])
    if any(not math.isfinite(number) for number in numbers):
        return replace(score, value=None, statistics={}, error="the scorer answered NaN or infinity")
    if score.value is None and score.error is None:
        return replace(score, error="the scorer answered nothing")
    return score
