"""Whether a fix helped offline: how many of the items that were added for it fail, before and since.

May import ``contract``, ``evidence``, ``metrics``, ``records``, ``stats`` and this room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.comparison import item_value
from launchworthy.evals.coverage import metric_of
from launchworthy.evals.judging.judged import judged_again, judged_name
from launchworthy.evidence.rates import compared
from launchworthy.metrics import Metric
from launchworthy.records import Run, RunItem, RunStore
from launchworthy.records.incident import Fix, Proof, Rate
from launchworthy.stats import wilson

__all__ = ["offline_proof"]

_WHERE = "evals"


def offline_proof(
    fix: Fix, *, claims: Iterable[Claim], address: str, product: str, store: RunStore, level: float
) -> Proof:
    """The share of the fix's gold items that fail in the last run before it, and in the newest one of it.

    Args:
        fix: What was done; its items are named ``SET/ID``.
        claims: Claims of the contract.
        address: Of the claim that the failure is a case of.
        product: Whose runs.
        store: Where they rest.
        level: At which each bound holds.
    """
    claim = next(
        (
            each
            for each in claims
            if each.kind is ClaimKind.BOUND and each.slice is None and each.address == address
        ),
        None,
    )
    metric = None if claim is None else _metric(claim)
    if claim is None or metric is None:
        return Proof(where=_WHERE, reason="no metric of a run tells this failure")
    items: dict[str, set[str]] = {}
    for each in fix.gold_items:
        name, _, rest = each.partition("/")
        items.setdefault(name, set()).add(rest)
    runs = [run for run in store.runs(product=product) if run.gold.partition("@")[0] in items]
    after = next((run for run in runs if run.status == "complete" and _has(run, fix)), None)
    if after is None:
        named = f" of release {fix.release}" if fix.release else ""
        return Proof(
            where=_WHERE, reason=f"no run{named} since the fix asks its gold items: launchworthy eval"
        )
    earlier = [
        run
        for run in runs
        if run.started_at < min(fix.at, after.started_at)
        and run.release != after.release
        and run.gold.partition("@")[0] == after.gold.partition("@")[0]
    ]
    wanted = items[after.gold.partition("@")[0]]
    since = _failing(store, after, wanted, claim=claim, metric=metric, level=level)
    before = next(
        (
            rate
            for run in earlier
            if (rate := _failing(store, run, wanted, claim=claim, metric=metric, level=level)) is not None
        ),
        None,
    )
    if before is None:
        return Proof(
            where=_WHERE,
            after=since,
            reason="no run from before the fix asks its gold items: run the old release on them too",
        )
    what = f"of {len(wanted)} gold items that fail {claim.metric}"
    return compared(what, before, since, where=_WHERE, less_is_better=True, level=level)


def _has(run: Run, fix: Fix) -> bool:
    return run.release == fix.release if fix.release else run.started_at >= fix.at


def _metric(claim: Claim) -> Metric | None:
    judge = claim.options.get("judge")
    return metric_of(claim) if judge is None else judged_again(judged_name(claim.metric, judge), "")


def _failing(
    store: RunStore, run: Run, wanted: Collection[str], *, claim: Claim, metric: Metric, level: float
) -> Rate | None:
    """How many of these items fail in a run; one that could not be answered does."""
    found: Mapping[str, bool] = {
        item.item_id: failed
        for item in store.iter_run_items(run.id)
        if item.item_id in wanted and (failed := _failed(item, claim=claim, metric=metric)) is not None
    }
    if not found:
        return None
    share = wilson(sum(found.values()), n=len(found), level=level, sides=1)
    return Rate(value=share.value, low=share.low, high=share.high, n=len(found), source=f"run:{run.id}")


def _failed(item: RunItem, *, claim: Claim, metric: Metric) -> bool | None:
    if item.error is not None:
        return True
    score = item.scores.get(metric.name)
    value = None if score is None or score.value is None else item_value(metric, score)
    if value is None:
        return None
    limit = 0.5 if metric.unit == "ratio" or claim.target is None else claim.target.threshold
    return value < limit if metric.higher_is_better else value > limit
