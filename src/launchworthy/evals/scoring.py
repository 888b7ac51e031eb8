"""What scorers say of an answer, and what it means when they cannot say. May import ``records``, this room.

A scorer that raises, hangs, or answers NaN could not score: the value is None and the error says why. It is
never zero and never counted as good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from launchworthy.evals.time_limit import TimeUp, call_within
from launchworthy.records import Score

__all__ = ["FunctionScorer", "Scorer", "score_item"]


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


@dataclass(frozen=True, slots=True)
class FunctionScorer:
    """A function of your own: takes the row, answers a number, true or false, or a :class:`Score`."""

    function: Callable[[Mapping[str, Any]], Any]
    name: str

    @property
    def signature(self) -> str:
        return f"{self.function.__module__}:{getattr(self.function, '__qualname__', self.name)}"

    def score(self, row: Mapping[str, Any]) -> Score:
        said = self.function(row)
        if isinstance(said, Score):
            return said
        if said is None:
            return Score(value=None, error="the scorer answered nothing")
        return Score(value=float(said))


def score_item(row: Mapping[str, Any], scorers: Sequence[Scorer], *, timeout_s: float) -> dict[str, Score]:
    """Every scorer's word on one row, by the scorer's name."""
    return {scorer.name: _scored(scorer, row, timeout_s) for scorer in scorers}


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
