"""Judging the items of a run in a pass of its own, after they were answered.

May import ``gold``, ``records`` and this room. Items that lack the score, or have it from another version of
the judge, are judged; each batch is stored as it comes, so that a process that is killed repeats only what
had not come back. The engine asks, with its retries and waits, and has its own count of calls at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.capture.pricing import PriceTable
from launchworthy.evals.answer import Answer, read_answer
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.judging.asking import JudgeTarget, Spent
from launchworthy.evals.judging.judged import Judged
from launchworthy.evals.remembering import Cache
from launchworthy.evals.rows import row_of
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem, RunStore, Score

__all__ = ["Judging", "judge_items", "material_of"]

_NO_ANSWER = "(no answer was given)"
_CONTEXT = ("context", "passages", "sources")
_CITED = ("documents", "citations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What one pass over a run came to.

    Attributes:
        metric: Name of the score.
        judged: Items that have a grade now.
        unscored: Items that the judge could not grade.
        outside: Items that it has nothing to say about: refusals, or no truth to judge by.
        disagreed: Items on which the models of the panel did not all say the same.
        calls: Replies that were paid for in this pass.
        cost_usd, tokens: What they took; of calls without a known price, nothing is counted.
    """

    metric: str
    judged: int
    unscored: int
    outside: int
    disagreed: int
    calls: int
    cost_usd: float
    tokens: int

    def __str__(self) -> str:
        parts = [f"{self.metric}: {self.judged:,} judged"]
        parts += [f"{self.unscored:,} could not be"] if self.unscored else []
        parts += [f"the judges disagreed on {self.disagreed:,}"] if self.disagreed else []
        parts += [f"{self.calls:,} calls, {self.tokens:,} tokens"] if self.calls else []
        return ", ".join(parts)


def judge_items(
    runs: RunStore,
    run: Run,
    judged: Judged,
    *,
    gold: Sequence[GoldItem],
    baseline: Sequence[RunItem] | None = None,
    cache: Cache | None = None,
    limits: Limits | None = None,
    prices: PriceTable | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Judging:
    """Have a judge score each item of a run that lacks its score.

    Args:
        runs: Where the run rests.
        run: Its header.
        judged: What is judged, and by whom.
        gold: Items of the gold set that the run asked.
        baseline: Items of the run to compare with, for a judge of pairs.
        cache: Replies by content.
        limits: Concurrency, timeouts, retries; the ceilings on cost and tokens are the judge's own.
        prices: What models cost; the known list if None.
        on_progress: Called after each batch.

    Raises:
        InputError: The judge cannot be asked: no key, or a ceiling that cannot be kept.
        StorageError: What came back could not be stored.
        KeyboardInterrupt: After what had come back was stored.
    """
    by_id = {item.id: item for item in gold}
    before = {item.item_id: item for item in baseline or ()}
    items = {item.item_id: item for item in runs.run_items(run.id) if item.item_id in by_id}
    version, name = judged.judge.version.id, judged.metric.name
    spent = Spent()
    todo: list[GoldItem] = []
    settled: list[RunItem] = []
    for item_id, item in items.items():
        old = item.scores.get(name)
        if old is not None and old.detail.get("judge") == version:
            spent.cost_usd += old.detail.get("cost_usd") or 0.0
            spent.tokens += old.detail.get("tokens") or 0
        if item.error is not None or _has_grade(old, version):
            continue
        material = material_of(judged, by_id[item_id], item, before.get(item_id))
        if isinstance(material, Score):
            settled.append(replace(item, scores={**item.scores, name: material}))
        elif material is not None:
            todo.append(GoldItem(id=item_id, input=material))
        elif old is not None:  # of another version, which did not ask for a truth
            rest = {key: score for key, score in item.scores.items() if key != name}
            settled.append(replace(item, scores=rest))
    if settled:
        runs.add_run_items(run.id, settled)
    earlier = replace(spent) if todo else spent
    if todo:
        keeper = _Keeper(runs, run.id, items, judged)
        target = JudgeTarget(judged.judge, cache=cache, prices=prices, spent=spent)
        pass_limits = replace(limits or Limits(), max_cost_usd=None)
        header = replace(run, status="running", items=0, done=0, errors=0, cost_usd=None, config={})
        evaluate(
            todo,
            target=target,
            scorers=[],
            runs=keeper,
            run=header,
            limits=pass_limits,
            on_progress=on_progress,
        )
    return _told(runs, run, judged, by_id, spent, earlier)


def _has_grade(score: Score | None, version: str) -> bool:
    return score is not None and score.value is not None and score.detail.get("judge") == version


def _told(
    runs: RunStore, run: Run, judged: Judged, by_id: Mapping[str, GoldItem], spent: Spent, earlier: Spent
) -> Judging:
    answered = [item for item in runs.run_items(run.id) if item.item_id in by_id and item.error is None]
    found = [item.scores.get(judged.metric.name) for item in answered]
    scores = [score for score in found if score is not None]
    return Judging(
        metric=judged.metric.name,
        judged=sum(score.value is not None for score in scores),
        unscored=sum(score.value is None for score in scores),
        outside=len(found) - len(scores),
        disagreed=sum(score.detail.get("agreed") is False for score in scores if score.value is not None),
        calls=spent.calls,
        cost_usd=spent.cost_usd - earlier.cost_usd,
        tokens=spent.tokens - earlier.tokens,
    )


def material_of(
    judged: Judged, gold: GoldItem, item: RunItem, baseline: RunItem | None
) -> dict[str, Any] | Score | None:
    """What the judge sees of an item; a score where none needs to be asked for; None where it is outside."""
    criterion = judged.judge.criterion
    row, answer = row_of(gold, item), read_answer(item.output)
    if criterion.truth is not None and row.get(criterion.truth) is None:
        return None
    if judged.judge.is_pairwise:
        if baseline is None or baseline.error is not None:
            return Score(value=None, error="the baseline has no answer to compare with")
        other = read_answer(baseline.output)
        row |= {"first": _said(answer), "second": _said(other)}
    elif answer.answered is False:
        if criterion.truth is None:
            return None  # a refusal states nothing
        if not row.get("output"):
            return _graded(judged, judged.judge.scale.grades[0], {"reasoning": "no answer was given"})
    row["context"] = _context(gold, answer)
    for name in criterion.needs:
        if row.get(name) in (None, "", [], {}):
            return Score(value=None, error=f"there is no {name} to judge by")
    return {name: row[name] for name in criterion.shows if row.get(name) is not None}


def _said(answer: Answer) -> Any:
    return _NO_ANSWER if answer.output in (None, "") else answer.output


def _context(gold: GoldItem, answer: Answer) -> Any:
    """What the answer could rest on: what it was given, what it cites in words, else the gold set's."""
    for name in _CONTEXT:
        if answer.fields.get(name):
            return answer.fields[name]
    for name in _CITED:
        passages = answer.fields.get(name)
        if isinstance(passages, list):
            texts = [each for each in passages if isinstance(each, Mapping) and each.get("text")]
            if texts:
                return texts
    return gold.context


def _graded(judged: Judged, grade: float, detail: Mapping[str, Any]) -> Score:
    value = grade if judged.metric.unit == "" else judged.judge.scale.share(grade)
    return Score(
        value=value,
        statistics={"total": value, "items": 1.0},
        detail={"judge": judged.judge.version.id, "grade": grade, **detail},
    )


class _Keeper:
    """A run store for the engine that turns votes into scores of the run that is judged."""

    def __init__(self, runs: RunStore, run_id: str, items: Mapping[str, RunItem], judged: Judged) -> None:
        self._runs, self._run_id, self._items, self._judged = runs, run_id, items, judged

    def add_run(self, run: Run) -> None:
        """The judging has no header of its own."""

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        name = self._judged.metric.name
        self._runs.add_run_items(
            self._run_id,
            [
                replace(self._items[voted.item_id], scores=own | {name: self._score(voted)})
                for voted in items
                for own in [dict(self._items[voted.item_id].scores)]
            ],
        )

    def run(self, run_id: str) -> Run:
        return self._runs.run(self._run_id)

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        return self._runs.runs(product=product, workflow=workflow)

    def run_items(self, run_id: str) -> list[RunItem]:
        return []  # what is asked was chosen already

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        return iter(self.run_items(run_id))

    def _score(self, voted: RunItem) -> Score:
        version = self._judged.judge.version.id
        if voted.error is not None:
            return Score(value=None, error=f"the judge failed: {voted.error}", detail={"judge": version})
        said = voted.output
        votes = said["votes"]
        detail = {
            "agreed": said["agreed"],
            "votes": [
                {key: value for key, value in vote.items() if key not in ("cost_usd", "tokens", "latency_ms")}
                for vote in votes
            ],
            "cost_usd": said["cost_usd"],
            "tokens": sum(vote["tokens"] for vote in votes),
        }
        if said["grade"] is None:
            return Score(value=None, error=said["error"], detail={"judge": version, **detail})
        return _graded(self._judged, said["grade"], detail)
