"""One sitting of an evaluation, whole: read the gold set, ask, score, compare, and keep what it proves.

May import ``contract``, ``evidence``, ``gold``, ``records`` and this room. The command and the demo are thin
coats over :func:`run_suite`; :func:`try_out` is the same on a list of items, for a notebook.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from launchworthy.contract import Claim
from launchworthy.errors import InputError, NotFoundError
from launchworthy.evals.comparison import Comparison, compare_runs
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.gate import SealedStore
from launchworthy.evals.gist import gist_of
from launchworthy.evals.judging import (
    check_keys,
    judge_run,
    judged_once,
    judgings,
)
from launchworthy.evals.proving import Sitting
from launchworthy.evals.remembering import Cache, RememberingTarget
from launchworthy.evals.report import Measured, measure_run, table_of
from launchworthy.evals.samples import sampled
from launchworthy.evals.scenarios import Speaker
from launchworthy.evals.stores import EvalStore
from launchworthy.evals.suite import known_of
from launchworthy.evals.target import CallableTarget, Target
from launchworthy.evals.watching import Watch
from launchworthy.evidence import Evidence
from launchworthy.gold import (
    SEALED,
    GoldItem,
    GoldVersion,
    stream_items,
)
from launchworthy.metrics import Metric, find_metric
from launchworthy.records import Run, RunItem, RunStore

__all__ = ["Outcome", "find_baseline", "run_suite", "try_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        run: Its header.
        items: Its items, in order of id; what was said rests in the store.
        measured: Every metric, whole and by slice.
        comparisons: Paired differences from the baseline, one a metric.
        evidence: What was written for the contract's claims.
        remarks: Sentences that a reader must know, such as why there is no evidence.
    """

    run: Run
    items: tuple[RunItem, ...]
    measured: tuple[Measured, ...]
    comparisons: tuple[Comparison, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([*table_of(self.measured, self.comparisons), *self.remarks])


def run_suite(
    store: EvalStore,
    run: Run,
    *,
    version: GoldVersion,
    target: Target,
    scorers: Sequence[Metric],
    by: str,
    claims: Iterable[Claim] = (),
    limits: Limits | None = None,
    limit: int | None = None,
    samples: int = 1,
    baseline: str | None = None,
    margin: float = 0.0,
    stop_when_settled: bool = False,
    looks_budget: int | None = None,
    cache: Cache | None = None,
    user: Speaker | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Run, or go on with, a suite, and write evidence for the claims that it can speak for.

    Only the holdout proves: a run on the dev split shows numbers and writes nothing, and of a run on ``all``
    the holdout's part counts. A set that keeps no holdout proves with every item, and the evidence says so.
    A run on ``sealed`` is the launch gate: it leaves evidence, and nothing of any one item.

    Args:
        store: Where everything rests.
        run: Header from ``new_run``, or of the run to go on with.
        version: The gold version that ``run.gold`` names.
        target: Who is asked.
        scorers: What to measure.
        by: Who reads the holdout, for the count of its readings.
        claims: Claims of the contract.
        limits: Concurrency, timeouts, retries, cost.
        limit: Ask only the first so many items, to try things out; proves nothing.
        samples: How often each item is asked.
        baseline: Run id, release id or release label to compare with.
        margin: How much worse than the baseline is still acceptable, where claims name none.
        stop_when_settled: Ask in random order, and stop once the first scorer tells the run from the other.
        looks_budget: Readings of the holdout that the contract allows.
        cache: Where replies are put down as they come, the judges' too.
        user: The model that plays the users of scenarios whose words are not scripted.
        on_progress: Called after each batch.
        now: The clock.

    Raises:
        NotFoundError: No such baseline.
        InputError, StorageError: See :func:`launchworthy.evals.evaluate`.
    """
    if stop_when_settled and (baseline is None or not scorers):
        raise InputError("there is no baseline to be settled against", where="--stop-when-settled")
    gate = run.split == SEALED
    if gate:
        if not version.splits.get(SEALED):
            raise InputError(
                f"{run.gold} keeps no sealed items",
                where="--gate",
                hint="seal some: gold: {sealed: 20 %} in the contract, for rows that name no split (those of "
                "`gold export` name theirs), or split: sealed in the rows",
            )
        store = cast(EvalStore, SealedStore(store))
    claims = list(claims)
    judging, told = judgings(claims, workflow=run.workflow)
    check_keys(judging)
    other = None if baseline is None else find_baseline(store, run, baseline)
    gold = stream_items(
        store,
        version,
        split=run.split,
        by=by,
        purpose=f"{'gate' if gate else 'run'} {run.id}",
        now=now(),
        release=run.release if gate else None,
    )
    asked = sampled(gold if limit is None else list(islice(gold, limit)), samples)
    old = None if other is None else (other, gist_of(store.iter_run_items(other.id)))
    watch = None if old is None or not scorers else Watch(old[1], scorers[0])
    if stop_when_settled:
        # What stops early has asked only the first: these must be any, not those of the first letters.
        asked = random.Random(f"{run.id}/order").sample(whole := list(asked), len(whole))  # noqa: S311
    done = evaluate(
        asked,
        target=_remembering(target, cache, run),
        scorers=scorers,
        runs=store,
        run=run,
        limits=limits,
        user=user,
        on_items=None if watch is None else _watched(watch, stop=stop_when_settled),
        on_progress=None if on_progress is None else _noted(on_progress, watch),
    )
    if done.status == "complete":
        done, grades_told = judge_run(
            store,
            done,
            judging,
            gold=list(asked) if judging else (),
            baseline=other,
            cache=cache,
            limits=limits,
            on_progress=on_progress,
        )
        told += grades_told
    ids = {item.id: item.split for item in asked}
    items = gist_of(item for item in store.iter_run_items(run.id) if item.item_id in ids)
    sitting = Sitting(
        store=store,
        run=done,
        items=items,
        splits=ids,
        version=version,
        judging=judging,
        old=old,
        budget=looks_budget,
        now=now(),
    )
    evidence, remarks = sitting.proven(claims, watch=watch if stop_when_settled else None)
    if evidence:
        store.add_evidence(done.product, evidence)
    comparisons = (
        () if old is None else tuple(compare_runs(items, old[1], scorer, margin=margin) for scorer in scorers)
    )
    return Outcome(
        run=done,
        items=items,
        measured=tuple(measure_run(items, [*scorers, *(judged.metric for judged in judged_once(judging))])),
        comparisons=comparisons,
        evidence=tuple(evidence),
        remarks=(*told, *remarks),
    )


def _remembering(target: Target, cache: Cache | None, run: Run) -> Target:
    if cache is None:
        return target
    return RememberingTarget(target, cache, known=known_of(run), shared=bool(run.config.get("cache")))


def _watched(watch: Watch, *, stop: bool) -> Callable[[Sequence[RunItem]], str | None]:
    def see(items: Sequence[RunItem]) -> str | None:
        watch.add(items)
        return watch.settled if stop else None

    return see


def _noted(tell: Callable[[Progress], None], watch: Watch | None) -> Callable[[Progress], None]:
    if watch is None:
        return tell
    return lambda progress: tell(replace(progress, note=watch.note))


def find_baseline(store: RunStore, run: Run, wanted: str) -> Run:
    """The run meant by an id; or the newest complete one of a release, on the same gold version if it can be.

    Raises:
        NotFoundError: No such run, and no complete run of such a release.
    """
    try:
        return store.run(wanted)
    except NotFoundError:
        runs = store.runs(product=run.product, workflow=run.workflow)
    name = run.gold.partition("@")[0]
    fitting = [
        old
        for old in runs
        if old.id != run.id
        and old.status == "complete"
        and old.gold.partition("@")[0] == name
        and wanted in (old.release, old.config.get("release_label"))
    ]
    same = [old for old in fitting if old.gold == run.gold]
    if not fitting:
        raise NotFoundError(
            f"no run {wanted!r:.80}, and no complete run of such a release on {name}",
            where="--baseline",
            hint="see: launchworthy runs",
        )
    return (same or fitting)[0]


def try_out(
    items: Sequence[GoldItem],
    *,
    target: Target | Callable[[Any], Any],
    scorers: Sequence[Metric | str],
    limits: Limits | None = None,
    user: Speaker | None = None,
) -> Outcome:
    """Ask and score a list of items, and keep nothing: ``print(try_out(items, target=ask, scorers=["f1"]))``.

    Works where an event loop runs already, as in a notebook.
    """
    metrics = [find_metric(scorer) if isinstance(scorer, str) else scorer for scorer in scorers]
    asked = target if isinstance(target, Target) else CallableTarget(target)
    kept = _Kept()
    run = Run(
        id="try-out",
        product="",
        workflow="",
        release="",
        target=asked.name,
        gold="",
        split="all",
        scorers=tuple(metric.signature for metric in metrics),
        status="running",
        started_at=datetime.now(UTC),
    )
    done = evaluate(items, target=asked, scorers=metrics, runs=kept, run=run, limits=limits, user=user)
    answered = kept.run_items(run.id)
    return Outcome(run=done, items=tuple(answered), measured=tuple(measure_run(answered, metrics)))


class _Kept:
    """A run store for one run that nobody will ask for again."""

    def __init__(self) -> None:
        self._items: dict[str, RunItem] = {}

    def add_run(self, run: Run) -> None:
        self._run = run

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        self._items.update({item.item_id: item for item in items})

    def run(self, run_id: str) -> Run:
        return self._run

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        return [self._run]

    def run_items(self, run_id: str) -> list[RunItem]:
        return [self._items[item_id] for item_id in sorted(self._items)]

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        return iter(self._items.values())
