"""One sitting of an evaluation, whole: read the gold set, ask, score, compare, and keep what it proves.

May import ``contract``, ``evidence``, ``gold``, ``records`` and this room. The command and the demo are thin
coats over :func:`run_suite`; :func:`try_out` is the same on a list of items, for a notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from launchworthy.contract import Claim
from launchworthy.errors import NotFoundError
from launchworthy.evals.comparison import Comparison, compare_runs
from launchworthy.evals.coverage import metrics_of
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.report import Measured, measure_run, table_of
from launchworthy.evals.run_evidence import Holdout, run_evidence
from launchworthy.evals.target import CallableTarget, Target
from launchworthy.evidence import Evidence, Ledger
from launchworthy.gold import GoldItem, GoldStore, GoldVersion, looks_spent, read_items
from launchworthy.metrics import Metric, find_metric
from launchworthy.records import Run, RunItem, RunStore

__all__ = ["EvalStore", "Outcome", "find_baseline", "run_suite", "try_out"]


class EvalStore(GoldStore, RunStore, Ledger, Protocol):
    """Where gold sets, runs and evidence rest; a workspace is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        run: Its header.
        items: Its items, in order of id.
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
    baseline: str | None = None,
    margin: float = 0.0,
    looks_budget: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Run, or go on with, a suite, and write evidence for the claims that it can speak for.

    Only the holdout proves: a run on the dev split shows numbers and writes nothing, and of a run on ``all``
    the holdout's part counts. A set that keeps no holdout proves with every item, and the evidence says so.

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
        baseline: Run id, release id or release label to compare with.
        margin: How much worse than the baseline is still acceptable, where claims name none.
        looks_budget: Readings of the holdout that the contract allows.
        on_progress: Called after each batch.
        now: The clock.

    Raises:
        NotFoundError: No such baseline.
        InputError, StorageError: See :func:`launchworthy.evals.evaluate`.
    """
    other = None if baseline is None else find_baseline(store, run, baseline)
    gold = read_items(store, version, split=run.split, by=by, purpose=f"run {run.id}", now=now())
    asked = gold if limit is None else gold[:limit]
    done = evaluate(
        asked, target=target, scorers=scorers, runs=store, run=run, limits=limits, on_progress=on_progress
    )
    ids = {item.id for item in asked}
    items = tuple(item for item in store.run_items(run.id) if item.item_id in ids)
    old = None if other is None else (other, store.run_items(other.id))
    evidence, remarks = _proven(
        store,
        done,
        items,
        gold=asked,
        version=version,
        claims=claims,
        old=old,
        budget=looks_budget,
        now=now(),
    )
    if evidence:
        store.add_evidence(done.product, evidence)
    comparisons = (
        () if old is None else tuple(compare_runs(items, old[1], scorer, margin=margin) for scorer in scorers)
    )
    return Outcome(
        run=done,
        items=items,
        measured=tuple(measure_run(items, scorers)),
        comparisons=comparisons,
        evidence=tuple(evidence),
        remarks=tuple(remarks),
    )


def _proven(
    store: EvalStore,
    run: Run,
    items: Sequence[RunItem],
    *,
    gold: Sequence[GoldItem],
    version: GoldVersion,
    claims: Iterable[Claim],
    old: tuple[Run, Sequence[RunItem]] | None,
    budget: int | None,
    now: datetime,
) -> tuple[list[Evidence], list[str]]:
    claims = list(claims)
    if not metrics_of(claims, workflow=run.workflow):
        return [], []
    if run.status != "complete":
        return [], ["the run is not complete, so it proves nothing yet"]
    if run.config.get("limit") is not None:
        return [], [f"limited to {len(gold):,} items: a try-out proves nothing"]
    keeps = bool(version.splits.get("holdout"))
    if keeps and run.split == "dev":
        return [], [
            "run on the dev split, which was tuned on: it shows, the holdout proves (--split holdout)"
        ]
    holdout = Holdout(
        ids={item.id for item in gold if item.split == "holdout"} if keeps else None,
        looks=len(looks_spent(store, version)),
        budget=budget,
    )
    evidence = run_evidence(claims, run, items, now=now, holdout=holdout, baseline=old)
    remarks = sorted({str(piece.detail["remark"]) for piece in evidence if "remark" in piece.detail})
    if keeps and run.split == "all":
        remarks.append("evidence is of the holdout's part alone")
    return evidence, remarks


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
    done = evaluate(items, target=asked, scorers=metrics, runs=kept, run=run, limits=limits)
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
