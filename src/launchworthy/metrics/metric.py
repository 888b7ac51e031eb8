"""What a metric is: how a row becomes a score, and how scores become an interval.

Every score carries additive per-item statistics; whole file, slice, bootstrap and paired comparison all go
through them. May import ``records`` and ``stats``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from launchworthy.metrics.columns import Columns
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CannotScore", "Estimator", "Field", "Metric", "scored"]


class CannotScore(Exception):
    """Raised by a metric's ``read`` for a row that it can say nothing about; the text says why."""


def scored(read: Callable[[Mapping[str, Any]], Score], row: Mapping[str, Any]) -> Score:
    """What ``read`` says of a row, or why it can say nothing."""
    try:
        return read(row)
    except CannotScore as reason:
        return Score(value=None, error=str(reason))


@dataclass(frozen=True, slots=True)
class Field:
    """An input field of a metric: its name and what it must hold."""

    name: str
    doc: str
    required: bool = True


class Estimator(Protocol):
    """From the scores of many items, all of which have a value, to one number with its bounds."""

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        """The metric over these scores; None if they do not determine it."""

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        """Candidate minus baseline over the same items in the same order."""

    def each(self, scores: Scores) -> NDArray[np.float64]:
        """The metric of each item alone, shape (n,); NaN where an item does not enter it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric, complete: input, unit, direction, convention and procedure.

    Attributes:
        name: As commands and contracts write it, options of the name included: ``ndcg@10``.
        doc: What it measures, in one sentence.
        fields: Input fields of a row.
        read: Scores one row, or raises :class:`CannotScore`.
        estimator: From scores to an interval.
        unit: Canonical unit of the value.
        unit_of_analysis: What one row is: ``item``, ``query``, ``call``.
        higher_is_better: Which way is good.
        convention: The choices that other tools make differently.
        source: Where the definition comes from.
        version: Raised when the same rows would give another value.
        options: What the metric was made with beyond its name.
        any_of: Fields of which one must be there for a gold item to concern the metric; empty: all do.
        columns: Scores whole columns exactly as ``read`` scores their rows; None, or an answer of None, where
            rows must be read.
    """

    name: str
    doc: str
    fields: tuple[Field, ...]
    read: Callable[[Mapping[str, Any]], Score]
    estimator: Estimator
    unit: str = "ratio"
    unit_of_analysis: str = "item"
    higher_is_better: bool = True
    convention: str = ""
    source: str = ""
    version: int = 1
    options: Mapping[str, str] = field(default_factory=dict)
    any_of: tuple[str, ...] = ()
    columns: Callable[[Columns], Scores | None] | None = None

    @property
    def signature(self) -> str:
        """Name, options and version in one string: equal signatures are comparable numbers."""
        options = "".join(f"|{key}:{value}" for key, value in sorted(self.options.items()))
        return f"{self.name}{options}|v{self.version}"

    def score(self, row: Mapping[str, Any]) -> Score:
        """Score one row. What cannot be scored has no value and says why: it is never 0."""
        return scored(self.read, row)

    def estimate(
        self,
        scores: Scores | Sequence[Score],
        *,
        level: float = 0.95,
        sides: int = 2,
        clusters: Sequence[Hashable] | None = None,
    ) -> Interval | None:
        """The metric over these items, those without a value left out; None if nothing could be measured.

        ``sides=2`` for display, ``sides=1`` for a verdict (each bound alone holds with ``level``).
        ``clusters`` names each item's cluster, in the order of the scores.
        """
        columns = Scores.of(scores)
        kept = columns.value == columns.value
        if not kept.any():
            return None
        return self.estimator.interval(
            *_kept(kept, columns), level=level, sides=sides, clusters=_names(clusters, kept)
        )

    def difference(
        self,
        baseline: Scores | Sequence[Score],
        candidate: Scores | Sequence[Score],
        *,
        level: float = 0.95,
        sides: int = 2,
        clusters: Sequence[Hashable] | None = None,
    ) -> Interval | None:
        """Candidate minus baseline over the same items in the same order, pairs without both values left
        out; None if nothing could be measured."""
        old, new = Scores.of(baseline), Scores.of(candidate)
        if len(old) != len(new):
            raise ValueError(f"{len(old)} scores of the baseline for {len(new)} of the candidate")
        kept = (old.value == old.value) & (new.value == new.value)
        if not kept.any():
            return None
        return self.estimator.difference(
            *_kept(kept, old, new), level=level, sides=sides, clusters=_names(clusters, kept)
        )

    def each(self, scores: Scores | Sequence[Score]) -> NDArray[np.float64]:
        """The metric of each item alone, shape (n,); NaN where an item does not enter it."""
        import numpy as np

        columns = Scores.of(scores)
        found = np.full(len(columns), np.nan)
        kept = columns.value == columns.value
        if kept.any():
            found[kept] = self.estimator.each(*_kept(kept, columns))
        return found


def _kept(kept: NDArray[np.bool_], *sides: Scores) -> list[Scores]:
    return list(sides) if kept.all() else [side.take(kept) for side in sides]


def _names(clusters: Sequence[Hashable] | None, kept: NDArray[np.bool_]) -> Sequence[Hashable] | None:
    if clusters is None:
        return None
    names = [name for name, keep in zip(clusters, kept.tolist(), strict=True) if keep]
    return names if len(set(names)) < len(names) else None  # clusters of one item each are no clusters
