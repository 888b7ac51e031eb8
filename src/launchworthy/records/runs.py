"""An evaluation run and its items. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

__all__ = ["CallScores", "JudgeGrades", "Run", "RunItem", "RunPage", "RunStore", "Score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one scorer said of one item.

    ``value`` is None when it could not score, and then ``error`` says why: that is neither zero nor
    passed. ``statistics`` are the additive per-item numbers whose sum gives the metric.
    """

    value: float | None
    statistics: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """One gold item answered by the target and scored.

    ``error`` is set when the target failed after its retries; such an item is kept and counted. ``attempts``
    is 0 where no call was made, since an earlier one's answer was remembered.
    """

    item_id: str
    input: Any = None
    expected: Any = None
    output: Any = None
    error: str | None = None
    latency_ms: float | None = None
    cost_usd: float | None = None
    attempts: int = 1
    trace_id: str | None = None  # 32 hex digits
    slices: tuple[str, ...] = ()
    cluster: str | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evaluation run of one release on one version of one gold set.

    ``status`` is ``running``, ``complete``, ``interrupted`` or ``failed``.
    """

    id: str
    product: str
    workflow: str
    release: str
    target: str
    gold: str  # name@version
    split: str  # dev, holdout, all or sealed
    scorers: tuple[str, ...]  # signatures, options included
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    items: int = 0
    done: int = 0
    errors: int = 0
    cost_usd: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScores:
    """What one metric said of recorded calls, for those who ask whether it tells what came of them.

    Attributes:
        metric: Name of the metric.
        values: By trace id (32 hex digits); the higher, the better the metric calls it, whatever its own
            sign.
        runs: Ids of the runs that scored them, the oldest first.
    """

    metric: str
    values: Mapping[str, float]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeGrades:
    """What a calibrated judge said of recorded calls, for those who hold it against labels that came since.

    Attributes:
        judge: Its name.
        version: Version of it that was calibrated last; only its grades are told.
        calibrated_at: When that was (aware).
        pairs: Of that calibration: the judge's grade, people's, and how many items had both.
        scale: Grades that may be given, the worst first.
        grades: By trace id (32 hex digits).
        others: Calls that only other versions graded.
        runs: Ids of the runs that graded them, the oldest first.
    """

    judge: str
    version: str
    calibrated_at: datetime
    pairs: tuple[tuple[float, float, int], ...]
    scale: tuple[float, ...]
    grades: Mapping[str, float]
    others: int = 0
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Some items of a run, those stored last first; one that stands in an earlier page too is the older.

    Attributes:
        items: A few hundred.
        before: What the next page is asked with; None: there is none.
    """

    items: tuple[RunItem, ...]
    before: int | None


class RunStore(Protocol):
    """Where runs rest. Implemented by ``store`` and, over HTTP, by the remote workspace."""

    def add_run(self, run: Run) -> None:
        """Store a new run, or replace the header of one with the same id (its items stay)."""

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Append items durably; an item id that the run already has is replaced, never doubled."""

    def run(self, run_id: str) -> Run:
        """The header.

        Raises:
            NotFoundError: No such run.
        """

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        """Newest first."""

    def run_items(self, run_id: str) -> list[RunItem]:
        """In order of item id."""

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """Each item once, as it was stored last, in no order; holds one batch at a time.

        Raises:
            NotFoundError: No such run.
        """
