"""Whether a fix helped offline: how many of the items that were added for it fail, before and since.

May import ``contract``, ``evidence``, ``metrics``, ``records``, ``stats`` and this room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

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
_MOST_RUNS = 200  # the newest


def offline_proof(
    fix: Fix,
    *,
    claims: Iterable[Claim],
    address: str,
    product: str,
    store: RunStore,
    level: float,
    failed_in: str | None = None,
) -> Proof:
    """The share of the fix's gold items that fail before it, and in the newest run of it that asks them.

    Before it is the last run that started before the fix, or that asked a release which was there before.

    Args:
        fix: What was done; its items are named ``SET/ID``.
        claims: Claims of the contract.
        address: Of the claim that the failure is a case of.
        product: Whose runs.
        store: Where they rest.
        level: At which each bound holds.
        failed_in: Release in which it was seen to fail.
    """
    measured = _lines(list(claims), address)
    if not measured:
        return Proof(where=_WHERE, reason="no metric of a run tells this failure")
    items: dict[str, set[str]] = {}
    for each in fix.gold_items:
        name, _, rest = each.partition("/")
        items.setdefault(name, set()).add(rest)
    runs = [run for run in store.runs(product=product) if run.gold.partition("@")[0] in items][:_MOST_RUNS]
    of_fix = [run for run in runs if run.status == "complete" and _has(run, fix)]
    asked = ((run, _failing(store, run, items, measured=measured, level=level)) for run in of_fix)
    after, since = next(((run, rate) for run, rate in asked if rate is not None), (None, None))
    if after is None:
        named = f" of release {fix.release}" if fix.release else ""
        return Proof(
            where=_WHERE, reason=f"no run{named} since the fix asks its gold items: launchworthy eval"
        )
    old = {run.release for run in runs if run.started_at < fix.at} | {failed_in}
    earlier = [
        run
        for run in runs
        if run.release != after.release
        and (
            run.started_at < min(fix.at, after.started_at) or (fix.release is not None and run.release in old)
        )
        and run.gold.partition("@")[0] == after.gold.partition("@")[0]
    ]
    rates = (_failing(store, run, items, measured=measured, level=level) for run in earlier)
    before = next((rate for rate in rates if rate is not None), None)
    if before is None:
        return Proof(
            where=_WHERE,
            after=since,
            reason="no run from before the fix asks its gold items: run the old release on them too",
        )
    told = measured[0][0].metric if len(measured) == 1 else "a line of quality"
    what = f"of {len(items[after.gold.partition('@')[0]])} gold items that fail {told}"
    return compared(what, before, since, where=_WHERE, less_is_better=True, level=level)


def _has(run: Run, fix: Fix) -> bool:
    return run.release == fix.release if fix.release else run.started_at >= fix.at


def _lines(claims: Sequence[Claim], address: str) -> list[tuple[Claim, Metric]]:
    """The claim where runs measure it; of an outcome, every line of quality that its workflow promises.

    What came of it for users no run can tell: an item of such a failure has to be right by all of them.
    """
    bounds = [claim for claim in claims if claim.kind is ClaimKind.BOUND and claim.slice is None]
    own = next((claim for claim in bounds if claim.address == address), None)
    if own is None:
        return []
    metric = _metric(own)
    if metric is not None or own.family != "outcomes":
        return [] if metric is None else [(own, metric)]
    quality = [each for each in bounds if (each.family, each.workflow) == ("quality", own.workflow)]
    return [(each, metric) for each in quality if (metric := _metric(each)) is not None]


def _metric(claim: Claim) -> Metric | None:
    judge = claim.options.get("judge")
    return metric_of(claim) if judge is None else judged_again(judged_name(claim.metric, judge), "")


def _failing(
    store: RunStore,
    run: Run,
    wanted: Mapping[str, Collection[str]],
    *,
    measured: Sequence[tuple[Claim, Metric]],
    level: float,
) -> Rate | None:
    """How many of these items, by their set, fail in a run; one that could not be answered does."""
    found: dict[str, bool] = {}
    asked = wanted[run.gold.partition("@")[0]]
    for item in store.iter_run_items(run.id):
        if item.item_id in asked:
            by_line = [_failed(item, claim=claim, metric=metric) for claim, metric in measured]
            told = [failed for failed in by_line if failed is not None]
            if told:
                found[item.item_id] = any(told)
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
