"""What the metrics that stand for an outcome said of recorded calls. Pure but for the store it reads.

May import ``contract``, ``metrics``, ``records`` and this room. The scores are those of runs over a sample of
traffic (``launchworthy score-traffic``), by the trace of each call; what came of the calls, records know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.comparison import item_value
from launchworthy.evals.coverage import metric_of
from launchworthy.evals.judging.judged import judged_again, judged_name
from launchworthy.metrics import Metric
from launchworthy.records import CallScores, Run, RunStore

__all__ = ["call_scores"]


def call_scores(
    claims: Iterable[Claim], store: RunStore, *, product: str, now: datetime
) -> Mapping[str, CallScores]:
    """By address of each claim that a quality metric predicts its outcome; empty where none was scored.

    A call that was scored twice counts by its newest score. Of a judge, only scores of the version that
    graded last count: two versions are two instruments.

    Args:
        claims: Claims of one contract.
        store: Where runs rest.
        product: Whose runs.
        now: The moment (aware); a run counts for as long as the claim's evidence does.
    """
    known = list(claims)
    found = {}
    for claim in known:
        if (claim.kind, claim.family, claim.metric) != (ClaimKind.AGREE, "proof", "proxies"):
            continue
        own = _quality(known, product=product, address=str(claim.options.get("of")))
        metric = None if own is None else _metric(own)
        if own is None or metric is None:
            continue
        runs = [
            run
            for run in store.runs(product=product, workflow=own.workflow)
            if run.split == "traffic"
            and (now - run.started_at).total_seconds() <= claim.valid_for_s
            and any(each.partition("|")[0] == metric.name for each in run.scorers)
        ]
        found[claim.address] = CallScores(
            metric=metric.name,
            values=_values(store, runs, metric, judged=own.options.get("judge") is not None),
            runs=tuple(run.id for run in reversed(runs)),
        )
    return found


def _quality(claims: Sequence[Claim], *, product: str, address: str) -> Claim | None:
    """The quality claim at an address, which stands with or without its workflow."""
    for claim in claims:
        if claim.family == "quality" and claim.kind is ClaimKind.BOUND:
            path = claim.address.removeprefix(f"{product}/")
            if address in (path, path.removeprefix(f"{claim.workflow}/")):
                return claim
    return None


def _metric(claim: Claim) -> Metric | None:
    judge = claim.options.get("judge")
    return metric_of(claim) if judge is None else judged_again(judged_name(claim.metric, judge), "")


def _values(store: RunStore, runs: Sequence[Run], metric: Metric, *, judged: bool) -> dict[str, float]:
    """Scores of the runs, which come newest first, by trace."""
    sign = 1.0 if metric.higher_is_better else -1.0
    found: dict[str, float] = {}
    version: object = None
    for run in runs:
        for item in store.iter_run_items(run.id):
            score = item.scores.get(metric.name)
            if item.trace_id is None or item.error is not None or score is None or score.value is None:
                continue
            if judged:
                own = score.detail.get("judge")
                version = own if version is None else version
                if own != version:
                    continue
            value = item_value(metric, score)
            if value is not None:
                found.setdefault(item.trace_id.lower(), sign * value)
    return found
