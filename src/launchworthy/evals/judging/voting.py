"""Asking a judge a list of questions outside of a run. May import ``gold``, ``records`` and this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchworthy.capture.pricing import PriceTable
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.judging.asking import JudgeTarget, Spent
from launchworthy.evals.judging.judge import Judge
from launchworthy.evals.remembering import Cache
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem

__all__ = ["Vote", "ask_all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What a judge said of one question.

    Attributes:
        id: Of the question.
        grade: None where it gave none, and then ``error`` says why.
        agreed: Whether all models of the panel said the same.
        parts: Each model's word, of a pair in each order: ``model``, ``order``, ``grade``, ``reasoning``.
    """

    id: str
    grade: float | None
    agreed: bool = False
    error: str | None = None
    parts: tuple[Mapping[str, Any], ...] = ()

    @property
    def reasoning(self) -> str:
        """The first reasons that were given."""
        return next((part["reasoning"] for part in self.parts if part.get("reasoning")), "")


def ask_all(
    judge: Judge,
    questions: Mapping[str, Mapping[str, Any]],
    *,
    cache: Cache | None = None,
    limits: Limits | None = None,
    prices: PriceTable | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[list[Vote], Spent]:
    """The judge's word on every question, in order of id, and what it took.

    Raises:
        InputError: The judge cannot be asked: no key, or a ceiling that cannot be kept.
    """
    kept = _Kept()
    target = JudgeTarget(judge, cache=cache, prices=prices)
    run = Run(
        id=target.name,
        product="",
        workflow="",
        release="",
        target=target.name,
        gold="",
        split="all",
        scorers=(),
        status="running",
        started_at=datetime.now(UTC),
    )
    evaluate(
        [GoldItem(id=key, input=dict(material)) for key, material in questions.items()],
        target=target,
        scorers=[],
        runs=kept,
        run=run,
        limits=replace(limits or Limits(), max_cost_usd=None),
        on_progress=on_progress,
    )
    return [_vote(kept.items[key]) for key in sorted(kept.items)], target.spent


def _vote(item: RunItem) -> Vote:
    if item.error is not None:
        return Vote(id=item.item_id, grade=None, error=f"the judge failed: {item.error}")
    said = item.output
    return Vote(
        id=item.item_id,
        grade=said["grade"],
        agreed=said["agreed"],
        error=said.get("error"),
        parts=tuple(said["votes"]),
    )


class _Kept:
    """A run store for one sitting."""

    def __init__(self) -> None:
        self.items: dict[str, RunItem] = {}

    def add_run(self, run: Run) -> None:
        self._run = run

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        self.items.update({item.item_id: item for item in items})

    def run(self, run_id: str) -> Run:
        return self._run

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        return [self._run]

    def run_items(self, run_id: str) -> list[RunItem]:
        return list(self.items.values())

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        return iter(self.items.values())
